"""What the adapters for `httpx` and `httpx2` share: the conversation about a request that one of them sends."""

from __future__ import annotations

import functools

from ledgerauth._elsewhere import note
from ledgerauth._text import takes_a_client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from typing import Any

    from ledgerauth import Client
    from ledgerauth._ledgerauth import _Exchange

_KEY = "ledgerauth"
"""Under which a request's extensions hold its conversation."""


class AuthFlow:
    """The conversation, with and without an event loop. Mixed into the library's own `Auth`."""

    client: Client
    _response: Any
    """The library's `Response`."""
    _elsewhere: Any
    """The same for an answer of another host."""

    @takes_a_client
    def __init__(self, client: Client) -> None:
        self.client = client

    def __repr__(self) -> str:
        return f"{type(self).__module__}.Auth({self.client!r})"

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Called by the library's client; waits in this thread."""
        exchange, hops = self._start(request, True), _Hops(request)
        response = yield request
        while not exchange.finish(response.status_code):
            if response.status_code >= 400:
                response.read()
            _report(exchange, request, response)
            exchange.step()
            if not self._goes_on(exchange, hops, response):
                return
            request = hops.next(exchange, request, response)
            response = yield request

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Called by the library's async client; never blocks the event loop."""
        exchange, hops = self._start(request, False), _Hops(request)
        if not exchange.sending:
            await _step(exchange)
            exchange.put(request.headers)
        response = yield request
        while not exchange.finish(response.status_code):
            if response.status_code >= 400:
                await response.aread()
            _report(exchange, request, response)
            if exchange.poll() is not None:
                await _step(exchange)
            if not self._goes_on(exchange, hops, response):
                return
            request = hops.next(exchange, request, response)
            response = yield request

    def _start(self, request: Any, waits: bool) -> _Exchange:
        url = str(request.url)
        exchange = self.client._ahead(request.method, url, request.headers)
        return exchange or self.client._exchange(request.method, url, _body(request), request.headers, waits)

    def _goes_on(self, exchange: _Exchange, hops: _Hops, response: Any) -> bool:
        """Whether there is something to send again; if not, the answer is the caller's."""
        following = response.next_request
        if following is not None:
            following.extensions.pop(_KEY, None)
            following.headers.pop(self.client.header, None)
        if exchange.sending and following is not None and not hops.wanted:
            # It is the caller's to follow, or not. What is there for it holds nothing that must not go there.
            if str(following.url) == exchange.url:
                exchange.put(following.headers)
            exchange.give_up()
            return False
        if exchange.sending:
            return True
        note(response, exchange.failure, self._response, self._elsewhere)
        return False


class _Hops:
    """The redirects of one call. The library hands each over instead of following it: see :func:`hand_over_redirects`."""

    def __init__(self, request: Any) -> None:
        self.wanted = False
        # Whether there was an answer that did not end the call.
        self.goes_on = False
        request.extensions = {**request.extensions, _KEY: self}

    def next(self, exchange: _Exchange, request: Any, response: Any) -> Any:
        """The next request of the call: the same again, or where a redirect leads, as the client has judged that."""
        self.goes_on = True
        following = response.next_request
        if following is not None:
            response.next_request = None
            following.extensions[_KEY] = self
            if str(following.url) != exchange.url:
                # Two readings of one Location: the one that was judged counts.
                headers = [(name, value) for name, value in following.headers.multi_items() if name != "host"]
                following = type(following)(following.method, exchange.url, headers=headers, extensions=following.extensions)
            host = following.headers["host"]
            exchange.put(following.headers)
            following.headers["host"] = host
            return following
        exchange.put(request.headers)
        return request


def hand_over_redirects(kind: Any) -> None:
    """Makes a class of the library's clients hand a redirect to the conversation about its request, if there is one.

    Of itself the library follows before its auth is asked: a POST's body and the caller's own header fields would go along, to plain http too. Requests
    without such a conversation are followed as ever.
    """
    send = kind._send_handling_redirects

    @functools.wraps(send)
    def send_once(self: Any, request: Any, follow_redirects: bool, history: list[Any]) -> Any:
        hops = request.extensions.get(_KEY)
        if isinstance(hops, _Hops):
            hops.wanted, follow_redirects = follow_redirects, False
        return send(self, request, follow_redirects=follow_redirects, history=history)

    kind._send_handling_redirects = send_once


def _report(exchange: _Exchange, request: Any, response: Any) -> None:
    body = response.content if response.status_code >= 400 else b""
    exchange.answered(response.status_code, response.headers.multi_items(), body, _body(request))


def _body(request: Any) -> Any:
    """The body, as far as it decides whether the request can be repeated."""
    try:
        return request.content or None
    except Exception as unread:
        if type(unread).__name__ != "RequestNotRead":
            raise
        return request.stream


async def _step(exchange: _Exchange) -> None:
    from ledgerauth._waiting import step

    await step(exchange)

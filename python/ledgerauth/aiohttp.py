"""On an `aiohttp` session that you have (3.12 or newer)::

    session = aiohttp.ClientSession(middlewares=(ledgerauth.aiohttp.Auth(client),))

Tokens, key failover, waits, repeats and request ids are those of the client, and so is its guard: a URL of a foreign host is refused, a redirect to one takes
nothing of the credential along, and one that the client would not follow (of a POST, or to plain http) is not followed. The event loop is never blocked. What the
connection itself does stays with aiohttp. ``ledgerauth.failure(response)`` says what is wrong with an answer.

The token request is the client's own. It reads proxies from the environment, as aiohttp does with ``trust_env``; a proxy or certificate that only the session was
given has to be given to the client as well (``proxy=``, ``ca_file=``), because it is shared by all who use the client.
"""

from __future__ import annotations

from contextvars import ContextVar

from aiohttp import ClientConnectionError, ClientResponse, payload
from multidict import CIMultiDict, CIMultiDictProxy

from ledgerauth._elsewhere import Elsewhere, note
from ledgerauth._lost import keep
from ledgerauth._text import takes_a_client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from aiohttp import ClientHandlerType, ClientRequest

    from ledgerauth import Client
    from ledgerauth._ledgerauth import _Exchange

__all__ = ["Auth"]

# The call that a redirect has led somewhere else, and whose it is: aiohttp asks again for the new place, in the same context.
_redirected: ContextVar[Optional[tuple[Auth, _Exchange]]] = ContextVar("ledgerauth_redirected", default=None)


class _Elsewhere(Elsewhere, ClientResponse):
    """The answer of a host that the credential was not sent to."""

    async def json(self, **_: Any) -> Any:
        """Raises what is wrong: a login page is no document."""
        raise self._ledgerauth_failure


class Auth:
    """Authenticates the requests of a session, or a single one (``middlewares=``), with a client's credential. Any number of tasks may share it."""

    @takes_a_client
    def __init__(self, client: Client) -> None:
        self.client = client
        self._ahead = client._ahead
        # Whether there may be a redirect that is being followed; few APIs send any.
        self._redirects = False

    def __repr__(self) -> str:
        return f"ledgerauth.aiohttp.Auth({self.client!r})"

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Sends a request with the credential; called by aiohttp."""
        exchange, before = None if self._redirects else self._ahead(request.method, request.url, request.headers), False
        if exchange is None:
            before = (_redirected.get() or (None, None))[0] is self
            exchange = await self._begin(request)
        try:
            response = await handler(request)
        except ClientConnectionError as lost:
            keep(lost, request.method, before)
            raise
        if exchange.finish(response.status):
            return response
        return await self._go_on(exchange, request, handler, response)

    async def _begin(self, request: ClientRequest) -> _Exchange:
        followed = self._followed(request)
        if followed is not None:
            return followed
        exchange = self.client._exchange(request.method, request.url, _content(request), request.headers, False)
        if not exchange.sending:
            await _step(exchange)
            exchange.put(request.headers)
        return exchange

    def _followed(self, request: ClientRequest) -> Optional[_Exchange]:
        """The call that a redirect has led to this request, with what goes along there."""
        owner, exchange = _redirected.get() or (None, None)
        _redirected.set(None)
        if owner is not self or exchange is None or exchange.url != str(request.url):
            return None
        exchange.put(request.headers)
        return exchange

    async def _go_on(
        self, exchange: _Exchange, request: ClientRequest, handler: ClientHandlerType, response: ClientResponse
    ) -> ClientResponse:
        while exchange.sending:
            body = await response.read() if response.status >= 400 else b""
            exchange.answered(response.status, list(response.headers.items()), body, _content(request))
            if exchange.poll() is not None:
                await _step(exchange)
            if not exchange.sending:
                break
            if _leads_elsewhere(response):
                self._redirects = True
                _redirected.set((self, exchange))
                return response
            response.release()
            exchange.put(request.headers)
            try:
                response = await handler(request)
            except ClientConnectionError as lost:
                keep(lost, request.method, True)
                raise
            if exchange.finish(response.status):
                return response
        if _leads_elsewhere(response):
            # Not to be followed; aiohttp follows whatever says where to. It still stands in `raw_headers`.
            fields = CIMultiDict(response.headers)
            fields.popall("Location", None)
            fields.popall("URI", None)
            response._headers = CIMultiDictProxy(fields)
            response._cache.pop("headers", None)
        note(response, exchange.failure, ClientResponse, _Elsewhere)
        return response


async def _step(exchange: _Exchange) -> None:
    from ledgerauth._waiting import step

    await step(exchange)


def _leads_elsewhere(response: ClientResponse) -> bool:
    return response.status in (301, 302, 303, 307, 308)


def _content(request: ClientRequest) -> Any:
    """The body, as far as it decides whether the request can be repeated; of a file that aiohttp rewinds, that there is one."""
    body = request.body or None
    if isinstance(body, payload.BytesPayload):
        return bytes(body._value)
    return b"" if isinstance(body, payload.IOBasePayload) else body

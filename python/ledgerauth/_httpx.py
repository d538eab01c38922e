"""What the adapters for `httpx` and `httpx2` share: the conversation about a request that one of them sends."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterator
    from typing import Any

    from ledgerauth import Client
    from ledgerauth._ledgerauth import _Exchange


class AuthFlow:
    """The conversation, with and without an event loop. Mixed into the library's own `Auth`."""

    client: Client
    _headers: Any
    """The library's `Headers`, with `Guarded` before it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        # The libraries themselves take `Authorization` out where a redirect leaves the host.
        self._guards = client.header.lower() != "authorization"

    def __repr__(self) -> str:
        return f"{type(self).__module__}.Auth({self.client!r})"

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Called by the library's client; waits in this thread."""
        exchange = self._start(request, True)
        response = yield request
        while not (response.request is request and exchange.finish(response.status_code)):
            if response.status_code >= 400:
                response.read()
            for _ in self._reported(exchange, request, response):
                exchange.step()
            if not exchange.sending:
                return
            response = yield self._again(exchange, request)

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Called by the library's async client; never blocks the event loop."""
        exchange = self._start(request, False)
        if not exchange.sending:
            await _step(exchange)
            exchange.put(request.headers)
        response = yield request
        while not (response.request is request and exchange.finish(response.status_code)):
            if response.status_code >= 400:
                await response.aread()
            for _ in self._reported(exchange, request, response):
                if exchange.poll() is not None:
                    await _step(exchange)
            if not exchange.sending:
                return
            response = yield self._again(exchange, request)

    def _start(self, request: Any, waits: bool) -> _Exchange:
        if self._guards:
            request.headers = self._headers(request.headers)
            request.headers.credential_name = self.client.header.lower()
        url = str(request.url)
        exchange = self.client._ahead(request.method, url, request.headers)
        return exchange or self.client._exchange(request.method, url, _body(request), request.headers, waits)

    def _again(self, exchange: _Exchange, request: Any) -> Any:
        """The request with what the client puts on it now."""
        if request.url != exchange.url:
            request.url = type(request.url)(exchange.url)
        exchange.put(request.headers)
        return request

    def _reported(self, exchange: _Exchange, request: Any, response: Any) -> Iterator[None]:
        """Reports an answer, and the redirects that led to it; after each the caller lets the client decide what next."""
        answers = [*_redirects(request, response), response]
        for index, answer in enumerate(answers):
            if index == len(answers) - 1 and exchange.finish(answer.status_code):
                return
            body = answer.content if answer.status_code >= 400 else b""
            exchange.answered(answer.status_code, answer.headers.multi_items(), body, _body(request))
            yield
            if not exchange.sending:
                break
            if answer.next_request is not None:
                # It is the caller's to follow, or not. What is there for it holds nothing that must not go there.
                exchange.put(answer.next_request.headers)
                exchange.give_up()
                return
            if self._guards and not exchange.foreign:
                # The library has followed it, without the credential, because a copy of guarded headers has none: this has to be sent by ourselves.
                return
        if response.next_request is not None:
            response.next_request.headers.pop(self.client.header, None)
        response._ledgerauth_failure = exchange.failure


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


def _redirects(request: Any, response: Any) -> list[Any]:
    """The answers between a request and its last answer, which the library has followed by itself."""
    if response.request is request:
        return []
    own = [index for index, answer in enumerate(response.history) if answer.request is request]
    return response.history[own[-1] :] if own else []


class Guarded:
    """Header fields of which a copy holds no credential.

    On a redirect the libraries copy the header fields, and take `Authorization` out if the host is another one. A key in a header of its own would go along.
    """

    credential_name = ""
    _credential: tuple[bytes, bytes] | None = None

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """What is sent."""
        fields: list[tuple[bytes, bytes]] = super().raw  # type: ignore[misc]
        return fields if self._credential is None else [*fields, self._credential]

    def __setitem__(self, name: str, value: str) -> None:
        if name.lower() == self.credential_name:
            self._credential = (name.encode("ascii"), value.encode("ascii"))
        else:
            super().__setitem__(name, value)  # type: ignore[misc]

    def __getitem__(self, name: str) -> str:
        if name.lower() == self.credential_name and self._credential is not None:
            return self._credential[1].decode("ascii")
        return super().__getitem__(name)  # type: ignore[misc,no-any-return]

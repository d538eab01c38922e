"""What the adapters for `httpx` and `httpx2` share: the conversation about a request that one of them sends."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterator
    from typing import Any

    from ledgerauth import Client


class AuthFlow:
    """The conversation, with and without an event loop. Mixed into the library's own `Auth`."""

    client: Client
    _guarded: Any
    """The library's `Headers`, with `Guarded` before it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def __repr__(self) -> str:
        return f"{type(self).__module__}.Auth({self.client!r})"

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Called by the library's client; waits in this thread."""
        talk = _Conversation(self, request)
        talk.exchange.step()
        while talk.exchange.sending:
            response = yield talk.prepared()
            if talk.is_over(response):
                return
            if response.status_code >= 400:
                response.read()
            for _ in talk.reported(response):
                talk.exchange.step()

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Called by the library's async client; never blocks the event loop."""
        talk = _Conversation(self, request)
        if talk.exchange.poll() is not None:
            await _step(talk.exchange)
        while talk.exchange.sending:
            response = yield talk.prepared()
            if talk.is_over(response):
                return
            if response.status_code >= 400:
                await response.aread()
            for _ in talk.reported(response):
                if talk.exchange.poll() is not None:
                    await _step(talk.exchange)


async def _step(exchange: Any) -> None:
    from ledgerauth._waiting import step

    await step(exchange)


class _Conversation:
    """One request, until its answer is the caller's."""

    __slots__ = ("exchange", "guarded", "header", "request")

    def __init__(self, flow: AuthFlow, request: Any) -> None:
        self.exchange = flow.client._exchange(request.method, str(request.url), _body(request))
        self.guarded, self.request, self.header = flow._guarded, request, ""

    def prepared(self) -> Any:
        """The request, with what the client puts on it now."""
        exchange, request = self.exchange, self.request
        self.header = exchange.header or self.header
        if self.header.lower() != "authorization" and not isinstance(request.headers, Guarded):
            request.headers = self.guarded(request.headers)
            request.headers.credential_name = self.header.lower()
        if request.url != exchange.url:
            request.url = type(request.url)(exchange.url)
        exchange.put(request.headers)
        return request

    def is_over(self, response: Any) -> bool:
        """Whether that answer needs no second look: a success of the request itself."""
        return response.request is self.request and self.exchange.finish(response.status_code)

    def reported(self, response: Any) -> Iterator[None]:
        """Reports an answer, and the redirects that led to it; after each the caller lets the client decide what next."""
        exchange = self.exchange
        answers = [*self._redirects(response), response]
        for index, answer in enumerate(answers):
            if index == len(answers) - 1 and exchange.finish(answer.status_code):
                return
            exchange.answered(answer.status_code, answer.headers.multi_items(), answer.content if answer.status_code >= 400 else b"")
            yield
            if not exchange.sending:
                break
            if answer.next_request is not None:
                # It is the caller's to follow, or not. What is there for it holds nothing that must not go there.
                exchange.put(answer.next_request.headers)
                exchange.give_up()
                return
            if not exchange.foreign and isinstance(self.request.headers, Guarded):
                # The library has followed it, without the credential, because a copy of guarded headers has none: this has to be sent by ourselves.
                return
        if response.next_request is not None:
            response.next_request.headers.pop(self.header, None)
        response._ledgerauth_failure = exchange.failure

    def _redirects(self, response: Any) -> list[Any]:
        """The answers between the request and its last answer, which the library has followed by itself."""
        if response.request is self.request:
            return []
        own = [index for index, answer in enumerate(response.history) if answer.request is self.request]
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


def _body(request: Any) -> Any:
    """The body, as far as it decides whether the request can be repeated: bytes, or the stream that it is."""
    try:
        return request.content or None
    except Exception as unread:
        if type(unread).__name__ != "RequestNotRead":
            raise
        return request.stream

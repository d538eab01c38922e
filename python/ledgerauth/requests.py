"""On a `requests` session that you have::

    session = requests.Session()
    session.auth = ledgerauth.requests.Auth(client)
    session.get("https://api.finorabusiness.com/v1/invoices")

Tokens, key failover, waits, repeats and request ids are those of the client, and so is its guard: a URL of a foreign host is refused, a redirect to one takes
nothing of the credential along, and one that the client would not follow (of a POST, or to plain http) is not followed. What the connection itself does
(timeouts, proxies, retries of lost connections) stays with requests. ``ledgerauth.failure(response)`` says what is wrong with an answer.

The token request is the client's own. It reads the environment as requests does; a proxy or certificate that only the session was given has to be given to
the client as well (``proxy=``, ``ca_file=``), because requests shows an auth object no session.
"""

from __future__ import annotations

from urllib.parse import urljoin, urlparse

from requests import Response
from requests.auth import AuthBase
from requests.cookies import extract_cookies_to_jar
from requests.sessions import SessionRedirectMixin
from requests.utils import requote_uri, rewind_body

from ledgerauth._elsewhere import Elsewhere, note
from ledgerauth._text import takes_a_client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from requests import PreparedRequest

    from ledgerauth import Client
    from ledgerauth._ledgerauth import _Exchange

__all__ = ["Auth"]


class Auth(AuthBase):
    """Authenticates the requests of a session, or a single one (``auth=``), with a client's credential. Any number of threads may share it."""

    @takes_a_client
    def __init__(self, client: Client) -> None:
        self.client = client

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Puts the credential on a request; called by requests."""
        client, method, url = self.client, request.method or "GET", request.url or ""
        exchange = client._ahead(method, url, request.headers)
        if exchange is None:
            exchange = client._exchange(method, url, _body(request), request.headers, True)
        request.hooks["response"].append(_Conversation(exchange))
        return request

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Auth) and other.client is self.client

    def __hash__(self) -> int:
        return hash((Auth, id(self.client)))

    def __repr__(self) -> str:
        return f"ledgerauth.requests.Auth({self.client!r})"


class _Over:
    """What a pickled request has in place of its conversation."""

    __slots__ = ()

    def __call__(self, response: Response, **options: Any) -> None:
        """Nothing happens any more."""


class _Conversation:
    """What happens after an answer. It goes along on redirects, because requests copies hooks."""

    __slots__ = ("exchange", "goes_on")

    def __init__(self, exchange: _Exchange) -> None:
        self.exchange = exchange
        # Whether there was an answer that did not end the call.
        self.goes_on = False

    def __reduce__(self) -> tuple[Any, ...]:
        # A response that is pickled takes its request along, and the conversation is over then.
        return _Over, ()

    def __call__(self, response: Response, **options: Any) -> Optional[Response]:
        if self.exchange.finish(response.status_code):
            return None
        self.goes_on = True
        return self._go_on(response, options)

    def _go_on(self, response: Response, options: dict[str, Any]) -> Response:
        exchange, sent = self.exchange, response.request
        while exchange.sending:
            body = response.content if response.status_code >= 400 else b""
            exchange.answered(response.status_code, list(response.headers.items()), body, _body(response.request))
            exchange.step()
            if not exchange.sending:
                break
            if response.is_redirect and _target(response) == exchange.url:
                # requests follows by itself, with a copy of what was sent: that must hold nothing that is not to go there.
                exchange.put(sent.headers)
                return response
            # Two readings of one Location: the one that was judged counts, and is followed here.
            response = self._send_again(response, options)
            if exchange.finish(response.status_code):
                return response
        if response.is_redirect:
            response = _Stopped.of(response)
        note(response, exchange.failure, Response, _Elsewhere)
        return response

    def _send_again(self, response: Response, options: dict[str, Any]) -> Response:
        """The same request with what the client puts on it now; the answer before it becomes history."""
        _ = response.content  # to its end, so that the connection can be used again
        response.close()
        request = response.request.copy()
        if response.is_redirect:
            request.url = self.exchange.url
        if request._cookies is not None:
            extract_cookies_to_jar(request._cookies, response.request, response.raw)
            request.headers.pop("Cookie", None)
            request.prepare_cookies(request._cookies)
        self.exchange.put(request.headers)
        if _is_rewindable(request):
            rewind_body(request)
        again = response.connection.send(request, **options)
        again.history.append(response)
        again.request = request
        return again


class _Elsewhere(Elsewhere, Response):
    """The answer of a host that the credential was not sent to."""


class _Stopped(Response):
    """A redirect that is not followed, because the credential, or a body, would go where it must not."""

    @classmethod
    def of(cls, response: Response) -> Response:
        stopped = cls.__new__(cls)
        stopped.__dict__ = response.__dict__
        return stopped

    @property
    def is_redirect(self) -> bool:
        return False

    def raise_for_status(self) -> None:
        failure = self.__dict__.get("_ledgerauth_failure")
        if failure is not None:
            raise failure
        super().raise_for_status()


def _target(response: Response) -> Optional[str]:
    """Where requests goes if it follows a redirect: what `SessionRedirectMixin.resolve_redirects` makes of its Location."""
    location = SessionRedirectMixin().get_redirect_target(response) or ""
    if location.startswith("//"):
        location = f"{urlparse(response.url).scheme}:{location}"
    parsed = urlparse(location)
    quoted = requote_uri(parsed._replace(fragment="").geturl())
    return quoted if parsed.netloc else urljoin(response.url, quoted)


def _is_rewindable(request: PreparedRequest) -> bool:
    return isinstance(request._body_position, int)


def _body(request: PreparedRequest) -> Any:
    """The body, as far as it decides whether the request can be repeated; of a file that can be rewound, that there is one."""
    return b"" if _is_rewindable(request) else request.body

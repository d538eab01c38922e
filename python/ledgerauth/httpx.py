"""On an `httpx` client that you have, sync or async::

    client = httpx.Client(auth=ledgerauth.httpx.Auth(ledgerauth.Client("finora", api_key=...)))
    client = httpx.AsyncClient(auth=ledgerauth.httpx.Auth(...))

Tokens, key failover, waits, repeats and request ids are those of the client, and so is its guard: a URL of a foreign host is refused, a redirect to one takes
nothing of the credential along, and one that the client would not follow (of a POST, or to plain http) is not followed. Whether any is followed stays httpx's
affair (``follow_redirects``), and so does what the connection itself does. ``ledgerauth.failure(response)`` says what is wrong with an answer.

The token request is the client's own. It reads the environment as httpx does; a proxy or certificate that only the client of httpx was given has to be given to
the client as well (``proxy=``, ``ca_file=``), because httpx shows an auth object no client.
"""

from __future__ import annotations

import httpx

from ledgerauth._elsewhere import Elsewhere
from ledgerauth._httpx import AuthFlow, hand_over_redirects

__all__ = ["Auth"]

hand_over_redirects(httpx.Client)
hand_over_redirects(httpx.AsyncClient)


class _Elsewhere(Elsewhere, httpx.Response):
    """The answer of a host that the credential was not sent to."""


class Auth(AuthFlow, httpx.Auth):
    """Authenticates the requests of a client, or a single one (``auth=``), with a client's credential. Any number of threads and tasks may share it."""

    _response = httpx.Response
    _elsewhere = _Elsewhere

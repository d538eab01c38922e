"""On an `httpx2` client that you have, sync or async::

    client = httpx2.Client(auth=ledgerauth.httpx2.Auth(ledgerauth.Client("finora", api_key=...)))
    client = httpx2.AsyncClient(auth=ledgerauth.httpx2.Auth(...))

Tokens, key failover, waits, repeats and request ids are those of the client, and so is its guard: a URL of a foreign host is refused, a redirect to one takes
nothing of the credential along, and one that the client would not follow (of a POST, or to plain http) is not followed. Whether any is followed stays httpx2's
affair (``follow_redirects``), and so does what the connection itself does. ``ledgerauth.failure(response)`` says what is wrong with an answer.

The token request is the client's own. It reads the environment as httpx2 does; a proxy or certificate that only the client of httpx2 was given has to be given to
the client as well (``proxy=``, ``ca_file=``), because httpx2 shows an auth object no client.
"""

from __future__ import annotations

import httpx2

from ledgerauth._elsewhere import Elsewhere
from ledgerauth._httpx import AuthFlow, hand_over_redirects

__all__ = ["Auth"]

hand_over_redirects(httpx2.Client)
hand_over_redirects(httpx2.AsyncClient)


class _Elsewhere(Elsewhere, httpx2.Response):
    """The answer of a host that the credential was not sent to."""


class Auth(AuthFlow, httpx2.Auth):
    """Authenticates the requests of a client, or a single one (``auth=``), with a client's credential. Any number of threads and tasks may share it."""

    _response = httpx2.Response
    _elsewhere = _Elsewhere

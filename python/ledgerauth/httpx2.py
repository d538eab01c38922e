"""On an `httpx2` client that you have, sync or async::

    client = httpx2.Client(auth=ledgerauth.httpx2.Auth(ledgerauth.Client("finora", api_key=...)))
    client = httpx2.AsyncClient(auth=ledgerauth.httpx2.Auth(...))

Tokens, key failover, waits, repeats and request ids are those of the client, and so is its guard: a URL of a foreign host is refused, and no redirect takes the
credential to another origin, whatever its header is called. Whether redirects are followed stays httpx2's affair (``follow_redirects``), and so does what the
connection itself does. ``ledgerauth.failure(response)`` says what is wrong with an answer.
"""

from __future__ import annotations

import httpx2

from ledgerauth._httpx import AuthFlow, Guarded

__all__ = ["Auth"]


class _Headers(Guarded, httpx2.Headers):
    """Header fields of which a copy holds no credential."""


class Auth(AuthFlow, httpx2.Auth):
    """Authenticates the requests of a client, or a single one (``auth=``), with a client's credential. Any number of threads and tasks may share it."""

    _headers = _Headers

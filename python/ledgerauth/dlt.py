"""For `dlt`: an auth object that its `RESTClient`, and its `rest_api` source, take (``pip install 'ledgerauth[dlt]'``)::

    client = ledgerauth.Client.from_env("numeric")
    rest = RESTClient(base_url=client.base_url, auth=ledgerauth.dlt.Auth(client))

Tokens, key failover, waits, repeats, request ids and the guard are those of :mod:`ledgerauth.requests`.
"""

from __future__ import annotations

from dlt.sources.helpers.rest_client.auth import AuthConfigBase

import ledgerauth
from ledgerauth import requests
from ledgerauth._text import takes_a_client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from requests import PreparedRequest, Response

    from ledgerauth import Client

__all__ = ["Auth"]


class Auth(requests.Auth, AuthConfigBase):
    """Authenticates the requests of a `RESTClient` with a client's credential. Any number of threads may share it, and it pickles as the client does.

    Of itself dlt repeats every request that was answered by 429 or 5xx, a POST too. Whether to repeat was decided before, so such an answer is raised as the
    :class:`ledgerauth.LedgerAuthError` that it is, which dlt does not repeat; so is
    one of another host, whose page is no data. Other answers are dlt's to judge, as ever.
    """

    @takes_a_client
    def __init__(self, client: Client) -> None:
        super().__init__(client)
        # Nothing of it is to be looked for in dlt's configuration.
        self.__is_resolved__ = True

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Puts the credential on a request; called by requests."""
        request = super().__call__(request)
        request.hooks["response"].append(_raise_what_dlt_would_repeat)
        return request

    def copy(self) -> Auth:
        """Itself: dlt copies its configurations field by field, and there is no field here."""
        return self

    def __repr__(self) -> str:
        return f"ledgerauth.dlt.Auth({self.client!r})"


def _raise_what_dlt_would_repeat(response: Response, **_: Any) -> None:
    failure = ledgerauth.failure(response)
    if isinstance(failure, ledgerauth.RedirectedElsewhere) or (
        failure is not None and (response.status_code == 429 or response.status_code >= 500)
    ):
        raise failure

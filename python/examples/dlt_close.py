"""dlt: a resource that reads a trial balance day by day.

    pip install 'ledgerauth[dlt]'
    python dlt_close.py

In the middle of it the provider ends the token: the same call goes on with a new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dlt
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import SinglePagePaginator

import ledgerauth
import ledgerauth.dlt
from ledgerauth.testing import Sandbox


def source(client: ledgerauth.Client, verify: str, days: int, before: Any) -> Any:
    rest = RESTClient(base_url=client.base_url, auth=ledgerauth.dlt.Auth(client), data_selector="data")

    @dlt.resource(name="trial_balance")
    def trial_balance() -> Iterator[Any]:
        for day in range(days):
            before(day)
            yield from rest.paginate("/v1/trial-balance", params={"day": day}, paginator=SinglePagePaginator(), verify=verify)

    return trial_balance


def main() -> None:
    with Sandbox() as sandbox:
        client = sandbox.client("numeric")  # against the real API: ledgerauth.Client.from_env("numeric")

        def end_the_token(day: int) -> None:
            if day == 5:
                sandbox.revoke_tokens("numeric_auth")

        accounts = list(source(client, sandbox.ca_file, 10, end_the_token))
        refused = sum(entry.status == 401 for entry in sandbox.log("numeric_api"))
        print(f"{len(accounts)} accounts, {refused} call refused and sent again, {sandbox.token_requests()} token requests")


if __name__ == "__main__":
    main()

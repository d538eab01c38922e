"""A `requests` session that authenticates itself: a month's invoices, a limit on the way, and what to do about a refusal.

    pip install ledgerauth requests
    python requests_session.py

It needs no account: the API is a sandbox on this machine. Yours is `ledgerauth.Client("finora", api_key=os.environ["FINORA_API_KEY"])`.
"""

from __future__ import annotations

import requests

import ledgerauth.requests
from ledgerauth.testing import Sandbox


def main() -> None:
    with Sandbox() as sandbox:
        client = sandbox.client("finora")
        with requests.Session() as session:
            session.auth = ledgerauth.requests.Auth(client)
            session.verify, session.trust_env = sandbox.ca_file, False

            booked = session.post(
                client.base_url + "/v1/invoices", json={"customerId": "cus_1", "amount": 120_000, "reference": "close-2026-10"}
            )
            booked.raise_for_status()

            # A 429 says when to come back. The session waits for it; the loop below does not know.
            sandbox.fault({"too_many_requests": {"style": {"retry_after_seconds": 1}}}, service="finora")
            invoices = session.get(client.base_url + "/v1/invoices").json()["data"]
            print(f"{len(invoices)} invoice, {invoices[0]['reference']}, after {len(sandbox.log('finora'))} requests")

            # What no repeat can mend is explained.
            refused = session.get(client.base_url + "/v1/officers/off_1/profile")
            failure = ledgerauth.failure(refused)
            print(refused.status_code, failure and failure.advice)


if __name__ == "__main__":
    main()

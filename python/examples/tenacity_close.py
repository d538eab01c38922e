"""tenacity: what may be sent again is sent again, and nothing is booked twice.

    pip install ledgerauth tenacity
    python tenacity_close.py

`retryable` says that sending the same call again cannot book twice, and `come_back_at` how long to wait at least. A call that
may have been processed is looked up first.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import tenacity

import ledgerauth
from ledgerauth.testing import Sandbox


def is_retryable(error: BaseException) -> bool:
    """Whether the same call may be sent again."""
    return isinstance(error, ledgerauth.LedgerAuthError) and error.retryable


def pause(state: tenacity.RetryCallState) -> float:
    """Seconds to the moment that the server named, else a backoff with jitter."""
    error = state.outcome and state.outcome.exception()
    if isinstance(error, ledgerauth.LedgerAuthError) and error.come_back_at:
        return max(0.0, (error.come_back_at - datetime.now(timezone.utc)).total_seconds())
    return tenacity.wait_random_exponential(multiplier=0.1, max=20)(state)


again = tenacity.retry(retry=tenacity.retry_if_exception(is_retryable), wait=pause, stop=tenacity.stop_after_attempt(4), reraise=True)


@again
def invoices(client: ledgerauth.Client) -> list[Any]:
    """The invoices that are there."""
    return list(client.get("/v1/invoices").json()["data"])


@again
def post(client: ledgerauth.Client, invoice: dict[str, Any]) -> None:
    """Posts an invoice, again only where that cannot book it twice."""
    client.post("/v1/invoices", json=invoice).raise_for_status()


def book(client: ledgerauth.Client, invoice: dict[str, Any]) -> str:
    """Books an invoice once: what may have been processed is looked for by its number before it is sent again."""
    try:
        post(client, invoice)
    except ledgerauth.LedgerAuthError as error:
        if error.processed != "unknown":
            raise
        if any(known.get("number") == invoice["number"] for known in invoices(client)):
            return "found"
        post(client, invoice)
    return "booked"


def main() -> None:
    with Sandbox() as sandbox:
        client = sandbox.client("finora")
        before, told = len(invoices(client)), []
        # All is well; the server acts, then resets the connection; the server is too busy to act.
        for number, fault in enumerate([None, "reset_after_acting", {"too_many_requests": {"style": {"retry_after_seconds": 1}}}]):
            if fault:
                sandbox.fault(fault, service="finora", method="POST")
            told.append(book(client, {"number": f"INV-{number}", "total": 100}))
        print(f"{', '.join(told)}: {len(invoices(client)) - before} invoices")


if __name__ == "__main__":
    main()

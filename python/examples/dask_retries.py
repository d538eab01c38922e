"""Dask: tasks with retries that book nothing twice.

    pip install ledgerauth distributed
    python dask_retries.py

Dask repeats a task that raises, whatever it raises. So a task raises what is `retryable`, and gives back everything else.
"""

from __future__ import annotations

import os
import time
from datetime import datetime, timezone
from typing import Union

from dask.distributed import Client as Dask
from dask.distributed import LocalCluster

import ledgerauth
from ledgerauth.testing import Sandbox


def book(client: ledgerauth.Client, number: int) -> Union[str, ledgerauth.LedgerAuthError]:
    """One task: books an invoice; the error if it must not be repeated."""
    try:
        return str(client.post("/v1/invoices", json={"number": number, "total": 100}).json()["data"]["id"])
    except ledgerauth.LedgerAuthError as error:
        if not error.retryable:
            return error
        if error.come_back_at is not None:
            # Dask repeats at once, and would use its retries up before the limit is over.
            time.sleep(max(0.0, (error.come_back_at - datetime.now(timezone.utc)).total_seconds()))
        raise


def main() -> None:
    with Sandbox() as sandbox:
        # Against the real API these two lines, and `options`, are not there.
        options = sandbox.options("finora", credential=False)
        os.environ["FINORA_API_KEY"] = sandbox.keys["finora_test"]
        client = ledgerauth.Client.from_env("finora", deadline=0.5, **options)

        # A server that acts, then resets the connection; and one that is too busy to act, longer than a call has time.
        sandbox.fault("reset_after_acting", service="finora", method="POST", times=5)
        sandbox.fault({"too_many_requests": {"style": {"retry_after_seconds": 1}}}, service="finora", method="POST", after=10, times=2)
        with (
            LocalCluster(n_workers=2, threads_per_worker=2, processes=True, host="127.0.0.1", dashboard_address=None) as cluster,
            Dask(cluster) as dask,
        ):
            done = dask.gather(dask.map(book, [client] * 20, range(20), retries=50, pure=False))

        unclear = [error.processed for error in done if isinstance(error, ledgerauth.LedgerAuthError)]
        acted = sum(entry.acted for entry in sandbox.log() if entry.method == "POST")
        print(f"{len(done) - len(unclear)} booked, {unclear.count('unknown')} to look at, {acted} invoices")


if __name__ == "__main__":
    main()

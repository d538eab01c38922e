"""Airflow: a task with retries that books nothing twice.

    pip install 'ledgerauth[airflow]'
    python airflow_retries.py

Airflow repeats a task after every exception but `AirflowFailException`. So an error that is not `retryable` becomes that one.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any, Callable

from airflow_close import connection

import ledgerauth
from ledgerauth.testing import Sandbox


def close() -> Any:
    """The DAG."""
    from airflow.exceptions import AirflowFailException
    from airflow.sdk import dag, task

    from ledgerauth.airflow import LedgerAuthHook

    @dag(schedule=None, catchup=False)
    def month_end() -> None:
        @task(retries=3)
        def book() -> str:
            try:
                return str(LedgerAuthHook("ledger").get_conn().post("/v1/invoices", json={"total": 100}).json()["data"]["id"])
            except ledgerauth.LedgerAuthError as error:
                if error.retryable:
                    raise
                raise AirflowFailException(f"processed: {error.processed}; {error}") from None

        book()

    return month_end()


def as_a_worker(task: Any) -> str:
    """Calls a task as a worker would, with its retries and without their pauses."""
    from airflow.exceptions import AirflowFailException

    call: Callable[[], str] = task.python_callable
    for attempt in range(task.retries + 1):
        try:
            return f"booked at attempt {attempt + 1}: {call()[:4]}"
        except AirflowFailException as failed:
            return f"failed at attempt {attempt + 1}: {str(failed)[:18]}"
        except ledgerauth.LedgerAuthError:
            continue
    return "failed"


def main() -> None:
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        os.environ.update(AIRFLOW_HOME=folder, AIRFLOW__CORE__LOAD_EXAMPLES="False", AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR")
        os.environ["AIRFLOW_CONN_LEDGER"] = connection(sandbox, folder, "finora")
        book, told = close().get_task("book"), []
        # The server acts, then resets the connection; the server is too busy to act, for a second.
        for fault in ("reset_after_acting", {"too_many_requests": {"style": {"retry_after_seconds": 1}}}):
            sandbox.fault(fault, service="finora", method="POST")
            told.append(as_a_worker(book))
        acted = sum(entry.acted for entry in sandbox.log() if entry.method == "POST")
        print(f"{'; '.join(told)}; {acted} invoices")


if __name__ == "__main__":
    main()

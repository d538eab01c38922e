"""Airflow: two tasks of a DAG whose hook reads a Connection.

    pip install 'ledgerauth[airflow]'
    python airflow_close.py

The Connection's ``store`` lets the tasks, which Airflow runs in processes of their own, share a token.
"""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any

from ledgerauth.testing import Sandbox


def connection(sandbox: Sandbox, folder: str, provider: str = "numeric") -> str:
    """The Connection as Airflow keeps it. Against the real API its extra fields hold the store alone."""
    extra = sandbox.options(provider, credential=False)
    fields = {"conn_type": "ledgerauth", "schema": provider, "host": extra.pop("base_url")}
    if provider == "finora":
        fields["password"] = sandbox.keys["finora_test"]
    else:
        pair = sandbox.keys[provider]
        fields.update(login=pair["client_id"], password=pair["client_secret"])
    return json.dumps({**fields, "extra": {**extra, "store": f"{folder}/tokens"}})


def close() -> Any:
    """The DAG."""
    from airflow.sdk import dag, task

    from ledgerauth.airflow import LedgerAuthHook

    @dag(schedule=None, catchup=False)
    def month_end() -> None:
        @task
        def trial_balance() -> int:
            return len(LedgerAuthHook("ledger").get_conn().get("/v1/trial-balance").json()["data"])

        @task
        def open_tasks(accounts: int) -> str:
            tasks = LedgerAuthHook("ledger").get_conn().get("/v1/tasks").json()["data"]
            return f"{accounts} accounts, {len(tasks)} open tasks"

        open_tasks(trial_balance())

    return month_end()


def main() -> None:
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        os.environ.update(AIRFLOW_HOME=folder, AIRFLOW__CORE__LOAD_EXAMPLES="False", AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR")
        os.environ["AIRFLOW_CONN_LEDGER"] = connection(sandbox, folder)
        month_end = close()
        # The tasks one after the other, as a worker would call them, without a scheduler and its database.
        accounts = month_end.get_task("trial_balance").python_callable()
        told = month_end.get_task("open_tasks").python_callable(accounts)
        print(f"{told}, {sandbox.token_requests()} token request")


if __name__ == "__main__":
    main()

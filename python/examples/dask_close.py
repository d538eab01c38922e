"""Dask: 64 tasks in three worker processes, and one token for all of them.

    pip install ledgerauth distributed
    python dask_close.py

The client goes to the workers as the names of its source and of its store. Each worker process makes one client of them, and the store lets all share a token.
"""

from __future__ import annotations

import os
import tempfile

from dask.distributed import Client as Dask
from dask.distributed import LocalCluster

import ledgerauth
from ledgerauth.testing import Sandbox


def trial_balance(client: ledgerauth.Client, day: int) -> tuple[int, int]:
    """One task: the number of accounts on that day, and the process that asked."""
    answer = client.get("/v1/trial-balance", params={"day": day})
    return len(answer.json()["data"]), os.getpid()


def main() -> None:
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        # Against the real API these two lines, and `options`, are not there.
        pair, options = sandbox.keys["numeric"], sandbox.options("numeric", credential=False)
        os.environ.update(NUMERIC_CLIENT_ID=pair["client_id"], NUMERIC_CLIENT_SECRET=pair["client_secret"])
        client = ledgerauth.Client.from_env("numeric", store=f"{folder}/tokens", **options)

        with (
            LocalCluster(n_workers=3, threads_per_worker=4, processes=True, host="127.0.0.1", dashboard_address=None) as cluster,
            Dask(cluster) as dask,
        ):
            done = dask.gather(dask.map(trial_balance, [client] * 64, range(64), pure=False))

        processes = {process for _, process in done} - {os.getpid()}
        print(
            f"{len(done)} tasks, {sum(count for count, _ in done)} accounts, {len(processes)} processes, {sandbox.token_requests()} token request"
        )


if __name__ == "__main__":
    main()

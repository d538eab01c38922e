"""Spark: 64 tasks on two executors, and one token for all of them.

    pip install ledgerauth pyspark      (and Java 17 or newer)
    python spark_close.py

The client goes to the executors as the names of its file and of its store. Each Python worker makes one client of them, and the store lets all share a token.
Across hosts the store is Redis (``store="rediss://..."``); here the executors are processes of one.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pyspark.sql import SparkSession

import ledgerauth
from ledgerauth.testing import Sandbox


def session() -> SparkSession:
    """A cluster on this machine: a master and two workers with an executor each."""
    os.environ.update(SPARK_LOCAL_IP="127.0.0.1", SPARK_LOCAL_HOSTNAME="localhost", PYSPARK_PYTHON=sys.executable)
    import pyspark

    os.environ.setdefault("SPARK_HOME", pyspark.__path__[0])
    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "512m",
        "spark.executor.memory": "512m",
        "spark.executorEnv.SPARK_LOCAL_IP": "127.0.0.1",
        # Both executors take part.
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
        "spark.scheduler.maxRegisteredResourcesWaitingTime": "60s",
    }
    builder = SparkSession.builder.master("local-cluster[2,2,1024]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def main() -> None:
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        # Against the real API these lines, and `options`, are not there.
        secret, options = Path(folder, "client.json"), sandbox.options("numeric", credential=False)
        secret.write_text(json.dumps(sandbox.keys["numeric"]))
        secret.chmod(0o600)
        client = ledgerauth.Client.from_file("numeric", secret, store=f"{folder}/tokens", **options)

        def trial_balance(days: Iterator[int]) -> Iterator[tuple[int, int, int]]:
            for day in days:
                answer = client.get("/v1/trial-balance", params={"day": day})
                # A worker's parent is its executor's one daemon.
                yield len(answer.json()["data"]), os.getppid(), os.getpid()

        spark = session()
        spark.sparkContext.setLogLevel("ERROR")
        done = spark.sparkContext.parallelize(range(64), 64).mapPartitions(trial_balance).collect()
        spark.stop()

        accounts, executors = sum(count for count, _, _ in done), {executor for _, executor, _ in done}
        processes = {process for _, _, process in done} - {os.getpid()}
        print(
            f"{len(done)} tasks, {accounts} accounts, {len(executors)} executors, {len(processes)} processes, "
            f"{sandbox.token_requests()} token request"
        )


if __name__ == "__main__":
    main()

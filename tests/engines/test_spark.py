"""Spark: executors are processes of another machine's kind, and their Python workers are theirs."""

from __future__ import annotations

import os
import re
import shutil

import pytest

pytest.importorskip("pyspark")


def test_sixty_four_tasks_on_two_executors_need_one_token(example):
    if shutil.which("java") is None:
        assert "LEDGERAUTH_REQUIRE_TOOLS" not in os.environ, "java is missing"
        pytest.skip("java is missing")
    told = re.fullmatch(r"64 tasks, 128 accounts, 2 executors, (\d+) processes, 1 token request", example("spark_close.py"))
    assert told and int(told[1]) >= 2, told

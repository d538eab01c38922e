"""Spark: executors are processes of another machine's kind, and their Python workers are theirs."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("pyspark")


def test_sixty_four_tasks_on_two_executors_need_one_token(example):
    told = re.fullmatch(r"64 tasks, 128 accounts, 2 executors, (\d+) processes, 1 token request", example("spark_close.py"))
    assert told and int(told[1]) >= 2, told

"""dask.distributed: workers are processes."""

from __future__ import annotations

import pickle

import pytest

import ledgerauth

distributed = pytest.importorskip("distributed")


def test_sixty_four_tasks_in_worker_processes_need_one_token(example):
    assert example("dask_close.py") == "64 tasks, 128 accounts, 3 processes, 1 token request"


def test_retries_book_nothing_twice(example):
    assert example("dask_retries.py") == "15 booked, 5 to look at, 20 invoices"


def test_what_dask_sends_holds_no_secret_and_a_literal_one_is_refused(ledgerauth_sandbox, monkeypatch, tmp_path):
    from distributed.protocol import deserialize, serialize

    pair, options = ledgerauth_sandbox.keys["numeric"], ledgerauth_sandbox.options("numeric", credential=False)
    monkeypatch.setenv("NUMERIC_CLIENT_ID", pair["client_id"])
    monkeypatch.setenv("NUMERIC_CLIENT_SECRET", pair["client_secret"])
    client = ledgerauth.Client.from_env("numeric", store=tmp_path / "tokens", **options)
    assert client.get("/v1/health").ok
    header, frames = serialize(client)
    sent = pickle.dumps((header, [bytes(frame) for frame in frames]))
    assert deserialize(header, frames) is client
    for secret in (pair["client_secret"], client.authorize("/v1/health")[len("Bearer ") :]):
        assert secret.encode() not in sent
    with pytest.raises(TypeError, match="Could not serialize") as caught:
        serialize(ledgerauth_sandbox.client("numeric"), on_error="raise")
    assert isinstance(caught.value.__cause__, ledgerauth.Misuse) or "Misuse" in str(caught.value)

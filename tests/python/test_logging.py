"""The log, the audit, and the redactor."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest

import ledgerauth
import ledgerauth.logging

SECRET = "test_sk_" + "5e" * 24


def test_events_reach_the_callback_with_everything_but_the_credential(sandbox):
    events = []
    client = sandbox.client("numeric", on_audit=events.append, audit_blocks=True, integration="close")
    response = client.get("/v1/health")
    assert [event.what for event in events][-2:] == ["sent", "answered"] and "token_granted" in {event.what for event in events}
    last = events[-1]
    assert (last.provider, last.environment, last.integration, last.method, last.path, last.status) == (
        "numeric",
        "production",
        "close",
        "GET",
        "/v1/health",
        200,
    )
    assert last.request_id == response.request_id and len(last.fingerprint) == 16 and last.at.tzinfo and last.decision
    assert json.dumps(last.as_dict()) and str(last) in repr(last)
    shown = "".join(f"{event} {event!r} {event.as_dict()}" for event in events)
    assert sandbox.keys["numeric"]["client_secret"] not in shown and client.authorize("/")[7:] not in shown


def test_a_callback_that_raises_harms_no_call(sandbox, monkeypatch):
    unraised = []
    monkeypatch.setattr(sys, "unraisablehook", lambda raised: unraised.append(raised.exc_type))
    client = sandbox.client("finora", on_audit=lambda event: 1 / 0, audit_blocks=True)
    assert client.get("/v1/invoices").ok and set(unraised) == {ZeroDivisionError}
    with pytest.raises(TypeError, match="on_audit"):
        sandbox.client("finora", on_audit="no function")


def test_the_log_is_structured_and_follows_its_level(sandbox, caplog):
    client = sandbox.client("numeric")
    with caplog.at_level(logging.DEBUG, "ledgerauth"):
        client.get("/v1/health")
    levels = {record.what: record.levelname for record in caplog.records}
    assert levels["token_granted"] == "INFO" and levels["sent"] == levels["answered"] == "DEBUG"
    answered = caplog.records[-1]
    assert (answered.name, answered.provider, answered.path, answered.status) == ("ledgerauth", "numeric", "/v1/health", 200)
    assert "200" in answered.getMessage()
    caplog.clear()
    sandbox.revoke_tokens("numeric_auth")
    with caplog.at_level(logging.WARNING, "ledgerauth"):
        client.get("/v1/health")
    assert [record.what for record in caplog.records] == ["replaced"]
    caplog.clear()
    with caplog.at_level(logging.CRITICAL, "ledgerauth"):
        sandbox.revoke_tokens("numeric_auth")
        client.get("/v1/health")
    assert caplog.records == []


def test_a_program_without_logging_does_not_pay_for_it_and_prints_nothing(run):
    program = """
import sys, ledgerauth
assert "logging" not in sys.modules and "json" not in sys.modules and "threading" not in sys.modules, sorted(sys.modules)
client = ledgerauth.Client("finora", api_key="test_sk_" + "0a" * 24)
client.authorize("/v1/invoices")
assert "logging" not in sys.modules, sorted(sys.modules)
"""
    assert run(program).stderr == ""


def test_the_filter_redacts_any_record():
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(message)s %(own)s %(headers)s"))
    handler.addFilter(ledgerauth.logging.RedactFilter())
    logger, key = logging.getLogger("another.library"), "0a1b2c3d"
    logger.addHandler(handler)
    extra = {
        "own": f"Bearer {SECRET}",
        "headers": {"Authorization": "Bearer abc.def-1234567", "deep": [SECRET, {"password": "hunter2 is one"}]},
    }
    try:
        try:
            raise RuntimeError(f"refused {SECRET}")
        except RuntimeError:
            logger.error("GET /?api_key=%s failed", key, exc_info=True, stack_info=True, extra=extra)
        logger.warning({"client_secret": "s3cr3t-s3cr3t"}, extra={"own": 7, "headers": None})
        logger.warning("%d arguments", "too", "many", extra={"own": b"x-api-key: 0a1b2c", "headers": SECRET})
    finally:
        logger.removeHandler(handler)
    shown = text.getvalue()
    for secret in (SECRET, "5e5e", "0a1b2c", "abc.def", "hunter2", "s3cr3t"):
        assert secret not in shown, shown
    assert "RuntimeError" in shown and "failed" in shown and "Stack (most recent call last)" in shown and shown.count("[redacted]") >= 8


def test_the_redactor_takes_text_bytes_streams_and_files(tmp_path):
    redactor = ledgerauth.Redactor(secrets=["my own words"], headers=["X-Tenant-Secret"], providers=["finora"])
    assert redactor.redact(f"key {SECRET}, my own words") == "key test_sk_[redacted], [redacted]"
    assert redactor.redact(b"X-Tenant-Secret: abc\nnext") == b"X-Tenant-Secret: [redacted]\nnext"
    clean = "nothing here, 550e8400-e29b-41d4-a716-446655440000"
    assert redactor.redact(clean) is clean and redactor.redact(b"x") == b"x" and redactor.redact(bytearray(b"y")) == b"y"
    with pytest.raises(TypeError):
        redactor.redact(7)
    stream = redactor.stream()
    out = b"".join(stream.push(piece) for piece in [b"X-Tenant-Sec", b"ret: abc.def-12345", b"67\nmy own", b" words"]) + stream.finish()
    assert out == b"X-Tenant-Secret: [redacted]\n[redacted]"
    with pytest.raises(TypeError, match="finished"):
        stream.push(b"")
    (tmp_path / "in").write_bytes(f"a {SECRET}\n".encode() * 1_000)
    with open(tmp_path / "in", "rb") as source, open(tmp_path / "out", "wb") as target:
        assert redactor.copy(source.fileno(), target.fileno()) == (tmp_path / "in").stat().st_size
    assert (tmp_path / "out").read_bytes() == b"a test_sk_[redacted]\n" * 1_000
    with pytest.raises(OSError, match="descriptor"):
        redactor.copy(1_000_000, 1_000_001)

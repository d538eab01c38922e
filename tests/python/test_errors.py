"""Errors: one tree, each with what to do, none with a secret."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import traceback
from datetime import datetime, timezone

import pytest

import ledgerauth
from ledgerauth import errors

TREE = {
    "AuthenticationError": [
        "ConsentRequired",
        "CredentialMalformed",
        "CredentialMissing",
        "GrantRefused",
        "KeyRefused",
        "StepUpRequired",
        "TokenRefused",
    ],
    "KeyRefused": ["KeyExpired", "KeyRevoked"],
    "PermissionDenied": ["EnterpriseOnly", "InsufficientCredits", "MissingScope", "PlanRequired", "Suspended"],
}


def test_the_tree_is_the_one_that_is_documented():
    assert errors.__all__ == sorted(errors.__all__)
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert issubclass(kind, errors.LedgerAuthError) and inspect.getdoc(kind) and getattr(ledgerauth, name) is kind
    for parent, children in TREE.items():
        assert sorted(child.__name__ for child in getattr(errors, parent).__subclasses__()) == children


def test_every_class_is_raised_for_some_kind():
    raised = set(errors._CLASSES.values()) | {errors.LedgerAuthError, errors.AuthenticationError}
    assert {getattr(errors, name) for name in errors.__all__} == raised


def test_an_answer_becomes_the_error_of_its_kind(sandbox):
    client = sandbox.client("finora")
    answers = {
        "/v1/payroll": (403, "ENTERPRISE_ONLY", ledgerauth.EnterpriseOnly),
        "/v1/invoices?businessId=biz_foreign": (403, "FORBIDDEN", ledgerauth.PermissionDenied),
    }
    for path, (status, code, kind) in answers.items():
        sandbox.fault({"status": {"code": status, "body": json.dumps({"error": {"code": code, "message": "no", "requestId": "req_1"}})}})
        response = client.get(path)
        failure = response.failure
        assert (type(failure), failure.status, failure.code, failure.provider) == (kind, status, code, "finora")
        assert failure.advice and failure.advice in str(failure) and failure.request_id == "req_1" and failure.retryable is False
        with pytest.raises(kind):
            response.raise_for_status()
        with pytest.raises(kind):
            response.json()
        assert not response.ok and json.loads(response.content)["error"]["code"] == code
    assert ledgerauth.failure(client.get("/v1/invoices")) is None


def test_a_limit_says_when_to_come_back(sandbox):
    sandbox.fault({"too_many_requests": {"style": {"retry_after_seconds": 3_600}}}, service="finora")
    failure = sandbox.client("finora").get("/v1/invoices").failure
    assert isinstance(failure, ledgerauth.RateLimited) and failure.retryable and failure.come_back_at.tzinfo is timezone.utc
    assert 3_500 < (failure.come_back_at - datetime.now(timezone.utc)).total_seconds() < 3_700
    assert ledgerauth.LedgerAuthError("x").come_back_at is None


def test_what_never_leaves_is_refused_by_its_reason(sandbox):
    key = sandbox.keys["finora_test"]
    with pytest.raises(ledgerauth.EnvironmentMismatch, match="production"):
        ledgerauth.Client("finora", api_key=key, environment="production")
    with pytest.raises(ledgerauth.InsecureTransport, match="insecure_loopback"):
        ledgerauth.Client("finora", api_key=key, environment="staging", base_url="http://localhost:1")
    with pytest.raises(ledgerauth.KeyFormatError) as caught:
        ledgerauth.Client("finora", api_key=key[:20] + " " + key[20:])
    assert (caught.value.fault, caught.value.position, caught.value.provider) == ("white_space", 21, "finora")
    with pytest.raises(ledgerauth.ForeignHost):
        sandbox.client("finora").get(sandbox.urls["stranger"])
    assert sandbox.log() == []


def test_no_answer_at_all(sandbox):
    closed = sandbox.client("finora", base_url="https://127.0.0.1:9", max_attempts=1)
    with pytest.raises(ledgerauth.TransportError) as caught:
        closed.get("/v1/invoices")
    assert caught.value.retryable and "refused" in str(caught.value) and len(caught.value.request_id) == 32
    stranger = sandbox.client("finora", ca_file=None)
    with pytest.raises(ledgerauth.Untrusted, match="authority") as caught:
        stranger.get("/v1/invoices")
    assert isinstance(caught.value, ledgerauth.TransportError) and not caught.value.retryable


def test_whether_the_server_acted(sandbox):
    """What a program has to know before it sends a POST again; the same for a GET, which may be sent again."""
    client, told = sandbox.client("finora", max_attempts=1), {}
    faults = {
        "acted": "reset_after_acting",
        "reset": "reset_before_acting",
        "closed": "close_before_answer",
        "500": {"status": {"code": 500}},
        "503": {"status": {"code": 503}},
        "403": {"status": {"code": 403}},
        "429": {"too_many_requests": {"style": {"retry_after_seconds": 3_600}}},
        "cut": "truncated",
    }
    for name, fault in faults.items():
        for method in ("POST", "GET"):
            sandbox.fault(fault, service="finora", method=method)
            with pytest.raises(ledgerauth.LedgerAuthError) as caught:
                sandbox.client("finora", max_attempts=1).request(
                    method, "/v1/invoices", **({"json": {"total": 1}} if method == "POST" else {})
                ).raise_for_status()
            told[name, method] = (caught.value.processed, caught.value.retryable)
            assert pickle.loads(pickle.dumps(caught.value)).processed == caught.value.processed
            assert "was not reached" not in str(caught.value)
    for name in ("acted", "reset", "closed", "500", "503"):
        assert (told[name, "POST"], told[name, "GET"]) == (("unknown", False), ("unknown", True)), name
    assert told["403", "POST"] == told["403", "GET"] == ("no", False)
    assert told["429", "POST"] == told["429", "GET"] == ("no", True)
    assert (told["cut", "POST"], told["cut", "GET"]) == (("yes", False), ("yes", True))
    away = sandbox.client("finora", base_url="https://127.0.0.1:9", max_attempts=1)
    with pytest.raises(ledgerauth.TransportError, match="was not reached") as caught:
        away.post("/v1/invoices", json={"total": 1})
    assert (caught.value.processed, caught.value.retryable) == ("no", True)
    assert client.get("/v1/invoices").ok


def test_a_cut_answer_keeps_its_status_and_its_request_id(sandbox):
    for stream in (False, True):
        sandbox.fault("truncated", service="finora", method="POST")
        with pytest.raises(ledgerauth.BodyError) as caught:
            _ = sandbox.client("finora").post("/v1/invoices", json={"total": 1}, request_id="close-7", stream=stream).content
        error = caught.value
        assert (error.status, error.processed, error.retryable) == (201, "yes", False) and error.request_id, vars(error)


def test_a_token_that_cannot_be_had(sandbox):
    client = sandbox.client("numeric", client_secret="wrong-but-plausible")
    with pytest.raises(ledgerauth.GrantRefused) as caught:
        client.get("/v1/health")
    assert caught.value.code == "invalid_client" and not client.check() and isinstance(client.check().error, ledgerauth.GrantRefused)
    assert client.check().advice == caught.value.advice and "wrong-but" not in str(client.check())
    sandbox.fault({"token_reply": "html502"}, times=9)
    with pytest.raises(ledgerauth.TokenEndpointError):
        sandbox.client("numeric", max_attempts=2).get("/v1/health")


def test_errors_survive_pickling_and_copying_and_carry_no_secret(sandbox):
    client = sandbox.client("finora")
    sandbox.fault(
        {"status": {"code": 401, "body": json.dumps({"error": {"code": "INVALID_API_KEY", "message": sandbox.keys["finora_test"]}})}},
        times=9,
    )
    failure = client.get("/v1/invoices").failure
    for other in (pickle.loads(pickle.dumps(failure)), copy.copy(failure), copy.deepcopy(failure)):
        assert type(other) is type(failure) and str(other) == str(failure) and vars(other) == vars(failure)
    shown = f"{failure} {failure!r} {failure.args} {vars(failure)} {pickle.dumps(failure)!r}"
    assert sandbox.keys["finora_test"][8:] not in shown and failure.server_message


def test_tracebacks_are_short_and_hold_no_frames_of_ours(sandbox):
    client = sandbox.client("numeric", client_secret="wrong-but-plausible")

    def job():
        client.get("/v1/health").json()

    with pytest.raises(ledgerauth.GrantRefused) as caught:
        job()
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert [frame.name for frame in frames] == ["test_tracebacks_are_short_and_hold_no_frames_of_ours", "job"]
    assert caught.value.__cause__ is None and caught.value.__context__ is None

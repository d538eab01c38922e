"""Every class of error, met by a program in the way in which it happens."""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest

import ledgerauth
from ledgerauth import Client, errors
from scripted import Scripted

CASES: dict[type[errors.LedgerAuthError], Callable[..., None]] = {}


def case(kind: type[errors.LedgerAuthError]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def note(attempt: Callable[..., None]) -> Callable[..., None]:
        CASES[kind] = attempt
        return attempt

    return note


def raised_by(client: Client, path: str = "/v1/invoices") -> None:
    client.get(path).raise_for_status()


def answered(status: int, code: str = "X", message: str = "no", *, headers: Any = (), provider: Any = "finora", **options: Any) -> None:
    """A client's call that a server answers so."""
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    with Scripted(lambda *_: (status, [list(field) for field in headers], body)) as server:
        own = {"base_url": server.url, "environment": "staging", "insecure_loopback": True, "proxy": False, "max_attempts": 1, **options}
        raised_by(Client(provider, **{"api_key": "test_sk_" + "0a" * 24, **own}))


OWN = {
    "name": "own",
    "title": "Own",
    "environment": [{"name": "staging", "base_url": "https://api.example.com"}],
    "key": {"format": [{"prefix": "test_sk_", "alphabet": "visible", "min_length": 8}]},
    "error": {
        "code": ["error.code"],
        "message": ["error.message"],
        "meaning": [{"status": 403, "code": "PLAN", "means": "plan_required", "advice": "upgrade"}],
    },
}


@case(ledgerauth.Misuse)
def misuse(sandbox):
    Client("finora")


@case(ledgerauth.SettingError)
def setting(sandbox):
    sandbox.client("finora", timeout=0)


@case(ledgerauth.ProfileError)
def profile(sandbox):
    Client("finorra", api_key="x")


@case(ledgerauth.KeyFormatError)
def key_format(sandbox):
    Client("finora", api_key="test_sk_YOUR_KEY_HERE")


@case(ledgerauth.EnvironmentMismatch)
def environment_mismatch(sandbox):
    sandbox.client("finora", api_key=sandbox.keys["finora_live"])


@case(ledgerauth.InsecureTransport)
def insecure_transport(sandbox):
    sandbox.client("finora").get("http://localhost:1/v1/invoices")


@case(ledgerauth.ForeignHost)
def foreign_host(sandbox):
    sandbox.client("finora").get(sandbox.urls["stranger"])


@case(ledgerauth.SourceUnavailable)
def source_unavailable(sandbox):
    Client.from_env("finora", "NO_SUCH_VARIABLE")


@case(ledgerauth.CredentialMissing)
def credential_missing(sandbox):
    answered(401, "UNAUTHORIZED")


@case(ledgerauth.CredentialMalformed)
def credential_malformed(sandbox):
    answered(401, message="Malformed API key", provider=OWN)


@case(ledgerauth.KeyRefused)
def key_refused(sandbox):
    raised_by(sandbox.client("finora", api_key="test_sk_" + "0a" * 24))


@case(ledgerauth.KeyRevoked)
def key_revoked(sandbox):
    answered(401, message="This key was revoked", provider=OWN)


@case(ledgerauth.KeyExpired)
def key_expired(sandbox):
    old = sandbox.issue("finora", environment="test", age_days=91)
    raised_by(sandbox.client("finora", api_key=ledgerauth.Key(old, created="2026-01-01")))


@case(ledgerauth.TokenRefused)
def token_refused(sandbox):
    sandbox.fault({"status": {"code": 401, "body": "{}"}}, service="numeric_api", times=9)
    raised_by(sandbox.client("numeric"), "/v1/health")


@case(ledgerauth.GrantRefused)
def grant_refused(sandbox):
    raised_by(sandbox.client("numeric", client_secret="wrong-but-plausible"), "/v1/health")


@case(ledgerauth.ConsentRequired)
def consent_required(sandbox):
    raised_by(sandbox.client("numeric", refresh_token="refresh-token-that-is-dead"), "/v1/health")


@case(ledgerauth.StepUpRequired)
def step_up_required(sandbox):
    answered(401, headers=[["WWW-Authenticate", 'Bearer error="insufficient_user_authentication", acr_values="gold"']], provider=OWN)


@case(ledgerauth.PermissionDenied)
def permission_denied(sandbox):
    answered(403, "FORBIDDEN")


@case(ledgerauth.PlanRequired)
def plan_required(sandbox):
    answered(403, "PLAN", provider=OWN)


@case(ledgerauth.EnterpriseOnly)
def enterprise_only(sandbox):
    raised_by(sandbox.client("finora"), "/v1/officers/off_1/profile")


@case(ledgerauth.MissingScope)
def missing_scope(sandbox):
    answered(403, headers=[["WWW-Authenticate", 'Bearer error="insufficient_scope", scope="accounting.reports.read"']], provider=OWN)


@case(ledgerauth.Suspended)
def suspended(sandbox):
    sandbox.settings(suspend_business=sandbox.keys["finora_test"])
    raised_by(sandbox.client("finora"))


@case(ledgerauth.InsufficientCredits)
def insufficient_credits(sandbox):
    answered(402, "INSUFFICIENT_CREDITS")


@case(ledgerauth.RateLimited)
def rate_limited(sandbox):
    sandbox.fault({"too_many_requests": {"style": {"retry_after_seconds": 3_600}}}, service="finora")
    raised_by(sandbox.client("finora"))


@case(ledgerauth.ServerError)
def server_error(sandbox):
    sandbox.fault({"status": {"code": 503}}, service="finora", times=9)
    raised_by(sandbox.client("finora", max_attempts=1))


@case(ledgerauth.TokenEndpointError)
def token_endpoint(sandbox):
    sandbox.fault({"token_reply": "html200"}, times=9)
    raised_by(sandbox.client("numeric", max_attempts=1), "/v1/health")


@case(ledgerauth.TransportError)
def transport(sandbox):
    raised_by(sandbox.client("finora", base_url="https://127.0.0.1:9", max_attempts=1))


@case(ledgerauth.Untrusted)
def untrusted(sandbox):
    raised_by(sandbox.client("finora", ca_file=None))


@case(ledgerauth.StoreError)
def store(sandbox):
    refresh = sandbox.issue("refresh_token", client_id=sandbox.keys["numeric"]["client_id"])
    raised_by(sandbox.client("numeric", refresh_token=refresh, store="redis://127.0.0.1:9", deadline=1), "/v1/health")


@case(ledgerauth.DeadlineExceeded)
def deadline_exceeded(sandbox):
    sandbox.settings(token_delay_ms=2_000)
    raised_by(sandbox.client("numeric", deadline=0.2), "/v1/health")


@case(ledgerauth.RequestRefused)
def request_refused(sandbox):
    raised_by(sandbox.client("finora"), "/v1/no-such-thing")


@case(ledgerauth.RedirectedElsewhere)
def redirected_elsewhere(sandbox):
    sandbox.fault({"redirect": {"code": 302, "location": sandbox.urls["stranger"] + "/login"}}, service="finora")
    raised_by(sandbox.client("finora"))


@case(ledgerauth.BodyError)
def body(sandbox):
    sandbox.fault({"status": {"code": 200, "body": "no JSON"}}, service="finora")
    sandbox.client("finora").get("/v1/invoices").json()


def test_there_is_a_case_for_every_class():
    abstract = {errors.LedgerAuthError, errors.AuthenticationError}
    assert set(CASES) | abstract == {getattr(errors, name) for name in errors.__all__}


@pytest.mark.parametrize("kind", CASES, ids=lambda kind: kind.__name__)
def test_it_is_raised_as_its_class_and_says_what_to_do(sandbox, kind):
    with pytest.raises(kind) as caught:
        CASES[kind](sandbox)
    error = caught.value
    assert type(error) is kind and errors._CLASSES[error.kind] is kind and kind.kind == error.kind
    # What is wrong with the request itself is for the program to know.
    assert error.advice in str(error) and (error.advice or kind is ledgerauth.RequestRefused) and "\n" not in str(error)
    assert isinstance(error.retryable, bool) and error.args == (str(error),)
    if kind is ledgerauth.RateLimited:
        assert error.come_back_at

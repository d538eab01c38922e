"""What a client can be given: credentials of every kind at a real authorization server, stores, limits, names."""

from __future__ import annotations

import pickle
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest

import ledgerauth
from ledgerauth import Client
from oidc import PROFILE, SECRET, Oidc


@pytest.fixture(scope="module")
def oidc():
    with Oidc(client_keys=True) as server:
        yield server


def seen_by(oidc):
    return oidc.stats()["requests"][-1]


@pytest.mark.parametrize(
    ("client", "auth", "how"),
    [("basic", None, "header"), ("post", "client_secret_post", "body"), ("secret-jwt", "client_secret_jwt", "assertion")],
)
def test_a_secret_proves_a_client(oidc, client, auth, how):
    made = Client(PROFILE, client_id=client, client_secret=SECRET, client_auth=auth, **oidc.options())
    assert made.get("/api/ledger").ok and made.check()
    seen = seen_by(oidc)
    assert (seen["client"], seen["auth"], seen.get("error")) == (client, how, None)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("as_file", [False, True])
def test_a_private_key_proves_a_client(oidc, tmp_path, algorithm, as_file):
    pem = oidc.keys[algorithm]["pkcs8"]
    path = tmp_path / "key.pem"
    path.write_text(pem)
    name = f"key-{algorithm.lower()}"
    key = {"private_key": path if as_file else pem, "private_key_id": f"{name}-1", "private_key_algorithm": algorithm}
    assert Client(PROFILE, client_id=name, **key, **oidc.options()).get("/api/ledger").ok
    seen = seen_by(oidc)
    assert (seen["client"], seen["auth"], seen["assertion"]["alg"]) == (name, "assertion", algorithm)


def test_a_service_account_acts_for_somebody(oidc):
    key = {"private_key": oidc.keys["ES256"]["pkcs8"], "private_key_id": "service-1", "private_key_algorithm": "ES256"}
    client = Client(
        PROFILE,
        client_id="service",
        service_account="service",
        subject="books@acme.test",
        **key,
        **oidc.options(issuer=oidc.issuer, scopes=["ledger.read"]),
    )
    assert client.get("/api/ledger").json()["client"] == "service"
    assert seen_by(oidc)["assertion"]["sub"] == "books@acme.test"


def test_arguments_that_do_not_fit_together_are_refused(private_key):
    for given in (
        {"client_secret": "without an id"},
        {"api_key": "a", "client_id": "b"},
        {"api_key": "a", "api_keys": ["b"]},
        {"refresh_token": "alone"},
        {"private_key": private_key, "private_key_algorithm": "ES256"},
    ):
        with pytest.raises(ledgerauth.Misuse, match="give api_key, or"):
            Client(PROFILE, **given)
    with pytest.raises(ledgerauth.SettingError, match="ES512"):
        Client(PROFILE, client_id="a", private_key=private_key, private_key_algorithm="ES512")
    with pytest.raises(ledgerauth.LedgerAuthError, match="no-such"):
        Client(PROFILE, client_id="a", private_key="/no-such/key.pem")
    with pytest.raises(TypeError, match="api_key"):
        Client(PROFILE, api_keys="one-key")


def test_a_refresh_token_rotates_through_a_store_that_all_share(oidc, tmp_path):
    """Clients of one store and one grant, each as if in a process of its own: the single-use token is sent once for each expiry."""
    refresh = oidc.own("/__seed", {"client": "web", "count": 1})["refresh_tokens"][0]
    options = oidc.options(client_id="web", client_secret=SECRET, refresh_token=refresh, store=tmp_path / "tokens")
    clients = [Client(PROFILE, **options) for _ in range(4)]
    before = oidc.stats()
    for _ in range(3):
        with ThreadPoolExecutor(len(clients)) as pool:
            assert all(pool.map(lambda client: client.get("/api/ledger").ok, clients))
        oidc.own("/__end_access", {})
    after = oidc.stats()
    assert (
        after["refreshes"] - before["refreshes"] == 3
        and after["invalid_grants"] == before["invalid_grants"]
        and after["reused"] == before["reused"]
    )
    about = clients[0].explain()
    assert about.generation == about.stored_generation == 3 and about.ok and refresh not in str(about)


def test_stored_tokens_are_sealed(oidc, tmp_path, monkeypatch):
    monkeypatch.setenv("SEAL", secrets.token_hex(32))
    refresh = oidc.own("/__seed", {"client": "web", "count": 1})["refresh_tokens"][0]
    options = oidc.options(client_id="web", client_secret=SECRET, refresh_token=refresh)
    assert Client(PROFILE, store=ledgerauth.FileStore(tmp_path, seal_env="SEAL"), **options).get("/api/ledger").ok
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert kept and b"refresh" not in kept and refresh.encode() not in kept
    with pytest.raises(ledgerauth.StoreError, match="seal"):
        Client(PROFILE, store=str(tmp_path), max_attempts=1, **options).get("/api/ledger")


def test_a_person_logs_in_on_a_device_and_programs_go_on_from_the_store(oidc, tmp_path):
    options = oidc.options(
        client_id="device", stored=True, store=tmp_path, issuer=oidc.issuer, discover=True, scopes="openid offline_access ledger.read"
    )
    client = Client(PROFILE, **options)
    with pytest.raises(ledgerauth.ConsentRequired, match="log"):
        Client(PROFILE, **options).get("/api/ledger")
    prompts = []

    def show(url, code, whole):
        prompts.append((url, code, whole))
        oidc.own("/__device", {"user_code": code, "allow": True})

    client.login_on_device(show=show)
    assert prompts and prompts[0][1] and client.get("/api/ledger").ok and Client(PROFILE, **options).get("/api/ledger").ok
    client.revoke()
    with pytest.raises(ledgerauth.ConsentRequired):
        Client(PROFILE, **options).get("/api/ledger")


def test_endpoints_are_discovered(oidc):
    bare = {**PROFILE, "environment": [{"name": "test", "base_url": "https://ledger.example", "issuer": "https://ledger.example"}]}
    discovered = oidc.options(token_url=None, issuer=oidc.issuer, discover=True)
    client = Client(bare, client_id="basic", client_secret=SECRET, **discovered)
    assert client.get("/api/ledger").ok


def test_header_and_scheme_are_the_programs_to_say(sandbox):
    options = {"base_url": sandbox.urls["stranger"], "environment": "staging", "ca_file": sandbox.ca_file, "proxy": False}
    key = sandbox.keys["finora_test"]
    for given, header, value in (
        ({"header": "X-API-Key", "scheme": ""}, "x-api-key", key),
        ({"scheme": "Token"}, "authorization", f"Token {key}"),
    ):
        client = Client("finora", api_key=key, **given, **options)
        client.get("/")
        assert sandbox.log("stranger")[-1].header(header) == value and client.header.lower() == header


def test_attempts_and_deadlines_are_kept(sandbox):
    sandbox.fault({"status": {"code": 503}}, service="finora", times=9)
    for attempts in (1, 2):
        sandbox.clear_log()
        response = sandbox.client("finora", max_attempts=attempts).get("/v1/invoices")
        assert (
            response.status_code == 503 and isinstance(response.failure, ledgerauth.ServerError) and len(sandbox.log("finora")) == attempts
        )
    sandbox.clear_faults()
    sandbox.settings(token_delay_ms=3_000)
    begun = time.monotonic()
    with pytest.raises(ledgerauth.DeadlineExceeded):
        sandbox.client("numeric", deadline=0.2).get("/v1/health")
    assert time.monotonic() - begun < 1.5


def test_permissions_refuse_a_call_before_it_is_sent(sandbox):
    client = sandbox.client("adaas", permissions=["Visualization SDK"])
    with pytest.raises(ledgerauth.MissingScope, match="API scope"):
        client.get("/v2/invoices")
    assert sandbox.log() == []
    assert "cannot succeed" in str(client.check()) or not client.check()


def test_names_keep_accounts_of_one_client_apart(oidc, tmp_path):
    tokens = oidc.own("/__seed", {"client": "web", "count": 2})["refresh_tokens"]
    clients = [
        Client(PROFILE, name=name, store=tmp_path, **oidc.options(client_id="web", client_secret=SECRET, refresh_token=token))
        for name, token in zip(("acme", "bolt"), tokens)
    ]
    accounts = {client.get("/api/ledger").json()["account"] for client in clients}
    assert len(accounts) == 2 and all(client.explain().stored_generation == 1 for client in clients)


def test_an_explanation_is_fit_for_a_ticket(sandbox):
    client = sandbox.client("numeric", integration="close")
    fresh = client.explain()
    assert (fresh.state, fresh.generation, fresh.ok, fresh.needs_consent, fresh.token_ends) == ("empty", 0, True, False, None)
    client.get("/v1/health")
    about = client.explain()
    assert (about.state, about.generation, about.provider, about.environment, about.integration) == (
        "fresh",
        1,
        "numeric",
        "production",
        "close",
    )
    assert about.ok and about.advice is None and about.keys == [] and abs(about.skew_millis) < 2_000
    assert datetime.now(timezone.utc) < about.next_renewal < about.token_ends
    assert about.as_dict()["token_ends"].startswith("20") and pickle.dumps(about.as_dict()) and "state: good" in str(about)
    sandbox.fault({"too_many_requests": {"style": {"retry_after_seconds": 600}}}, service="numeric_api")
    client.get("/v1/health")
    paused = client.explain()
    assert not paused.ok and paused.paused_until > datetime.now(timezone.utc) and paused.advice

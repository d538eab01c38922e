"""Airflow: the hook, its Connection in each of its forms, and how Airflow finds both."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import traceback

import pytest

import ledgerauth

pytest.importorskip("airflow")


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    # Airflow reads it when it is imported, so that the first test decides for all.
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path_factory.getbasetemp()))
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")


@pytest.fixture
def hook(ledgerauth_sandbox, monkeypatch):
    def make(provider, *, key=None, **changes):
        from ledgerauth.airflow import LedgerAuthHook

        sandbox = ledgerauth_sandbox
        extra = sandbox.options(provider, credential=False)
        fields = {"conn_type": "ledgerauth", "schema": provider, "host": extra.pop("base_url")}
        if key:
            fields["password"] = key
        else:
            pair = sandbox.keys[provider]
            fields.update(login=pair["client_id"], password=pair["client_secret"])
        extra.update(changes.pop("extra", {}))
        monkeypatch.setenv("AIRFLOW_CONN_LEDGER", json.dumps({**fields, "extra": extra, **changes}))
        return LedgerAuthHook("ledger")

    return make


def test_the_example(example):
    assert example("airflow_close.py") == "2 accounts, 0 open tasks, 1 token request"


def test_retries_book_nothing_twice(example):
    told = example("airflow_retries.py")
    assert told == "failed at attempt 1: processed: unknown; booked at attempt 1: inv_; 2 invoices"


def test_a_key_and_a_client(ledgerauth_sandbox, hook):
    sandbox = ledgerauth_sandbox
    finora = hook("finora", key=sandbox.keys["finora_test"])
    client = finora.get_conn()
    assert client.get("/v1/invoices").ok and finora.get_conn() is client
    assert hook("numeric").get_conn().get("/v1/health").ok
    numora = hook("numora", key=sandbox.keys["numora"], extra={"integration": "close"})
    assert numora.test_connection()[0] and "accepted" in numora.test_connection()[1]


def test_a_connection_as_a_url(ledgerauth_sandbox, monkeypatch):
    from urllib.parse import quote, urlencode, urlsplit

    from ledgerauth.airflow import LedgerAuthHook

    sandbox = ledgerauth_sandbox
    host = urlsplit(sandbox.urls["finora"])
    extra = urlencode({"environment": "staging", "ca_file": sandbox.ca_file})
    key = quote(sandbox.keys["finora_test"], safe="")
    monkeypatch.setenv("AIRFLOW_CONN_FINORA", f"ledgerauth://:{key}@{host.hostname}:{host.port}/finora?{extra}")
    client = LedgerAuthHook("finora", proxy=False).get_conn()
    assert client.provider == "finora" and client.get("/v1/invoices").ok


def test_keys_in_the_extra_fields_are_a_ring(ledgerauth_sandbox, hook):
    sandbox = ledgerauth_sandbox
    old, new = sandbox.issue("finora", environment="test"), sandbox.keys["finora_test"]
    sandbox.revoke(old)
    client = hook("finora", key="-", password=None, extra={"api_keys": [{"key": old, "name": "old"}, new]}).get_conn()
    assert client.get("/v1/invoices").ok and client.keys[0].name == "old" and client.keys[1].in_use


def test_a_whole_credential_may_stand_in_the_extra_fields(ledgerauth_sandbox, hook):
    pair = ledgerauth_sandbox.keys["numeric"]
    assert hook("numeric", login=None, password=None, extra=pair).get_conn().get("/v1/health").ok
    assert (
        hook("finora", key="-", password=None, extra={"api_key": ledgerauth_sandbox.keys["finora_test"]}).get_conn().get("/v1/invoices").ok
    )


def test_a_connection_that_was_changed_is_read_again_when_the_key_is_refused(ledgerauth_sandbox, hook):
    sandbox = ledgerauth_sandbox
    old, new = sandbox.issue("finora", environment="test"), sandbox.keys["finora_test"]
    client = hook("finora", key=old).get_conn()
    assert client.get("/v1/invoices").ok
    sandbox.revoke(old)
    hook("finora", key=new)
    assert client.get("/v1/invoices").ok


def test_a_session_of_requests(ledgerauth_sandbox, hook):
    with hook("numeric").get_session() as session:
        session.verify, session.trust_env = ledgerauth_sandbox.ca_file, False
        assert session.get(ledgerauth_sandbox.urls["numeric_api"] + "/v1/health", timeout=20).status_code == 200


def test_what_is_wrong_is_said(ledgerauth_sandbox, hook):
    ok, told = hook("numeric", password="wrong-but-plausible").test_connection()
    assert not ok and "wrong-but" not in told and "invalid_client" in told
    with pytest.raises(ledgerauth.Misuse, match="'ledger' names no provider"):
        hook("numeric", schema=None).get_conn()
    with pytest.raises(TypeError, match="'colour'"):
        hook("numeric", extra={"colour": "blue"}).get_conn()
    ok, told = hook("finora", key="not a key").test_connection()
    assert not ok and told


@pytest.mark.parametrize("place", ["schema", "host", "environment", "store", "integration", "token_url", "the connection's id"])
def test_a_secret_in_the_wrong_field_is_not_shown(hook, monkeypatch, place):
    secret, shown = "live_sk_" + "0a" * 24, []
    made = hook("finora", key="test_sk_" + "0b" * 24, **({place: secret} if place in ("schema", "host") else {"extra": {place: secret}}))
    if place == "the connection's id":
        monkeypatch.setenv("AIRFLOW_CONN_" + secret.upper(), json.dumps({"conn_type": "ledgerauth", "password": "x"}))
        made.ledgerauth_conn_id = secret
    try:
        shown += [str(made.get_conn()), str(made.get_conn().explain())]
    except ledgerauth.LedgerAuthError as refused:
        own = [frame for frame in traceback.walk_tb(refused.__traceback__) if frame[0].f_code.co_filename != __file__]
        shown += [str(refused), repr(refused.args), repr(vars(refused))]
        shown += traceback.StackSummary.extract(iter(own), capture_locals=True).format()
    assert shown and not [text for text in shown if secret[:20] in text]


def test_a_hook_takes_no_secret_to_another_process(ledgerauth_sandbox, hook):
    made = hook("numeric")
    assert made.get_conn().get("/v1/health").ok
    dumped = pickle.dumps(made)
    assert ledgerauth_sandbox.keys["numeric"]["client_secret"].encode() not in dumped
    assert pickle.loads(dumped).get_conn().get("/v1/health").ok


def test_airflow_finds_the_connection_type():
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    assert "ledgerauth" in manager.providers and manager.hooks["ledgerauth"].hook_name == "ledgerauth"
    assert manager.hooks["ledgerauth"].connection_id_attribute_name == "ledgerauth_conn_id"
    assert manager.field_behaviours["ledgerauth"]["relabeling"]["schema"] == "Provider"


def test_nothing_of_airflow_is_imported_unless_it_is_used():
    program = "import sys, ledgerauth, ledgerauth._airflow, ledgerauth.requests; print([name for name in sys.modules if name.startswith('airflow')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

"""What users have for their own tests: the sandbox, its clock, its faults, its log; and the pytest plugin."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import urllib.request

import pytest

import ledgerauth
from ledgerauth.testing import Sandbox


def test_the_sandbox_is_a_context_manager_and_leaves_nothing():
    with Sandbox() as sandbox:
        ca = sandbox.ca_file
        assert os.path.exists(ca) and sandbox.client("finora").get("/v1/invoices").ok and sandbox.client("adaas").check()
        assert "numeric_auth" in sandbox.urls and "localhost" in repr(sandbox)
    assert not os.path.exists(ca)
    with pytest.raises(ledgerauth.Misuse, match="closed"):
        sandbox.log()
    sandbox.close()


def test_it_says_which_systems_it_has(sandbox):
    with pytest.raises(ValueError, match="no xero; there are finora, numora, numeric, adaas"):
        sandbox.client("xero")


def test_it_may_be_without_tls_and_from_a_seed():
    keys = []
    for _ in range(2):
        with Sandbox(tls=False, seed=7) as sandbox:
            keys.append(sandbox.keys)
            assert sandbox.urls["finora"].startswith("http://") and sandbox.client("finora").get("/v1/invoices").ok
    assert keys[0] == keys[1]
    with Sandbox(seed=8) as other:
        assert other.keys != keys[0]


def test_its_clock_ends_keys_and_tokens(sandbox):
    client = sandbox.client("finora", api_key=sandbox.issue("finora", environment="test", age_days=89))
    assert client.get("/v1/invoices").ok
    sandbox.advance(86_400)
    assert isinstance(client.get("/v1/invoices").failure, ledgerauth.KeyRefused)
    sandbox.advance(-86_400)
    assert sandbox.client("finora").get("/v1/invoices").ok


def test_its_faults_hit_what_they_are_for(sandbox):
    client = sandbox.client("finora", max_attempts=1)
    sandbox.fault({"status": {"code": 500}}, service="finora", method="POST", path="/v1/inv", times=1, after=1)
    assert client.get("/v1/invoices").ok and client.post("/v1/invoices", json={}).status_code != 500
    assert client.post("/v1/customers", json={}).status_code != 500
    assert client.post("/v1/invoices", json={}).status_code == 500
    sandbox.fault("reset_before_acting", times=9)
    sandbox.clear_faults()
    assert client.get("/v1/invoices").ok
    with pytest.raises(ValueError, match="no_such_fault"):
        sandbox.fault("no_such_fault")


def test_its_log_is_exact(sandbox):
    sandbox.client("numeric").post("/v1/tasks", json={"name": "close March"}, params={"a": "b c"})
    token, call = sandbox.log()
    assert (token.service, token.kind, token.status) == ("numeric_auth", "token", 200) and sandbox.token_requests() == 1
    assert (call.service, call.kind, call.method, call.path, call.query) == ("numeric_api", "api", "POST", "/v1/tasks", "a=b+c")
    assert json.loads(call.body) == {"name": "close March"} and call.header("CONTENT-type") == "application/json" and call.acted
    assert call.header("absent") is None and "numeric_api POST /v1/tasks" in repr(call)
    assert sandbox.log("numeric_auth") and sandbox.log(kind="api", since=token.number)[0].number == call.number
    sandbox.clear_log()
    assert sandbox.log() == []


def test_credentials_are_issued_and_revoked(sandbox):
    key = sandbox.issue("finora", environment="test")
    client = sandbox.client("finora", api_key=key)
    assert client.get("/v1/invoices").ok and sandbox.revoke(key) and not sandbox.revoke("never-issued")
    assert isinstance(client.get("/v1/invoices").failure, ledgerauth.KeyRefused)
    pair = sandbox.issue("numeric")
    assert set(pair) >= {"client_id", "client_secret"} and sandbox.client("numeric", **pair).check()
    assert sandbox.revoke_tokens("numeric_auth") == 1


def test_other_processes_steer_it():
    with Sandbox(control=True) as sandbox:
        body = json.dumps({"advance_seconds": 60}).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(sandbox.control_url + "/clock", body), timeout=5) as answer:
            assert 59_000 < json.load(answer)["offset_millis"] < 61_000
    assert Sandbox().control_url is None
    gc.collect()


def test_the_plugin_gives_the_fixture_to_any_project(tmp_path):
    (tmp_path / "test_own.py").write_text(
        "def test_invoices(ledgerauth_sandbox):\n"
        "    ledgerauth_sandbox.fault({'too_many_requests': {'style': {'retry_after_seconds': 1}}}, service='finora')\n"
        "    assert ledgerauth_sandbox.client('finora').get('/v1/invoices').ok\n"
        "    assert [entry.status for entry in ledgerauth_sandbox.log('finora')] == [429, 200]\n"
        "def test_each_test_has_its_own(ledgerauth_sandbox):\n"
        "    assert ledgerauth_sandbox.log() == []\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr
    shown = subprocess.run([*command, "--fixtures"], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert "ledgerauth_sandbox" in shown.stdout and "Accounting APIs on this machine" in shown.stdout


def test_the_plugin_costs_a_project_that_does_not_use_it_nothing(tmp_path):
    (tmp_path / "test_own.py").write_text("import sys\ndef test_none():\n    assert 'ledgerauth.testing' not in sys.modules\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)], capture_output=True, timeout=60, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout

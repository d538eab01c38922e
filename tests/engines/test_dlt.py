"""dlt: the auth object in a `RESTClient`, and in a `rest_api` source."""

from __future__ import annotations

import copy
import pickle

import pytest

import ledgerauth

dlt = pytest.importorskip("dlt")


@pytest.fixture
def rest(ledgerauth_sandbox):
    from dlt.sources.helpers.rest_client import RESTClient

    import ledgerauth.dlt

    def make(provider, **options):
        client = ledgerauth_sandbox.client(provider, **options)
        return RESTClient(base_url=client.base_url, auth=ledgerauth.dlt.Auth(client))

    return make


def test_the_example(example):
    assert example("dlt_close.py") == "20 accounts, 1 call refused and sent again, 2 token requests"


def test_a_token_that_ended_a_limit_and_a_refused_key_are_settled_within_the_call(ledgerauth_sandbox, rest):
    sandbox = ledgerauth_sandbox
    numeric = rest("numeric")
    assert numeric.get("/v1/health", verify=sandbox.ca_file).status_code == 200
    sandbox.revoke_tokens("numeric_auth")
    sandbox.fault({"too_many_requests": {"style": {"retry_after_seconds": 1}}}, service="numeric_api", after=1)
    assert numeric.get("/v1/health", verify=sandbox.ca_file).status_code == 200
    assert [entry.status for entry in sandbox.log("numeric_api")] == [200, 401, 429, 200]
    old, new = sandbox.issue("finora", environment="test"), sandbox.keys["finora_test"]
    sandbox.revoke(old)
    finora = rest("finora", api_key=None, api_keys=[old, new])
    assert finora.get("/v1/invoices", verify=sandbox.ca_file).status_code == 200


def test_a_post_that_may_have_been_booked_is_not_sent_twice_by_dlt_either(ledgerauth_sandbox, rest):
    sandbox = ledgerauth_sandbox
    sandbox.fault({"status": {"code": 503}}, service="numeric_api", times=9)
    with pytest.raises(ledgerauth.ServerError) as caught:
        rest("numeric").post("/v1/tasks", json={"name": "close"}, verify=sandbox.ca_file)
    assert caught.value.status == 503 and len(sandbox.log("numeric_api")) == 1


def test_other_failures_are_dlts_to_judge(ledgerauth_sandbox, rest):
    response = rest("numeric").get("/v1/admin", verify=ledgerauth_sandbox.ca_file)
    assert response.status_code == 403 and isinstance(ledgerauth.failure(response), ledgerauth.PermissionDenied)


def test_a_foreign_host_gets_nothing(ledgerauth_sandbox, rest):
    with pytest.raises(ledgerauth.ForeignHost):
        rest("numeric").get(ledgerauth_sandbox.urls["stranger"] + "/x", verify=ledgerauth_sandbox.ca_file)
    assert ledgerauth_sandbox.log("stranger") == []


def test_a_declared_source_takes_it(ledgerauth_sandbox, monkeypatch):
    from dlt.sources.rest_api import rest_api_resources

    import ledgerauth.dlt

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ledgerauth_sandbox.ca_file)
    client = ledgerauth_sandbox.client("numeric")
    source = {
        "client": {"base_url": client.base_url, "auth": ledgerauth.dlt.Auth(client), "paginator": "single_page"},
        "resources": [{"name": "trial_balance", "endpoint": {"path": "v1/trial-balance", "data_selector": "data"}}],
    }
    (resource,) = rest_api_resources(source)
    assert len(list(resource)) == 2 and ledgerauth_sandbox.token_requests() == 1


def test_it_pickles_copies_and_shows_as_its_client_does(ledgerauth_sandbox, monkeypatch, tmp_path):
    import ledgerauth.dlt

    monkeypatch.setenv("FINORA_API_KEY", ledgerauth_sandbox.keys["finora_test"])
    client = ledgerauth.Client.from_env("finora", **ledgerauth_sandbox.options("finora", credential=False))
    auth = ledgerauth.dlt.Auth(client)
    for other in (pickle.loads(pickle.dumps(auth)), copy.deepcopy(auth), auth.copy()):
        assert other == auth and other.client is client and other
    assert repr(auth).startswith("ledgerauth.dlt.Auth(<ledgerauth.Client finora")
    assert ledgerauth_sandbox.keys["finora_test"].encode() not in pickle.dumps(auth)


def test_a_secret_that_was_given_instead_of_a_client_is_not_shown():
    import traceback

    import ledgerauth.dlt

    secret = "live_sk_" + "0a" * 24
    with pytest.raises(TypeError, match="takes a ledgerauth.Client, not str") as refused:
        ledgerauth.dlt.Auth(secret)
    own = [frame for frame in traceback.walk_tb(refused.value.__traceback__) if frame[0].f_code.co_filename != __file__]
    shown = [repr(refused.value.args), *traceback.StackSummary.extract(iter(own), capture_locals=True).format()]
    assert len(own) == 1 and not any(secret in text for text in shown)

"""A client: made in every way, called in every way."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import ledgerauth
from ledgerauth import Client

FINORA_TEST_KEY = "test_sk_" + "0a" * 24


def test_the_first_lines_of_the_readme(sandbox, monkeypatch):
    monkeypatch.setenv("FINORA_API_KEY", sandbox.keys["finora_test"])
    options = sandbox.options("finora", credential=False)
    client = ledgerauth.Client("finora", api_key=os.environ["FINORA_API_KEY"], **options)
    assert client.get("/v1/invoices").json()["data"] == []


def test_a_client_tells_where_it_belongs_and_nothing_secret(sandbox):
    client = sandbox.client("finora")
    assert (client.provider, client.environment, client.base_url, client.header) == (
        "finora",
        "staging",
        sandbox.urls["finora"],
        "Authorization",
    )
    assert repr(client) == f"<ledgerauth.Client finora staging {sandbox.urls['finora']}>"


@pytest.mark.parametrize("provider", ["finora", "numora", "numeric", "adaas"])
def test_every_provider(sandbox, provider):
    client = sandbox.client(provider)
    check = client.check()
    assert check and check.ok and check.error is None and check.advice is None and "accepted" in str(check)


def test_a_provider_may_be_a_path_or_a_dict(sandbox, tmp_path):
    own = {
        "name": "own",
        "title": "Own",
        "environment": [{"name": "production", "base_url": "https://api.example.com"}],
        "attach": {"header": "X-API-Key", "scheme": ""},
        "key": {"format": [{"prefix": "test_sk_", "alphabet": "visible", "min_length": 8}]},
    }
    options = {"base_url": sandbox.urls["stranger"], "ca_file": sandbox.ca_file, "environment": "production", "proxy": False}
    Client(own, api_key=FINORA_TEST_KEY, **options).get("/anything")
    assert sandbox.log("stranger")[-1].header("x-api-key") == FINORA_TEST_KEY
    path = tmp_path / "own.toml"
    path.write_text(ledgerauth._ledgerauth.provider_text("finora"))
    for given in (path, str(path)):
        assert Client(given, api_key=FINORA_TEST_KEY).provider == "finora"
    with pytest.raises(ledgerauth.ProfileError, match="line .*colour"):
        Client({**own, "colour": "blue"}, api_key=FINORA_TEST_KEY)
    with pytest.raises(ledgerauth.ProfileError, match="adaas.*finora.*numeric.*numora"):
        Client("finorra", api_key=FINORA_TEST_KEY)


def test_bodies_and_parameters_and_headers_arrive_as_given(sandbox):
    client = sandbox.client("numora")
    document = {"schema": "invoice_v2", "file_url": "https://example.com/ä.pdf", "external_id": "ap-1"}
    created = client.post("/v1/documents", json=document)
    assert created.status_code in (200, 201, 202)
    seen = sandbox.log("numora")[-1]
    assert json.loads(seen.body) == document and seen.header("content-type") == "application/json"
    client.get("/v1/documents", params={"limit": 5, "state": ["a b", "c"], "left out": None, "yes": True}, headers={"X-Own": "1"})
    seen = sandbox.log("numora")[-1]
    assert seen.query == "limit=5&state=a+b&state=c&yes=true" and seen.header("x-own") == "1"
    client.get("/v1/documents", params=[("a", 1), ("a", "2")])
    assert sandbox.log("numora")[-1].query == "a=1&a=2"


@pytest.mark.parametrize(
    ("given", "sent", "kind"),
    [
        ({"data": {"a": "1 2", "b": ["x", "y"]}}, "a=1+2&b=x&b=y", "application/x-www-form-urlencoded"),
        ({"data": b"bytes"}, "bytes", None),
        ({"content": "täxt"}, "täxt", None),
        ({"content": bytearray(b"array")}, "array", None),
        ({"content": io.BytesIO(b"a file" * 9)}, "a file" * 9, None),
        ({"content": (piece for piece in [b"an ", b"", b"iterator"])}, "an iterator", None),
        ({"json": [1.5, None, "ü"]}, '[1.5,null,"ü"]', "application/json"),
        ({"content": "{}", "headers": {"Content-Type": "application/own+json"}}, "{}", "application/own+json"),
    ],
)
def test_every_kind_of_body(sandbox, given, sent, kind):
    client = Client(
        "numora",
        api_key=sandbox.keys["numora"],
        base_url=sandbox.urls["stranger"],
        ca_file=sandbox.ca_file,
        environment="production",
        proxy=False,
    )
    client.put("/anywhere", **given)
    seen = sandbox.log("stranger")[-1]
    assert (seen.body, seen.header("content-type")) == (sent, kind)


def test_two_bodies_and_unknown_arguments_are_refused(sandbox):
    client = sandbox.client("finora")
    with pytest.raises(TypeError, match="one body"):
        client.post("/v1/invoices", json={}, data={})
    with pytest.raises(TypeError, match="'colour'"):
        Client("finora", api_key=FINORA_TEST_KEY, colour="blue")
    with pytest.raises(ValueError, match="JSON"):
        client.post("/v1/invoices", json=float("nan"))
    with pytest.raises(ledgerauth.Misuse, match="GET, HEAD, POST"):
        client.request("BREW", "/v1/coffee")
    assert sandbox.log() == []


def test_an_error_of_a_bodys_own_is_the_one_that_is_seen(sandbox):
    def pieces():
        yield b"first"
        raise RuntimeError("the pieces are gone")

    with pytest.raises(RuntimeError, match="the pieces are gone"):
        sandbox.client("finora").post("/v1/invoices", content=pieces())


def test_responses_feel_like_those_of_requests_and_httpx(sandbox):
    response = sandbox.client("finora").get("/v1/invoices")
    assert response.status_code == 200 and response.ok and response.failure is None
    assert response.raise_for_status() is response
    assert response.headers["Content-Type"].startswith("application/json") and "content-TYPE" in response.headers
    assert response.headers.get("absent") is None and response.headers.get("absent", "x") == "x"
    assert dict(response.headers).keys() == set(response.headers.keys()) and len(response.headers) == len(list(response.headers))
    assert response.json() == json.loads(response.text) == json.loads(response.content)
    assert response.json(parse_int=str)["success"] is True
    assert response.url == sandbox.urls["finora"] + "/v1/invoices"
    seen = sandbox.log("finora")[-1]
    assert response.request_id == seen.header("x-request-id")
    with response:
        assert [b"".join(response.iter_bytes(size)) for size in (7, 65_536)] == [response.content] * 2
    assert response.content


def test_a_body_can_be_streamed(sandbox):
    sandbox.fault({"drip": {"bytes": 7, "millis": 5}}, service="finora")
    with sandbox.client("finora").get("/v1/invoices", stream=True) as response:
        pieces = list(response.iter_bytes(10))
    assert len(pieces) > 3 and all(len(piece) <= 10 for piece in pieces) and json.loads(b"".join(pieces))["success"]
    with sandbox.client("finora").get("/v1/invoices", stream=True) as response:
        assert json.loads(response.content)["success"] and b"".join(response.iter_bytes(9)) == response.content


def test_a_body_that_is_not_there_any_more_is_not_taken_for_an_empty_one(sandbox):
    client = sandbox.client("finora")
    begun, closed = (client.get("/v1/invoices", stream=True) for _ in range(2))
    assert len(next(begun.iter_bytes(5))) == 5
    closed.close()
    for response in (begun, closed):
        for read in (lambda r: r.content, lambda r: r.text, lambda r: r.json()):
            with pytest.raises(ledgerauth.Misuse, match="read in pieces, or closed"):
                read(response)
    with pytest.raises(ledgerauth.Misuse, match="closed"):
        next(closed.iter_bytes())
    assert json.loads(b'{"suc' + b"".join(begun.iter_bytes()))["success"]


def test_a_body_that_is_cut_off_or_is_no_json_is_an_error_without_the_body_in_it(sandbox):
    sandbox.fault("truncated", service="finora", times=9)
    with pytest.raises(ledgerauth.BodyError):
        sandbox.client("finora").get("/v1/invoices")
    sandbox.clear_faults()
    sandbox.fault({"status": {"code": 200, "body": "<html>secret</html>"}}, service="finora")
    response = sandbox.client("finora").get("/v1/invoices")
    with pytest.raises(ledgerauth.BodyError, match="line 1, column 1") as caught:
        response.json()
    assert "secret" not in str(caught.value) and "secret" in response.text and not hasattr(caught.value, "doc")


def test_sources_are_asked_again_when_a_key_is_refused(sandbox, tmp_path, monkeypatch):
    options = sandbox.options("finora", credential=False)
    old, new = sandbox.keys["finora_test"], sandbox.issue("finora", environment="test")
    path = tmp_path / "key"
    path.write_text(old + "\n")
    given = [old]
    from_file = Client.from_file("finora", path, **options)
    from_callable = Client.from_callable("finora", lambda: given[-1], **options)
    monkeypatch.setenv("FINORA_API_KEY", old)
    from_env = Client.from_env("finora", **options)
    for client in (from_file, from_callable, from_env):
        assert client.get("/v1/invoices").ok
    sandbox.revoke(old)
    path.write_text(new)
    given.append(new)
    assert from_file.get("/v1/invoices").ok and from_callable.get("/v1/invoices").ok
    assert isinstance(from_env.get("/v1/invoices").failure, ledgerauth.KeyRefused)


def test_what_a_function_may_return(sandbox):
    options = sandbox.options("numeric", credential=False)
    pair = sandbox.keys["numeric"]
    assert Client.from_callable("numeric", lambda: dict(pair), **options).check()
    key = sandbox.keys["finora_test"]
    options = sandbox.options("finora", credential=False)
    for given in (key, [key], ledgerauth.Key(key, name="a"), [{"key": key, "name": "b"}], {"api_key": key}):
        assert Client.from_callable("finora", lambda given=given: given, **options).check()
    with pytest.raises(ZeroDivisionError):
        Client.from_callable("finora", lambda: 1 / 0, **options)
    for given in (7, {"api_key": key, "colour": "blue"}, None):
        with pytest.raises(ledgerauth.SourceUnavailable, match="return a key"):
            Client.from_callable("finora", lambda given=given: given, **options)


def test_variables_may_be_named(sandbox, monkeypatch):
    pair = sandbox.keys["numeric"]
    monkeypatch.setenv("NUMERIC_CLIENT_ID", pair["client_id"])
    monkeypatch.setenv("NUMERIC_CLIENT_SECRET", pair["client_secret"])
    monkeypatch.setenv("ANOTHER_SECRET", pair["client_secret"])
    options = sandbox.options("numeric", credential=False)
    assert Client.from_env("numeric", **options).check()
    assert Client.from_env("numeric", "NUMERIC_CLIENT_ID", "ANOTHER_SECRET", **options).check()
    with pytest.raises(ledgerauth.SourceUnavailable, match="NO_SUCH_VARIABLE"):
        Client.from_env("numeric", "NO_SUCH_VARIABLE")
    with pytest.raises(ledgerauth.SourceUnavailable, match="NUMORA_API_KEY"):
        Client.from_env("numora")
    with pytest.raises(ledgerauth.Misuse, match="beside its source"):
        Client.from_env("numeric", api_key="x")


def test_a_ring_of_keys_has_ages_and_a_plan(sandbox):
    old, new = sandbox.issue("finora", environment="test", age_days=80), sandbox.keys["finora_test"]
    created = datetime.now(timezone.utc) - timedelta(days=80)
    keys = [ledgerauth.Key(old, name="spring", created=created, integration="erp"), {"key": new, "name": "summer", "created": "2026-11-01"}]
    client = sandbox.client("finora", api_key=None, api_keys=keys)
    first, second = client.keys
    assert (first.name, first.in_use, first.prefix, first.integrations) == ("spring", True, "test_sk_", ["erp"])
    assert abs(first.days_left - 10) < 0.1 and "expires in" in first.age
    assert abs(first.ends - created - timedelta(days=90)) < timedelta(seconds=1)
    assert second.name == "summer" and not second.in_use and second.last_needed is None
    client.get("/v1/invoices")
    assert client.keys[0].last_needed is not None
    sandbox.revoke(old)
    assert client.get("/v1/invoices").ok
    assert client.keys[1].in_use and "does not accept" in client.keys[0].refused
    plan = client.rotation_plan
    assert any("spring" in step.what for step in plan) and str(plan[0]).startswith("by 20") and isinstance(plan[0].by, datetime)


def test_a_document_is_polled_until_it_is_ready(sandbox):
    sandbox.settings(documents_ready_after=2)
    client = sandbox.client("numora")
    body = {"schema": "invoice_v2", "file_url": "https://example.com/1.pdf", "external_id": "ap-7"}
    document = client.post("/v1/documents", json=body).json()
    ready = client.poll(document["status_url"], first_pause=0.05)
    assert ready.json()["status"] == "ready"
    sandbox.settings(documents_ready_after=1_000)
    document = client.post("/v1/documents", json={**body, "external_id": "ap-8"}).json()
    with pytest.raises(ledgerauth.DeadlineExceeded) as caught:
        client.poll(document["status_url"], first_pause=0.05, deadline=0.4)
    assert caught.value.retryable and caught.value.come_back_at > datetime.now(timezone.utc)


def test_options_are_obeyed(sandbox):
    pair = sandbox.keys["numeric"]
    sandbox.settings(numeric_scheme="Token")
    client = sandbox.client(
        "numeric", scheme="Token", scopes="read", client_auth="client_secret_basic", user_agent="own/1", integration="close"
    )
    assert client.check()
    token = sandbox.log("numeric_auth")[-1]
    assert token.header("authorization").startswith("Basic ") and "scope=read" in token.body and pair["client_secret"] not in token.body
    seen = sandbox.log("numeric_api")[-1]
    assert seen.header("authorization").startswith("Token ") and seen.header("user-agent") == "own/1"
    sandbox.fault({"slow": {"millis": 1_000}}, service="numeric_api", times=9)
    started = time.monotonic()
    with pytest.raises(ledgerauth.TransportError, match="no answer in time"):
        sandbox.client("numeric", scheme="Token", timeout=0.2, max_attempts=1).get("/v1/health")
    assert time.monotonic() - started < 0.9
    for wrong in ({"timeout": 0}, {"deadline": -1}, {"ca_file": "/no/such/file"}, {"proxy": "nonsense://"}, {"client_auth": "magic"}):
        with pytest.raises(ledgerauth.SettingError):
            sandbox.client("numeric", **wrong)


def test_a_deadline_is_a_calls_own(sandbox):
    sandbox.fault({"too_many_requests": {"style": {"retry_after_seconds": 60}}}, service="finora", times=9)
    started = time.monotonic()
    response = sandbox.client("finora").get("/v1/invoices", deadline=0.5)
    assert time.monotonic() - started < 2 and isinstance(response.failure, ledgerauth.RateLimited)
    assert 50 < (response.failure.come_back_at - datetime.now(timezone.utc)).total_seconds() < 65


def test_the_header_alone(sandbox):
    client = sandbox.client("numeric")
    value = client.authorize("/v1/health")
    assert value.startswith("Bearer ") and isinstance(value, str) and client.authorize("/v1/tasks") is value
    assert value[7:] not in repr(value) and value[7:] not in repr({"Authorization": value}) and f"{value}" == value + ""
    assert client.authorize(sandbox.urls["numeric_api"] + "/v1/health") is value
    for wrong in (sandbox.urls["stranger"], "https://example.com/"):
        with pytest.raises(ledgerauth.ForeignHost):
            client.authorize(wrong)
    with pytest.raises(ledgerauth.Misuse):
        client.authorize("")
    sandbox.revoke_tokens("numeric_auth")
    assert client.get("/v1/health").ok
    assert client.authorize("/v1/health") != value and sandbox.token_requests() == 2


def test_many_threads_one_token(sandbox):
    sandbox.settings(token_delay_ms=100)
    client, statuses = sandbox.client("numeric"), []
    threads = [threading.Thread(target=lambda: statuses.append(client.get("/v1/health").status_code)) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 32 and sandbox.token_requests() == 1


def test_a_class_of_ones_own(sandbox, monkeypatch):
    class Own(Client):
        def invoices(self):
            return self.get("/v1/invoices").json()["data"]

    assert sandbox.client("finora") and Own("finora", **sandbox.options("finora")).invoices() == []
    monkeypatch.setenv("KEY", sandbox.keys["finora_test"])
    own = Own.from_env("finora", "KEY", **sandbox.options("finora", credential=False))
    assert type(own) is Own and own.invoices() == [] and "Own finora" in repr(own)


def test_paths_of_pathlib_are_paths(sandbox, tmp_path):
    ca = Path(sandbox.ca_file)
    assert sandbox.client("finora", ca_file=ca).check()

"""An answer of another host is not the API's, unless the caller named that host; in the client and through every adapter."""

from __future__ import annotations

import json

import pytest

import ledgerauth
from ledgerauth import cli
from scripted import Scripted
from ways import ADAPTERS, WAYS, opened

PAGE = "/login?from=api"


@pytest.fixture(params=WAYS)
def way(request):
    pytest.importorskip(request.param.split()[-1] if request.param != "client" else "ledgerauth")
    yield WAYS[request.param]
    while opened:
        opened.pop().close()


def redirect(sandbox, location=None, *, service="finora", times=1, code=302):
    location = location or sandbox.urls["stranger"] + PAGE
    sandbox.fault({"redirect": {"code": code, "location": location}}, service=service, times=times)


def test_a_login_page_is_not_taken_for_the_apis_answer(sandbox):
    client, page = sandbox.client("finora"), sandbox.urls["stranger"] + PAGE
    redirect(sandbox)
    response = client.get("/v1/invoices", params={"page": 2})
    assert response.status_code == 200 and not response.ok and response.content == b'{"stranger":true}'
    assert response.url == page and response.history == [(302, sandbox.urls["finora"] + "/v1/invoices?page=2")]
    assert isinstance(response.failure, ledgerauth.RedirectedElsewhere) and sandbox.urls["stranger"] in str(response.failure)
    for ask in (response.json, response.raise_for_status):
        with pytest.raises(ledgerauth.RedirectedElsewhere, match="login page"):
            ask()
    assert (response.failure.processed, response.failure.retryable, response.failure.status) == ("unknown", False, 200)
    redirect(sandbox, service="numora")
    with pytest.raises(ledgerauth.RedirectedElsewhere):
        sandbox.client("numora").poll("/v1/documents/1")


def test_a_refused_key_is_not_accepted_by_a_redirect(sandbox, capsys, monkeypatch):
    client = sandbox.client("finora")
    sandbox.revoke(sandbox.keys["finora_test"])
    redirect(sandbox, times=2)
    check = client.check()
    assert not check and isinstance(check.error, ledgerauth.RedirectedElsewhere) and "accepted" not in str(check)
    monkeypatch.setenv("FINORA_API_KEY", sandbox.keys["finora_test"])
    place = ["--base-url", sandbox.urls["finora"], "--environment", "staging", "--ca-file", sandbox.ca_file, "--no-proxy"]
    assert cli.main(["check", "finora", "--json", *place]) == 10
    told = json.loads(capsys.readouterr().out)
    assert not told["ok"] and told["error"]["kind"] == "redirected_elsewhere" and told["error"]["processed"] == "unknown"


def test_a_host_that_was_named_may_answer(sandbox):
    stranger = sandbox.urls["stranger"]
    redirect(sandbox, times=4)
    assert sandbox.client("finora", allow_redirect_to=[stranger]).get("/v1/invoices").json() == {"stranger": True}
    client = sandbox.client("finora")
    assert client.get("/v1/invoices", allow_redirect_to=[stranger[len("https://") :]]).ok
    assert client.get("/v1/invoices", allow_redirect_to=stranger).ok and not client.get("/v1/invoices").ok
    assert all(entry.header("authorization") is None for entry in sandbox.log("stranger"))
    with pytest.raises(ledgerauth.Misuse, match="entry 1 of allow_redirect_to") as caught:
        sandbox.client("finora", allow_redirect_to=["user:word-of-mine@files.example"])
    assert "word-of-mine" not in f"{caught.value!r} {vars(caught.value)}"


def test_through_an_adapter_too(sandbox, way):
    redirect(sandbox, times=2)
    answer = way(sandbox, sandbox.client("finora")).send("GET", "/v1/invoices")
    assert isinstance(answer.failure, ledgerauth.RedirectedElsewhere) and answer.body == b'{"stranger":true}'
    named = way(sandbox, sandbox.client("finora", allow_redirect_to=[sandbox.urls["stranger"]]))
    assert named.send("GET", "/v1/invoices").failure is None


def test_the_librarys_own_response_says_so(sandbox):
    redirect(sandbox, times=3)
    if "requests" in ADAPTERS and pytest.importorskip("requests"):
        session = ADAPTERS["requests"](sandbox, sandbox.client("finora")).session
        response = session.get(sandbox.urls["finora"] + "/v1/invoices")
        assert not response.ok and response.content and response.url == sandbox.urls["stranger"] + PAGE
        for ask in (response.json, response.raise_for_status):
            with pytest.raises(ledgerauth.RedirectedElsewhere):
                ask()
    for name in ("httpx", "httpx2"):
        pytest.importorskip(name)
        sender = ADAPTERS[name](sandbox, sandbox.client("finora")).sender
        response = sender.get(sandbox.urls["finora"] + "/v1/invoices")
        assert not response.is_success and response.content and str(response.url) == sandbox.urls["stranger"] + PAGE
        assert [answer.status_code for answer in response.history] == [302]
        for ask in (response.json, response.raise_for_status):
            with pytest.raises(ledgerauth.RedirectedElsewhere):
                ask()
    while opened:
        opened.pop().close()


@pytest.mark.parametrize("location", ["//{host} ", "//{host}/v1/%41", " https://{host}/v1/x ", "/v1/a b", "https://{host}:443{path}"])
def test_two_readings_of_a_location_send_the_credential_to_no_other_host(sandbox, way, location):
    """What the library makes of a Location is compared with what was judged; a key in a header of its own is what could leak."""
    host = sandbox.urls["finora"][len("https://") :]
    redirect(sandbox, location.format(host=host, path="/v1/customers"))
    client = sandbox.client("finora", header="X-API-Key", scheme="", max_attempts=1, deadline=5)
    try:
        way(sandbox, client).send("GET", "/v1/invoices")
    except Exception as refused:
        assert "443" in location or isinstance(refused, ledgerauth.LedgerAuthError), repr(refused)
    for entry in sandbox.log():
        assert entry.service == "finora" or entry.header("x-api-key") is None


def test_a_redirect_leaves_a_body_and_the_callers_credentials_behind_and_never_goes_to_plain_http(sandbox, way):
    sender = way(sandbox, sandbox.client("finora"))
    mine = {"X-Session": "of mine", "Cookie": "a=b", "Accept": "text/plain"}
    for code in (301, 302, 303, 307, 308):
        redirect(sandbox, code=code, times=2)
        assert sender.send("GET", "/v1/invoices", headers=mine).status == 200
        assert sender.send("POST", "/v1/invoices", json={"secret": "of the ledger"}, headers=mine).status == code
    strangers = sandbox.log("stranger")
    assert len(strangers) == 5
    for entry in strangers:
        assert entry.method == "GET" and entry.body == "" and entry.header("accept") == "text/plain"
        assert all(entry.header(name) is None for name in ("x-session", "cookie", "authorization"))
    asked = []
    with Scripted(lambda request, body: (asked.append(request.path), (200, [], b"{}"))[1]) as plain:
        for method in ("GET", "POST"):
            redirect(sandbox, plain.url + "/x", code=302)
            answer = sender.send(method, "/v1/invoices", **({"json": {}} if method == "POST" else {}))
            assert answer.status == 302 and isinstance(answer.failure, ledgerauth.RequestRefused)
    assert asked == []

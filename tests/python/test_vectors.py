"""The test vectors that all languages share, replayed through what a user calls: over real sockets, and in real time.

What needs a clock of its own, or a store that misbehaves, is left to the machine's own tests; each test says how many it replays.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import parse_qs

import pytest

import ledgerauth
from ledgerauth import Client, Key
from scripted import Scripted

FOLDER = Path(__file__).parents[1] / "vectors"
LOOPBACK = {"insecure_loopback": True, "proxy": False}
OWN = """name = "own"
title = "Own"
[[environment]]
name = "production"
base_url = "https://api.own.example"
[key]
[[key.format]]
prefix = "own_"
alphabet = "hex"
length = 8
"""


def vectors(name, at_least):
    listed = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["vectors"]
    assert len(listed) >= at_least
    return listed


def names(listed):
    return [vector["name"] for vector in listed]


KEYS = vectors("keys", 36)


@pytest.mark.parametrize("vector", KEYS, ids=names(KEYS))
def test_keys(vector):
    text, provider = vector["text"], vector["provider"]
    options = {"base_url": "https://workspace.numora.test"} if provider == "numora" else {}
    if vector.get("environment") is None:
        options["environment"] = "production"
    if vector["kind"] == "key":
        options["api_key"] = text
    else:
        options.update(client_id="client-1", client_secret=text)
    if "fault" not in vector:
        client = Client(provider, **options)
        assert client.environment == (vector["environment"] or "production")
        return
    with pytest.raises(ledgerauth.KeyFormatError) as caught:
        Client(provider, **options)
    assert caught.value.fault == vector["fault"]
    if "position" in vector:
        assert caught.value.position == vector["position"]
    shown = f"{caught.value} {caught.value!r} {vars(caught.value)}"
    assert not any(text[at : at + 12] in shown for at in range(len(text) - 11))


REDACTION = vectors("redaction", 170)


@pytest.mark.parametrize("vector", REDACTION, ids=names(REDACTION))
def test_redaction(vector):
    redactor = ledgerauth.Redactor(secrets=vector.get("secrets"), headers=vector.get("headers"))
    assert redactor.redact(vector["in"]) == vector["out"]
    assert redactor.redact(vector["in"].encode()) == vector["out"].encode()
    stream = redactor.stream()
    text = vector["in"].encode()
    assert b"".join([*(stream.push(text[at : at + 5]) for at in range(0, len(text), 5)), stream.finish()]) == vector["out"].encode()


def answered(vector, provider, tmp_path):
    """The failure that an answer becomes."""
    body = vector.get("body", "").encode() * vector.get("repeat", 1)
    if provider == "own":
        path = tmp_path / "own.toml"
        path.write_text(OWN + vector.get("profile", ""))
        given, key = path, "own_01234567"
    else:
        given, key = provider, "live_sk_" + "1" * 48 if provider == "finora" else "sk_live_0123456789abcdef"
    with Scripted(lambda request, sent: (vector["status"], vector.get("headers", []), body)) as server:
        client = Client(given, api_key=key, environment="production", base_url=server.url, max_attempts=1, deadline=5, **LOOPBACK)
        return client.post("/v1/x", content=b"").failure


FAILURES = vectors("failures", 68)


@pytest.mark.parametrize("vector", FAILURES, ids=names(FAILURES))
def test_failures(vector, tmp_path):
    failure = answered(vector, vector["provider"], tmp_path)
    if vector["kind"] is None:
        assert failure is None
        return
    assert (failure.kind, failure.code, failure.server_message) == (vector["kind"], vector["code"], vector["message"])
    assert (failure.processed, failure.retryable) == (vector["processed"], vector["retryable"])
    if "request_id" in vector:
        assert failure.request_id == vector["request_id"]


LIMITS = vectors("limits", 59)


@pytest.mark.parametrize("vector", LIMITS, ids=names(LIMITS))
def test_the_words_of_limits(vector, tmp_path):
    failure = answered(vector, "own", tmp_path)
    assert (failure and failure.limit) == vector["text"]


def body_of(answer):
    """The body of an answer, in bytes."""
    return answer["body"].encode("latin-1" if answer.get("latin1") else "utf-8") * answer.get("repeat", 1)


TOKEN_ANSWERS = vectors("token_answers", 103)


@pytest.mark.parametrize("vector", TOKEN_ANSWERS, ids=names(TOKEN_ANSWERS))
def test_token_answers(vector):
    body = body_of(vector)
    asked, warnings = [], []

    def answer(request, sent):
        if request.path.startswith("/token"):
            asked.append(request.command)
            return vector["status"], vector.get("headers", []), body
        return 200, [], request.headers["Authorization"].encode()

    secret = "ID_0123456789abcdef" if vector["provider"] == "adaas" else "secret-1"
    with Scripted(answer) as server:
        client = Client(
            vector["provider"],
            client_id="client-1",
            client_secret=secret,
            environment="production",
            base_url=server.url,
            token_url=server.url + "/token",
            # A second token request comes a second after the first.
            deadline=4 if "then" in vector else 1,
            on_audit=lambda event: warnings.append(event.decision) if event.what == "token_unusual" else None,
            audit_blocks=True,
            **LOOPBACK,
        )
        if "granted" in vector:
            assert client.get("/v1/health").text.startswith("Bearer ") and len(asked) <= 2
            assert [vector["warning"] in told for told in warnings] == [True] if "warning" in vector else not warnings
            return
        with pytest.raises(ledgerauth.LedgerAuthError) as caught:
            client.get("/v1/health")
    if "refused" in vector:
        assert (caught.value.kind, caught.value.code, len(asked)) == (vector["refused"], vector.get("code"), 1)
        assert vector.get("message", "") in (caught.value.server_message or "")
    elif "then" in vector:
        assert (caught.value.kind, len(asked)) == (vector["then"], 2)
    else:
        assert caught.value.retryable


ENCODINGS = vectors("encodings", 12)


@pytest.mark.parametrize("vector", ENCODINGS, ids=names(ENCODINGS))
def test_encodings(vector):
    plain = json.loads((FOLDER / "encodings.json").read_text("utf-8"))["plain"]
    used = []

    def answer(request, sent):
        used.append(request.headers["Authorization"])
        return vector["status"], vector["headers"], body_of(vector)

    with Scripted(answer) as server:
        client = Client(
            "numeric",
            client_id="client-1",
            client_secret="secret-1",
            environment="production",
            base_url=server.url,
            token_url=server.url + "/token",
            **LOOPBACK,
        )
        assert client.get("/v1/x").text == plain
    assert used == [None, "Bearer t"]


REFRESHES = [vector for vector in vectors("refreshes", 22) if all("at_s" not in call for call in vector["calls"])]


@pytest.mark.parametrize("vector", REFRESHES, ids=names(REFRESHES))
def test_refreshes(vector, tmp_path):
    """Those of the vectors that need no clock of their own."""
    assert len(REFRESHES) >= 15
    sent, used = [], []

    def answer(request, body):
        if not request.path.startswith("/token"):
            used.append(request.headers["Authorization"])
            return 200, [], b"{}"
        sent.append(parse_qs(body.decode())["refresh_token"][0])
        told = vector["answers"][min(len(sent), len(vector["answers"])) - 1]
        return told["status"], told.get("headers", []), body_of(told)

    provider = vector["provider"]
    if "profile" in vector:
        provider = tmp_path / "own.toml"
        provider.write_text(vector["profile"])
    with Scripted(answer) as server:
        client = Client(
            provider,
            environment=vector["environment"],
            client_id="client-1",
            client_secret="secret-1",
            refresh_token="refresh-1",
            base_url=server.url,
            token_url=server.url + "/token",
            store=tmp_path / "store",
            **LOOPBACK,
        )
        for call in vector["calls"]:
            if "authorization" in call:
                assert client.get("/v1/x").ok and used[-1] == call["authorization"]
            else:
                with pytest.raises(ledgerauth.LedgerAuthError) as caught:
                    client.get("/v1/x")
                failure = caught.value
                assert failure.kind == call["kind"]
                assert [call[name] for name in ("status", "code") if name in call] == [
                    getattr(failure, name) for name in ("status", "code") if name in call
                ]
                assert call.get("message", failure.server_message) == failure.server_message
                if "come_back_s" in call:
                    seconds = (failure.come_back_at - datetime.now(timezone.utc)).total_seconds()
                    assert abs(seconds - call["come_back_s"]) < 5
            assert sent == call["sent"]


RINGS = [vector for vector in vectors("rings", 12) if not any("after_s" in call for call in vector["calls"])]


@pytest.mark.parametrize("vector", RINGS, ids=names(RINGS))
def test_rings(vector):
    assert len(RINGS) >= 9
    accepted, sent = [], []

    def answer(request, body):
        digit = request.headers["Authorization"][-1]
        sent.append(digit)
        if digit in accepted:
            return 200, [], b"{}"
        return 401, [], b'{"error":{"code":"INVALID_API_KEY"}}'

    now = datetime.now(timezone.utc)
    keys = [
        Key(key["key"], created=now - timedelta(days=key["age_days"]) if "age_days" in key else None, name=key.get("name"))
        for key in vector["keys"]
    ]
    with Scripted(answer) as server:
        client = Client(vector["provider"], api_keys=keys, environment=vector["environment"], base_url=server.url, **LOOPBACK)
        for call in vector["calls"]:
            accepted[:], sent[:] = call["accepted"], []
            try:
                assert client.get("/v1/invoices").ok == bool(set(sent) & set(accepted))
            except ledgerauth.KeyRefused:
                assert call["sent"] == []
            assert sent == call["sent"]


def is_replayable(vector):
    """Whether it needs neither a store that misbehaves nor a wait of several seconds."""
    told = [turn.get("then", {}) for turn in vector["steps"]]
    waits = [turn["expect"].get("at_least_ms", 0) for turn in vector["steps"] if turn["expect"]["step"] == "wait"]
    stores = {then.get("claimed", "granted") for then in told} | {then.get("saved", "durable") for then in told}
    lost = [then["failure"] for then in told if "failure" in then]
    return stores <= {"granted", "durable"} and max(waits, default=0) < 2_000 and not any(failure["not_sent"] for failure in lost)


EXCHANGES = [vector for vector in vectors("exchanges", 29) if is_replayable(vector)]


@pytest.mark.parametrize("vector", EXCHANGES, ids=names(EXCHANGES))
def test_exchanges(vector):
    assert len(EXCHANGES) >= 22
    turns = [turn for turn in vector["steps"] if turn["expect"]["step"] in ("fetch", "send")]
    asked = []

    def answer(request, body):
        turn = turns[len(asked)]
        asked.append((request, body))
        expect, then = turn["expect"], turn["then"]
        host = expect["url"].split("/")[2]
        assert request.path == expect["url"].split(host, 1)[1], expect
        if expect["step"] == "fetch":
            assert request.command == expect["method"] and (body.decode() or None) == expect.get("body")
            for name, value in expect.get("headers", {}).items():
                assert request.headers[name] == value
        else:
            name, value = expect.get("authorization") or ("Authorization", None)
            assert request.headers[name] == value
        if "failure" in then:
            return None
        fields = [[name, value.replace("https://files.example", server.url)] for name, value in then["response"].get("headers", [])]
        return then["response"]["status"], fields, then["response"].get("body", "").encode()

    given = dict(vector["credential"])
    credential = {"api_keys": given["keys"]} if "keys" in given else given
    with Scripted(answer) as server:
        token_url = next(
            (
                server.url + "/" + turn["expect"]["url"].split("/", 3)[3].split("?")[0]
                for turn in turns
                if turn["expect"]["step"] == "fetch"
            ),
            None,
        )
        # A foreign host: the same server by another name.
        foreign = any(turn["expect"].get("foreign") for turn in turns)
        base = server.url.replace("127.0.0.1", "localhost") if foreign else server.url
        hosts = [server.url if host == "files.example" else host for host in vector.get("allow_redirect_to", [])]
        client = Client(
            vector["provider"],
            environment=vector["environment"],
            base_url=base,
            token_url=token_url,
            allow_redirect_to=hosts,
            **credential,
            **LOOPBACK,
        )
        call, done = vector["call"], vector["steps"][-1]["expect"]
        content = call.get("body")
        try:
            response = client.request(call["method"], call["path"], content=content and content.encode())
            outcome, failure = "answered", response.failure
        except ledgerauth.LedgerAuthError as raised:
            outcome, failure = "failed", raised
    assert (outcome, failure and failure.kind) == (done["outcome"], done.get("kind"))
    assert len(asked) == len(turns)
    if "processed" in done:
        assert (failure.processed, failure.retryable) == (done["processed"], done["retryable"])
    if "come_back_in_ms" in done:
        seconds = (failure.come_back_at - datetime.now(timezone.utc)).total_seconds()
        assert abs(seconds - done["come_back_in_ms"] / 1000) < 5

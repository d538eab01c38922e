"""No secret shows anywhere: whatever Python can print of an object, copy, pickle or trace."""

from __future__ import annotations

import copy
import functools
import importlib.util
import json
import os
import pickle
import traceback

import pytest

import ledgerauth

ADAPTERS = [name for name in ("requests", "httpx", "httpx2", "aiohttp") if importlib.util.find_spec(name)]


def shown_by(thing) -> str:
    """Everything that Python shows of an object."""
    texts = [repr(thing), str(thing), f"{thing}", repr(getattr(thing, "__dict__", None)), repr(dir(thing))]
    for name in dir(thing):
        try:
            value = getattr(thing, name)
            texts.append(repr(value))
        except Exception as error:
            texts.append(f"{error!r} {error.args}")
    for dump in (pickle.dumps, json.dumps, copy.copy, copy.deepcopy, vars, dict, list):
        try:
            texts.append(repr(dump(thing)))
        except Exception as error:
            texts.append(f"{error!r} {error.args}")
    return "\n".join(texts)


def test_nothing_shows_a_secret(sandbox, monkeypatch, tmp_path, private_key):
    monkeypatch.setenv("OWN_KEY", sandbox.keys["finora_test"])
    seal = os.urandom(32).hex()
    monkeypatch.setenv("SEAL", seal)
    pair = sandbox.keys["numeric"]
    refresh, kept = (sandbox.issue("refresh_token", client_id=pair["client_id"]) for _ in range(2))
    store = ledgerauth.FileStore(tmp_path / "tokens", seal_env="SEAL")
    redis = ledgerauth.RedisStore("redis://:redis-pass-1@127.0.0.1:9/0")
    clients = [
        sandbox.client("finora"),
        sandbox.client("finora", api_key=None, api_keys=[ledgerauth.Key(sandbox.keys["finora_test"], name="n")]),
        ledgerauth.Client.from_env("finora", "OWN_KEY", **sandbox.options("finora", credential=False)),
        ledgerauth.Client.from_callable("finora", lambda: sandbox.keys["finora_test"], **sandbox.options("finora", credential=False)),
        sandbox.client("numeric"),
        sandbox.client("numeric", refresh_token=refresh),
        sandbox.client("numeric", refresh_token=kept, store=store),
    ]
    secrets = [sandbox.keys["finora_test"][8:], pair["client_secret"], refresh, kept, seal, "redis-pass-1"]
    things = [ledgerauth.Key(sandbox.keys["finora_test"]), ledgerauth.Redactor(secrets=secrets), store, redis]
    for client in clients:
        path = "/v1/invoices" if client.provider == "finora" else "/v1/health"
        response = client.get(path)
        things += [
            client,
            response,
            response.headers,
            client.check(),
            client.explain(),
            client._ahead("GET", client.base_url + path, {}),
            client._exchange("GET", client.base_url + path, None, {}, True),
        ]
        things += [importlib.import_module(f"ledgerauth.{adapter}").Auth(client) for adapter in ADAPTERS]
        things += client.keys + client.rotation_plan
        secrets.append(client.authorize(path)[7:])
    key = {"private_key": private_key.read_text(), "private_key_algorithm": "ES256", "client_auth": "private_key_jwt"}
    keyed = ledgerauth.Client("numeric", client_id="own", environment="production", **key)
    things += [keyed, keyed.explain(), sandbox.client("finora", proxy="http://user:proxy-pass-1@127.0.0.1:9")]
    secrets += [*private_key.read_text().splitlines()[1:-1], "proxy-pass-1"]
    for thing in things:
        shown = shown_by(thing)
        for secret in secrets:
            assert secret not in shown, type(thing)


def locals_of(raised: BaseException) -> str:
    """What a traceback that prints local variables shows of our frames; those of the test know the secret by right."""
    own = [frame for frame in traceback.walk_tb(raised.__traceback__) if "ledgerauth" in frame[0].f_code.co_filename.replace("tests", "")]
    lines = traceback.StackSummary.extract(iter(own), capture_locals=True).format()
    return "".join(line for line in lines if "tests/python" not in line)


def test_tracebacks_with_locals_show_nothing(sandbox):
    secret = sandbox.keys["finora_test"]
    away = sandbox.client("finora", base_url="https://127.0.0.1:9", max_attempts=1)
    attempts = [
        lambda: ledgerauth.Client("finora", api_key=secret + "x"),
        lambda: ledgerauth.Client("finora", api_key=secret, environment="production"),
        lambda: ledgerauth.Client.from_callable("finora", lambda: [secret, "x"]),
        lambda: ledgerauth.Client.from_callable("finora", lambda: {"api_key": secret, "colour": "blue"}),
        lambda: away.get("/v1/invoices"),
        lambda: pickle.dumps(away),
    ]
    if "requests" in ADAPTERS:
        import requests

        import ledgerauth.requests

        attempts.append(lambda: requests.get("https://127.0.0.1:9/", auth=ledgerauth.requests.Auth(away), timeout=2))
    if "httpx" in ADAPTERS:
        import httpx

        import ledgerauth.httpx

        attempts.append(lambda: httpx.get("https://127.0.0.1:9/", auth=ledgerauth.httpx.Auth(away), timeout=2))
    for attempt in attempts:
        with pytest.raises(Exception) as caught:  # noqa: PT011
            attempt()
        shown = locals_of(caught.value) + f"{caught.value} {caught.value.args}"
        assert secret[8:] not in shown, shown


def test_a_header_value_is_not_pickled(sandbox):
    value = sandbox.client("finora").authorize("/v1/invoices")
    for dump in (pickle.dumps, functools.partial(pickle.dumps, protocol=0)):
        with pytest.raises(ledgerauth.Misuse, match="not pickled"):
            dump(value)
    assert copy.copy(value) == copy.deepcopy({"x": value})["x"] == value
    with pytest.raises(ledgerauth.Misuse):
        sandbox.client("finora").authorize("//evil.example/x")


def test_a_response_of_an_adapter_pickles_without_the_credential(sandbox):
    requests = pytest.importorskip("requests")
    import ledgerauth.requests

    client = sandbox.client("finora")
    with requests.Session() as session:
        session.auth, session.verify = ledgerauth.requests.Auth(client), sandbox.ca_file
        response = session.get(client.base_url + "/v1/invoices")
    dumped = pickle.dumps(response)
    secret = client.authorize("/v1/invoices").split()[-1]
    assert secret.encode() not in dumped
    again = pickle.loads(dumped)
    assert again.json() == response.json() and again.request.headers["Authorization"] == "[redacted]"


@pytest.mark.parametrize(
    "reference",
    [
        (ledgerauth.Redactor, "__class__", "x", (), {}),
        (ledgerauth.Client, "login", "finora", (), {}),
        (ledgerauth.Client, "__init_subclass__", "finora", (), {}),
        ("Client", "from_env", "finora", (), {}),
    ],
)
def test_a_pickle_makes_clients_and_nothing_else(reference):
    from ledgerauth import _attach

    with pytest.raises(ledgerauth.Misuse, match="makes no client"):
        _attach.attach(*reference)
    with pytest.raises(ledgerauth.Misuse, match="no store"):
        _attach.named(dict, "x", {})

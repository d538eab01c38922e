"""A secret that was passed in the wrong place is shown by no exit: message, repr, args, traceback, log, audit, explanation, JSON of the command."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import logging
import random
import string
import traceback
from typing import Any, Callable

import pytest

import ledgerauth
from ledgerauth._attach import attach, named
from ledgerauth.cli import main

RUN = 12
"""So many characters in a row of a secret give away too much of it."""


def made_up(length: int, letters: str, seed: int) -> str:
    return "".join(random.Random(seed).choices(letters, k=length))


def secrets() -> dict[str, str]:
    """Secrets of every kind, made for this test."""
    plain = string.ascii_letters + string.digits
    body = base64.b64encode(random.Random(3).randbytes(138)).decode()
    lines = "\n".join(body[start : start + 64] for start in range(0, len(body), 64))
    pem = f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n"
    part = [base64.urlsafe_b64encode(text).decode().rstrip("=") for text in (b'{"alg":"HS256"}', b'{"sub":"made-up"}')]
    jwk = {"kty": "EC", "crv": "P-256", "d": made_up(43, plain, 4), "x": made_up(43, plain, 5)}
    return {
        "live key": f"live_sk_{made_up(48, plain, 1)}",
        "client secret": "q7/Zk2+" + base64.b64encode(random.Random(2).randbytes(32)).decode(),
        "JWT": ".".join([*part, made_up(43, plain, 6)]),
        "PEM": pem,
        "base64 of the PEM": base64.b64encode(pem.encode()).decode(),
        "JSON credentials": json.dumps({"client_id": made_up(20, plain, 7), "client_secret": made_up(40, plain, 8)}),
        "JWK": json.dumps(jwk),
        "redis URL": "redis+cluster://:hunter2-hunter2-hunter2@tokens.internal:6379",
    }


SECRETS = secrets()
PUBLIC = ("redis+cluster://tokens.internal:6379", "redis+cluster://", "client_secret")
"""What a URL may tell, its scheme and host, and the name of a field."""


def runs(secret: str) -> list[str]:
    found = [secret[start : start + RUN] for start in range(len(secret) - RUN + 1)]
    return [run for run in found if not any(run in public for public in PUBLIC)]


def client(**options: Any) -> ledgerauth.Client:
    usual = {"api_key": "test_sk_" + made_up(48, "0123456789abcdef", 9), "proxy": False}
    return ledgerauth.Client(
        "finora", **{**usual, "base_url": "http://127.0.0.1:9", "insecure_loopback": True, "environment": "staging", **options}
    )


def used(made: ledgerauth.Client) -> list[Any]:
    """What a client shows that could be made."""
    shown: list[Any] = [
        made,
        made.explain(),
        made.explain().as_dict(),
        made.keys,
        made.rotation_plan,
        [str(step) for step in made.rotation_plan],
    ]
    with contextlib.suppress(ledgerauth.LedgerAuthError):
        made.get("/v1/invoices", deadline=0.5)
    return [*shown, made.explain()]


def stored_client() -> ledgerauth.Client:
    return ledgerauth.Client("xero", client_id="own", stored=True, store="tokens", proxy=False)


def audited(secret: str) -> list[Any]:
    """What a listener gets of a client on which the secret was put everywhere."""
    heard: list[Any] = []
    options = {"integration": secret, "name": secret, "permissions": [secret]}
    for name, value in options.items():
        with contextlib.suppress(ledgerauth.LedgerAuthError):
            made = client(on_audit=heard.append, audit_blocks=True, **{name: value})
            with contextlib.suppress(ledgerauth.LedgerAuthError):
                made.get("/v1/invoices", request_id=secret, params={"q": secret}, headers={"X-Business-Id": secret}, deadline=0.5)
            # Other parts of a path may be ids.
            if secret.startswith(("live_sk_", "eyJ")):
                with contextlib.suppress(ledgerauth.LedgerAuthError):
                    made.get(f"/v1/{secret}", deadline=0.5)
    assert heard
    return [heard, [event.as_dict() for event in heard], [str(event) for event in heard]]


def adapted(library: str, secret: str) -> Any:
    return pytest.importorskip(f"ledgerauth.{library}").Auth(secret)


def jwt_client(**options: Any) -> Any:
    return used(ledgerauth.Client("numeric", client_id="own", environment="production", client_auth="private_key_jwt", **options))


def command(*arguments: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), contextlib.suppress(SystemExit):
        main(list(arguments))
    return out.getvalue()


PLACES: dict[str, Callable[[str], Any]] = {
    "Client(provider)": lambda s: ledgerauth.Client(s, api_key="x"),
    "provider_text(name)": lambda s: __import__("ledgerauth._ledgerauth")._ledgerauth.provider_text(s),
    "Redactor(providers)": lambda s: ledgerauth.Redactor(providers=[s]),
    "environment": lambda s: used(client(environment=s)),
    "base_url": lambda s: used(client(base_url=s)),
    "token_url": lambda s: used(client(token_url=s)),
    "issuer": lambda s: used(client(issuer=s)),
    "authorization_url": lambda s: used(client(authorization_url=s)),
    "device_authorization_url": lambda s: used(client(device_authorization_url=s)),
    "revocation_url": lambda s: used(client(revocation_url=s)),
    "header": lambda s: used(client(header=s)),
    "scheme": lambda s: used(client(scheme=s)),
    "integration": lambda s: used(client(integration=s)),
    "name": lambda s: used(client(name=s)),
    "user_agent": lambda s: used(client(user_agent=s)),
    "client_auth": lambda s: used(client(client_auth=s)),
    "ca_file": lambda s: used(client(ca_file=s)),
    "proxy": lambda s: used(client(proxy=s)),
    "allow_redirect_to": lambda s: used(client(allow_redirect_to=[s])),
    "permissions": lambda s: used(client(permissions=[s])),
    "store": lambda s: used(client(store=s)),
    "RedisStore(url)": lambda s: [ledgerauth.RedisStore(s), used(client(store=ledgerauth.RedisStore(s)))],
    "RedisStore(password_env)": lambda s: used(client(store=ledgerauth.RedisStore("redis://127.0.0.1:9", password_env=s))),
    "RedisStore(ca_file)": lambda s: used(client(store=ledgerauth.RedisStore("rediss://127.0.0.1:9", ca_file=s))),
    "FileStore(seal_env)": lambda s: used(client(store=ledgerauth.FileStore("tokens", seal_env=s))),
    "FileStore(seal_file)": lambda s: used(client(store=ledgerauth.FileStore("tokens", seal_file=s))),
    "private_key": lambda s: jwt_client(private_key=s),
    "private_key_algorithm": lambda s: jwt_client(private_key="key.pem", private_key_algorithm=s),
    "from_env(variable)": lambda s: ledgerauth.Client.from_env("finora", s),
    "from_env(id, secret)": lambda s: ledgerauth.Client.from_env("numeric", s, s),
    "from_file(path)": lambda s: ledgerauth.Client.from_file("numeric", s),
    "Key(name)": lambda s: [key := ledgerauth.Key(f"test_sk_{'ab3' * 16}", name=s), used(client(api_key=key))],
    "Key(created)": lambda s: ledgerauth.Key("x", created=s),
    "login(redirect_uri)": lambda s: stored_client().login(redirect_uri=s, open_browser=False, patience=0.2),
    "login(parameters)": lambda s: stored_client().login(parameters=[(s, s)], open_browser=False, patience=0.2),
    "login(show)": lambda s: stored_client().login(show=s, open_browser=False, patience=0.2),
    "login(patience)": lambda s: stored_client().login(patience=s, open_browser=False),
    "login_on_device(show)": lambda s: stored_client().login_on_device(show=s),
    "request_id": lambda s: client().get("/v1/invoices", request_id=s, deadline=0.5),
    "params": lambda s: client().get("/v1/invoices", params={s: s}, deadline=0.5),
    "params as a text": lambda s: client().get("/v1/invoices", params=s, deadline=0.5),
    "a header's name": lambda s: client().get("/v1/invoices", headers={s: "x"}, deadline=0.5),
    "a header's value": lambda s: client().get("/v1/invoices", headers={"X-Business-Id": s}, deadline=0.5),
    "headers as a text": lambda s: client().get("/v1/invoices", headers=s, deadline=0.5),
    "content": lambda s: client().post("/v1/invoices", content=s, deadline=0.5),
    "data": lambda s: client().post("/v1/invoices", data={s: s}, deadline=0.5),
    "json": lambda s: client().post("/v1/invoices", json={s: s}, deadline=0.5),
    "deadline": lambda s: client().get("/v1/invoices", deadline=s),
    "allow_redirect_to of a call": lambda s: client().get("/v1/invoices", allow_redirect_to=s, deadline=0.5),
    "poll": lambda s: client().poll(s, deadline=0.5),
    "authorize": lambda s: client().authorize(s),
    "on_audit": lambda s: used(client(on_audit=s)),
    "what on_audit is given": audited,
    "requests.Auth": lambda s: adapted("requests", s),
    "httpx.Auth": lambda s: adapted("httpx", s),
    "httpx2.Auth": lambda s: adapted("httpx2", s),
    "aiohttp.Auth": lambda s: adapted("aiohttp", s),
    "attach(maker)": lambda s: attach(ledgerauth.Client, s, "finora", (), {}),
    "attach(kind)": lambda s: attach(s, "from_env", "finora", (), {}),
    "attach(provider)": lambda s: attach(ledgerauth.Client, "from_env", s, (), {}),
    "attach(source)": lambda s: attach(ledgerauth.Client, "from_env", "finora", (s,), {}),
    "attach(function)": lambda s: attach(ledgerauth.Client, "from_callable", "finora", (("os", s),), {}),
    "attach(module)": lambda s: attach(ledgerauth.Client, "from_callable", "finora", ((s, "path"),), {}),
    "attach(option)": lambda s: attach(ledgerauth.Client, "from_env", "finora", (), {"environment": s}),
    "a pickled store": lambda s: named(ledgerauth.RedisStore, s, {}),
    "method and path": lambda s: [client().request(s, "/"), client().get(s)],
    "check --environment": lambda s: command("check", "finora", "--environment", s, "--json"),
    "check --file": lambda s: command("check", "finora", "--file", s, "--json"),
    "check --env": lambda s: command("check", "finora", "--env", s, "--json"),
    "check PROVIDER": lambda s: command("check", s, "--json"),
    "login --env": lambda s: command("login", "xero", "--client-id", "own", "--store", "tokens", "--env", s, "--json"),
    "an unknown command": lambda s: command(s),
    "an unknown argument": lambda s: command("check", "finora", s, f"--{s}"),
}


def of_an_error(raised: BaseException) -> list[str]:
    """Everything that an error shows, and its traceback with the local variables of our own frames."""
    own = [frame for frame in traceback.walk_tb(raised.__traceback__) if frame[0].f_code.co_filename != __file__]
    frames = traceback.StackSummary.extract(iter(own), capture_locals=True).format()
    chain = [error for error in (raised.__cause__, raised.__context__) if error is not None]
    # The test's own lines name no secret, but its local variables do.
    plain = traceback.format_exception(type(raised), raised, raised.__traceback__)
    return [
        str(raised),
        repr(raised),
        repr(raised.args),
        repr(vars(raised)),
        *frames,
        *plain,
        *(text for error in chain for text in of_an_error(error)),
    ]


@pytest.mark.parametrize("place", PLACES)
def test_no_exit_shows_it(place, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.DEBUG)
    for kind, secret in SECRETS.items():
        shown: list[str] = []
        try:
            shown.append(repr(PLACES[place](secret)))
        except Exception as raised:
            shown += of_an_error(raised)
        shown += [caplog.text, *(repr(record.__dict__) for record in caplog.records), *(path.name for path in tmp_path.rglob("*"))]
        everything = "\n".join(shown)
        told = [run for run in runs(secret) if run in everything or repr(run)[1:-1] in everything]
        assert not told, f"{place}, {kind}: {everything}"


@pytest.mark.parametrize(
    "attempt",
    [
        lambda s: ledgerauth.Client("finora", api_key=s),
        lambda s: ledgerauth.Client("numeric", client_id="own", client_secret=s),
        lambda s: ledgerauth.Client("numeric", client_id="own", client_secret="x", refresh_token=s),
        lambda s: ledgerauth.Client("numeric", client_id=s, client_secret="x"),
        lambda s: ledgerauth.Client("numeric", client_id="own", private_key=s),
        lambda s: ledgerauth.Client(s, api_key="x"),
        lambda s: ledgerauth.Key(s),
        lambda s: ledgerauth.Key("x", name=s),
        lambda s: ledgerauth.Redactor(secrets=[s]),
        lambda s: ledgerauth.Redactor(headers=[s]),
        lambda s: ledgerauth.Redactor().redact(s),
        lambda s: ledgerauth.Client.from_env("finora", s),
        lambda s: client(environment=s),
        lambda s: client(scopes=s),
        lambda s: client(permissions=[s]),
        lambda s: client(store=s),
        lambda s: client().get(s),
    ],
)
def test_half_of_a_surrogate_pair_is_held_by_no_error(attempt):
    secret = SECRETS["live key"] + "\ud83d"
    with pytest.raises(ledgerauth.KeyFormatError) as caught:
        attempt(secret)
    assert "surrogate" in str(caught.value)
    shown = "\n".join(of_an_error(caught.value))
    assert not [run for run in runs(SECRETS["live key"]) if run in shown]


def test_what_was_mistyped_is_still_named(tmp_path):
    for attempt, name in [
        (lambda: ledgerauth.Client("finorra", api_key="x"), '"finorra"'),
        (lambda: client(environment="prodction"), '"prodction"'),
        (lambda: client(client_auth="client_secret_bsic"), '"client_secret_bsic"'),
        (lambda: ledgerauth.Client.from_env("finora", "FINORA_APY_KEY_2"), "FINORA_APY_KEY_2"),
        (lambda: ledgerauth.Client.from_file("finora", tmp_path / "nowhere" / "keys.json"), str(tmp_path / "nowhere" / "keys.json")),
        (lambda: jwt_client(private_key="keys/prod2026.pem"), "keys/prod2026.pem"),
        (lambda: jwt_client(private_key="key.pem", private_key_algorithm="RS512"), '"RS512"'),
        (lambda: client(ca_file="certificates.pem"), "certificates.pem"),
        (lambda: client(store="memcached://tokens.internal"), "memcached://tokens.internal"),
    ]:
        with pytest.raises(ledgerauth.LedgerAuthError) as caught:
            attempt()
        assert name in str(caught.value), str(caught.value)


def test_a_scheme_is_compared_without_case(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "redis://127.0.0.1:9" in repr(ledgerauth.RedisStore("REDIS://127.0.0.1:9"))
    client(store="REDIS://127.0.0.1:9")
    assert not list(tmp_path.iterdir())

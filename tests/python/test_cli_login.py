"""Logins and private keys on the command line, at a real authorization server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request

import pytest

from oidc import Oidc
from test_cli import CLEAN, cli

PROFILE = """
name = "oidc"
title = "the test's authorization server"

[[environment]]
name = "test"
base_url = "https://ledger.example"
token_url = "https://login.ledger.example/token"

[token]
grants = ["client_credentials", "refresh_token"]
request = "form"
client_auth = "client_secret_basic"

[check]
path = "/api/ledger"
"""


@pytest.fixture(scope="module")
def oidc():
    with Oidc(client_keys=True) as server:
        yield server


@pytest.fixture
def place(oidc, tmp_path):
    """The provider, and the arguments that point a command at the server."""
    (tmp_path / "oidc.toml").write_text(PROFILE)
    own = ["--environment", "test", "--base-url", oidc.issuer, "--token-url", f"{oidc.issuer}/token", "--insecure-loopback", "--no-proxy"]
    return [str(tmp_path / "oidc.toml"), *own, "--store", str(tmp_path / "tokens")]


def login(oidc, arguments, act):
    """Starts a login, does what a person does as soon as the program has said where, and returns what it printed."""
    command = [sys.executable, "-W", "error", "-m", "ledgerauth", "login", *arguments, "--issuer", oidc.issuer, "--json"]
    scopes = ["--scopes", "openid offline_access ledger.read"]
    with subprocess.Popen(command + scopes, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=CLEAN) as running:
        said = ""
        while not act(said) and (line := running.stderr.readline()):
            said += line
        out, rest = running.communicate(timeout=60)
    assert running.returncode == 0, said + rest
    return json.loads(out), said + rest


def by_code(oidc):
    """What a person does on another device."""

    def act(said):
        shown = re.search(r"enter the code (\S+)", said)
        return bool(shown) and oidc.own("/__device", {"user_code": shown[1], "allow": True})["known"]

    return act


def test_a_person_connects_by_code(oidc, place):
    before, _ = cli("explain", *place, "--client-id", "device", "--stored", expect=1)
    assert "no consent to get one by" in before and "log in once" in before
    told, said = login(oidc, [*place, "--client-id", "device", "--device"], by_code(oidc))
    assert told["ok"] and told["provider"] == "oidc" and told["stored_generation"] == 1
    check, _ = cli("check", *place, "--client-id", "device", "--stored", "--json")
    assert check["ok"] and check["status"] == 200
    about, _ = cli("explain", *place, "--client-id", "device", "--stored")
    assert "1 in the store" in about


def test_a_connection_by_name_says_the_rest(oidc, place, tmp_path):
    facts = {
        "provider": "oidc.toml",
        "environment": "test",
        "base_url": oidc.issuer,
        "token_url": f"{oidc.issuer}/token",
        "client_id": "device",
    }
    lines = [f'{name} = "{value}"' for name, value in facts.items()]
    lines += ["stored = true", "insecure_loopback = true", "proxy = false", 'store = "tokens"']
    (tmp_path / "ledgerauth.toml").write_text("\n".join(["[connections.month-end]", *lines]))
    named = ["month-end", "--config", str(tmp_path / "ledgerauth.toml")]
    told, _ = login(oidc, [*named, "--device"], by_code(oidc))
    assert told["ok"] and told["stored_generation"] == 1
    check, _ = cli("check", *named, "--json")
    assert check["ok"] and check["status"] == 200


def test_a_person_connects_in_a_browser(oidc, place):
    def act(said):
        shown = re.search(r"^\s+(http\S+)$", said, re.MULTILINE)
        if not shown:
            return False
        # As a browser would: it follows every redirect, the last of them back to the program, with the server's cookies.
        browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor())
        with browser.open(shown[1], timeout=20) as page:
            assert page.status == 200
        return True

    told, said = login(oidc, [*place, "--client-id", "native", "--no-browser", "--parameter", "prompt=consent"], act)
    assert told["ok"] and told["stored_generation"] == 1
    token, _ = cli("token", *place, "--client-id", "native", "--stored", "--show")
    assert token.strip() and token.strip() not in said
    cli("check", *place, "--client-id", "native", "--stored")


def test_a_login_needs_a_store_and_a_client(place):
    arguments = place[: place.index("--store")]
    assert "--store" in cli("login", *arguments, "--client-id", "native", expect=2)[1]
    assert "--client-id" in cli("login", *place, expect=2)[1]
    assert "NAME=VALUE" in cli("login", *place, "--client-id", "native", "--parameter", "prompt", expect=2)[1]


def test_a_private_key_is_a_file(oidc, place, tmp_path):
    (tmp_path / "key.pem").write_text(oidc.keys["ES256"]["pkcs8"])
    key = ["--private-key", tmp_path / "key.pem", "--private-key-id", "key-es256-1", "--private-key-algorithm", "ES256"]
    told, _ = cli("check", *place, "--client-id", "key-es256", *key, "--json")
    assert told["ok"] and told["credential"].count("key-es256")
    assert "no-such.pem" in cli("check", *place, "--client-id", "a", "--private-key", "no-such.pem", expect=3)[1]

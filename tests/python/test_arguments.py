"""What is no argument, or does not fit: every error names the argument, says what is wrong with it, and shows no secret."""

from __future__ import annotations

import math
import re

import pytest

import ledgerauth
from ledgerauth import Client, Key, Redactor

KEY = "test_sk_" + "0a" * 24

TEXTS = ("environment", "base_url", "token_url", "header", "scheme", "integration", "name", "user_agent", "issuer", "client_auth", "proxy")
CREDENTIALS = ("client_id", "client_secret", "refresh_token", "private_key_id", "private_key_algorithm", "service_account", "subject")


@pytest.mark.parametrize(
    "name", [*TEXTS, "store", "ca_file", "timeout", "deadline", "max_attempts", "scopes", "permissions", "stored", "discover"]
)
def test_an_option_of_the_wrong_type_is_named(name):
    with pytest.raises(TypeError, match=f"^{name}: "):
        Client("finora", api_key=KEY, **{name: object()})


@pytest.mark.parametrize("name", ["api_key", "private_key", *CREDENTIALS])
def test_a_part_of_a_credential_of_the_wrong_type_is_named(name):
    with pytest.raises(TypeError, match=f"^{name}: "):
        Client("numeric", environment="production", **{name: object()})


@pytest.mark.parametrize(
    ("kind", "told", "options"),
    [
        (OverflowError, "max_attempts: ", {"max_attempts": -1}),
        (ValueError, "max_attempts: ", {"max_attempts": 0}),
        (ledgerauth.SettingError, "timeout=0 ", {"timeout": 0}),
        (ledgerauth.SettingError, "deadline=inf ", {"deadline": math.inf}),
        (ledgerauth.SettingError, "user_agent cannot be used: it cannot be sent", {"user_agent": "two\nlines"}),
        (ledgerauth.SettingError, "ca_file cannot be used: there is no certificate in it: give PEM", {"ca_file": __file__}),
        (TypeError, "api_keys takes several", {"api_key": None, "api_keys": KEY}),
        (TypeError, r"api_keys\[1\]: ", {"api_key": None, "api_keys": [KEY, 3]}),
        (TypeError, r'api_keys\[0\]: the dict has no "key"', {"api_key": None, "api_keys": [{"name": "spring"}]}),
        (TypeError, "on_audit is not callable", {"on_audit": "print"}),
        (TypeError, "Client.. got an unexpected keyword argument 'api_kee'", {"api_kee": KEY}),
    ],
)
def test_what_an_option_cannot_be_is_said(kind, told, options):
    with pytest.raises(kind, match=f"^{told}") as raised:
        Client("finora", **{"api_key": KEY, **options})
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    "given",
    [
        {"api_key": KEY, "api_keys": [KEY]},
        {"api_key": KEY, "client_id": "own"},
        {"api_key": KEY, "subject": "somebody"},
        {"api_key": KEY, "refresh_token": "spent-once-1"},
        {"client_secret": "of-nobody-1"},
        {"client_id": "own", "private_key_id": "of-no-key"},
    ],
)
def test_parts_of_a_credential_that_do_not_fit_together_are_named(given):
    with pytest.raises(ledgerauth.Misuse, match=re.escape(f"({', '.join(given)})")) as raised:
        Client("numeric", **given)
    assert raised.value.advice in str(raised.value) and KEY not in str(raised.value)


@pytest.mark.parametrize("given", [{"name": {1, 2}}, {"name": math.nan}, {"name": object()}])
def test_a_dict_that_cannot_be_a_profile_is_refused_as_one(given):
    with pytest.raises(ledgerauth.ProfileError, match="the dict is not a profile"):
        Client(given, api_key=KEY)


def test_a_provider_of_the_wrong_type_is_named():
    with pytest.raises(TypeError, match="^provider: "):
        Client(3, api_key=KEY)


@pytest.mark.parametrize("created", ["soon", object(), math.nan, math.inf, 1e300])
def test_the_day_that_a_key_was_made_is_a_moment(created):
    with pytest.raises((TypeError, ValueError), match="^created[:=]"):
        Key(KEY, created=created)


def test_a_function_that_returns_no_credential_is_named():
    def vault():
        return 3

    with pytest.raises(ledgerauth.SourceUnavailable, match="vault returned int"):
        Client.from_callable("finora", vault)


@pytest.mark.parametrize("name", ["secrets", "headers", "providers"])
def test_a_redactor_takes_several_of_each(name):
    with pytest.raises(TypeError, match=f"^{name} takes several"):
        Redactor(**{name: "one text"})


@pytest.mark.parametrize(
    ("told", "given"),
    [
        ("params is neither a mapping nor", {"params": "a=b"}),
        ("params is neither a mapping nor", {"params": 3}),
        ("headers is neither a mapping nor", {"headers": ["X-Own"]}),
        ("deadline: ", {"deadline": "soon"}),
        ("request_id: ", {"request_id": 3}),
        ("stream: ", {"stream": "yes"}),
        ("content: ", {"content": 3}),
        ("data: ", {"data": 3}),
        ("a piece of the body: ", {"content": [1]}),
        ("Client.post.. got an unexpected keyword argument 'jsn'", {"jsn": {}}),
    ],
)
def test_an_argument_of_a_call_is_named(sandbox, told, given):
    with pytest.raises(TypeError, match=f"^{told}"):
        sandbox.client("finora").post("/v1/invoices", **given)
    assert [entry for entry in sandbox.log("finora") if entry.acted] == []


def test_methods_take_what_makes_sense_for_them(sandbox):
    client = sandbox.client("finora")
    with pytest.raises(TypeError, match="Client.head.. got an unexpected keyword argument 'stream'"):
        client.head("/v1/invoices", stream=True)
    with pytest.raises(TypeError, match="Client.get.. got an unexpected keyword argument 'json'"):
        client.get("/v1/invoices", json={})
    assert client.get("/v1/invoices", params=None, headers=None, deadline=None, request_id=None, stream=False).ok
    assert sandbox.log("finora")[-1].method == "GET" and len(sandbox.log("finora")) == 1


@pytest.mark.parametrize("size", [0, -1])
def test_pieces_of_a_body_have_a_size(sandbox, size):
    with pytest.raises(ledgerauth.SettingError, match=f"^chunk_size={size} "):
        sandbox.client("finora").get("/v1/invoices").iter_bytes(size)


def test_a_huge_size_of_pieces_costs_no_memory(sandbox):
    response = sandbox.client("finora").get("/v1/invoices", stream=True)
    assert b"".join(response.iter_bytes(1 << 62)).startswith(b"{")

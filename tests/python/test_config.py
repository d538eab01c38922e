"""Connections by name, in ``ledgerauth.toml``: for programs and for every command."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys

import pytest

import ledgerauth
from ledgerauth import Client


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes the file that the variable names."""
    path = tmp_path / "ledgerauth.toml"
    monkeypatch.setenv("LEDGERAUTH_CONFIG", str(path))

    def write(text):
        path.write_text(text)
        path.chmod(0o600)
        return path

    return write


def table(name, facts):
    lines = "".join(f"{field} = {json.dumps(value)}\n" for field, value in facts.items())
    return f"[connections.{name}]\n{lines}"


def place(sandbox, provider):
    options = sandbox.options(provider, credential=False)
    return {name: str(value) if name != "proxy" else value for name, value in options.items() if name != "proxy"}


def command(*arguments, expect=0):
    done = subprocess.run([sys.executable, "-m", "ledgerauth", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_a_program_and_every_command_know_a_connection_by_name(sandbox, write, monkeypatch):
    monkeypatch.setenv("WEBSHOP_KEY", sandbox.keys["finora_test"])
    monkeypatch.setenv("NO_PROXY", "*")
    write(table("webshop", {"provider": "finora", "env": "WEBSHOP_KEY", **place(sandbox, "finora")}))
    client = Client.from_config("webshop")
    assert client.get("/v1/invoices").ok and client.environment == "staging"
    assert pickle.loads(pickle.dumps(client)).get("/v1/invoices").ok
    assert json.loads(command("check", "webshop", "--json"))["ok"]
    for name in ("keys", "explain", "token"):
        assert json.loads(command(name, "webshop", "--json"))["ok"], name


def test_every_source_and_the_folder_of_the_file(sandbox, write, tmp_path, monkeypatch):
    pair = sandbox.keys["numeric"]
    (tmp_path / "client.json").write_text(json.dumps(pair))
    monkeypatch.setenv("THE_ID", pair["client_id"])
    monkeypatch.setenv("THE_SECRET", pair["client_secret"])
    numeric = {"provider": "numeric", "store": "tokens", **place(sandbox, "numeric")}
    write(
        table("by-file", {**numeric, "file": "client.json"})
        + table("by-variables", {**numeric, "env": ["THE_ID", "THE_SECRET"]})
        + table("by-client", {**numeric, "client_id": pair["client_id"], "client_secret_env": "THE_SECRET"})
    )
    monkeypatch.chdir(os.path.sep)
    for name in ("by-file", "by-variables", "by-client"):
        assert Client.from_config(name, proxy=False).get("/v1/health").ok, name
    assert (tmp_path / "tokens").is_dir()
    assert len([entry for entry in sandbox.log("numeric_auth") if entry.status == 200]) == 1, "one store, one token"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[connections.a]\nprovider = ", "line 2"),
        ('[connections.a]\nprovider = "finora"\napi_key = "x"', "a secret does not stand here (api_key)"),
        ('[connections.a]\nprovider = "finora"\nenviroment = "x"', "is it environment?"),
        ('[connections.finora]\nprovider = "finora"', "called as a shipped provider is"),
        ('[connections.a]\nenv = "X"', "names no provider"),
        ('[connection.a]\nprovider = "finora"', "begin each with [connections.NAME]"),
        ('[connections.a]\nprovider = "finora"\nstore = "redis://:hunter2@host"', "store has a password in it"),
        ('[connections.a]\nprovider = "finora"\nfile = 7', "file is no text"),
        ('[connections.b]\nprovider = "finora"', "has no connection a"),
    ],
)
def test_what_cannot_be_right_is_told_by_its_place(write, text, told):
    write(text)
    with pytest.raises(ledgerauth.SettingError) as raised:
        Client.from_config("a")
    assert told in str(raised.value).replace("'", "").replace('"', "").replace("connection a;", "connection a"), raised.value
    assert "hunter2" not in str(raised.value)


def test_a_file_that_everybody_can_write_decides_nothing(write):
    path = write('[connections.a]\nprovider = "finora"\n')
    path.chmod(0o666)
    with pytest.raises(ledgerauth.SettingError, match="every user can write"):
        Client.from_config("a")
    path.unlink()
    with pytest.raises(ledgerauth.SettingError, match="cannot be read"):
        Client.from_config("a")


def test_a_file_in_the_current_folder_is_not_read_unasked(tmp_path, monkeypatch):
    monkeypatch.delenv("LEDGERAUTH_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ledgerauth.toml").write_text('[connections.a]\nprovider = "finora"\n')
    assert "no profile named" in json.loads(command("check", "a", "--json", expect=2))["error"]["message"]
    with pytest.raises(ledgerauth.SettingError, match="cannot be read"):
        Client.from_config("a")

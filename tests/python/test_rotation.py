"""A credential is handed over to a running client: the next call uses it, and no call meets a 401."""

from __future__ import annotations

import os
import pickle
import threading

import pytest

import ledgerauth
from ledgerauth import Client


def statuses(sandbox, service):
    return [entry.status for entry in sandbox.log(service)]


def test_a_key_is_rotated_under_load_without_a_401(sandbox):
    old, new = sandbox.issue("finora", environment="test"), sandbox.issue("finora", environment="test")
    client = Client("finora", api_key=old, **sandbox.options("finora", credential=False))
    stop, failed = threading.Event(), []

    def call():
        while not stop.is_set():
            if not client.get("/v1/invoices").ok:
                failed.append(1)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    client.replace_credential(api_key=new)
    # What was under way ends with the old key, which is still good.
    stop.set()
    for thread in threads:
        thread.join()
    sandbox.revoke(old)
    assert client.get("/v1/invoices").ok and not failed
    assert set(statuses(sandbox, "finora")) == {200}
    with pytest.raises(ledgerauth.Misuse, match="handed another credential"):
        pickle.dumps(client)


def test_an_id_and_secret_are_replaced_and_the_old_token_is_used_no_more(sandbox):
    first, second = sandbox.issue("adaas"), sandbox.issue("adaas")
    options = sandbox.options("adaas", credential=False)
    client = Client("adaas", client_id=first["client_id"], client_secret=first["secret"], **options)
    assert client.get("/v2/invoices").ok
    client.replace_credential(client_id=second["client_id"], client_secret=second["secret"])
    assert client.get("/v2/invoices").ok
    assert statuses(sandbox, "adaas_auth") == [200, 200] and statuses(sandbox, "adaas_api") == [200, 200]


def test_the_source_is_read_again_when_the_program_says_so(sandbox, tmp_path, monkeypatch):
    old, new = sandbox.issue("finora", environment="test"), sandbox.issue("finora", environment="test")
    options, file = sandbox.options("finora", credential=False), tmp_path / "key"
    file.write_text(old)
    monkeypatch.setenv("ROTATED_KEY", old)
    clients = [
        Client.from_file("finora", file, **options),
        Client.from_env("finora", "ROTATED_KEY", **options),
        Client.from_callable("finora", lambda: file.read_text(), **options),
    ]
    assert all(client.get("/v1/invoices").ok for client in clients)
    file.write_text(new)
    monkeypatch.setenv("ROTATED_KEY", new)
    for client in clients:
        client.reload()
    sandbox.revoke(old)
    assert all(client.get("/v1/invoices").ok for client in clients)
    assert set(statuses(sandbox, "finora")) == {200}
    pickle.dumps(clients[0])


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({}, ledgerauth.Misuse),
        ({"client_id": "id", "client_secret": "made-up"}, ledgerauth.KeyFormatError),
        ({"api_key": "live_sk_" + "0a" * 24}, ledgerauth.EnvironmentMismatch),
        ({"api_key": "nonsense"}, ledgerauth.KeyFormatError),
        ({"api_key": "test_sk_" + "0a" * 24, "timeout": 3}, TypeError),
    ],
)
def test_what_does_not_fit_is_refused_and_the_client_goes_on(sandbox, given, kind):
    client = sandbox.client("finora")
    with pytest.raises(kind):
        client.replace_credential(**given)
    with pytest.raises(ledgerauth.Misuse, match="nothing to read again"):
        client.reload()
    assert client.get("/v1/invoices").ok


def test_a_fork_takes_the_new_credential_along(sandbox):
    old, new = sandbox.issue("finora", environment="test"), sandbox.issue("finora", environment="test")
    client = Client("finora", api_key=old, **sandbox.options("finora", credential=False))
    client.replace_credential(api_key=new)
    sandbox.revoke(old)
    child = os.fork()
    if child == 0:
        os._exit(0 if client.get("/v1/invoices").ok else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert set(statuses(sandbox, "finora")) == {200}

"""Pickles of clients: names and no secrets, and one client a process for each name."""

from __future__ import annotations

import copy
import functools
import json
import multiprocessing
import os
import pickle
import secrets
import subprocess
import time
from pathlib import Path

import pytest

import ledgerauth
import sources
import tools
from ledgerauth import Client, FileStore, RedisStore

HERE = str(Path(__file__).parent)
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@pytest.fixture
def environment(sandbox, monkeypatch):
    pair = sandbox.keys["numeric"]
    monkeypatch.setenv("NUMERIC_CLIENT_ID", pair["client_id"])
    monkeypatch.setenv("NUMERIC_CLIENT_SECRET", pair["client_secret"])
    monkeypatch.setenv("SOURCE_OF_NUMERIC", json.dumps(pair))
    monkeypatch.setenv("SEAL", secrets.token_hex(32))
    monkeypatch.setenv("REDIS_PASSWORD", "made-up-" + secrets.token_hex(8))
    return sandbox.options("numeric", credential=False)


def makers(sandbox, tmp_path, options):
    """A client from each source, each with a store of another kind."""
    file = tmp_path / "client.json"
    file.write_text(json.dumps(sandbox.keys["numeric"]))
    unreached = "redis://127.0.0.1:9/0"
    return {
        "env": Client.from_env("numeric", **options),
        "named env": Client.from_env("numeric", "NUMERIC_CLIENT_ID", "NUMERIC_CLIENT_SECRET", store=tmp_path / "a", **options),
        "file": Client.from_file("numeric", file, store=FileStore(tmp_path / "b", seal_env="SEAL"), on_audit=sources.heard, **options),
        "function": Client.from_callable("numeric", sources.from_environment, store=str(tmp_path / "c"), **options),
        "class method": Client.from_callable("numeric", sources.Vault.of_the_class, **options),
        "redis": Client.from_env("numeric", store=RedisStore(unreached, password_env="REDIS_PASSWORD", prefix="x"), **options),
    }


def test_no_byte_of_a_secret_is_in_any_pickle(sandbox, environment, tmp_path):
    cloudpickle = pytest.importorskip("cloudpickle")
    for name, client in makers(sandbox, tmp_path, environment).items():
        known = [sandbox.keys["numeric"]["client_secret"], os.environ["SEAL"], os.environ["REDIS_PASSWORD"]]
        if name != "redis":
            assert client.get("/v1/health").ok
            known.append(client.authorize("/v1/health")[len("Bearer ") :])
        for dump in [*(functools.partial(pickle.dumps, protocol=protocol) for protocol in PROTOCOLS), cloudpickle.dumps]:
            text = dump(client).decode("latin-1")
            assert not [secret for secret in known if secret in text or secret[4:20] in text], name
        assert copy.copy(client) is client and copy.deepcopy([client])[0] is client


def test_a_pickle_taken_back_where_it_was_made_is_the_same_client(sandbox, environment, tmp_path):
    for client in makers(sandbox, tmp_path, environment).values():
        for protocol in PROTOCOLS:
            assert pickle.loads(pickle.dumps(client, protocol)) is client


WORKER = f"""
import sys
sys.path.insert(0, {HERE!r})
import os, pickle, threading
import ledgerauth
dumped = bytes.fromhex(sys.argv[1])
"""


def test_a_worker_makes_one_client_of_each_reference_however_often_it_comes(run, sandbox, environment, tmp_path):
    program = f"""{WORKER}
found = []
def take():
    for _ in range(4):
        client = pickle.loads(dumped)
        assert client.get("/v1/health").ok
        found.append(client)
threads = [threading.Thread(target=take) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(found) == 64 and len(set(map(id, found))) == 1, len(set(map(id, found)))
again = pickle.loads(pickle.dumps(found[0]))
assert again is found[0] and pickle.dumps(again) == pickle.dumps(pickle.loads(dumped))
"""
    sandbox.settings(token_delay_ms=100)
    for name, client in makers(sandbox, tmp_path, environment).items():
        if name != "redis":
            before = sandbox.token_requests()
            run(program, pickle.dumps(client).hex())
            assert sandbox.token_requests() == before + 1, name


def test_clients_of_different_names_are_different(run, sandbox, environment, tmp_path):
    ours = [
        Client.from_env("numeric", **environment),
        Client.from_env("numeric", **{**environment, "name": "other"}),
        Client.from_env("numeric", store=tmp_path / "a", **environment),
        Client.from_env("numeric", store=FileStore(tmp_path / "b"), **environment),
        Client.from_env("numeric", store=FileStore(tmp_path / "b", seal_env="SEAL"), **environment),
        Client.from_callable("numeric", sources.from_environment, **environment),
    ]
    program = f"""{WORKER}
clients = pickle.loads(dumped)
assert len(set(map(id, clients))) == len(clients) == 6
assert pickle.loads(dumped)[2] is clients[2]
"""
    run(program, pickle.dumps(ours).hex())


def test_a_worker_in_another_folder_finds_files_and_stores(run, sandbox, environment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("client.json").write_text(json.dumps(sandbox.keys["numeric"]))
    Path("own.toml").write_text(ledgerauth._ledgerauth.provider_text("numeric"))
    Path("ca.pem").write_text(sandbox.ca_pem)
    client = Client.from_file("own.toml", "client.json", store="tokens", **{**environment, "ca_file": "ca.pem"})
    assert client.get("/v1/health").ok
    monkeypatch.chdir("/")
    run(
        f"""{WORKER}
assert pickle.loads(dumped).get("/v1/health").ok
""",
        pickle.dumps(client).hex(),
    )
    assert sandbox.token_requests() == 1
    assert repr(FileStore("tokens")) == "<ledgerauth.FileStore /tokens>"


def test_a_literal_secret_refuses_and_says_how_to_do_it(sandbox):
    token = sandbox.issue("refresh_token", client_id=sandbox.keys["numeric"]["client_id"])
    for client in (
        sandbox.client("finora"),
        sandbox.client("numeric"),
        sandbox.client("numeric", refresh_token=token),
        sandbox.client("finora", api_key=None, api_keys=[sandbox.keys["finora_test"]]),
    ):
        for protocol in PROTOCOLS:
            with pytest.raises(ledgerauth.Misuse, match="Client.from_env, Client.from_file or Client.from_callable") as caught:
                pickle.dumps(client, protocol)
            assert "secret" in str(caught.value) and caught.value.advice in str(caught.value)


def test_functions_without_a_name_of_their_own_are_refused_and_not_taken_along(environment):
    secret = "5eC7e7" + secrets.token_hex(8)

    def nested():
        return sources.from_environment() if secret else None

    nameless = [
        nested,
        lambda: sources.from_environment(),
        functools.partial(sources.from_environment),
        sources.Vault(),
        sources.Vault().of_an_object,
    ]
    for function in nameless:
        client = Client.from_callable("numeric", function, **environment)
        with pytest.raises(ledgerauth.Misuse, match="at the top of a module"):
            pickle.dumps(client)
    client = Client.from_env("numeric", on_audit=lambda event: secret, **environment)
    with pytest.raises(ledgerauth.Misuse, match="on_audit .*at the top of a module"):
        pickle.dumps(client)


def test_a_picklers_own_way_with_functions_takes_no_secret_along(run, environment):
    pytest.importorskip("cloudpickle")
    # A function of the main program is what such a pickler takes by value, with all that it uses.
    program = f"""
import cloudpickle, json, os, sys
import ledgerauth
SECRET = json.loads(os.environ["SOURCE_OF_NUMERIC"])["client_secret"]
def source():
    return dict(client_id=json.loads(os.environ["SOURCE_OF_NUMERIC"])["client_id"], client_secret=SECRET)
client = ledgerauth.Client.from_callable("numeric", source, **{environment!r})
dumped = cloudpickle.dumps(client)
assert SECRET.encode() not in dumped and SECRET.encode() in cloudpickle.dumps(source)
print(dumped.hex())
"""
    dumped = run(program).stdout.strip()
    refused = f"""{WORKER}
try:
    pickle.loads(dumped)
except ledgerauth.SourceUnavailable as error:
    print(error)
"""
    assert "the function __main__.source, which this process cannot find" in run(refused, dumped).stdout


def test_a_worker_without_the_source_is_told(run, environment):
    client = Client.from_env("numeric", **environment)
    program = f"""{WORKER}
del os.environ["NUMERIC_CLIENT_SECRET"]
try:
    pickle.loads(dumped)
except ledgerauth.SourceUnavailable as error:
    print(error)
"""
    assert "NUMERIC_CLIENT_SECRET" in run(program, pickle.dumps(client).hex()).stdout


def test_passwords_in_addresses_are_refused(environment):
    for wrong in (
        {"store": "redis://:made-up-password@127.0.0.1:9/0"},
        {"store": RedisStore("redis://user:made-up-password@127.0.0.1:9/0")},
        {"proxy": "http://user:made-up-password@127.0.0.1:9"},
    ):
        client = Client.from_env("numeric", **{**environment, **wrong})
        with pytest.raises(ledgerauth.Misuse, match="has a password") as caught:
            pickle.dumps(client)
        assert "made-up-password" not in str(caught.value)


def test_a_refresh_token_goes_nowhere_without_a_shared_store(run, sandbox, environment, tmp_path):
    sandbox.settings(rotate_refresh_tokens=True)
    token = sandbox.issue("refresh_token", client_id=sandbox.keys["numeric"]["client_id"])
    file = tmp_path / "client.json"
    file.write_text(json.dumps({**sandbox.keys["numeric"], "refresh_token": token}))
    alone = Client.from_file("numeric", file, **environment)
    with pytest.raises(ledgerauth.Misuse, match="store="):
        pickle.dumps(alone)
    shared = Client.from_file("numeric", file, store=tmp_path / "tokens", **environment)
    assert shared.get("/v1/health").ok
    program = f"""{WORKER}
client = pickle.loads(dumped)
assert client.get("/v1/health").ok
"""
    dumped = pickle.dumps(shared)
    assert token.encode() not in dumped
    run(program, dumped.hex())
    assert sandbox.token_requests() == 1


def test_classes_of_ones_own_and_adapters_go_along(sandbox, environment, monkeypatch):
    client = Client.from_env("numeric", **environment)
    for library in ("requests", "httpx", "httpx2", "aiohttp"):
        pytest.importorskip(library)
        module = __import__(f"ledgerauth.{library}", fromlist=["Auth"])
        auth = pickle.loads(pickle.dumps(module.Auth(client)))
        assert type(auth) is module.Auth and auth.client is client
    own = Own.from_env("numeric", **environment)
    assert type(own) is Own and pickle.loads(pickle.dumps(own)) is own


class Own(Client):
    pass


def status(client: Client, path: str) -> int:
    return client.get(path).status_code


@pytest.mark.parametrize("method", [name for name in ("fork", "spawn", "forkserver") if name in multiprocessing.get_all_start_methods()])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_pool_of_processes_takes_clients_as_arguments(sandbox, environment, method, tmp_path):
    client = Client.from_env("numeric", store=tmp_path / "tokens", **environment)
    with multiprocessing.get_context(method).Pool(3) as pool:
        assert pool.starmap(status, [(client, "/v1/health")] * 64) == [200] * 64
    assert sandbox.token_requests() == 1


@pytest.fixture
def redis(environment, tmp_path):
    """A real server behind a password, on a socket of this test's own."""
    tools.need("redis", "no client kept its tokens in Redis")
    path = tmp_path / "redis.sock"
    server = subprocess.Popen(["redis-server", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    settings = f'port 0\nunixsocket {path}\nsave ""\nrequirepass {os.environ["REDIS_PASSWORD"]}\n'
    server.stdin.write(settings)
    server.stdin.close()
    while not path.exists():
        assert server.poll() is None
        time.sleep(0.01)
    yield RedisStore(f"redis+unix://{path}", password_env="REDIS_PASSWORD")
    server.terminate()
    server.wait()


def test_a_store_behind_a_password_is_shared_by_its_name(sandbox, environment, redis):
    client = Client.from_env("numeric", store=redis, **environment)
    assert client.get("/v1/health").ok and os.environ["REDIS_PASSWORD"].encode() not in pickle.dumps(client)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.starmap(status, [(client, "/v1/health")] * 8) == [200] * 8
    assert sandbox.token_requests() == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_while_another_thread_takes_a_pickle_back_strands_nobody(run, environment):
    client = Client.from_callable("numeric", sources.from_environment, **environment)
    program = f"""{WORKER}
import signal, sources, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)
given, slow = sources.from_environment, threading.Event()
def hesitating():
    slow.set()
    time.sleep(1)
    return given()
hesitating.__module__, hesitating.__qualname__ = "sources", "from_environment"
sources.from_environment = hesitating
threading.Thread(target=pickle.loads, args=(dumped,)).start()
slow.wait()
pid = os.fork()
if pid == 0:
    signal.alarm(20)
    os._exit(0 if pickle.loads(dumped).get("/v1/health").ok else 1)
assert os.waitpid(pid, 0)[1] == 0
"""
    run(program, pickle.dumps(client).hex())

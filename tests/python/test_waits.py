"""A deadline is one clock, a body has a limit, and a listener holds no call up."""

import contextlib
import gzip
import os
import socket
import threading
import time

import pytest

import ledgerauth

KEY = "test_sk_" + "0a" * 24


class Server:
    """Answers each request in one way, on this machine, without TLS."""

    def __init__(self, answer):
        self.answer = answer
        self.socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(4096)
                if not piece:
                    return
                head += piece
            with contextlib.suppress(OSError):
                self.answer(connection)

    def client(self, **options):
        url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        return ledgerauth.Client("finora", api_key=KEY, environment="staging", base_url=url, insecure_loopback=True, proxy=False, **options)


def dripping(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\nConnection: close\r\n\r\n")
    for _ in range(30):
        connection.sendall(b"x")
        time.sleep(0.1)


def test_a_body_that_drips_is_cut_by_the_deadline_unless_it_is_streamed():
    client = Server(dripping).client(deadline=1)
    start = time.monotonic()
    with pytest.raises(ledgerauth.DeadlineExceeded) as raised:
        client.get("/x")
    assert 0.9 < time.monotonic() - start < 1.5 and raised.value.status == 200
    with client.get("/x", stream=True) as response:
        assert len(response.content) == 30


def test_a_body_in_memory_has_a_limit_counted_unpacked():
    packed = gzip.compress(bytes(4 << 20))

    def bomb(connection):
        fields = f"Content-Length: {len(packed)}\r\nContent-Encoding: gzip\r\nConnection: close"
        connection.sendall(f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode() + packed)

    server = Server(bomb)
    with pytest.raises(ledgerauth.BodyError, match="longer than max_body, 1048576 bytes") as raised:
        server.client(max_body=1 << 20).get("/x")
    assert "raise max_body" in str(raised.value)
    assert len(server.client().get("/x").content) == 4 << 20
    with server.client(max_body=1 << 20).get("/x", stream=True) as response:
        assert sum(map(len, response.iter_bytes())) == 4 << 20


def test_what_cannot_be_sent_is_misuse_at_once(sandbox):
    client = sandbox.client("finora")
    for call in (
        lambda: client.get("/v1/invoices", headers={"X-Note": "x" * 1_000_000}),
        lambda: client.get("/" + "x" * 100_000),
    ):
        start = time.monotonic()
        with pytest.raises(ledgerauth.Misuse, match="can be sent"):
            call()
        assert time.monotonic() - start < 0.3


def test_a_slow_listener_holds_no_call_up_and_is_heard_out_at_the_end(sandbox, run):
    events = []

    def slow(event):
        time.sleep(0.2)
        events.append(event.what)

    client = sandbox.client("finora", on_audit=slow)
    start = time.monotonic()
    for _ in range(5):
        assert client.get("/v1/invoices").ok
    assert time.monotonic() - start < 1
    end = time.monotonic() + 10
    while len(events) < 10 and time.monotonic() < end:
        time.sleep(0.05)
    assert events == ["sent", "answered"] * 5


@pytest.mark.parametrize("blocks", [False, True])
def test_a_listener_that_calls_its_own_client_is_refused_at_once(sandbox, blocks):
    refusals, holder = [], {}

    def calls(event):
        start = time.monotonic()
        try:
            holder["client"].get("/v1/health")
        except ledgerauth.Misuse as refused:
            refusals.append((str(refused), time.monotonic() - start))

    holder["client"] = sandbox.client("numeric", on_audit=calls, audit_blocks=blocks)
    assert holder["client"].get("/v1/health").ok
    end = time.monotonic() + 5
    while len(refusals) < 4 and time.monotonic() < end:
        time.sleep(0.01)
    assert len(refusals) == 4
    assert all("on_audit called its own client" in text and took < 0.1 for text, took in refusals)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_and_an_exit_wait_for_what_a_listener_has_not_heard(sandbox, tmp_path, run):
    place = tmp_path / "events"
    options = sandbox.options("finora")
    program = f"""
import os, time, ledgerauth
def slow(event):
    time.sleep(0.1)
    with open({str(place)!r}, "a") as file:
        file.write(event.what + "\\n")
client = ledgerauth.Client("finora", on_audit=slow, **{options!r})
assert client.get("/v1/invoices").ok
if os.fork() == 0:
    assert open({str(place)!r}).read() == "sent\\nanswered\\n"
    os._exit(0)
assert os.wait()[1] == 0
assert client.get("/v1/invoices").ok
"""
    run(program)
    assert place.read_text() == "sent\nanswered\n" * 2

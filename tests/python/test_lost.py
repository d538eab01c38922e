"""A connection that is lost under an adapter: whether the server may have acted on the call, by the library's own exception."""

from __future__ import annotations

import asyncio
import socket

import pytest

import ledgerauth
from scripted import Scripted

KEY = "test_sk_" + "0a" * 24


def by_requests(client, method, url):
    requests, adapter = pytest.importorskip("requests"), pytest.importorskip("ledgerauth.requests")
    session = requests.Session()
    session.trust_env, session.auth = False, adapter.Auth(client)
    session.request(method, url)


def by_httpx(client, method, url):
    httpx, adapter = pytest.importorskip("httpx"), pytest.importorskip("ledgerauth.httpx")
    with httpx.Client(auth=adapter.Auth(client), trust_env=False) as http:
        http.request(method, url)


def by_httpx2(client, method, url):
    httpx2, adapter = pytest.importorskip("httpx2"), pytest.importorskip("ledgerauth.httpx2")
    with httpx2.Client(auth=adapter.Auth(client), trust_env=False) as http:
        http.request(method, url)


def by_aiohttp(client, method, url):
    aiohttp, adapter = pytest.importorskip("aiohttp"), pytest.importorskip("ledgerauth.aiohttp")

    async def call():
        async with aiohttp.ClientSession(middlewares=(adapter.Auth(client),)) as http:
            await http.request(method, url)

    asyncio.run(call())


@pytest.fixture(params=[by_requests, by_httpx, by_httpx2, by_aiohttp])
def sent(request):
    """Sends a call that fails; gives what is said of it."""

    def send(url, method):
        client = ledgerauth.Client(
            "finora", environment="staging", api_key=KEY, base_url=url, insecure_loopback=True, proxy=False, deadline=5
        )
        with pytest.raises(Exception) as caught:  # noqa: B017, PT011
            request.param(client, method, f"{url}/v1/invoices")
        assert type(caught.value).__module__.partition(".")[0] == request.param.__name__[3:]
        return ledgerauth.processed(caught.value), ledgerauth.retryable(caught.value)

    return send


@pytest.mark.parametrize(("method", "retryable"), [("POST", False), ("GET", True)])
def test_a_server_that_acts_and_then_resets_may_have_booked(sent, method, retryable):
    booked = []
    with Scripted(lambda request, body: booked.append(request.command)) as server:
        assert sent(server.url, method) == ("unknown", retryable)
    assert booked
    assert method == "GET" or booked == ["POST"]


def test_where_nobody_listens_nothing_was_booked(sent):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        assert sent(url, "POST") == ("no", True)


def test_an_error_of_ours_has_its_own_word():
    for error in [ledgerauth.ServerError("x", processed="unknown"), ledgerauth.RateLimited("x", processed="no", retryable=True)]:
        assert (ledgerauth.processed(error), ledgerauth.retryable(error)) == (error.processed, error.retryable)


def test_what_is_about_something_else_is_not_retried():
    assert (ledgerauth.processed(ValueError("x")), ledgerauth.retryable(ValueError("x"))) == ("unknown", False)

"""The frame of a request is the client's, and a URL means the same to it as to urllib3 and httpx."""

from __future__ import annotations

import asyncio
import io
import random
from urllib.parse import urlsplit

import pytest

import ledgerauth
from scripted import Scripted

KEY = "test_sk_" + "0a" * 24
PIECES = [
    *("https:", "http:", "HTTPS:", "//", "/", "\\", "@", ":", "?", "#", ".", "..", "%2e", "%2E%2e", "%2f", "%5c", "%00"),
    *("a.example", "api.example.com", "EVIL.example", "localhost", "127.0.0.1", "127.1", "0x7f.1", "2130706433", "[::1]"),
    *("[::ffff:127.0.0.1]", "[v1.x]", "1.2.3.4.", "xn--bcher-kva", "a_b", "a!b", "\uff41", "é", ":443", ":0443", ":80", ":"),
    *(":65536", "user", "user:pw@", " ", "\t", "\n", "\0", ";", "=", "&", "v1", "'", "*", "~", "-"),
]


def client(url, **more):
    return ledgerauth.Client("finora", environment="staging", api_key=KEY, base_url=url, insecure_loopback=True, proxy=False, **more)


def test_a_url_leads_urllib3_and_httpx_to_the_same_host():
    httpx, urllib3 = pytest.importorskip("httpx"), pytest.importorskip("urllib3")
    dice, accepted = random.Random(7), 0
    for _ in range(4_000):
        text = "".join(dice.choices(PIECES, k=dice.randint(1, 6)))
        text = text if dice.random() < 0.3 else "https://" + text
        try:
            ours = urlsplit(client(text).base_url)
        except ledgerauth.LedgerAuthError:
            continue
        accepted += 1
        place = (ours.hostname, ours.port or {"http": 80, "https": 443}[ours.scheme])
        theirs = urllib3.util.parse_url(text)
        port = theirs.port or {"http": 80, "https": 443}[theirs.scheme]
        assert ((theirs.host or "").strip("[]"), port) == place, text
        other = httpx.URL(text)
        assert (other.raw_host.decode().strip("[]"), other.port or {"http": 80, "https": 443}[other.scheme]) == place, text
    assert accepted > 100


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example/x", "/../x", "/%2e%2e/x", "/v1/./x"])
def test_a_path_stays_where_it_belongs(path):
    with pytest.raises(ledgerauth.Misuse):
        client("https://127.0.0.1:1/base").get(path)


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Connection", "TE", "Upgrade", "Expect"])
def test_no_caller_sets_the_frame(name):
    with pytest.raises(ledgerauth.Misuse, match=name):
        client("https://127.0.0.1:1").get("/v1/x", headers={name: "5"})
    with pytest.raises(ledgerauth.Misuse, match=name):
        client("https://127.0.0.1:1", header=name)


class Shrinking(io.BytesIO):
    """A file that another program cuts while it is read."""

    def read(self, size=-1):
        return super().read(size)[:3] if self.tell() == 0 else b""


def read(request):
    """What a request says of its body; one that is sent in chunks is read to its end."""
    if request.headers.get("Transfer-Encoding") == "chunked":
        while int(request.rfile.readline(), 16):
            request.rfile.readline()
        request.rfile.readline()
    return request.headers.get("Content-Length"), request.headers.get("Transfer-Encoding")


def test_a_file_of_known_size_is_not_chunked(tmp_path):
    file, seen = tmp_path / "ledger.csv", []
    file.write_bytes(b"0123456789")

    def answer(request, _):
        seen.append(read(request))
        return 200, [], b"{}"

    with Scripted(answer) as server, file.open("rb") as opened:
        ours = client(server.url)
        opened.read(2)
        ours.post("/v1/x", content=opened).raise_for_status()
        ours.post("/v1/x", content=io.BytesIO(b"abc")).raise_for_status()
        ours.post("/v1/x", content=iter([b"a", b"b"])).raise_for_status()
        ours.post("/v1/x").raise_for_status()
    assert seen == [("8", None), ("3", None), (None, "chunked"), ("0", None)]


def test_a_file_that_shrinks_is_an_error_that_says_so():
    with Scripted(lambda *_: (200, [], b"{}")) as server, pytest.raises(ledgerauth.LedgerAuthError, match="after 3 of 10 bytes: it shrank"):
        client(server.url).post("/v1/x", content=Shrinking(b"0123456789"))


def by_requests(client, url, **options):
    requests = pytest.importorskip("requests")
    from ledgerauth.requests import Auth

    return requests.Session().request("POST" if options.get("data") else "GET", url, auth=Auth(client), timeout=5, **options)


def by_httpx(client, url, *, data=None, **options):
    httpx = pytest.importorskip("httpx")
    from ledgerauth.httpx import Auth

    with httpx.Client(auth=Auth(client), timeout=5, trust_env=False) as http:
        return http.request("POST" if data else "GET", url, content=data, **options)


def by_httpx2(client, url, *, data=None, **options):
    httpx2 = pytest.importorskip("httpx2")
    from ledgerauth.httpx2 import Auth

    with httpx2.Client(auth=Auth(client), timeout=5, trust_env=False) as http:
        return http.request("POST" if data else "GET", url, content=data, **options)


def by_aiohttp(client, url, **options):
    aiohttp = pytest.importorskip("aiohttp")
    from ledgerauth.aiohttp import Auth

    async def call():
        http = aiohttp.ClientSession(middlewares=(Auth(client),))
        async with http, http.request("POST" if options.get("data") else "GET", url, **options) as response:
            await response.read()
            return response

    return asyncio.run(call())


ADAPTERS = [by_requests, by_httpx, by_httpx2, by_aiohttp]


@pytest.mark.parametrize("by", ADAPTERS)
@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "Connection", "TE", "Upgrade", "Expect", "Keep-Alive", "Proxy-Connection"]
)
def test_no_caller_of_an_adapter_sets_the_frame(by, name):
    with pytest.raises(ledgerauth.Misuse, match="(?i)" + name):
        by(client("http://127.0.0.1:9"), "http://127.0.0.1:9/v1/x", headers={name: "5"})


@pytest.mark.parametrize("by", [by_requests, by_httpx, by_httpx2])
def test_bytes_set_no_frame_either(by):
    with pytest.raises(ledgerauth.Misuse, match="(?i)host"):
        by(client("http://127.0.0.1:9"), "http://127.0.0.1:9/v1/x", headers={"Host": b"evil.example"})


def test_a_field_of_the_frame_stands_there_once():
    multidict = pytest.importorskip("multidict")

    def start(*fields):
        ours = client("http://127.0.0.1:9")
        return ours._exchange("GET", "http://127.0.0.1:9/v1/x", None, multidict.CIMultiDict(fields), False)

    assert start(("Connection", "close")).sending
    with pytest.raises(ledgerauth.Misuse, match="(?i)connection"):
        start(("Connection", "close"), ("connection", "keep-alive"))


@pytest.mark.parametrize("by", ADAPTERS)
def test_what_a_library_sets_of_the_frame_is_its_own(by):
    seen = []

    def answer(request, body):
        seen.append((request.headers["Host"], request.headers["Authorization"], body))
        return 200, [], b"{}"

    with Scripted(answer) as server:
        for options in ({}, {"data": b"two"}, {"headers": {"Connection": "close"}}):
            by(client(server.url), server.url + "/v1/x", **options)
    host = server.url.partition("://")[2]
    assert [(place, body) for place, _, body in seen] == [(host, b""), (host, b"two"), (host, b"")]
    assert all(sent == f"Bearer {KEY}" for _, sent, _ in seen)

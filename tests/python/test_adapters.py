"""Each adapter against the client: the same decisions, the same bytes."""

from __future__ import annotations

import asyncio
import io
import json
import time

import pytest

import ledgerauth
from ledgerauth.testing import Sandbox
from ways import ADAPTERS, WAYS, ByAiohttp, ByClient, opened


@pytest.fixture(params=ADAPTERS)
def way(request):
    module = request.param.split()[-1]
    pytest.importorskip(module)
    return ADAPTERS[request.param]


@pytest.fixture(autouse=True)
def closed():
    yield
    while opened:
        opened.pop().close()


def seen(sandbox, client_header="authorization"):
    """What arrived, without what is each library's own: user agents, accepted encodings, ports, random ids as numbers in order of appearance."""
    ids, lines = {}, []
    for entry in sandbox.log():
        if entry.service.endswith("_auth"):
            lines.append((entry.service, entry.method, entry.path, entry.status, entry.body))
            continue
        number = ids.setdefault(entry.header("x-request-id"), len(ids))
        lines.append((entry.service, entry.method, entry.path, entry.query, entry.status, entry.header(client_header), number, entry.body))
    return lines


def revoked(sandbox, send):
    send("GET", "/v1/health")
    sandbox.revoke_tokens("numeric_auth")
    return [send("GET", "/v1/health")]


def limited(sandbox, send):
    sandbox.fault({"too_many_requests": {"style": {"retry_after_seconds": 1}}}, service="numeric_api")
    return [send("GET", "/v1/health")]


def broken_once(sandbox, send):
    sandbox.fault({"status": {"code": 503}}, service="numeric_api")
    return [send("GET", "/v1/health"), send("GET", "/v1/health")]


def broken_post(sandbox, send):
    sandbox.fault({"status": {"code": 503}}, service="numeric_api")
    return [send("POST", "/v1/tasks", content=b'{"name":"close"}', headers={"Content-Type": "application/json"})]


def refused_post(sandbox, send):
    send("GET", "/v1/health")
    sandbox.revoke_tokens("numeric_auth")
    return [send("POST", "/v1/tasks", content=b'{"name":"close"}', headers={"Content-Type": "application/json"})]


def forbidden(sandbox, send):
    return [send("GET", "/v1/admin")]


def redirected_home(sandbox, send):
    sandbox.fault({"redirect": {"code": 307, "location": "/v1/trial-balance?period=2026-10"}}, service="numeric_api")
    return [send("GET", "/v1/health")]


def redirected_away(sandbox, send):
    sandbox.fault({"redirect": {"code": 302, "location": sandbox.urls["stranger"] + "/elsewhere?x=1"}}, service="numeric_api")
    return [send("GET", "/v1/health")]


def redirected_twice_then_refused(sandbox, send):
    send("GET", "/v1/health")
    sandbox.revoke_tokens("numeric_auth")
    sandbox.fault({"redirect": {"code": 302, "location": "/v1/trial-balance"}}, service="numeric_api")
    return [send("GET", "/v1/health")]


STORIES = [
    revoked,
    limited,
    broken_once,
    broken_post,
    refused_post,
    forbidden,
    redirected_home,
    redirected_away,
    redirected_twice_then_refused,
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_the_same_story_leaves_the_same_bytes(way, story):
    told = []
    for kind in (ByClient, way):
        with Sandbox(limits=False, seed=7, port=0) as sandbox:
            sender = kind(sandbox, sandbox.client("numeric"))
            answers = story(sandbox, sender.send)
            outcome = [(answer.status, answer.failure and (answer.failure.kind, answer.failure.advice)) for answer in answers]
            told.append((outcome, seen(sandbox)))
    assert told[0][0] == told[1][0]
    ours, theirs = told[0][1], told[1][1]
    assert theirs == ours


def test_a_key_that_is_refused_gives_way_in_the_same_call(sandbox, way):
    old, new = sandbox.issue("finora", environment="test"), sandbox.keys["finora_test"]
    client = sandbox.client("finora", api_key=None, api_keys=[old, new])
    sandbox.revoke(old)
    assert way(sandbox, client).send("GET", "/v1/invoices").status == 200
    assert [entry.status for entry in sandbox.log("finora")] == [401, 200] and client.keys[1].in_use


def test_a_source_is_asked_again(sandbox, way):
    given = [sandbox.keys["finora_test"], sandbox.issue("finora", environment="test")]
    sandbox.revoke(given[0])

    def source():
        time.sleep(1)
        return given.pop(0)

    client = ledgerauth.Client.from_callable("finora", source, **sandbox.options("finora", credential=False))
    sender = way(sandbox, client)
    assert sender.send("GET", "/v1/invoices").status == 200
    assert getattr(sender, "longest_block", 0) < 0.5, "the event loop was blocked"


def test_a_foreign_host_is_refused_before_anything_is_sent(sandbox, way):
    sender = way(sandbox, sandbox.client("finora"))
    with pytest.raises(ledgerauth.ForeignHost):
        sender.send("GET", sandbox.urls["stranger"] + "/v1/invoices")
    assert sandbox.log() == []


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("redirects", [True, False])
def test_no_redirect_takes_the_credential_to_another_host(sandbox, way, header, code, redirects):
    client = ledgerauth.Client(
        {
            "name": "own",
            "title": "Own",
            "environment": [{"name": "production", "base_url": "https://api.example.com"}],
            "attach": {"header": header, "scheme": ""},
            "key": {"format": [{"prefix": "test_sk_", "alphabet": "visible", "min_length": 8}]},
        },
        api_key=sandbox.keys["finora_test"],
        environment="production",
        base_url=sandbox.urls["finora"],
        ca_file=sandbox.ca_file,
        proxy=False,
    )
    sender = way(sandbox, client, redirects=redirects)
    sandbox.fault({"redirect": {"code": code, "location": sandbox.urls["stranger"] + "/x"}}, service="finora", times=4)
    answers = [sender.send("GET", "/v1/invoices"), sender.send("POST", "/v1/invoices", json={"secret": "of the ledger"})]
    assert [entry.header(header) for entry in sandbox.log("finora")] == [sandbox.keys["finora_test"]] * 2
    strangers = sandbox.log("stranger")
    if redirects:
        assert answers[0].status == 200 and strangers
    else:
        assert [answer.status for answer in answers] == [code, code] and not strangers
    for entry in strangers:
        assert sandbox.keys["finora_test"] not in json.dumps(vars(entry)), entry
    if redirects:
        # What the client would not follow is not followed; that answer is the caller's.
        assert answers[1].status == code and isinstance(answers[1].failure, ledgerauth.RequestRefused)
        assert isinstance(answers[0].failure, ledgerauth.RedirectedElsewhere)
        assert len(strangers) == 1 and all("of the ledger" not in entry.body for entry in strangers)


def test_a_redirect_that_aiohttp_was_told_not_to_follow_is_nobody_elses(sandbox):
    """Two accounts in one task: what one of them was led to, the other asks for in its own name."""
    pytest.importorskip("aiohttp")
    theirs = sandbox.issue("finora", environment="test")
    first, second = (ByAiohttp(sandbox, client) for client in (sandbox.client("finora"), sandbox.client("finora", api_key=theirs)))

    async def story():
        async with first.sender() as one, second.sender() as other:
            for send in (one, other):
                await send("GET", "/v1/customers")
            sandbox.fault({"redirect": {"code": 302, "location": "/v1/invoices"}}, service="finora", times=2)
            # The second has met a redirect, too, so that it looks for those that it is following.
            for send in (other, one):
                assert (await send("GET", "/v1/customers", allow_redirects=False)).status == 302
            assert (await other("GET", "/v1/invoices")).status == 200

    asyncio.run(story())
    assert sandbox.log("finora")[-1].header("authorization") == f"Bearer {theirs}"


def test_a_custom_header_stays_with_its_own_host_and_follows_there(sandbox, way):
    client = sandbox.client("finora", header="X-API-Key", scheme="")
    sender = way(sandbox, client)
    sandbox.fault({"redirect": {"code": 302, "location": "/v1/customers"}}, service="finora")
    sender.send("GET", "/v1/invoices")
    arrived = [(entry.path, entry.header("x-api-key")) for entry in sandbox.log("finora")]
    assert arrived[0] == ("/v1/invoices", sandbox.keys["finora_test"]) and arrived[-1] == ("/v1/customers", sandbox.keys["finora_test"])


def test_bodies_that_can_be_sent_once_are_sent_once(sandbox, way):
    sender = way(sandbox, sandbox.client("numeric"))
    sender.send("GET", "/v1/health")
    sandbox.revoke_tokens("numeric_auth")

    def pieces():
        yield b'{"name":'
        yield b'"close"}'

    async def async_pieces():
        for piece in pieces():
            yield piece

    body = (
        async_pieces() if hasattr(sender, "longest_block") or "Async" in type(sender).__name__ or way.__name__ == "ByAiohttp" else pieces()
    )
    answer = sender.send("POST", "/v1/tasks", content=body)
    assert answer.status == 401 and answer.failure
    assert [entry.body for entry in sandbox.log("numeric_api", kind="api")][-1] == '{"name":"close"}'
    assert sender.send("POST", "/v1/tasks", json={"name": "close"}).status == 201


def test_files_that_can_be_rewound_are_sent_again(sandbox, way):
    if "httpx" in way.__name__.lower():
        pytest.skip("httpx does not rewind files")
    sender = way(sandbox, sandbox.client("numeric"))
    sender.send("GET", "/v1/health")
    sandbox.revoke_tokens("numeric_auth")
    answer = sender.send("POST", "/v1/tasks", content=io.BytesIO(b'{"name":"close"}'), headers={"Content-Type": "application/json"})
    assert answer.status == 201
    assert [entry.body for entry in sandbox.log("numeric_api")][-2:] == ['{"name":"close"}'] * 2


@pytest.mark.parametrize("name", WAYS)
def test_the_storm_sixty_four_callers_one_token_nobody_fails(name):
    pytest.importorskip(name.split()[-1] if name != "client" else "ledgerauth")
    with Sandbox(limits=False) as sandbox:
        sandbox.settings(token_delay_ms=200)
        sender = WAYS[name](sandbox, sandbox.client("numeric"))
        assert sender.many(64, "/v1/health") == [200] * 64
        assert sandbox.token_requests() == 1
        sandbox.revoke_tokens("numeric_auth")
        assert sender.many(64, "/v1/health") == [200] * 64
        assert sandbox.token_requests() == 2


def test_a_slow_token_and_a_limit_block_no_event_loop(sandbox, way):
    if not hasattr(way, "run"):
        pytest.skip("there is no loop")
    sandbox.settings(token_delay_ms=1_000)
    sandbox.fault({"too_many_requests": {"style": {"retry_after_seconds": 1}}}, service="numeric_api")
    sender = way(sandbox, sandbox.client("numeric"))
    assert sender.send("GET", "/v1/health").status == 200
    # Both waits are a second.
    assert sender.longest_block < 0.5


def test_a_call_that_is_cancelled_strands_nobody(sandbox, way):
    import asyncio

    if not hasattr(way, "run"):
        pytest.skip("there is no loop")
    sandbox.settings(token_delay_ms=300)
    sender = way(sandbox, sandbox.client("numeric"))

    async def work(send):
        first = asyncio.create_task(send("GET", "/v1/health"))
        await asyncio.sleep(0.05)
        first.cancel()
        answer = await send("GET", "/v1/health")
        assert first.cancelled()
        return answer

    assert sender.run(work).status == 200 and sandbox.token_requests() == 1


def test_httpx_works_under_trio(sandbox):
    trio, httpx = pytest.importorskip("trio"), pytest.importorskip("httpx")
    import ssl

    import ledgerauth.httpx

    sandbox.settings(token_delay_ms=200)
    client, statuses = sandbox.client("numeric"), []

    async def main():
        verify = ssl.create_default_context(cafile=sandbox.ca_file)
        async with httpx.AsyncClient(auth=ledgerauth.httpx.Auth(client), verify=verify, trust_env=False) as sender:

            async def call():
                statuses.append((await sender.get(client.base_url + "/v1/health")).status_code)

            async with trio.open_nursery() as nursery:
                for _ in range(8):
                    nursery.start_soon(call)

    trio.run(main)
    assert statuses == [200] * 8 and sandbox.token_requests() == 1


def test_requests_streams_and_its_response_tells_the_failure(sandbox):
    requests = pytest.importorskip("requests")
    import ledgerauth.requests

    auth = ledgerauth.requests.Auth(sandbox.client("finora"))
    assert auth == ledgerauth.requests.Auth(auth.client) and hash(auth) and "finora" in repr(auth)
    sandbox.fault({"drip": {"bytes": 20, "millis": 20}}, service="finora")
    started = time.monotonic()
    with requests.get(sandbox.urls["finora"] + "/v1/invoices", auth=auth, verify=sandbox.ca_file, stream=True, timeout=10) as response:
        headed = time.monotonic() - started
        pieces = list(response.iter_content(10))
    assert headed < time.monotonic() - started - 0.05 and len(pieces) > 5
    sandbox.fault({"redirect": {"code": 302, "location": "/v1/x"}}, service="finora")
    stopped = requests.post(sandbox.urls["finora"] + "/v1/invoices", json={}, auth=auth, verify=sandbox.ca_file, timeout=10)
    assert stopped.status_code == 302 and not stopped.is_redirect and stopped.headers["location"] == "/v1/x"
    with pytest.raises(ledgerauth.RequestRefused):
        stopped.raise_for_status()

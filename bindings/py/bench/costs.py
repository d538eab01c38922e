"""What the package costs, beside floors and rivals measured in the same run: `make bench-python`.

Each row is a ratio or a time with its bar. Rounds of all rivals are interleaved, so that whatever else the machine does meets all of them; medians count.
The exit status is 0 if every bar holds.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import multiprocessing
import os
import random
import re
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import timeit
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable

import ledgerauth
from ledgerauth.testing import Sandbox

for name in list(os.environ):
    if name.upper().endswith("_PROXY") or name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
        del os.environ[name]

ROOT = Path(__file__).parents[3]

rows: list[tuple[str, str, str, bool]] = []


def row(what: str, value: float, bar: float, unit: str, least: bool = False) -> None:
    holds = value >= bar if least else value <= bar
    rows.append((what, f"{value:.4g}{unit}", f"{'>=' if least else '<='} {bar:g}{unit}", holds))
    print(f"  {what:<78} {value:>9.4g}{unit:<3} {'>=' if least else '<='} {bar:g}{unit}{'' if holds else '   MISSED'}", flush=True)


def paired(rounds: int, *works: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """The median time of each work, rounds interleaved and in changing order."""
    times: list[list[float]] = [[] for _ in works]
    order = list(range(len(works)))
    for _ in range(rounds):
        random.shuffle(order)
        for index in order:
            start = clock()
            works[index]()
            times[index].append(clock() - start)
    return [statistics.median(each) for each in times]


@contextmanager
def on_one_core() -> Iterator[None]:
    """On one core, threads that are started within included: where a request goes from thread to thread, the choice of cores would decide more than the code."""
    if not hasattr(os, "sched_setaffinity"):  # the figures are noisier there
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def fresh_header() -> None:
    client = ledgerauth.Client("finora", api_key="test_sk_" + "0a" * 24)
    spaces = {"client": client, "text": client.authorize("/v1/invoices") + ""}
    # A C method with one argument that gives back a text which exists.
    floor = timeit.Timer("text.strip(None)", globals=spaces)
    ours = timeit.Timer("client.authorize('/v1/invoices')", globals=spaces)
    ours_at, floor_at = paired(301, lambda: ours.timeit(5_000), lambda: floor.timeit(5_000))
    row("client.authorize, fresh / a C method that returns a shared str", ours_at / floor_at, 2.5, "x")


GETS = 2_000
PATH = "/v1/health"


@on_one_core()
def whole_gets() -> None:
    import requests

    with Sandbox(limits=False, tls=False) as sandbox:
        client = sandbox.client("numeric")
        header = {"Authorization": client.authorize(PATH) + ""}
        host = sandbox.urls["numeric_api"]
        bare = http.client.HTTPConnection(host.removeprefix("http://"))
        session = requests.Session()
        session.headers.update(header)
        block = GETS // 20

        def by_client() -> None:
            for _ in range(block):
                assert client.get(PATH).content

        def by_http_client() -> None:
            for _ in range(block):
                bare.request("GET", PATH, headers=header)
                bare.getresponse().read()

        def by_requests() -> None:
            for _ in range(block):
                assert session.get(host + PATH).content

        for work in (by_client, by_http_client, by_requests):
            work()
        ours, standard, rival = (at / block * 1e6 for at in paired(20, by_client, by_http_client, by_requests))
        print(f"  ({GETS:,} keep-alive GETs each: Client {ours:.0f} us, http.client {standard:.0f} us, requests {rival:.0f} us a call)")
        row("http.client / Client", standard / ours, 1, "x", least=True)
        row("requests / Client", rival / ours, 8, "x", least=True)
        bare.close()
        session.close()


def alternating(what: str, calls: int, ours: Callable[[], Any], bare: Callable[[], Any]) -> None:
    """Single calls of both in random turns, on one connection: connections have fates of their own, which differ by more than the bar."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(calls):
        for index in random.sample((0, 1), 2):
            start = time.perf_counter()
            (ours, bare)[index]()
            times[index].append(time.perf_counter() - start)
    compare(what, *times)


def compare(what: str, ours: list[float], floor: list[float], of: str = "bare", bar: float = 1.03) -> None:
    # The lower quartile: on a busy machine the upper half is about the others.
    ours_at, floor_at = (statistics.quantiles(each, n=4)[0] for each in (ours, floor))
    row(f"{what} with the adapter / {of} {what} ({floor_at * 1e6:.0f} us)", ours_at / floor_at, bar, "x")


@on_one_core()
def adapters() -> None:
    import httpx
    import requests

    import ledgerauth.httpx
    import ledgerauth.requests

    # Over TLS, as every credential goes that is not a test's.
    with Sandbox(limits=False) as sandbox:
        client, trust = sandbox.client("numeric"), ssl.create_default_context(cafile=sandbox.ca_file)
        header, url = {"Authorization": client.authorize(PATH) + "", "x-request-id": "0" * 32}, sandbox.urls["numeric_api"] + PATH
        with requests.Session() as session:
            session.verify = sandbox.ca_file
            session.trust_env = False  # without an adapter, requests would look for a .netrc each time
            auth = ledgerauth.requests.Auth(client)
            alternating("requests", 3_000, lambda: session.get(url, auth=auth), lambda: session.get(url, headers=header))
        with httpx.Client(verify=trust) as sender:
            own = ledgerauth.httpx.Auth(client)
            alternating("httpx", 4_000, lambda: sender.get(url, auth=own), lambda: sender.get(url, headers=header))
        asyncio.run(by_aiohttp(client, url, header, trust))


async def by_aiohttp(client: ledgerauth.Client, url: str, header: dict[str, str], trust: ssl.SSLContext) -> None:
    import aiohttp

    import ledgerauth.aiohttp

    async def nothing(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        return await handler(request)

    times: tuple[list[float], ...] = ([], [], [])
    options: list[dict[str, Any]] = [
        {"middlewares": (ledgerauth.aiohttp.Auth(client),)},
        {"headers": header},
        {"headers": header, "middlewares": (nothing,)},
    ]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session:
        for _ in range(6_000):
            for index in random.sample((0, 1, 2), 3):
                start = time.perf_counter()
                async with session.get(url, **options[index]) as response:
                    await response.read()
                times[index].append(time.perf_counter() - start)
    # The shortest of the calls, beside which four microseconds show: one for a middleware at all, two for a look at each field's name, so that no caller sets
    # the frame, the rest for the header.
    compare("aiohttp", times[0], times[2], "a middleware that does nothing in", 1.05)
    compare("aiohttp", times[0], times[1], bar=1.06)


def start_up() -> None:
    def run(program: str) -> Callable[[], None]:
        return lambda: subprocess.run([sys.executable, "-I", "-c", program], check=True)  # type: ignore[return-value]

    first = "import ledgerauth; ledgerauth.Client('finora', api_key='test_sk_' + '0a' * 24).authorize('/v1/invoices')"
    bare, imported, header = paired(41, run("pass"), run("import ledgerauth"), run(first))
    row("import ledgerauth, over the bare interpreter", (imported - bare) * 1e3, 8, "ms")
    row(f"process start to first header (the bare interpreter: {bare * 1e3:.3g} ms)", header * 1e3, 25, "ms")


# The same forms as one regular expression, as a program without this package would have it.
ALTERNATION = re.compile((ROOT / "crates/auth-http/benches/ratios/alternation.regex").read_bytes(), re.VERBOSE | re.IGNORECASE)
SIGN = "5eC7e7"


def log(size: int) -> bytes:
    """One line in 20 has a secret; the others hold what only looks like one."""
    dice, lines, length = random.Random(7), [], 0
    while length < size:
        secret, identity = f"{SIGN}{dice.getrandbits(136):034x}", f"{dice.getrandbits(128):032x}"
        shapes = (
            f"DEBUG http > GET /v1/invoices HTTP/1.1 Authorization: Bearer {secret}",
            f'INFO  token endpoint said {{"access_token":"{secret}","token_type":"Bearer","expires_in":3600}}',
            f"DEBUG body grant_type=client_credentials&client_id=ledger&client_secret={secret}&scope=read",
            f"DEBUG http > X-API-Key: {secret}",
        )
        clean = (
            f"INFO  GET https://api.ledger.example/v1/invoices/{identity} 200 in {dice.randrange(900)} ms",
            "WARN  token expired, asking for another; attempt 2 of 3",
            f"INFO  booked {dice.randrange(500)} lines of journal {dice.randrange(9999)} for business {identity[:12]}",
            f"DEBUG request_id={identity} status=200 bytes={dice.randrange(99999)} cache=miss",
        )
        line = dice.choice(shapes if len(lines) % 20 == 0 else clean)
        lines.append(f"2026-03-31T23:{len(lines) // 60 % 60:02}:{len(lines) % 60:02}.000Z {line}\n")
        length += len(lines[-1])
    return "".join(lines).encode()


def redaction() -> None:
    size = int(os.environ.get("REDACTION_MB", "100")) * 1_000_000
    text, redactor = log(size), ledgerauth.Redactor()
    sample = text[: size // 10]
    # The same two copies of the log for both: a file is read, a file is written.
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(text)

        def copy() -> None:
            source.seek(0), target.seek(0)
            assert redactor.copy(source.fileno(), target.fileno()) == len(text)

        def by_line() -> None:
            source.seek(0), target.seek(0)
            for line in source.readlines(size // 10):
                target.write(ALTERNATION.sub(whole, line))

        # Processor time, the kernel's included: nobody waits in any of them, and the expression takes so long that others come between.
        at = paired(3, copy, lambda: redactor.redact(text), by_line, lambda: ALTERNATION.sub(whole, sample), clock=time.thread_time)
        copied, in_memory, lines, at_once = at
        by_line()
        target.seek(0)
        assert SIGN.encode() not in target.read(size // 20), "the expression leaves a secret"
        copy()
        target.seek(0)
        clean = target.read()
        assert clean == redactor.redact(text) and SIGN.encode() not in clean, "a secret was left"
    print(
        f"  ({size / 1e6:.0f} MB from file to file in {copied * 1e3:.0f} ms, in memory in {in_memory * 1e3:.0f} ms; `re`, measured on a tenth"
    )
    print(f"   of it, takes {lines * 10:.1f} s line by line, {at_once * 10:.1f} s over the whole)")
    row("an `re` filter of a log / Redactor.copy, per byte", lines * 10 / copied, 100, "x", least=True)
    row("one `re` over all of it in memory / Redactor.redact, per byte", at_once * 10 / in_memory, 100, "x", least=True)


def whole(_: Any) -> bytes:
    return b"[redacted]"


def storm() -> None:
    """64 callers at once without a token, through the client and each adapter; the token endpoint takes 200 ms."""
    sys.path.insert(0, str(ROOT / "tests" / "python"))
    from ways import WAYS, opened

    for name, way in WAYS.items():
        with Sandbox(limits=False) as sandbox:
            sandbox.settings(token_delay_ms=200)
            answers = way(sandbox, sandbox.client("numeric")).many(64, PATH)
            while opened:
                opened.pop().close()
            count("a storm of 64 through " + name, sandbox.token_requests(), answers)


PROCESSES, THREADS = 4, 8


def call_together(client: ledgerauth.Client, ready: Any, statuses: Any) -> None:
    """What each process does: all threads of all processes begin at once."""

    def call() -> None:
        ready.wait()
        try:
            statuses.put(client.get(PATH).status_code)
        except ledgerauth.LedgerAuthError as failed:
            statuses.put(str(failed))

    threads = [threading.Thread(target=call) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def processes() -> None:
    """Processes on one refresh token that is good for one use, whose access token has expired."""
    with Sandbox(limits=False) as sandbox, tempfile.TemporaryDirectory() as folder:
        sandbox.settings(rotate_refresh_tokens=True, numeric_token_lifetime=1, token_delay_ms=200)
        token = sandbox.issue("refresh_token", client_id=sandbox.keys["numeric"]["client_id"])
        source = Path(folder, "client.json")
        source.write_text(json.dumps({**sandbox.keys["numeric"], "refresh_token": token}))
        client = ledgerauth.Client.from_file("numeric", source, store=f"{folder}/tokens", **sandbox.options("numeric", credential=False))
        assert client.get(PATH).ok
        time.sleep(1.1)
        sandbox.settings(numeric_token_lifetime=3_600)
        before = sandbox.token_requests()
        spawn = multiprocessing.get_context("spawn")
        ready, statuses = spawn.Barrier(PROCESSES * THREADS), spawn.Queue()
        started = [spawn.Process(target=call_together, args=(client, ready, statuses)) for _ in range(PROCESSES)]
        for process in started:
            process.start()
        answers = [statuses.get(timeout=120) for _ in range(PROCESSES * THREADS)]
        for process in started:
            process.join()
        what = f"{PROCESSES} processes of {THREADS} threads on an expired, rotating token"
        count(what, sandbox.token_requests() - before, answers)


def count(what: str, requests: int, answers: list[Any]) -> None:
    failed = [answer for answer in answers if answer != 200]
    row(f"{what}: token requests", requests, 1, "")
    row(f"{what}: failed calls of {len(answers)}", len(failed), 0, "")


def main() -> int:
    folder = Path(ledgerauth.__file__).parent
    print(f"ledgerauth {ledgerauth.__version__} in {folder}, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    wanted = sys.argv[1:]
    for work in (fresh_header, whole_gets, adapters, start_up, redaction, storm, processes):
        if not wanted or work.__name__ in wanted:
            print(work.__name__.replace("_", " "))
            work()
    missed = [what for what, _, _, holds in rows if not holds]
    print(f"{len(rows) - len(missed)} of {len(rows)} bars hold")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

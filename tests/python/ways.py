"""The ways to send the same request: the client itself, and each library that an adapter serves."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import Any, Callable

import ledgerauth


class Answer:
    """What all of them have in common."""

    def __init__(self, status: int, body: bytes, failure: Any) -> None:
        self.status, self.body, self.failure = status, body, failure


opened: list[Any] = []
"""What a test has to close at its end."""


class Way:
    """Sends calls of a client by one library. `redirects` says whether it is told to follow them."""

    def __init__(self, sandbox: Any, client: ledgerauth.Client, redirects: bool = True) -> None:
        self.client, self.redirects, self.verify = client, redirects, sandbox.ca_file

    def url(self, path: str) -> str:
        return path if path.startswith("http") else self.client.base_url + path

    def send(self, method: str, path: str, **given: Any) -> Answer:
        raise NotImplementedError

    def many(self, count: int, path: str) -> list[int]:
        """So many GETs at once, each on a connection of its own; their statuses."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda _: self.send("GET", path).status, range(count)))


class ByClient(Way):
    def send(self, method: str, path: str, **given: Any) -> Answer:
        response = self.client.request(method, path, **given)
        return Answer(response.status_code, response.content, response.failure)


class ByRequests(Way):
    def __init__(self, *given: Any, **options: Any) -> None:
        import requests
        import requests.adapters

        import ledgerauth.requests

        super().__init__(*given, **options)
        self.session = requests.Session()
        opened.append(self.session)
        self.session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=64))
        self.session.verify, self.session.trust_env = self.verify, False
        self.session.auth = ledgerauth.requests.Auth(self.client)

    def send(self, method: str, path: str, **given: Any) -> Answer:
        if "content" in given:
            given["data"] = given.pop("content")
        response = self.session.request(method, self.url(path), allow_redirects=self.redirects, timeout=20, **given)
        return Answer(response.status_code, response.content, ledgerauth.failure(response))


class ByHttpx(Way):
    module = "httpx"

    def __init__(self, *given: Any, **options: Any) -> None:
        import importlib

        super().__init__(*given, **options)
        self.library = importlib.import_module(self.module)
        self.auth = importlib.import_module(f"ledgerauth.{self.module}").Auth(self.client)
        self.options = {
            "auth": self.auth,
            "verify": ssl.create_default_context(cafile=self.verify),
            "trust_env": False,
            "timeout": 20,
            "follow_redirects": self.redirects,
        }
        self.sender = self.library.Client(**self.options)
        opened.append(self.sender)

    def send(self, method: str, path: str, **given: Any) -> Answer:
        response = self.sender.request(method, self.url(path), **given)
        return Answer(response.status_code, response.content, ledgerauth.failure(response))


class ByHttpx2(ByHttpx):
    module = "httpx2"


class OnALoop(Way):
    """A way that needs an event loop. The test fails if anything blocks it."""

    def send(self, method: str, path: str, **given: Any) -> Answer:
        return self.run(lambda send: send(method, path, **given))

    def many(self, count: int, path: str) -> list[int]:
        async def all_of_them(send: Callable[..., Any]) -> list[int]:
            answers = await asyncio.gather(*(send("GET", path) for _ in range(count)))
            return [answer.status for answer in answers]

        return self.run(all_of_them)

    def run(self, work: Callable[..., Any]) -> Any:
        async def watched() -> Any:
            loop, longest, last = asyncio.get_running_loop(), 0.0, None

            async def watch() -> None:
                nonlocal longest
                while True:
                    start = loop.time()
                    await asyncio.sleep(0.01)
                    longest = max(longest, loop.time() - start - 0.01)

            watcher = asyncio.create_task(watch())
            async with self.sender() as send:
                # The first connection's TLS is Python's own to block for.
                last = await work(send)
            watcher.cancel()
            self.longest_block = longest
            return last

        return asyncio.run(watched())

    def sender(self) -> Any:
        raise NotImplementedError


class ByAsyncHttpx(OnALoop):
    module = "httpx"

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.sync = type("Sync", (ByHttpx,), {"module": self.module})(*given, **options)

    @asynccontextmanager
    async def sender(self) -> Any:
        async with self.sync.library.AsyncClient(**self.sync.options) as sender:

            async def send(method: str, path: str, **given: Any) -> Answer:
                response = await sender.request(method, self.url(path), **given)
                return Answer(response.status_code, response.content, ledgerauth.failure(response))

            yield send


class ByAsyncHttpx2(ByAsyncHttpx):
    module = "httpx2"


class ByAiohttp(OnALoop):
    @asynccontextmanager
    async def sender(self) -> Any:
        import aiohttp

        import ledgerauth.aiohttp

        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=self.verify), limit=100)
        async with aiohttp.ClientSession(connector=connector, middlewares=(ledgerauth.aiohttp.Auth(self.client),)) as session:

            async def send(method: str, path: str, **given: Any) -> Answer:
                if "content" in given:
                    given["data"] = given.pop("content")
                given.setdefault("allow_redirects", self.redirects)
                async with session.request(method, self.url(path), **given) as response:
                    return Answer(response.status, await response.read(), ledgerauth.failure(response))

            yield send


ADAPTERS = {
    "requests": ByRequests,
    "httpx": ByHttpx,
    "httpx2": ByHttpx2,
    "async httpx": ByAsyncHttpx,
    "async httpx2": ByAsyncHttpx2,
    "aiohttp": ByAiohttp,
}
WAYS = {"client": ByClient, **ADAPTERS}

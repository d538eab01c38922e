"""An `httpx.AsyncClient` that authenticates itself: a hundred calls at once, one token, and an event loop that nothing blocks.

    pip install ledgerauth httpx
    python httpx_async.py

It needs no account: the API is a sandbox on this machine. Yours is `ledgerauth.Client.from_env("numeric", environment="production")`, which reads
`NUMERIC_CLIENT_ID` and `NUMERIC_CLIENT_SECRET`.
"""

from __future__ import annotations

import asyncio
import ssl

import httpx

import ledgerauth.httpx
from ledgerauth.testing import Sandbox


async def main() -> None:
    with Sandbox(limits=False) as sandbox:
        client = sandbox.client("numeric")
        # The token endpoint is slow today. Only the calls wait for it; the ticks go on.
        sandbox.settings(token_delay_ms=300)
        verify = ssl.create_default_context(cafile=sandbox.ca_file)
        async with httpx.AsyncClient(
            auth=ledgerauth.httpx.Auth(client), base_url=client.base_url, verify=verify, trust_env=False, timeout=30
        ) as http:
            ticks = asyncio.create_task(count_ticks())
            answers = await asyncio.gather(*(http.get("/v1/trial-balance") for _ in range(100)))
            ticks.cancel()
        good = sum(answer.is_success for answer in answers)
        print(f"{good} of {len(answers)} answered, {sandbox.token_requests()} token request")
        print("the loop went on" if TICKS[0] > 10 else f"the loop was blocked: {TICKS[0]} ticks")


TICKS = [0]


async def count_ticks() -> None:
    while True:
        await asyncio.sleep(0.01)
        TICKS[0] += 1


if __name__ == "__main__":
    asyncio.run(main())

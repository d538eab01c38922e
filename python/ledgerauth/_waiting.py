"""Waiting for a token, or for the end of a limit, without blocking an event loop: asyncio's or trio's."""

from __future__ import annotations

import asyncio
import contextlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ledgerauth._ledgerauth import _Exchange


async def step(exchange: _Exchange) -> None:
    """What `exchange.step()` does, for an event loop."""
    while True:
        seconds = exchange.poll()
        if seconds is None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            await _sleep_in_trio(exchange, seconds)
        else:
            await _sleep(loop, exchange, seconds)


async def _sleep(loop: asyncio.AbstractEventLoop, exchange: _Exchange, seconds: float) -> None:
    woken = loop.create_future()

    def wake() -> None:
        if not woken.done():
            woken.set_result(None)

    def wake_from_any_thread() -> None:
        # A loop that was closed has taken whoever waited with it.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(wake)

    timer = loop.call_later(seconds, wake)
    exchange.on_wake(wake_from_any_thread)
    try:
        await woken
    finally:
        timer.cancel()


async def _sleep_in_trio(exchange: _Exchange, seconds: float) -> None:
    import trio

    woken, token = trio.Event(), trio.lowlevel.current_trio_token()

    def wake_from_any_thread() -> None:
        with contextlib.suppress(trio.RunFinishedError):
            token.run_sync_soon(woken.set)

    exchange.on_wake(wake_from_any_thread)
    with trio.move_on_after(seconds):
        await woken.wait()

"""``ledgerauth sandbox`` and ``ledgerauth demo``: programs that Rust has, too, with arguments of their own."""

from __future__ import annotations

import signal

from ledgerauth._ledgerauth import _run_demo, _run_sandbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def sandbox(arguments: list[str]) -> int:
    """Four accounting systems on this machine, until Ctrl-C."""
    return _run_sandbox(arguments)


def demo(arguments: list[str]) -> int:
    """One month-end close through all four of them."""
    # Nothing of Python's runs meanwhile that could notice Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _run_demo(arguments)


RUN: dict[str, Callable[[list[str]], int]] = {"sandbox": sandbox, "demo": demo}


def add(commands: Any) -> None:
    """Adds the programs to the list; they read their arguments themselves."""
    commands.add_parser("sandbox", help="start all four systems on this machine, with made-up keys", add_help=False)
    commands.add_parser("demo", help="close a month through all four systems, on this machine alone", add_help=False)

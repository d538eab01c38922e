"""``ledgerauth redact``: secrets out of logs, as fast as they can be read."""

from __future__ import annotations

import os
import sys
import time

from ledgerauth import Redactor
from ledgerauth.cli import account, status
from ledgerauth.cli.parser import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any, Callable, Optional

    from ledgerauth.cli.screen import Screen

EPILOG = """\
examples:
  ledgerauth redact < app.log > clean.log
  zcat app.log.gz | ledgerauth redact --header X-Tenant-Secret | gzip > clean.log.gz
  ledgerauth redact --secret-env DB_PASSWORD --provider own.toml < app.log > clean.log

It takes out credentials in headers, fields, forms and URLs, keys of the shipped providers, and tokens; look-alikes such as ids and hashes stay.
On a terminal a line on standard error tells how far it is; with --json one object does so at the end."""


def add(commands: Any) -> None:
    """Adds the command."""
    parser = command(commands, "redact", run, "take secrets out of standard input", EPILOG)
    parser.add_argument("--secret-env", action="append", default=[], metavar="NAME", help="a variable whose value is taken out, too")
    parser.add_argument("--header", action="append", default=[], metavar="NAME", help="a header whose value is secret")
    parser.add_argument("--provider", action="append", default=[], metavar="PATH", help="a profile that is not shipped")


def run(chosen: Namespace, screen: Screen) -> int:
    """Copies standard input to standard output."""
    missing = [name for name in chosen.secret_env if not os.environ.get(name)]
    if missing:
        raise account.unavailable(f"the environment variable {missing[0]} is not set", "export it: what is not known cannot be taken out")
    secrets = [os.environ[name] for name in chosen.secret_env]
    redactor = Redactor(secrets=secrets, headers=chosen.header, providers=chosen.provider)
    begun = time.monotonic()
    shown = _progress(begun) if sys.stderr.isatty() and not chosen.json else None
    total = redactor.copy(sys.stdin.fileno(), sys.stdout.fileno(), progress=shown)
    if shown:
        shown(total)
        screen.note("")
    if chosen.json:
        # Standard output is the text.
        import json

        screen.note(json.dumps({"ok": True, "bytes": total, "seconds": round(time.monotonic() - begun, 3)}))
    return status.GOOD


def _progress(begun: float) -> Callable[[int], None]:
    whole = _size()

    def show(done: int) -> None:
        seconds = max(time.monotonic() - begun, 1e-3)
        of_whole = f" of {whole / 1e6:,.0f} MB ({done / whole:.0%})" if whole else " MB"
        sys.stderr.write(f"\r{done / 1e6:,.0f}{of_whole}, {done / 1e6 / seconds:,.0f} MB/s \033[K")
        sys.stderr.flush()

    return show


def _size() -> Optional[int]:
    """How long standard input is, if it is a file."""
    size = os.fstat(sys.stdin.fileno()).st_size
    return size or None

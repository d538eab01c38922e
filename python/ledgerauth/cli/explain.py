"""``ledgerauth explain``: how a connection stands, to be pasted into a ticket."""

from __future__ import annotations

from ledgerauth.cli import account, status
from ledgerauth.cli.parser import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from ledgerauth.cli.screen import Screen

EPILOG = f"""\
examples:
  ledgerauth explain xero --client-id my-id --stored --store /var/lib/month-end/tokens
  ledgerauth explain numeric --file client.json --store rediss://tokens.internal:6379 --json

It reads the store and sends nothing: token, lease, journal, end of the refresh token, last error, advice. Nothing in it is secret.

with --json: ok, at, provider, environment, integration, credential, state, generation, stored_generation, store_error,
stored_token_ends, token_ends, next_renewal, forecast, needs_consent, needs_store, spending_since, spending_attempts,
refused_since, next_probe, paused_until, last_error, advice, skew_millis; moments are text (RFC 3339, UTC), or null

{account.SOURCES}

exit status: 0, or 1 if calls cannot succeed as things stand; see also `ledgerauth --help`"""


def add(commands: Any) -> None:
    """Adds the command."""
    account.add(command(commands, "explain", run, "say how a connection stands: token, store, keys, last error, advice", EPILOG))


def run(chosen: Namespace, screen: Screen) -> int:
    """Explains."""
    explanation = account.client(chosen).explain()
    screen.result(explanation.as_dict(), str(explanation))
    return status.GOOD if explanation.ok else status.FAILED

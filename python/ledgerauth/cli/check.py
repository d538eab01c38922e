"""``ledgerauth check``: is the credential good, and if not, what to do?"""

from __future__ import annotations

from ledgerauth.cli import account, status
from ledgerauth.cli.parser import command
from ledgerauth.cli.screen import facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from ledgerauth.cli.screen import Screen

EPILOG = f"""\
examples:
  ledgerauth check finora                                  # the key in FINORA_API_KEY
  ledgerauth check numora --base-url https://acme.example --env ACME_NUMORA_KEY
  ledgerauth check numeric --env NUMERIC_ID --env NUMERIC_SECRET
  vault read -field=key secret/finora | ledgerauth check finora --stdin
  ledgerauth check finora --json | jq -r .error.advice

It makes the one harmless call that the provider documents; where there is none, it gets a token.

with --json: ok, provider, environment, base_url, credential (in words), status (of HTTP, or null),
error (null, or kind, message, advice, provider, status, code, request_id, processed, retryable, come_back_at)

{account.SOURCES}

exit status:
{status.TABLE}"""


def add(commands: Any) -> None:
    """Adds the command."""
    account.add(command(commands, "check", run, "say whether a credential is accepted, and what to do if not", EPILOG))


def run(chosen: Namespace, screen: Screen) -> int:
    """Tries the credential."""
    client = account.client(chosen)
    check = client.check()
    about = client.explain()
    value = {
        "ok": check.ok,
        "provider": client.provider,
        "environment": client.environment,
        "base_url": client.base_url,
        "credential": about.credential,
        "status": check.status,
        "error": facts(check.error) if check.error else None,
    }
    where = screen.paint("dim", f"    at {client.base_url}, with {about.credential}")
    screen.result(value, f"{screen.verdict(check.ok, str(check))}\n{where}")
    return status.GOOD if check.error is None else status.of(check.error)

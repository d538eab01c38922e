"""``ledgerauth keys``: how old each key is, and what is to be done by when."""

from __future__ import annotations

from ledgerauth.cli import account, status
from ledgerauth.cli.parser import command
from ledgerauth.cli.screen import table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from ledgerauth import KeyState
    from ledgerauth.cli.screen import Screen

EPILOG = f"""\
A key's age is known if its owner has noted when it was made. Such a file of keys is JSON:

  {{"keys": [{{"key": "live_sk_...", "name": "spring", "created": "2026-08-01"}},
            {{"key": "live_sk_...", "name": "summer", "created": "2026-10-20"}}]}}

examples:
  ledgerauth keys finora --file keys.json
  0 7 * * *  ledgerauth keys finora --file /etc/finora/keys.json --warn-days 14 || mail -s "rotate the key" ops@example.com

with --json: ok (false if a key is due), provider, environment,
keys (name, id, prefix, integrations, in_use, age, expires, ends, days_left, refused), plan (by, what)

Nothing is sent. With --warn-days the exit status is 8 if a key ends within so many days, has ended, or has no known end.

{account.SOURCES}"""


def add(commands: Any) -> None:
    """Adds the command."""
    parser = command(commands, "keys", run, "show the age of each key, and the plan for their rotation", EPILOG)
    account.add(parser)
    parser.add_argument("--warn-days", type=float, metavar="N", help="exit with status 8 if a key ends within N days")


def run(chosen: Namespace, screen: Screen) -> int:
    """Shows the keys."""
    client = account.client(chosen)
    keys, plan = client.keys, client.rotation_plan
    limit = chosen.warn_days
    due = [key for key in keys if limit is not None and _is_due(key, limit)]
    value = {
        "ok": not due,
        "provider": client.provider,
        "environment": client.environment,
        "keys": [_facts(key) for key in keys],
        "plan": [{"by": step.by.isoformat(), "what": step.what} for step in plan],
    }
    screen.result(value, "\n".join(_lines(client.provider, keys, due, [str(step) for step in plan], screen)))
    return status.ROTATE if due else status.GOOD


def _is_due(key: KeyState, limit: float) -> bool:
    """A key whose end nobody knows may end tomorrow: a watchman who says that all is well would be wrong."""
    if key.refused is not None:
        return True
    return key.expires and (key.days_left is None or key.days_left <= limit)


def _lines(provider: str, keys: list[KeyState], due: list[KeyState], plan: list[str], screen: Screen) -> list[str]:
    if not keys:
        return [f"{provider} is called with tokens here: there are no keys to rotate"]
    head = ("KEY", "IN USE", "DAYS LEFT", "ENDS", "LAST NEEDED", "STATE")
    rows = [_row(key) for key in keys]
    first, *lines = table(head, rows)
    marked = [screen.paint("notable", line) if key in due else line for key, line in zip(keys, lines)]
    return [screen.paint("bold", first), *marked, *(["", "plan:", *(f"  {step}" for step in plan)] if plan else [])]


def _row(key: KeyState) -> tuple[object, ...]:
    left = None if key.days_left is None else f"{key.days_left:.1f}"
    ends = key.ends and f"{key.ends:%Y-%m-%d}"
    needed = key.last_needed and f"{key.last_needed:%Y-%m-%d %H:%M}"
    return _name(key), "yes" if key.in_use else "", left, ends, needed, key.refused or key.age


def _name(key: KeyState) -> str:
    return key.name or key.id or f"{key.prefix}…"


def _facts(key: KeyState) -> dict[str, Any]:
    return {
        "name": key.name,
        "id": key.id,
        "prefix": key.prefix,
        "integrations": key.integrations,
        "in_use": key.in_use,
        "age": key.age,
        "expires": key.expires,
        "ends": key.ends.isoformat() if key.ends else None,
        "days_left": key.days_left,
        "refused": key.refused,
    }

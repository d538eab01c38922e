"""``ledgerauth providers``: what is known of each API, and whether a profile of one's own can be right."""

from __future__ import annotations

import os

from ledgerauth._ledgerauth import provider_facts, provider_names, provider_text
from ledgerauth.cli import status
from ledgerauth.cli.parser import Parser, command
from ledgerauth.cli.screen import table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from ledgerauth.cli.screen import Screen

EPILOG = """\
examples:
  ledgerauth providers list
  ledgerauth providers show finora              # the profile: facts, each with its source
  ledgerauth providers show finora > own.toml   # where a profile of one's own begins
  ledgerauth providers validate own.toml        # status 2, with line, field and reason, if it cannot be right"""


def add(commands: Any) -> None:
    """Adds the command with its own commands."""
    parser = command(commands, "providers", _list, "list, show and validate provider profiles", EPILOG)
    parser.set_defaults(provider=None)
    own = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    command(own, "list", _list, "list the shipped profiles", "").set_defaults(provider=None)
    command(own, "show", _show, "print a profile", "").add_argument("provider", metavar="NAME|PATH")
    command(own, "validate", _validate, "say whether a profile can be right", "").add_argument("provider", metavar="PATH")


def _list(_: Namespace, screen: Screen) -> int:
    known = [provider_facts(name) for name in provider_names()]
    rows = [(fact["name"], fact["title"], _credentials(fact), _environments(fact)) for fact in known]
    head, *lines = table(("NAME", "SYSTEM", "CREDENTIAL", "ENVIRONMENTS"), rows)
    screen.result(known, "\n".join([screen.paint("bold", head), *lines]))
    return status.GOOD


def _show(chosen: Namespace, screen: Screen) -> int:
    facts = provider_facts(chosen.provider)
    screen.result(facts, _text(chosen.provider).rstrip("\n"))
    return status.GOOD


def _validate(chosen: Namespace, screen: Screen) -> int:
    # A name without a slash is a file here, too.
    facts = provider_facts(os.path.abspath(chosen.provider))
    screen.result({"ok": True, **facts}, screen.verdict(True, f"{chosen.provider}: {facts['title']}, {_environments(facts)}"))
    return status.GOOD


def _credentials(facts: dict[str, Any]) -> str:
    return ", ".join(word for word, taken in (("key", facts["takes_keys"]), ("client", facts["takes_tokens"])) if taken)


def _environments(facts: dict[str, Any]) -> str:
    return ", ".join(environment["name"] for environment in facts["environments"])


def _text(provider: str) -> str:
    if provider in provider_names():
        return provider_text(provider)
    with open(provider, encoding="utf-8") as file:
        return file.read()

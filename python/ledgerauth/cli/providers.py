"""``ledgerauth providers``: what is known of each API, and whether a profile of one's own can be right."""

from __future__ import annotations

import os
import re

from ledgerauth import SettingError
from ledgerauth._ledgerauth import profile_page, provider_facts, provider_names, provider_text
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
  ledgerauth providers new own                  # writes own.toml, where a profile of one's own begins
  ledgerauth providers fields                   # every table and field, with what to write and what it means
  ledgerauth providers validate own.toml        # status 2, with line, field and reason, if it cannot be right

with --json: of each profile name, title, documentation, takes_keys, takes_tokens, where_to_obtain, check_path,
environments (name, base_url, token_url), key_lifetime_days, differences; list prints a list, validate has ok, too.
fields prints ok and text, new prints ok and path"""

BEGINNING = """\
# What is known of an API: facts, each with the address of the page that says so. `ledgerauth providers fields` tells every field.
name = "{name}"
title = "{title}"

[[environment]]
name = "production"
base_url = "https://api.{name}.example"        # paths are appended to it; the credential goes to no other host
source = "https://docs.{name}.example/authentication"

[attach]
header = "Authorization"
scheme = "Bearer"                               # "" for none

# For keys. What has another form is refused before it is sent.
[key]
obtain = "the API settings of the account"

[[key.format]]
prefix = "{name}_"
alphabet = "url-safe"                           # lower-hex, hex, alphanumeric, url-safe or visible
min_length = 16

# For a client's id and secret, in place of [key]; the environment then has a token_url.
# [token]
# grants = ["client_credentials"]
# request = "form"
# client_auth = "client_secret_basic"
# obtain = "the API settings of the account"

# A harmless GET that proves a credential: `ledgerauth check` makes it.
[check]
path = "/v1/me"

# What an answer means, where its status alone does not say it.
# [[error.meaning]]
# status = 403
# code = "plan_required"
# means = "plan_required"
# advice = "the account's plan has no API: change the plan"
"""
"""What a profile of one's own begins as. It is a profile that can be read."""


def add(commands: Any) -> None:
    """Adds the command with its own commands."""
    parser = command(commands, "providers", _list, "list, show and validate provider profiles", EPILOG)
    parser.set_defaults(provider=None)
    own = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    command(own, "list", _list, "list the shipped profiles", "").set_defaults(provider=None)
    command(own, "show", _show, "print a profile", "").add_argument("provider", metavar="NAME|PATH")
    command(own, "fields", _fields, "tell every table and field of a profile", "").set_defaults(provider=None)
    command(own, "new", _new, "write a file in which a profile of one's own begins", "").add_argument("provider", metavar="NAME")
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


def _fields(_: Namespace, screen: Screen) -> int:
    text = profile_page()
    screen.result({"ok": True, "text": text}, text.rstrip("\n"))
    return status.GOOD


def _new(chosen: Namespace, screen: Screen) -> int:
    name = chosen.provider
    if not re.fullmatch("[a-z0-9-]+", name) or name in provider_names():
        what = "a profile's name is made of a-z, 0-9 and '-', and is none of the shipped ones"
        raise SettingError(f"{what}; choose another", advice="choose another")
    path = f"{name}.toml"
    with open(path, "x", encoding="utf-8") as file:
        file.write(BEGINNING.format(name=name, title=name.replace("-", " ").title()))
    screen.result({"ok": True, "path": path}, f"{path}: change what is made up in it, then `ledgerauth providers validate {path}`")
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

"""The command line ``ledgerauth``: each command is a file beside this one, with what it takes, what it does and its examples."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

from ledgerauth._ledgerauth import _command_line
from ledgerauth.cli import check, explain, keys, login, programs, providers, redact, shell, token
from ledgerauth.cli.parser import Parser
from ledgerauth.cli.screen import Screen
from ledgerauth.cli.status import INTERRUPTED, PIPE, TABLE, USAGE, of
from ledgerauth.errors import LedgerAuthError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Optional

__all__ = ["main"]

COMMANDS = (check, keys, explain, login, token, redact, providers, programs)

DESCRIPTION = "Authentication to accounting and finance APIs: is the credential good, how old is it, what is to be done?"

EPILOG = f"""\
examples:
  export FINORA_API_KEY=...             # never as an argument: other users of the machine can read those
  ledgerauth check finora               # is it accepted, and if not, what to do
  ledgerauth keys finora --file keys.json --warn-days 14    # for cron: status 8 if a key ends within 14 days
  ledgerauth check numeric --client-id my-id                # asks for the secret, and does not show it
  ledgerauth redact < app.log > clean.log
  ledgerauth sandbox                    # all four systems on this machine, to try things out
  ledgerauth demo

exit status:
{TABLE}

Where a command takes a PROVIDER it takes a connection of ledgerauth.toml, too (--config, LEDGERAUTH_CONFIG, ~/.config/ledgerauth):
  [connections.webshop]
  provider = "finora"
  env = "WEBSHOP_FINORA_KEY"

Each command has its own --help. With --json, wherever it stands, each prints one JSON value on standard output; its --help says what is in it."""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs the command line; its exit status."""
    _open_what_is_closed()
    # What goes wrong is told in the command's own words.
    before = _command_line(True)
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except BrokenPipeError:
        # Standard error's reader is gone, too.
        return _unheard()
    finally:
        _command_line(before)


def _open_what_is_closed() -> None:
    """Lets a program run whose standard streams are closed, and which has to tell what they cannot show."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _unheard() -> int:
    """Whoever read us has seen enough. Python must not try to write the rest at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return PIPE


def _run(given: list[str]) -> int:
    screen = Screen(json="--json" in given)
    try:
        for number, argument in enumerate(given, 1):
            if not argument.isascii() and argument != argument.encode(errors="replace").decode():
                screen.complain(f"argument {number} is not in UTF-8: give it in UTF-8, or rename the file that it names")
                return USAGE
        if screen.json and given[0] not in programs.RUN:
            given = [argument for argument in given if argument != "--json"] + ["--json"]
        if given and given[0] in programs.RUN:
            return programs.RUN[given[0]](given[1:])
        chosen = _parser().parse(given)
        status: int = chosen.run(chosen, screen)
        sys.stdout.flush()
    except LedgerAuthError as error:
        screen.failed(error)
        return of(error)
    except BrokenPipeError:
        return _unheard()
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        screen.complain(str(error))
        return USAGE
    return status


def _parser() -> Parser:
    parser = Parser(prog="ledgerauth", description=DESCRIPTION, epilog=EPILOG)
    parser.add_version()
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for command in COMMANDS:
        command.add(commands)
    shell.add(commands, _parser)
    return parser

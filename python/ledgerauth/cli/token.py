"""``ledgerauth token``: the header that authenticates a request, for other programs on this machine."""

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
  ledgerauth token numeric                       # gets one, says until when it is good, and does not show it
  ledgerauth token numeric --show                # the token alone
  curl -H @<(ledgerauth token numeric --show --header) https://api.numeric.io/v1/health   # not in curl's arguments

with --json: ok, header (its name), ends (a moment, or null); with --show: token, value (of the header), too

A token that is printed can be read by whoever sees the terminal, its scrollback or the log of the job.

{account.SOURCES}

exit status:
{status.TABLE}"""


def add(commands: Any) -> None:
    """Adds the command."""
    parser = command(commands, "token", run, "get a token, and print it only with --show", EPILOG)
    account.add(parser)
    parser.add_argument("--show", action="store_true", help="print the token, or the key")
    parser.add_argument("--header", action="store_true", help="with --show: the whole header field")
    parser.add_argument("--path", default="/", metavar="PATH", help="what it is for, where that matters (/)")


def run(chosen: Namespace, screen: Screen) -> int:
    """Gets it."""
    client = account.client(chosen)
    value = client.authorize(chosen.path)
    ends = client.explain().token_ends
    token = value.rpartition(" ")[2]
    told = {"ok": True, "header": client.header, "ends": ends.isoformat() if ends else None}
    if chosen.show:
        told["token"], told["value"] = token, str(value)
        text = f"{client.header}: {value}" if chosen.header else token
    else:
        until = f", good until {ends:%Y-%m-%d %H:%M:%S} UTC" if ends else ""
        text = screen.verdict(True, f"{client.header}: {value[: -len(token)]}[hidden]{until}; --show prints it")
    screen.result(told, text)
    return status.GOOD

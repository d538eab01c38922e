"""Arguments: `argparse`, made to teach and to repeat no secret."""

from __future__ import annotations

import argparse
import re
import sys

from ledgerauth import __version__
from ledgerauth._ledgerauth import _shown
from ledgerauth.cli.status import USAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn


_QUOTED = re.compile(r"'([^']*)'")
"""What `argparse` quotes of the arguments."""


def _argument(quoted: re.Match[str]) -> str:
    shown = _shown(quoted[1], "word")
    return quoted[0] if shown == quoted[1] else shown


class Parser(argparse.ArgumentParser):
    """A parser whose descriptions and examples are printed as they are written."""

    def __init__(self, **options: Any) -> None:
        # An abbreviation that works today is ambiguous tomorrow, in somebody's crontab.
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def add_version(self) -> None:
        """Adds ``--version``."""
        self.add_argument("--version", action="version", version=f"ledgerauth {__version__}")

    def add_json(self) -> None:
        """Adds ``--json``."""
        self.add_argument("--json", action="store_true", help="print one JSON value instead of text")

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """The arguments; on wrong ones the program ends."""
        chosen, unknown = self.parse_known_args(arguments)
        if unknown:
            names = [_shown(argument.split("=")[0], "word") for argument in unknown if argument.startswith("-")]
            told = ", ".join(names) or "not shown, in case it is a secret"
            self.error(f"unknown argument ({told}); secrets are no arguments: see where a command's --help takes them from")
        return chosen

    def error(self, message: str) -> NoReturn:
        """Ends the program. Standard output stays empty, whatever was asked for: there is no result."""
        from ledgerauth import Redactor

        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {Redactor().redact(_QUOTED.sub(_argument, message))}\n")


def command(commands: Any, name: str, run: Any, summary: str, epilog: str) -> Parser:
    """Adds a command."""
    parser: Parser = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", epilog=epilog)
    parser.set_defaults(run=run)
    parser.add_json()
    return parser

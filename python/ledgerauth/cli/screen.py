"""What is printed: text for persons, coloured on terminals only, or one JSON value."""

from __future__ import annotations

import json
import os
import sys

from ledgerauth import Redactor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, Optional, TextIO

    from ledgerauth import LedgerAuthError

# ECMA-48, SGR.
_LOOKS = {"good": "32", "bad": "31", "notable": "33", "dim": "2", "bold": "1"}


class Screen:
    """Prints results to standard output and everything else to standard error."""

    def __init__(self, *, json: bool) -> None:
        self.json = json

    def result(self, value: Any, text: str) -> None:
        """What a command found: the value as JSON if that was asked for, else the text."""
        print(json.dumps(value, ensure_ascii=False, default=str) if self.json else text)

    def complain(self, text: str) -> None:
        """What went wrong. It is redacted, because a secret may have been given where none belongs."""
        text = Redactor().redact(text)
        if self.json:
            self.result({"ok": False, "error": {"message": text}}, "")
        else:
            print(self.paint("bad", "ledgerauth:", sys.stderr), text, file=sys.stderr)

    def failed(self, error: LedgerAuthError) -> None:
        """An error, with all that it tells."""
        if self.json:
            self.result({"ok": False, "error": facts(error)}, "")
        else:
            self.complain(str(error))

    def note(self, text: str) -> None:
        """Something beside the result."""
        print(text, file=sys.stderr)

    def paint(self, look: str, text: str, where: Optional[TextIO] = None) -> str:
        """The text as it looks on a terminal; elsewhere, and where ``NO_COLOR`` is set (no-color.org), the text."""
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not (where or sys.stdout).isatty():
            return text
        return f"\033[{_LOOKS[look]}m{text}\033[0m"

    def verdict(self, good: bool, text: str) -> str:
        """A line that says whether something is well."""
        return f"{self.paint('good' if good else 'bad', 'ok' if good else 'FAILED')}  {text}"


def facts(error: LedgerAuthError) -> dict[str, Any]:
    """What an error tells, for JSON."""
    redact = Redactor().redact
    moment = error.come_back_at
    told = {
        "kind": error.kind,
        "message": redact(str(error)),
        "advice": redact(error.advice),
        "provider": error.provider,
        "status": error.status,
        "code": error.code,
        "request_id": error.request_id,
        "processed": error.processed,
        "retryable": error.retryable,
        "come_back_at": moment.isoformat() if moment else None,
    }
    return {name: value for name, value in told.items() if value not in (None, "")}


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines in columns, each as wide as it has to be."""
    cells = [list(head), *([("-" if cell in (None, "") else str(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]

"""What tests need beside Python: groups of the table in `tests/tools`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).parent.parent / "tools"


def need(group: str, what: str) -> None:
    """Skips the test if the group is missing here, and says how to get it."""
    if subprocess.run([TOOLS, "has", group]).returncode:
        skip(group, what)


def skip(group: str, what: str) -> None:
    """Skips the test; a failure where nothing may be skipped (`LEDGERAUTH_REQUIRE_TOOLS`)."""
    command = [TOOLS, "skip", "uncounted", group, what]
    told = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    (pytest.fail if told.returncode else pytest.skip)(told.stderr.strip())

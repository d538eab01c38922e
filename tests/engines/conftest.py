"""Tests against real engines, each in an environment of its own: see `run`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

for name in list(os.environ):
    if name.upper().endswith("_PROXY") or name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        del os.environ[name]

EXAMPLES = Path(__file__).parents[2] / "python" / "examples"


@pytest.fixture
def example(tmp_path: Path) -> Callable[[str], str]:
    """Runs an example as a user does; what it printed last."""

    def run(name: str) -> str:
        command = [sys.executable, str(EXAMPLES / name)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=tmp_path)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout.splitlines()[-1]

    return run

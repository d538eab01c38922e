"""What the tests share. Everything runs against the sandbox, over TLS where that makes a difference."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import Any, Callable

import pytest

# Certificate authorities and proxies of the machine must not decide a test.
for name in list(os.environ):
    if name.upper() in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NO_PROXY") or name.upper().endswith(
        "_PROXY"
    ):
        del os.environ[name]

# Who runs the tests in the background has them, and all that they start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def sandbox(ledgerauth_sandbox: Any) -> Any:
    return ledgerauth_sandbox


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a program in a Python of its own, with warnings as errors."""

    def run(program: str, *arguments: str, expect: int = 0, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-X", "dev", "-c", program, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, **environment},
        )
        assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def private_key(tmp_path: Any) -> Any:
    """The path of a private key (P-256) that nobody else has."""
    path = tmp_path / "key.pem"
    made = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(path)]
    subprocess.run(made, check=True, capture_output=True, timeout=20)
    return path

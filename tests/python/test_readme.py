"""The README's Python, word for word, against the sandbox; its command lines; the examples; what `help` shows."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import pydoc
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import ledgerauth
from ledgerauth import cli

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = sorted(path.name for path in (ROOT / "python" / "examples").glob("*.py"))


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def as_at_home(sandbox, monkeypatch):
    """What a reader has: credentials in the environment, and clients that find their API; here it is the sandbox, whose authority all libraries trust."""
    real = ledgerauth.Client

    class Client:
        def __new__(cls, provider, **options):
            return real(provider, **{**sandbox.options(provider, credential=False), **options})

        @staticmethod
        def from_env(provider, **options):
            return real.from_env(provider, **{**sandbox.options(provider, credential=False), **options})

    monkeypatch.setattr(ledgerauth, "Client", Client)
    monkeypatch.setenv("FINORA_API_KEY", sandbox.keys["finora_test"])
    monkeypatch.setenv("NUMERIC_CLIENT_ID", sandbox.keys["numeric"]["client_id"])
    monkeypatch.setenv("NUMERIC_CLIENT_SECRET", sandbox.keys["numeric"]["client_secret"])
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, sandbox.ca_file)


def test_its_python_runs_word_for_word(as_at_home, sandbox, capsys):
    pytest.importorskip("requests")
    pytest.importorskip("httpx")
    found, names = blocks("python"), {}
    assert len(found) == 7
    for block in found:
        exec(compile(block, "README.md", "exec"), names)
    assert asyncio.run(names["balance"]()) and names["health"] and names["invoices"]["data"] == []
    names["test_a_limit_is_waited_for"](sandbox)
    names["session"].close()
    shown = capsys.readouterr().out
    assert "accepted" in shown and "state: good" in shown and names["client"].provider == "numeric"
    assert {entry.path for entry in sandbox.log("numeric_api")} >= {
        "/v1/tasks",
        "/v1/reports",
        "/v1/health",
        "/v1/trial-balance",
        "/v1/admin",
    }
    assert "insufficient_scope" in shown or "scope" in shown


def test_its_command_lines_are_known():
    lines = [line.split("<")[0] for block in blocks("sh") for line in block.splitlines() if line.startswith("ledgerauth ")]
    assert len(lines) >= 7
    for line in lines:
        arguments = shlex.split(line, comments=True)[1:]
        assert arguments[0] in cli.programs.RUN or callable(cli._parser().parse(arguments).run), line


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name in ("requests_session.py", "httpx_async.py", "tenacity_close.py")])
def test_an_example_runs(name, run):
    pytest.importorskip(name.split("_")[0])
    shown = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "python" / "examples" / name)], capture_output=True, text=True, timeout=60
    )
    assert shown.returncode == 0 and shown.stderr == "", shown.stdout + shown.stderr
    told = {
        "requests_session.py": ["1 invoice, close-2026-10, after 3 requests", "403 this module needs enterprise provisioning"],
        "tenacity_close.py": ["booked, found, booked: 3 invoices"],
        "httpx_async.py": ["100 of 100 answered, 1 token request", "the loop went on"],
    }
    for text in told[name]:
        assert text in shown.stdout


def test_help_reads_well():
    shown = pydoc.render_doc(ledgerauth.Client, renderer=pydoc.plaintext)
    for text in (
        "Authenticated calls to one account at one provider.",
        "insecure_loopback: allows http",
        "from_env(provider, *variables",
        "Raises:",
    ):
        assert text in shown, text
    public = [getattr(ledgerauth, name) for name in ledgerauth.__all__ if inspect.isclass(getattr(ledgerauth, name))]
    bare = [
        f"{kind.__name__}.{name}"
        for kind in public
        for name, member in vars(kind).items()
        if not (name.startswith("_") or inspect.getdoc(member) or hasattr(Mapping, name) or issubclass(kind, ledgerauth.LedgerAuthError))
    ]
    assert bare == [] and all(inspect.getdoc(kind) for kind in public)


def test_the_stubs_say_what_help_says():
    spec = importlib.util.find_spec("ledgerauth")
    stubs = (Path(spec.origin).parent / "_ledgerauth.pyi").read_text(encoding="utf-8")
    for text in (
        ledgerauth.Client.__doc__,
        ledgerauth.Client.get.__doc__,
        ledgerauth.Response.json.__doc__,
        ledgerauth.Client.authorize.__doc__,
    ):
        assert text.splitlines()[0] in stubs

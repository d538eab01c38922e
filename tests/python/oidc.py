"""A real authorization server, not ours: node-oidc-provider, with keys, rotation and logins; see `tests/servers/oidc`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Optional
from urllib.request import ProxyHandler, Request, build_opener

import tools

FOLDER = Path(__file__).parent.parent / "servers" / "oidc"
SECRET = "test-only-secret-of-32-characters"
PROFILE = {
    "name": "oidc",
    "title": "the test's authorization server",
    "environment": [{"name": "test", "base_url": "https://ledger.example", "token_url": "https://login.ledger.example/token"}],
    "token": {"grants": ["client_credentials", "refresh_token"], "request": "form", "client_auth": "client_secret_basic"},
}
_ask = build_opener(ProxyHandler({})).open


class Oidc:
    """A running server; it ends with its standard input."""

    def __init__(self, **options: Any) -> None:
        tools.need("node", "nothing was asked of oidc-provider")
        if not (FOLDER / "node_modules" / "oidc-provider").exists():
            tools.skip("node", "nothing was asked of oidc-provider, whose packages are not installed")
        own = FOLDER / "node_modules" / ".bin" / "node"
        self.process = subprocess.Popen(
            [str(own) if own.exists() else "node", str(FOLDER / "server.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(options) + "\n")
        self.process.stdin.flush()
        ready = json.loads(self.process.stdout.readline())
        self.issuer: str = ready["issuer"]
        self.keys: dict[str, Any] = ready["keys"]

    def options(self, **more: Any) -> dict[str, Any]:
        """What points a client here."""
        own = {"environment": "test", "base_url": self.issuer, "token_url": f"{self.issuer}/token"}
        return {**own, "insecure_loopback": True, "proxy": False, **more}

    def stats(self) -> Any:
        """What happened so far."""
        return self.own("/__stats")

    def own(self, path: str, body: Optional[Any] = None) -> Any:
        """What one of the server's own test pages answers."""
        content = None if body is None else json.dumps(body).encode()
        with _ask(Request(self.issuer + path, content), timeout=20) as answer:
            return json.load(answer)

    def __enter__(self) -> Oidc:
        return self

    def __exit__(self, *_: Any) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()

"""The vector of proxy environments against the programs whose answers it holds: curl and requests, both run here."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import tools

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "proxies.json").read_text("utf-8"))["vectors"]
PROXIES = ("p.example:3128", "q.example:3128")
ASK = """import sys
import requests
try:
    requests.get(sys.argv[1], timeout=2)
except (requests.exceptions.InvalidURL, requests.exceptions.InvalidProxyURL):
    sys.exit(5)
except requests.RequestException as error:
    sys.exit(5 if "control characters" in str(error) else 1)
"""


class Listener:
    """A proxy that only counts who comes."""

    def __init__(self):
        self.visits = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._socket.getsockname())
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()

    def close(self):
        self._socket.close()


@pytest.fixture(scope="module")
def listeners():
    both = {name: Listener() for name in PROXIES}
    yield both
    for listener in both.values():
        listener.close()


def seen(listeners, command, environment):
    """Where a program went: the proxy that it came to, an error at once, or directly."""
    plain = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    for name, listener in listeners.items():
        environment = {key: value.replace(name, listener.address) for key, value in environment.items()}
    before = {name: listener.visits for name, listener in listeners.items()}
    ended = subprocess.run(command, env={**plain, **environment}, capture_output=True, text=True, timeout=30)
    for name, listener in listeners.items():
        if listener.visits > before[name]:
            return name
    refused = ended.returncode == 5 or (ended.returncode == 7 and "proxy scheme" in ended.stderr)
    return "error" if refused else "direct"


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_requests_goes_where_the_vector_says(vector, listeners):
    pytest.importorskip("requests")
    assert seen(listeners, [sys.executable, "-c", ASK, vector["url"]], vector["environment"]) == vector["requests"]


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_curl_goes_where_the_vector_says(vector, listeners):
    tools.need("python", "curl's reading of proxies was not compared")
    command = ["curl", "-sS", "-k", "-m", "3", vector["url"]]
    assert seen(listeners, command, vector["environment"]) == vector["curl"]

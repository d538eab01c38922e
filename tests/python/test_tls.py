"""Whom a client trusts, and who it says it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ledgerauth


def test_the_systems_authorities_are_trusted_where_that_is_said(sandbox, tmp_path):
    options = dict(sandbox.options("finora"))
    ca_file = options.pop("ca_file")
    script = """
import json, os, ledgerauth
options = json.loads(os.environ["OPTIONS"])
print(ledgerauth.Client("finora", trust="platform", **options).get("/v1/invoices").status_code)
try:
    ledgerauth.Client("finora", **options).get("/v1/invoices")
except ledgerauth.Untrusted as error:
    print(error.advice)
"""
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / "ca.pem").write_text(Path(ca_file).read_text())
    subprocess.run(["openssl", "rehash", str(folder)], check=False, capture_output=True)
    for place in ({"SSL_CERT_FILE": ca_file}, {"SSL_CERT_DIR": str(folder)}):
        env = {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT")}
        env.update(place, OPTIONS=json.dumps(options))
        said = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True).stdout
        assert said.startswith("200\n") and 'by ca_file, or use trust="platform"' in said, (place, said)


def test_tls_options_that_do_not_fit_together_are_refused(tmp_path):
    key = "live_sk_" + "0a" * 24
    for options in (
        {"trust": "nobody"},
        {"client_key": tmp_path / "key.pem"},
        {"client_certificate": tmp_path / "a", "client_key": tmp_path / "b"},
    ):
        with pytest.raises(ledgerauth.SettingError):
            ledgerauth.Client("finora", api_key=key, **options)

"""``ledgerauth login``: a person connects an account once; programs go on from the store."""

from __future__ import annotations

from argparse import ArgumentTypeError

from ledgerauth import Client, _config
from ledgerauth.cli import account, status
from ledgerauth.cli.parser import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from ledgerauth.cli.screen import Screen

EPILOG = f"""\
examples:
  ledgerauth login xero --client-id my-id --store ~/tokens --scopes "offline_access accounting.transactions"
  ledgerauth login xero --client-id my-id --store ~/tokens --device       # on a server without a browser
  ledgerauth login quickbooks --client-id my-id --env QB_SECRET --store rediss://tokens:6379 --redirect-uri http://localhost:8400/callback

Then, in a program:
  Client("xero", client_id="my-id", stored=True, store="~/tokens")

The browser comes back to this machine (authorization code with PKCE); the tokens go into the store and are not printed.

exit status:
{status.TABLE}"""


def add(commands: Any) -> None:
    """Adds the command."""
    parser = command(commands, "login", run, "let a person connect an account, and store its tokens", EPILOG)
    account.add_provider(parser)
    parser.add_argument("--client-id", metavar="ID", help="the client's id, as it is registered")
    parser.add_argument("--env", action="append", metavar="NAME", help="the variable with the client's secret, if it has one")
    parser.add_argument("--stdin", action="store_true", help="read the client's secret from standard input")
    parser.add_argument("--scopes", metavar="WORDS", help="what to ask for, with spaces between them")
    parser.add_argument("--issuer", metavar="URL", help="the server that says of itself where its endpoints are")
    parser.add_argument("--device", action="store_true", help="on another device, by a code (RFC 8628)")
    parser.add_argument("--no-browser", action="store_true", help="print the address, and open no browser")
    parser.add_argument("--redirect-uri", metavar="URL", help="where the browser comes back to, as the client is registered")
    parser.add_argument(
        "--parameter", type=_pair, action="append", default=[], metavar="NAME=VALUE", help="as the vendor asks: prompt=consent"
    )
    parser.add_argument("--patience", type=float, default=300, metavar="SECONDS", help="how long to wait for the person (300)")
    account.add_place(parser)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ArgumentTypeError("a parameter is NAME=VALUE")
    return name, value


def run(chosen: Namespace, screen: Screen) -> int:
    """Waits for the person."""
    provider, client_id, options = chosen.provider, chosen.client_id, account.place(chosen)
    found = _config.find(provider, chosen.config)
    if found is not None:
        provider, client_id, options = found.provider, client_id or found.client_id, {**found.options(), **options}
    if not client_id:
        raise account.misuse("a login is a client's", "say which: --client-id")
    if "store" not in options:
        raise account.misuse("a login needs a place for its tokens, where programs find them", "say which with --store")
    if chosen.issuer:
        options.update(issuer=chosen.issuer, discover=True)
    if chosen.scopes:
        options["scopes"] = chosen.scopes
    secret = account.secret_of(chosen) or (found.client_secret() if found else None)
    arguments: dict[str, Any] = {**options, "stored": True, "client_id": client_id, "client_secret": secret}
    client = Client(provider, **arguments)
    if chosen.device:
        client.login_on_device()
    else:
        how = {"redirect_uri": chosen.redirect_uri, "patience": chosen.patience, "parameters": chosen.parameter}
        client.login(open_browser=not chosen.no_browser, **how)
    about = client.explain()
    value = {**about.as_dict(), "ok": True}
    screen.result(value, f"{screen.verdict(True, 'connected; the tokens are in the store')}\n{about}")
    return status.GOOD

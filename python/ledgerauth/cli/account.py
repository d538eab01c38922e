"""The account that a command is about: where its credential comes from, and where it may go."""

from __future__ import annotations

import os
import sys

from ledgerauth import Client, Misuse, SourceUnavailable, _config
from ledgerauth._ledgerauth import _shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any, Optional

    from ledgerauth.cli.parser import Parser

SOURCES = """\
the credential comes from, the first that is said:
  --env NAME          a variable with a key; said twice, with a client's id and its secret
  --file PATH         a file: one key a line, or JSON with client_id and client_secret, or with keys
  --stdin             the first line of standard input: a key, or the secret of --client-id
  --stored            what `ledgerauth login` has put into --store, for --client-id
  --private-key PATH  a PEM file, for --client-id
  else PROVIDER_API_KEY, or PROVIDER_CLIENT_ID and PROVIDER_CLIENT_SECRET; on a terminal it is asked for."""


TLS = ("ca_file", "trust", "client_certificate", "client_key")


def add(parser: Parser) -> None:
    """Adds the arguments that say which account is meant."""
    add_provider(parser)
    source = parser.add_argument_group("credential")
    source.add_argument("--env", action="append", metavar="NAME", help="the environment variable that holds it")
    source.add_argument("--file", metavar="PATH", help="the file that holds it")
    source.add_argument("--stdin", action="store_true", help="read it from standard input")
    source.add_argument("--stored", action="store_true", help="go on with what a login has stored")
    source.add_argument("--client-id", metavar="ID", help="the client's id, which is no secret")
    source.add_argument("--private-key", metavar="PATH", help="the client's private key (PEM)")
    source.add_argument("--private-key-id", metavar="ID", help="the server's name for it (kid)")
    source.add_argument("--private-key-algorithm", metavar="NAME", help="how it signs: RS256 (if not said), PS256, ES256, EdDSA")
    add_place(parser)


def add_provider(parser: Parser) -> None:
    """Adds the argument that names what is meant."""
    what = "a shipped name (see `ledgerauth providers`), the path of a profile, or a connection of ledgerauth.toml"
    parser.add_argument("provider", metavar="PROVIDER", help=what)
    parser.add_argument("--config", metavar="PATH", help="the ledgerauth.toml to read, instead of ~/.config/ledgerauth's")


def add_place(parser: Parser) -> None:
    """Adds the arguments that say where the credential may go, and where tokens are kept."""
    place = parser.add_argument_group("where it may go")
    place.add_argument("--environment", metavar="NAME", help="such as sandbox, where neither key nor host tells it")
    place.add_argument("--base-url", metavar="URL", help="instead of the profile's: a workspace's own, a test server")
    place.add_argument("--token-url", metavar="URL", help="the same for the token endpoint")
    place.add_argument("--ca-file", metavar="PATH", help="certificate authorities to trust (PEM), and no others")
    place.add_argument("--trust", choices=("mozilla", "platform"), help="without --ca-file: Mozilla's list (if not said), or this system's")
    place.add_argument(
        "--client-certificate", metavar="PATH", help="the client's own certificate chain (PEM), for servers that ask for one"
    )
    place.add_argument("--client-key", metavar="PATH", help="the key to it (PEM)")
    place.add_argument("--no-proxy", action="store_true", help="leave HTTPS_PROXY aside")
    place.add_argument("--insecure-loopback", action="store_true", help="allow http to this very machine, for tests")
    place.add_argument("--deadline", type=float, metavar="SECONDS", help="how long a call may take with its repeats (90)")
    place.add_argument(
        "--allow-redirect-to", action="append", metavar="HOST", help="a host whose answer counts as the API's where a redirect leads there"
    )
    place.add_argument("--max-body", type=int, metavar="BYTES", help="the longest answer, counted unpacked (268435456, which is 256 MiB)")
    store = parser.add_argument_group("where tokens are kept")
    store.add_argument("--store", metavar="PLACE", help="a folder, or rediss://host:port; this process's memory if not said")
    store.add_argument("--store-password-env", metavar="NAME", help="the variable that holds Redis's password")
    store.add_argument("--seal-env", metavar="NAME", help="the variable that holds the key which seals stored tokens")
    store.add_argument("--name", metavar="NAME", help="the account's name in the store, if the client has several")


def client(chosen: Namespace) -> Client:
    """The account's client."""
    given, options = chosen.provider, place(chosen)
    found = _config.find(given, chosen.config)
    if found is not None:
        if not any((chosen.client_id, chosen.stored, chosen.private_key, chosen.env, chosen.file, chosen.stdin)):
            return found.client(Client, options)
        given, options = found.provider, {**found.options(), **options}
    if chosen.client_id:
        if chosen.file:
            raise misuse("--file names its client itself", "leave --client-id out, or give the secret by --env or --stdin")
        return Client(given, client_id=chosen.client_id, **_proof(chosen), **options)
    if chosen.stored or chosen.private_key:
        raise misuse("--stored and --private-key belong to a client", "say which: --client-id")
    if chosen.env:
        return Client.from_env(given, *chosen.env, **options)
    if chosen.file:
        return Client.from_file(given, chosen.file, **options)
    if chosen.stdin:
        return Client(given, api_key=_from_stdin(), **options)
    try:
        return Client.from_env(given, **options)
    except SourceUnavailable:
        if not _can_ask():
            raise
    return Client(given, api_key=_asked(f"{given} key: ", "--env, --file or --stdin"), **options)


def place(chosen: Namespace) -> dict[str, Any]:
    """The options that say where the credential may go, and where tokens are kept."""
    names = ("environment", "base_url", "token_url", "deadline", "allow_redirect_to", "max_body", "name", *TLS)
    options = {name: getattr(chosen, name) for name in names if getattr(chosen, name) is not None}
    if chosen.no_proxy:
        options["proxy"] = False
    if chosen.insecure_loopback:
        options["insecure_loopback"] = True
    if chosen.store:
        options["store"] = _store(chosen)
    return options


def _store(chosen: Namespace) -> Any:
    if "://" in chosen.store and "@" in chosen.store:
        raise misuse("a password in --store can be read by other users of the machine", "name its variable with --store-password-env")
    return _config.store(chosen.store, chosen.store_password_env, seal_env=chosen.seal_env)


def _proof(chosen: Namespace) -> dict[str, Any]:
    """How a client that was named proves itself."""
    if chosen.private_key:
        names = ("private_key", "private_key_id", "private_key_algorithm")
        return {"client_auth": "private_key_jwt", **{name: getattr(chosen, name) for name in names}}
    secret = secret_of(chosen)
    if chosen.stored:
        return {"stored": True, "client_secret": secret}
    return {"client_secret": secret or _asked("secret of the client (not shown): ", "--env or --stdin")}


def secret_of(chosen: Namespace) -> Optional[str]:
    """The client's secret, from where the arguments say; ``None`` if they do not."""
    if chosen.env:
        name = chosen.env[-1]
        if name not in os.environ:
            raise unavailable(f"the environment variable {_shown(name, 'variable')} is not set", "export the client's secret")
        return os.environ[name]
    return _from_stdin() if chosen.stdin else None


def misuse(what: str, advice: str) -> Misuse:
    """The error of arguments that do not fit together, with what to do about it."""
    return Misuse(f"{what}; {advice}", advice=advice)


def unavailable(what: str, advice: str) -> SourceUnavailable:
    """The error of a source that has nothing, with what to do about it."""
    return SourceUnavailable(f"{what}; {advice}", advice=advice)


def _from_stdin() -> str:
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise unavailable("standard input is empty", "write the credential into it, one line")
    return line


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _asked(prompt: str, sources: str) -> str:
    if not _can_ask():
        raise unavailable("there is no terminal to ask for the credential on", f"name its source: {sources}")
    from getpass import getpass

    return getpass(prompt)

"""``ledgerauth.toml``: connections by name, so that commands and programs say a name instead of ten arguments. See ``Client.from_config``."""

from __future__ import annotations

import difflib
import os
import stat
from pathlib import Path

from ledgerauth._ledgerauth import FileStore, RedisStore, _read_toml, _shown, provider_names
from ledgerauth.errors import SettingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn, Optional, Union

    from ledgerauth import Client

VARIABLE = "LEDGERAUTH_CONFIG"
"""The variable that names the file."""

_OPTIONS = (
    *("environment", "base_url", "token_url", "client_auth", "issuer", "authorization_url", "device_authorization_url", "revocation_url"),
    *("discover", "scopes", "permissions", "allow_redirect_to", "header", "scheme", "integration", "stored", "name", "timeout", "deadline"),
    *("max_attempts", "ca_file", "trust", "client_certificate", "client_key", "proxy", "user_agent", "insecure_loopback", "max_body"),
)
"""What is given to the client as it stands."""
_CLIENT = ("client_id", "private_key", "private_key_id", "private_key_algorithm", "service_account", "subject")
_SOURCE = ("env", "file", "client_secret_env", *_CLIENT)
_STORE = ("store", "store_password_env", "seal_env", "seal_file")
_FIELDS = ("provider", *_SOURCE, *_STORE, *_OPTIONS)
_PATHS = ("file", "private_key", "ca_file", "client_certificate", "client_key", "seal_file")
"""Relative to the file's folder."""
_SECRETS = ("api_key", "api_keys", "client_secret", "refresh_token", "password")


def usual_place() -> Path:
    """Where the file is, if nothing else is said: of this user alone, because it decides where a credential goes."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return Path(base, "ledgerauth", "ledgerauth.toml")


class Connection:
    """One connection of the file."""

    def __init__(self, name: str, facts: Mapping[str, Any], folder: Path) -> None:
        paths = {field: _absolute(folder, facts[field]) for field in _PATHS if field in facts}
        self.name = name
        self._facts: dict[str, Any] = {**facts, **paths}
        self._folder = folder

    @property
    def provider(self) -> str:
        """A shipped name, or the path of a profile."""
        given: str = self._facts["provider"]
        return given if given in provider_names() else _absolute(self._folder, given)

    @property
    def client_id(self) -> Optional[str]:
        """The client's id, if it is named."""
        return self._facts.get("client_id")

    def options(self) -> dict[str, Any]:
        """The options of its client."""
        options = {name: self._facts[name] for name in _OPTIONS if name in self._facts}
        if "store" in self._facts:
            options["store"] = self._store()
        return options

    def client(self, kind: type[Client], more: Mapping[str, Any]) -> Client:
        """A client of it; ``more`` are options that go before its own."""
        facts, options = self._facts, {**self.options(), **more}
        if "client_id" in facts or "service_account" in facts:
            named = {name: facts[name] for name in _CLIENT if name in facts}
            if "private_key" in facts and "client_id" in facts:
                options.setdefault("client_auth", "private_key_jwt")
            arguments: dict[str, Any] = {**named, "client_secret": self.client_secret(), **options}
            return kind(self.provider, **arguments)
        if "file" in facts:
            return kind.from_file(self.provider, facts["file"], **options)
        names = facts.get("env", [])
        return kind.from_env(self.provider, *([names] if isinstance(names, str) else names), **options)

    def client_secret(self) -> Optional[str]:
        """The client's secret, from the variable that the file names; ``None`` if it names none."""
        variable = self._facts.get("client_secret_env")
        if variable is not None and not os.environ.get(variable):
            _refuse(f"the environment variable {_shown(variable, 'variable')} is not set", "export the client's secret")
        return os.environ[variable] if variable is not None else None

    def _store(self) -> Union[FileStore, RedisStore]:
        facts = self._facts
        seals = {name: facts[name] for name in ("seal_env", "seal_file") if name in facts}
        place = facts["store"] if "://" in facts["store"] else _absolute(self._folder, facts["store"])
        return store(place, facts.get("store_password_env"), **seals)


def client(kind: type[Client], name: str, path: Optional[Union[str, os.PathLike[str]]], options: Mapping[str, Any]) -> Client:
    """What ``Client.from_config`` makes."""
    place, connections = _read(path)
    found = connections.get(name)
    if found is None:
        there = ", ".join(connections) or "none"
        _refuse(f"{place} has no connection {_shown(name, 'word')}", f"there are: {there}")
    return found.client(kind, options)


def store(place: str, password_env: Optional[str], **seals: Optional[str]) -> Union[FileStore, RedisStore]:
    """The store at a place: a folder, or a Redis server's URL, in which no password stands."""
    if "://" in place:
        return RedisStore(place, password_env=password_env, **seals)
    return FileStore(place, **seals)


def find(name: str, path: Optional[str]) -> Optional[Connection]:
    """The connection of that name; ``None`` if it is a shipped provider's name, or nothing is said about it anywhere."""
    if name in provider_names() or (path is None and VARIABLE not in os.environ and not usual_place().exists()):
        return None
    return _read(path)[1].get(name)


def _read(given: Optional[Union[str, os.PathLike[str]]]) -> tuple[str, dict[str, Connection]]:
    path = Path(given or os.environ.get(VARIABLE) or usual_place()).expanduser()
    place = _shown(str(path), "path")
    try:
        with open(path, encoding="utf-8-sig") as file:
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & stat.S_IWOTH:
                _refuse(f"every user can write {place}, which says where credentials go", "chmod o-w")
            text = file.read()
    except OSError as failed:
        _refuse(f"{place} cannot be read: {failed.strerror}", f"write it, or name another with {VARIABLE}")
    except UnicodeDecodeError:
        _refuse(f"{place} is not in UTF-8", "save it as UTF-8")
    try:
        whole = _read_toml(text)
    except SettingError as failed:
        raise SettingError(f"{place}, {failed}", advice=failed.advice) from None
    tables = whole.pop("connections", {})
    if whole or not isinstance(tables, dict):
        _refuse(f"{place} has something else in it than connections", "begin each with [connections.NAME]")
    folder = path.absolute().parent
    return place, {name: Connection(name, _checked(place, name, facts), folder) for name, facts in tables.items()}


def _checked(place: str, name: str, facts: Any) -> dict[str, Any]:
    where = f"{place}, connection {_shown(name, 'word')}"
    if name in provider_names():
        _refuse(f"{where} is called as a shipped provider is", "give it a name of its own")
    if not isinstance(facts, dict) or not isinstance(facts.get("provider"), str):
        _refuse(f"{where} names no provider", 'say which: provider = "finora"')
    for field, value in facts.items():
        if field in _SECRETS:
            _refuse(
                f"{where}: a secret does not stand here ({field})", "name its variable with env or client_secret_env, or its file with file"
            )
        if field not in _FIELDS:
            near = difflib.get_close_matches(field, _FIELDS, 1)
            _refuse(f"{where}: there is no field {_shown(field, 'word')}", f"is it {near[0]}?" if near else "see Client.from_config")
        if field in (*_PATHS, *_STORE, "client_id", "client_secret_env") and not isinstance(value, str):
            _refuse(f"{where}: {field} is no text", f'write {field} = "..."')
        if field in ("store", "proxy") and isinstance(value, str) and "@" in value:
            _refuse(f"{where}: {field} has a password in it", "name its variable with store_password_env, or set HTTPS_PROXY")
    return facts


def _absolute(folder: Path, path: str) -> str:
    return os.path.abspath(os.path.join(folder, os.path.expanduser(path)))


def _refuse(what: str, advice: str) -> NoReturn:
    raise SettingError(f"{what}; {advice}", advice=advice)

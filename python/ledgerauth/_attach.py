"""Clients that were pickled: each names where its credential comes from, and a process makes one client of each name.

The names are texts, of functions too: how a pickler takes functions along is its own affair, and some take the values that a function uses along.
"""

from __future__ import annotations

import importlib
import json
import os
import threading
import weakref

from ledgerauth._ledgerauth import _shown
from ledgerauth.errors import _error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ledgerauth import Client

    _Name = tuple[type[Client], str]


class _Place:
    """A client of this process, or the lock of whoever makes it."""

    def __init__(self) -> None:
        self.client: Client | None = None
        self.lock = threading.RLock()


_MAKERS = ("from_env", "from_file", "from_callable")
"""The makers of clients whose credential can be named."""
_places: dict[_Name, _Place] = {}
"""What was made here of pickles; kept, because between two tasks nobody else holds it."""
_originals: weakref.WeakValueDictionary[_Name, Client] = weakref.WeakValueDictionary()
"""What was pickled here, and lives: whoever takes its pickle back gets the same one. A forked child inherits it."""


def _after_fork_in_child() -> None:
    """Whoever was making a client is not there any more."""
    for name in [name for name, place in _places.items() if place.client is None]:
        del _places[name]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def reference(client: Client, maker: str, provider: Any, source: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, ...]:
    """What a client's pickle consists of."""
    if maker == "from_callable":
        source = (_name_of(source[0], "the credential's function"),)
    if options.get("on_audit") is not None:
        options = {**options, "on_audit": _name_of(options["on_audit"], "on_audit")}
    arguments = (type(client), maker, provider, source, options)
    _originals.setdefault(_name(*arguments), client)
    return (attach, arguments)


def attach(kind: type[Client], maker: str, provider: Any, source: tuple[Any, ...], options: dict[str, Any]) -> Client:
    """The client of that reference. However often it is asked for, it is the same one in one process, so that its tokens and connections are shared.

    It takes a `Client` and the names of its makers only, so that an unpickler which admits this function admits nothing more.
    """
    try:
        return _attached(kind, maker, provider, source, options)
    except Exception as failed:
        # Tracebacks show the values of local variables, and what a reference names may be a secret in the wrong place.
        error = failed.with_traceback(None)
    del kind, maker, provider, source, options
    raise error


def _attached(kind: type[Client], maker: str, provider: Any, source: tuple[Any, ...], options: dict[str, Any]) -> Client:
    _check(kind, maker)
    name = _name(kind, maker, provider, source, options)
    original = _originals.get(name)
    if original is not None:
        return original
    place = _places.setdefault(name, _Place())
    with place.lock:
        if place.client is not None:
            return place.client
        if maker == "from_callable":
            source = (_function(*source[0]),)
        if options.get("on_audit") is not None:
            options = {**options, "on_audit": _function(*options["on_audit"])}
        client: Client = getattr(kind, maker)(provider, *source, **options)
        place.client = client
        return client


def _check(kind: Any, maker: Any) -> None:
    from ledgerauth import Client

    if not (isinstance(kind, type) and issubclass(kind, Client) and maker in _MAKERS):
        advice = "read pickles of clients with the version of ledgerauth that wrote them"
        raise _error("misuse", f"a pickled client names something that makes no client; {advice}", {"advice": advice})


def named(kind: type[Any], name: Any, names: dict[str, Any]) -> Any:
    """The store of that name."""
    from ledgerauth import FileStore, RedisStore

    try:
        if kind in (FileStore, RedisStore):
            return kind(name, **names)
        advice = "read pickles of stores with the version of ledgerauth that wrote them"
        error: Exception = _error("misuse", f"a pickled store names something that is no store; {advice}", {"advice": advice})
    except Exception as failed:
        # As above.
        error = failed.with_traceback(None)
    del kind, name, names
    raise error


def _name(kind: type[Client], maker: str, provider: Any, source: tuple[Any, ...], options: dict[str, Any]) -> _Name:
    return kind, json.dumps([maker, provider, source, options], sort_keys=True, default=_spelled)


def _spelled(value: Any) -> Any:
    """What JSON has no form for: paths, stores, sets."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    _, (kind, *names) = value.__reduce__()
    return [kind.__name__, *names]


def _name_of(function: Callable[..., Any], what: str) -> tuple[str, str]:
    """Module and name of a function that another process can import."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if isinstance(module, str) and isinstance(name, str):
        try:
            if _imported(module, name) == function:
                return module, name
        except (ImportError, AttributeError):
            pass
    called = name if isinstance(name, str) else type(function).__name__
    advice = "define it with def at the top of a module that the workers can import"
    told = f"{what} ({called}) has no name that another process could find it by, so the client is not pickled; {advice}"
    raise _error("misuse", told, {"advice": advice})


def _function(module: str, name: str) -> Callable[..., Any]:
    """The function of that name."""
    try:
        found: Callable[..., Any] = _imported(module, name)
    except (ImportError, AttributeError, ValueError) as missing:
        why = type(missing).__name__
    else:
        return found
    advice = "define it in a module of its own, and let the workers have that module"
    called = f"{_shown(str(module), 'word')}.{_shown(str(name), 'word')}"
    told = f"a pickled client names the function {called}, which this process cannot find ({why}); {advice}"
    raise _error("source_unavailable", told, {"advice": advice})


def _imported(module: str, name: str) -> Any:
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found

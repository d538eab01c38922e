"""Clients that were pickled: each names where its credential comes from, and a process makes one client of each name."""

from __future__ import annotations

import pickle
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ledgerauth import Client

_attached: dict[bytes, Client] = {}
_lock = threading.Lock()


def attach(kind: type[Client], maker: str, provider: Any, source: tuple[Any, ...], options: dict[str, Any]) -> Client:
    """The client of that reference. However often it is asked for, it is the same one in one process, so that its tokens and connections are shared."""
    name = pickle.dumps((kind, maker, provider, source, sorted(options.items())))
    with _lock:
        client = _attached.get(name)
        if client is None:
            client = _attached[name] = getattr(kind, maker)(provider, *source, **options)
    return client


def named(kind: type[Any], name: Any, names: dict[str, Any]) -> Any:
    """The store of that name."""
    return kind(name, **names)

"""A call that another library sent and that got no answer: whether the server may have acted on it, by that library's own exception."""

from __future__ import annotations

from ledgerauth._ledgerauth import _is_idempotent
from ledgerauth.errors import LedgerAuthError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, Optional

    Processed = Literal["no", "yes", "unknown"]

_UNSENT = {
    "requests": {"ConnectTimeout", "InvalidURL", "InvalidSchema", "MissingSchema"},
    "httpx": {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol"},
    "aiohttp": {"ClientConnectorError", "ConnectionTimeoutError", "InvalidURL"},
}
"""The exceptions that say that no connection was made, so that nothing was sent; what derives from them says the same."""
_UNSENT["httpx2"] = _UNSENT["httpx"]

_KEPT = "_ledgerauth_sent"
"""Under which an exception keeps its call's method, and whether the call had been sent before."""


def processed(error: BaseException) -> Processed:
    """Whether the server acted on a call that ended with this error: ``no``, ``yes`` or ``unknown``.

    Of an error of ours it is its own word; of an exception of the HTTP library that carried the call, ``no`` if no connection was made, else ``unknown``.
    Repeats that the library makes by itself are not seen: with retries of its own set, take ``no`` for ``unknown``.
    """
    if isinstance(error, LedgerAuthError):
        return error.processed
    return "no" if _is_unsent(error) and not _call(error)[1] else "unknown"


def retryable(error: BaseException) -> bool:
    """Whether the call that ended with this error may be sent again without a chance that it books twice, and may do better then.

    ``False`` for what is neither an error of ours nor one of a library that has an adapter.
    """
    if isinstance(error, LedgerAuthError):
        return error.retryable
    if not _is_of_connection(error):
        return False
    return processed(error) == "no" or _is_idempotent(_call(error)[0] or "")


def keep(error: BaseException, method: str, before: bool) -> None:
    """Keeps what a call was, on an exception that does not name its request."""
    setattr(error, _KEPT, (method, before))


def _call(error: BaseException) -> tuple[Optional[str], bool]:
    """The method of the call, and whether it had been sent before the attempt that failed."""
    kept: Optional[tuple[str, bool]] = getattr(error, _KEPT, None)
    if kept is not None:
        return kept
    try:
        request: Any = getattr(error, "request", None)
    except RuntimeError:  # httpx, of an exception without one
        request = None
    hooks: list[Any] = (getattr(request, "hooks", None) or {}).get("response", [])
    talks = [*hooks, (getattr(request, "extensions", None) or {}).get("ledgerauth")]
    return getattr(request, "method", None), any(getattr(talk, "goes_on", False) for talk in talks)


def _names(error: BaseException) -> set[tuple[str, str]]:
    return {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(error).__mro__}


def _is_unsent(error: BaseException) -> bool:
    if any(name in _UNSENT.get(library, ()) for library, name in _names(error)):
        return True
    # requests has one class for what was not connected and for what was lost; urllib3's own reason tells them apart.
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return ("urllib3", "NewConnectionError") in _names(reason) if isinstance(reason, Exception) else False


def _is_of_connection(error: BaseException) -> bool:
    """Whether it is about a connection, which may be better next time, and not about the program or the answer."""
    lost = {
        *(("requests", name) for name in ("ConnectionError", "Timeout", "ChunkedEncodingError")),
        *((library, "TransportError") for library in ("httpx", "httpx2")),
        *(("aiohttp", name) for name in ("ClientConnectionError", "ClientPayloadError")),
    }
    names = _names(error)
    return not names.isdisjoint(lost) and not any(name == "UnsupportedProtocol" for _, name in names)

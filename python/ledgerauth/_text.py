"""Text that carries a credential, and what may not be shown because it could be one."""

import functools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, SupportsIndex, TypeVar

    from ledgerauth import Client

    _Text = TypeVar("_Text", bound="HeaderValue")

_MARK = "[redacted]"


class HeaderValue(str):
    """The value of a header, as `Client.authorize` gives it.

    It is a `str` in every respect but two: its `repr`, which debuggers, tracebacks and test reports print, shows nothing, and it refuses to be pickled,
    because a pickle is written to disks and queues.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{_MARK!r}"

    def __copy__(self: "_Text") -> "_Text":
        return self

    def __deepcopy__(self: "_Text", _: "Any") -> "_Text":
        return self

    def __reduce_ex__(self, _: "SupportsIndex") -> "Any":
        return self._refuse()

    def _refuse(self) -> "NoReturn":
        from ledgerauth.errors import _error

        advice = "pickle the client, and call authorize() where the pickle is read"
        raise _error("misuse", f"the value of a header with a credential is not pickled; {advice}", {"advice": advice})


class SentValue(HeaderValue):
    """The value that an adapter put on a request. It pickles as a mark, so that a response that holds its request can be pickled."""

    __slots__ = ()

    def __reduce_ex__(self, _: "SupportsIndex") -> "Any":
        return str, (_MARK,)


def takes_a_client(make: "Callable[[Any, Client], None]") -> "Callable[[Any, Client], None]":
    """An adapter's ``__init__`` that refuses what is no client: it may be a secret in the wrong place, so no message and no traceback shows it."""
    from ledgerauth._ledgerauth import Client

    @functools.wraps(make)
    def checked(self: "Any", client: "Client") -> None:
        if isinstance(client, Client):
            return make(self, client)
        refused = TypeError(f"{type(self).__module__}.Auth takes a ledgerauth.Client, not {type(client).__name__}")
        # Tracebacks show local variables.
        del self, client
        raise refused

    return checked

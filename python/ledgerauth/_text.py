"""Text that carries a credential."""


class HeaderValue(str):
    """A header's value. It is a `str` in every respect, but its `repr`, which debuggers, tracebacks and test reports print, shows nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[redacted]'"

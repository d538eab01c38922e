"""An answer of a host that the credential was not sent to is not the API's: what the adapters' responses say then."""

from __future__ import annotations

from ledgerauth.errors import RedirectedElsewhere

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn


class Elsewhere:
    """Mixed into a library's own response, whose body can still be read as bytes."""

    _ledgerauth_failure: RedirectedElsewhere

    @property
    def ok(self) -> bool:
        """False, whatever the status: the API did not answer."""
        return False

    is_success = ok

    def raise_for_status(self) -> NoReturn:
        """Raises what is wrong."""
        raise self._ledgerauth_failure

    def json(self, **_: Any) -> Any:
        """Raises what is wrong: a login page is no document."""
        raise self._ledgerauth_failure


def note(response: Any, failure: Any, known: type, elsewhere: type) -> None:
    """Keeps what is wrong with an answer; one of another host becomes a response that raises it. `elsewhere` takes the place of
    `known`; a response of any other class keeps its own, and says by ``ledgerauth.failure()`` what is wrong."""
    response._ledgerauth_failure = failure
    if isinstance(failure, RedirectedElsewhere) and type(response) is known:
        response.__class__ = elsewhere

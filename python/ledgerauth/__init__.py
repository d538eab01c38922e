"""Authentication to accounting and finance APIs.

::

    import os
    import ledgerauth

    client = ledgerauth.Client("finora", api_key=os.environ["FINORA_API_KEY"])
    invoices = client.get("/v1/invoices").json()

A token is fetched once, however many threads ask for it, and renewed without anybody waiting. A key that is refused is replaced by the next one. A live key does
not reach a test host. A 429 is obeyed. A POST that may have been booked is not sent twice. A 403 says what to do.

On the session you have: :mod:`ledgerauth.requests`, :mod:`ledgerauth.httpx`, :mod:`ledgerauth.aiohttp`, :mod:`ledgerauth.dlt`, :mod:`ledgerauth.airflow`.
For your own tests: :mod:`ledgerauth.testing`. In the log: :mod:`ledgerauth.logging`. What can go wrong: :mod:`ledgerauth.errors`.
"""

from __future__ import annotations

import atexit
import os
from _collections_abc import Mapping

from ledgerauth._ledgerauth import (
    AuditEvent,
    Check,
    Client,
    Explanation,
    FileStore,
    Headers,
    Key,
    KeyState,
    PlanStep,
    Redactor,
    RedactStream,
    RedisStore,
    Response,
    __version__,
    _after_fork_in_child,
    _after_fork_in_parent,
    _at_exit,
    _before_fork,
)
from ledgerauth._lost import processed, retryable
from ledgerauth.errors import (
    AuthenticationError,
    BodyError,
    ConsentRequired,
    CredentialMalformed,
    CredentialMissing,
    DeadlineExceeded,
    EnterpriseOnly,
    EnvironmentMismatch,
    ForeignHost,
    GrantRefused,
    InsecureTransport,
    InsufficientCredits,
    KeyExpired,
    KeyFormatError,
    KeyRefused,
    KeyRevoked,
    LedgerAuthError,
    MissingScope,
    Misuse,
    PermissionDenied,
    PlanRequired,
    ProfileError,
    RateLimited,
    RedirectedElsewhere,
    RequestRefused,
    ServerError,
    SettingError,
    SourceUnavailable,
    StepUpRequired,
    StoreError,
    Suspended,
    TokenEndpointError,
    TokenRefused,
    TransportError,
    Untrusted,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

__all__ = [
    "AuditEvent",
    "AuthenticationError",
    "BodyError",
    "Check",
    "Client",
    "ConsentRequired",
    "CredentialMalformed",
    "CredentialMissing",
    "DeadlineExceeded",
    "EnterpriseOnly",
    "EnvironmentMismatch",
    "Explanation",
    "FileStore",
    "ForeignHost",
    "GrantRefused",
    "Headers",
    "InsecureTransport",
    "InsufficientCredits",
    "Key",
    "KeyExpired",
    "KeyFormatError",
    "KeyRefused",
    "KeyRevoked",
    "KeyState",
    "LedgerAuthError",
    "MissingScope",
    "Misuse",
    "PermissionDenied",
    "PlanRequired",
    "PlanStep",
    "ProfileError",
    "RateLimited",
    "RedactStream",
    "Redactor",
    "RedisStore",
    "RedirectedElsewhere",
    "RequestRefused",
    "Response",
    "ServerError",
    "SettingError",
    "SourceUnavailable",
    "StepUpRequired",
    "StoreError",
    "Suspended",
    "TokenEndpointError",
    "TokenRefused",
    "TransportError",
    "Untrusted",
    "__version__",
    "failure",
    "processed",
    "retryable",
]

# No thread of the extension's enters an interpreter that goes away, and none of the parent's locks is waited for in a child.
atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)


# A `dict` of a response's header fields, a `isinstance(…, Mapping)`, work as with any mapping.
Mapping.register(Headers)  # pyright: ignore[reportAttributeAccessIssue]


def failure(response: Any) -> Optional[LedgerAuthError]:
    """What is wrong with a response, and what to do: of :class:`Client`, or of a library that sends with one of the adapters. ``None`` if nothing is."""
    if isinstance(response, Response):
        return response.failure
    return getattr(response, "_ledgerauth_failure", None)

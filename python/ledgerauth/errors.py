"""Everything that can go wrong, as one tree below :class:`LedgerAuthError`.

Each error says what happened, what to do about it (``advice``), whether the server may have acted on the call (``processed``), and whether the same call
may be sent again (``retryable``). No part of one holds a secret: they can be logged, pickled and sent to another process.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any, Literal, Optional

__all__ = [
    "AuthenticationError",
    "BodyError",
    "ConsentRequired",
    "CredentialMalformed",
    "CredentialMissing",
    "DeadlineExceeded",
    "EnterpriseOnly",
    "EnvironmentMismatch",
    "ForeignHost",
    "GrantRefused",
    "InsecureTransport",
    "InsufficientCredits",
    "KeyExpired",
    "KeyFormatError",
    "KeyRefused",
    "KeyRevoked",
    "LedgerAuthError",
    "MissingScope",
    "Misuse",
    "PermissionDenied",
    "PlanRequired",
    "ProfileError",
    "RateLimited",
    "RedirectedElsewhere",
    "RequestRefused",
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
]


class LedgerAuthError(Exception):
    """Why there is no answer to a call, or why an answer is not a success.

    ``str()`` is one line: what happened, what the server said, what to do.
    """

    kind: str = "unknown"
    """The name of the class of failure, as in the test vectors and the audit events."""
    advice: str = ""
    """What to do about it, in words for a person."""
    provider: Optional[str] = None
    """The provider's short name, such as ``finora``."""
    status: Optional[int] = None
    """The HTTP status of the answer, if there was one."""
    code: Optional[str] = None
    """The server's own error code, such as ``INVALID_API_KEY`` or ``invalid_grant``."""
    server_message: Optional[str] = None
    """The server's own message, shortened and without the credential."""
    request_id: Optional[str] = None
    """What to quote to the vendor's support: the server's own id of the request, else the one it was sent under."""
    limit: Optional[str] = None
    """Which limit was reached, where the server says so."""
    processed: Literal["no", "yes", "unknown"] = "no"
    """Whether the server acted on the call: ``no`` (never sent, or refused with 401, 403, 429 or another 4xx but 408), ``yes`` (a 2xx was seen), or
    ``unknown`` (the rest: lost, out of time, 408, 5xx)."""
    retryable: bool = False
    """Whether the same call may be sent again later without anybody changing anything: what is wrong may pass, and sending it again cannot book twice."""
    come_back_at_millis: Optional[int] = None
    """The moment before which the same call cannot succeed, in milliseconds since 1970-01-01 UTC, if it is known."""

    def __init__(self, message: str = "", **facts: Any) -> None:
        super().__init__(message)
        for name, value in facts.items():
            if value is not None:
                setattr(self, name, value)

    @property
    def come_back_at(self) -> Optional[datetime]:
        """The moment before which the same call cannot succeed, in UTC, if the server or the library knows it."""
        if self.come_back_at_millis is None:
            return None
        from datetime import datetime, timedelta, timezone

        return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=self.come_back_at_millis)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_again, (type(self), self.args, self.__dict__.copy()))


def _again(kind: type[LedgerAuthError], args: tuple[Any, ...], facts: dict[str, Any]) -> LedgerAuthError:
    """Makes the error that was pickled."""
    error = kind(*args)
    error.__dict__.update(facts)
    return error


class Misuse(LedgerAuthError):
    """The program used the library against its rules."""


class SettingError(LedgerAuthError, ValueError):
    """A setting of the client that cannot be used: certificate, proxy, number."""


class ProfileError(LedgerAuthError, ValueError):
    """A provider's profile that cannot be right; the text says line, field and reason."""


class KeyFormatError(LedgerAuthError, ValueError):
    """A key or secret that cannot be right. It says where the fault is, and shows no part of the key."""

    fault: str = ""
    """The fault's name, such as ``white_space`` or ``placeholder``."""
    position: Optional[int] = None
    """Where in the key the fault is, in characters from 1, if it is in one place."""


class EnvironmentMismatch(LedgerAuthError):
    """A key or a host belongs to another environment than the one in use; nothing was sent."""


class InsecureTransport(LedgerAuthError):
    """The URL is not https; nothing was sent."""


class ForeignHost(LedgerAuthError):
    """The URL leads to a host that the credential is not for; nothing was sent."""


class SourceUnavailable(LedgerAuthError):
    """The source of the credential (file, variable, function) gave none."""


class AuthenticationError(LedgerAuthError):
    """The API does not accept the credential."""


class CredentialMissing(AuthenticationError):
    """The API saw no credential, or could not read it."""


class CredentialMalformed(AuthenticationError):
    """The API saw a credential that is not one of its own by its form."""


class KeyRefused(AuthenticationError):
    """The API does not accept the key: unknown, mistyped, revoked or expired."""


class KeyExpired(KeyRefused):
    """The API does not accept the key, which has expired."""


class KeyRevoked(KeyRefused):
    """The API does not accept the key, which was revoked."""


class TokenRefused(AuthenticationError):
    """The API does not accept the access token, and a new one did not help."""


class GrantRefused(AuthenticationError):
    """The token endpoint refused the client: id, secret, refresh token or scope."""


class ConsentRequired(AuthenticationError):
    """A person has to connect the account again: the refresh token is dead, or may have been spent."""


class StepUpRequired(AuthenticationError):
    """A person has to sign in again: more recently, by a stronger means, or with claims that the API names."""


class PermissionDenied(LedgerAuthError):
    """The credential is right, but may not do this."""


class PlanRequired(PermissionDenied):
    """The account's plan does not include this."""


class EnterpriseOnly(PermissionDenied):
    """The call is for enterprise accounts only."""


class MissingScope(PermissionDenied):
    """The credential lacks a scope."""


class Suspended(PermissionDenied):
    """The account or business is suspended."""


class InsufficientCredits(PermissionDenied):
    """The account has no credits left."""


class RateLimited(LedgerAuthError):
    """The API asks to slow down; ``come_back_at`` says until when."""


class ServerError(LedgerAuthError):
    """The API failed (5xx)."""


class TokenEndpointError(LedgerAuthError):
    """The token endpoint gave no usable answer."""


class TransportError(LedgerAuthError):
    """The connection could not be made or was lost."""


class Untrusted(TransportError):
    """The server's certificate is not trusted; nothing was sent."""


class StoreError(LedgerAuthError):
    """The token store could not be read or written."""


class DeadlineExceeded(LedgerAuthError):
    """The call's deadline passed."""


class RequestRefused(LedgerAuthError):
    """The API refused the request for a reason that has nothing to do with authentication."""


class RedirectedElsewhere(LedgerAuthError):
    """A redirect led to a host that the credential was not sent to, and that host answered: a login page, a proxy, an ended tenant. It is not the API's answer,
    unless the host is one of ``allow_redirect_to``."""


class BodyError(LedgerAuthError, ValueError):
    """A body that was cut off, or is not the JSON it should be."""


_CLASSES: dict[str, type[LedgerAuthError]] = {
    "misuse": Misuse,
    "setting": SettingError,
    "profile": ProfileError,
    "key_format": KeyFormatError,
    "environment_mismatch": EnvironmentMismatch,
    "insecure_transport": InsecureTransport,
    "foreign_host": ForeignHost,
    "credential_missing": CredentialMissing,
    "credential_malformed": CredentialMalformed,
    "key_refused": KeyRefused,
    "key_revoked": KeyRevoked,
    "key_expired": KeyExpired,
    "token_refused": TokenRefused,
    "grant_refused": GrantRefused,
    "consent_required": ConsentRequired,
    "source_unavailable": SourceUnavailable,
    "permission_denied": PermissionDenied,
    "plan_required": PlanRequired,
    "enterprise_only": EnterpriseOnly,
    "missing_scope": MissingScope,
    "step_up_required": StepUpRequired,
    "suspended": Suspended,
    "insufficient_credits": InsufficientCredits,
    "rate_limited": RateLimited,
    "server_error": ServerError,
    "token_endpoint": TokenEndpointError,
    "transport": TransportError,
    "untrusted": Untrusted,
    "store": StoreError,
    "deadline_exceeded": DeadlineExceeded,
    "request_refused": RequestRefused,
    "redirected_elsewhere": RedirectedElsewhere,
    "body": BodyError,
}
for _kind, _class in _CLASSES.items():
    _class.kind = _kind


def _error(kind: str, message: str, facts: dict[str, Any]) -> LedgerAuthError:
    """The error of that kind; called by the extension module."""
    error = _CLASSES.get(kind, LedgerAuthError)(message, **facts)
    if error.kind != kind:
        error.kind = kind
    return error

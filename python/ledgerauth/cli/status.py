"""Exit statuses: what a shell script or a scheduler can branch on."""

from __future__ import annotations

from ledgerauth import errors

GOOD, FAILED, USAGE, NO_CREDENTIAL, REFUSED, DENIED, LIMITED, AWAY, ROTATE, GUARDED, ELSEWHERE = range(11)
INTERRUPTED, PIPE = 130, 141

TABLE = """\
  0  all is well
  1  something else went wrong; the text says what
  2  wrong arguments, settings or profile
  3  no credential was found, or it cannot be one by its form; nothing was sent
  4  the API does not accept the credential: a person has to act
  5  the credential is right, but may not do this: scope, plan, suspended account
  6  a limit was met: come back later
  7  no usable answer: connection, server, token endpoint, time; try again later
  8  a key ends soon, has ended, or was refused (keys --warn-days)
  9  the credential may not go there: wrong environment, host or certificate, or no TLS; nothing was sent
  10 another host answered, to which a redirect led: a login page, a proxy, an ended tenant"""

_OF: tuple[tuple[type[errors.LedgerAuthError], int], ...] = (
    (errors.KeyFormatError, NO_CREDENTIAL),
    (errors.SourceUnavailable, NO_CREDENTIAL),
    (errors.EnvironmentMismatch, GUARDED),
    (errors.ForeignHost, GUARDED),
    (errors.InsecureTransport, GUARDED),
    (errors.RedirectedElsewhere, ELSEWHERE),
    (errors.Misuse, USAGE),
    (errors.SettingError, USAGE),
    (errors.ProfileError, USAGE),
    (errors.AuthenticationError, REFUSED),
    (errors.PermissionDenied, DENIED),
    (errors.RateLimited, LIMITED),
    (errors.Untrusted, GUARDED),
    (errors.TransportError, AWAY),
    (errors.TokenEndpointError, AWAY),
    (errors.ServerError, AWAY),
    (errors.DeadlineExceeded, AWAY),
)


def of(error: errors.LedgerAuthError) -> int:
    """The exit status of an error."""
    return next((status for kind, status in _OF if isinstance(error, kind)), FAILED)

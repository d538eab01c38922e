//! Status
//!
//! Every function that can fail returns a status: LEDGERAUTH_OK, which is 0, or a number whose
//! thousands say whose affair it is. Numbers are never used twice; a program should treat one
//! that it does not know by its thousands.
//!
//!     1000   the program: a mistake in a call
//!     2000   the set-up: key, profile, certificates, host; nothing was sent
//!     3000   the credential: refused, expired, lacking something; a person acts
//!     4000   the account: plan, permission, credits; a person acts
//!     5000   time: the same call may succeed later without anybody acting
//!     6000   the request: refused for a reason that is not about authentication
//!     9000   this library

use auth_http::{Error, FailureKind};
use std::ffi::c_char;

/// All is well.
pub const LEDGERAUTH_OK: i32 = 0;

/// A function was called in a way or at a moment that it may not be.
pub const LEDGERAUTH_MISUSE: i32 = 1000;
/// A pointer is NULL that must not be.
pub const LEDGERAUTH_NULL: i32 = 1001;
/// A text is not UTF-8.
pub const LEDGERAUTH_NOT_UTF8: i32 = 1002;
/// A struct's size is smaller than any version's, or the struct is from a newer header.
pub const LEDGERAUTH_STRUCT_SIZE: i32 = 1003;
/// A buffer is too small; the function says what it takes.
pub const LEDGERAUTH_BUFFER_TOO_SMALL: i32 = 1004;
/// An object for one thread at a time is in use by another.
pub const LEDGERAUTH_BUSY: i32 = 1005;
/// This build of the library cannot do it.
pub const LEDGERAUTH_UNSUPPORTED: i32 = 1006;
/// A callback of the program ended it.
pub const LEDGERAUTH_STOPPED: i32 = 1007;

/// A key or secret that cannot be right; ledgerauth_error_position() says where.
pub const LEDGERAUTH_KEY_FORMAT: i32 = 2000;
/// A profile that cannot be right.
pub const LEDGERAUTH_PROFILE: i32 = 2001;
/// A setting that cannot be used, such as a certificate or a proxy.
pub const LEDGERAUTH_SETTING: i32 = 2002;
/// The source of the credential (variable, file, callback) gave none.
pub const LEDGERAUTH_SOURCE_UNAVAILABLE: i32 = 2003;
/// A key or host belongs to another environment.
pub const LEDGERAUTH_ENVIRONMENT_MISMATCH: i32 = 2004;
/// The URL is not https.
pub const LEDGERAUTH_INSECURE_TRANSPORT: i32 = 2005;
/// The URL leads to a host that the credential is not for.
pub const LEDGERAUTH_FOREIGN_HOST: i32 = 2006;
/// The server's certificate is not trusted.
pub const LEDGERAUTH_UNTRUSTED: i32 = 2007;

/// The API saw no credential.
pub const LEDGERAUTH_CREDENTIAL_MISSING: i32 = 3000;
/// The API could not read the credential.
pub const LEDGERAUTH_CREDENTIAL_MALFORMED: i32 = 3001;
/// The API does not accept the key.
pub const LEDGERAUTH_KEY_REFUSED: i32 = 3002;
/// The key has expired.
pub const LEDGERAUTH_KEY_EXPIRED: i32 = 3003;
/// The key was revoked.
pub const LEDGERAUTH_KEY_REVOKED: i32 = 3004;
/// The API does not accept the access token, and a new one did not help.
pub const LEDGERAUTH_TOKEN_REFUSED: i32 = 3005;
/// The token endpoint refused id, secret, refresh token or scope.
pub const LEDGERAUTH_GRANT_REFUSED: i32 = 3006;
/// A person has to connect the account again.
pub const LEDGERAUTH_CONSENT_REQUIRED: i32 = 3007;
/// The credential lacks a scope.
pub const LEDGERAUTH_MISSING_SCOPE: i32 = 3008;
/// A person has to sign in again, more recently or by a stronger means.
pub const LEDGERAUTH_STEP_UP_REQUIRED: i32 = 3009;

/// The credential is right, but may not do this.
pub const LEDGERAUTH_PERMISSION_DENIED: i32 = 4000;
/// The account's plan does not include this.
pub const LEDGERAUTH_PLAN_REQUIRED: i32 = 4001;
/// The call is for enterprise accounts only.
pub const LEDGERAUTH_ENTERPRISE_ONLY: i32 = 4002;
/// The account or business is suspended.
pub const LEDGERAUTH_SUSPENDED: i32 = 4003;
/// The account has no credits left.
pub const LEDGERAUTH_INSUFFICIENT_CREDITS: i32 = 4004;

/// The API asks to slow down; ledgerauth_error_come_back_at() says until when.
pub const LEDGERAUTH_RATE_LIMITED: i32 = 5000;
/// The API failed.
pub const LEDGERAUTH_SERVER_ERROR: i32 = 5001;
/// The token endpoint gave no usable answer.
pub const LEDGERAUTH_TOKEN_ENDPOINT: i32 = 5002;
/// The connection could not be made or was lost.
pub const LEDGERAUTH_TRANSPORT: i32 = 5003;
/// The token store could not be read or written.
pub const LEDGERAUTH_STORE: i32 = 5004;
/// The deadline passed.
pub const LEDGERAUTH_DEADLINE_EXCEEDED: i32 = 5005;
/// The answer began and broke off; ledgerauth_error_http_status() and
/// ledgerauth_error_request_id() say which it was.
pub const LEDGERAUTH_BODY: i32 = 5006;

/// The API refused the request itself.
pub const LEDGERAUTH_REQUEST_REFUSED: i32 = 6000;
/// Another host answered, to which a redirect led and the credential did not go: a login page, a
/// proxy, an ended tenant. See allow_redirect_to.
pub const LEDGERAUTH_REDIRECTED_ELSEWHERE: i32 = 6001;

/// A failure of a kind that has no number yet; ledgerauth_error_kind() names it.
pub const LEDGERAUTH_FAILED: i32 = 9000;
/// This library met a mistake of its own; please report it.
pub const LEDGERAUTH_PANIC: i32 = 9001;

/// The numbers with their names.
macro_rules! named {
    ($($constant:ident)+) => {
        &[$(($constant, concat!(stringify!($constant), "\0"))),+]
    };
}

const NAMES: &[(i32, &str)] = named! {
    LEDGERAUTH_OK
    LEDGERAUTH_MISUSE
    LEDGERAUTH_NULL
    LEDGERAUTH_NOT_UTF8
    LEDGERAUTH_STRUCT_SIZE
    LEDGERAUTH_BUFFER_TOO_SMALL
    LEDGERAUTH_BUSY
    LEDGERAUTH_UNSUPPORTED
    LEDGERAUTH_STOPPED
    LEDGERAUTH_KEY_FORMAT
    LEDGERAUTH_PROFILE
    LEDGERAUTH_SETTING
    LEDGERAUTH_SOURCE_UNAVAILABLE
    LEDGERAUTH_ENVIRONMENT_MISMATCH
    LEDGERAUTH_INSECURE_TRANSPORT
    LEDGERAUTH_FOREIGN_HOST
    LEDGERAUTH_UNTRUSTED
    LEDGERAUTH_CREDENTIAL_MISSING
    LEDGERAUTH_CREDENTIAL_MALFORMED
    LEDGERAUTH_KEY_REFUSED
    LEDGERAUTH_KEY_EXPIRED
    LEDGERAUTH_KEY_REVOKED
    LEDGERAUTH_TOKEN_REFUSED
    LEDGERAUTH_GRANT_REFUSED
    LEDGERAUTH_CONSENT_REQUIRED
    LEDGERAUTH_MISSING_SCOPE
    LEDGERAUTH_STEP_UP_REQUIRED
    LEDGERAUTH_PERMISSION_DENIED
    LEDGERAUTH_PLAN_REQUIRED
    LEDGERAUTH_ENTERPRISE_ONLY
    LEDGERAUTH_SUSPENDED
    LEDGERAUTH_INSUFFICIENT_CREDITS
    LEDGERAUTH_RATE_LIMITED
    LEDGERAUTH_SERVER_ERROR
    LEDGERAUTH_TOKEN_ENDPOINT
    LEDGERAUTH_TRANSPORT
    LEDGERAUTH_STORE
    LEDGERAUTH_DEADLINE_EXCEEDED
    LEDGERAUTH_BODY
    LEDGERAUTH_REQUEST_REFUSED
    LEDGERAUTH_REDIRECTED_ELSEWHERE
    LEDGERAUTH_FAILED
    LEDGERAUTH_PANIC
};

/// The name of a status as this header spells it, such as "LEDGERAUTH_KEY_REFUSED"; "unknown"
/// for a number that is none. It ends with a NUL and lives for ever.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ledgerauth_status_name(status: i32) -> *const c_char {
    let known = NAMES.iter().find(|(number, _)| *number == status);
    known.map_or(c"unknown".as_ptr(), |(_, name)| name.as_ptr().cast())
}

/// The status of a failure: the one with its name.
pub(crate) fn of_kind(kind: FailureKind) -> i32 {
    NAMES.iter().find(|(_, name)| plain(name).eq_ignore_ascii_case(kind.name())).map_or(LEDGERAUTH_FAILED, |(number, _)| *number)
}

/// The kind that a status stands for, as failures spell theirs.
pub(crate) fn kind(status: i32) -> String {
    let known = NAMES.iter().find(|(number, _)| *number == status);
    known.map_or(String::new(), |(_, name)| plain(name).to_ascii_lowercase())
}

/// The name without what all of them share.
fn plain(name: &str) -> &str {
    name.trim_start_matches("LEDGERAUTH_").trim_end_matches('\0')
}

/// The status of any error.
pub(crate) fn of_error(error: &Error) -> i32 {
    match error {
        Error::Failure(failure) => of_kind(failure.kind()),
        Error::Key(_) => LEDGERAUTH_KEY_FORMAT,
        Error::Profile(_) => LEDGERAUTH_PROFILE,
        Error::Source { .. } => LEDGERAUTH_SOURCE_UNAVAILABLE,
        Error::Setting { .. } => LEDGERAUTH_SETTING,
        _ => LEDGERAUTH_FAILED,
    }
}

//! Errors
//!
//! The last argument of a function that can fail is where to put an error object; NULL if the
//! status is enough. It is written only on failure, and then the caller's: free it with
//! ledgerauth_error_free(). Nothing in it is secret. It never changes, so any number of threads
//! may read it.
//!
//!     ledgerauth_error *error = NULL;
//!     if (ledgerauth_client_check(client, NULL, &error) != LEDGERAUTH_OK) {
//!         fprintf(stderr, "%.*s\n", LEDGERAUTH_ARG(ledgerauth_error_line(error)));
//!         ledgerauth_error_free(error);
//!     }
//!
//! A function whose answer is a text gives an empty one where there is none, one whose answer is
//! a number gives 0; so does every one of them for NULL.

use crate::guard::{ask, free};
use crate::response::ledgerauth_response;
use crate::status::{self, LEDGERAUTH_MISUSE, LEDGERAUTH_PANIC};
use crate::text::ledgerauth_str;
use auth_http::{Error, Failure, KeyError, Processed, ProfileError};
use std::borrow::Cow;

/// What went wrong: a status, a line for a person, and every detail for a program.
pub struct ledgerauth_error {
    pub(crate) status: i32,
    kind: String,
    pub(crate) line: String,
    what: Cow<'static, str>,
    advice: Cow<'static, str>,
    cause: Option<Error>,
    processed: Processed,
    response: Option<Box<ledgerauth_response>>,
}

/// Nobody knows whether the server acted on the call: look before you send it again.
pub const LEDGERAUTH_PROCESSED_UNKNOWN: i32 = 0;
/// The server did not act on the call: it was never sent, or it was refused.
pub const LEDGERAUTH_PROCESSED_NO: i32 = 1;
/// The server acted on the call: a 2xx was seen.
pub const LEDGERAUTH_PROCESSED_YES: i32 = 2;

/// How the entries of this crate fail.
pub(crate) type Fault = Box<ledgerauth_error>;

/// The status that came with the error.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_status(error: *const ledgerauth_error) -> i32 {
    // SAFETY: by the contract.
    unsafe { ask(error, 0, |error| error.status) }
}

/// The kind in lower case, such as "key_refused".
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_kind(error: *const ledgerauth_error) -> ledgerauth_str {
    // SAFETY: by the contract.
    unsafe { ask(error, ledgerauth_str::NONE, |error| ledgerauth_str::of(&error.kind)) }
}

/// Everything a person needs, in one line without a line break: what happened, what the server
/// said, what to do.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_line(error: *const ledgerauth_error) -> ledgerauth_str {
    // SAFETY: by the contract.
    unsafe { ask(error, ledgerauth_str::NONE, |error| ledgerauth_str::of(&error.line)) }
}

/// What happened, in one clause.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_what(error: *const ledgerauth_error) -> ledgerauth_str {
    // SAFETY: by the contract.
    unsafe { ask(error, ledgerauth_str::NONE, |error| ledgerauth_str::of(&error.what)) }
}

/// What to do about it, in words for a person.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_advice(error: *const ledgerauth_error) -> ledgerauth_str {
    // SAFETY: by the contract.
    unsafe { ask(error, ledgerauth_str::NONE, |error| ledgerauth_str::of(&error.advice)) }
}

/// The HTTP status of the answer; 0 if there was none.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_http_status(error: *const ledgerauth_error) -> i32 {
    // SAFETY: by the contract.
    unsafe { ask(error, 0, |error| error.failure().and_then(Failure::status).map_or(0, i32::from)) }
}

/// The server's own code, such as "INVALID_API_KEY" or "invalid_grant".
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_provider_code(error: *const ledgerauth_error) -> ledgerauth_str {
    // SAFETY: by the contract.
    unsafe { ask(error, ledgerauth_str::NONE, |error| error.of_failure(Failure::code)) }
}

/// The server's own message, shortened and without the credential.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_provider_message(error: *const ledgerauth_error) -> ledgerauth_str {
    // SAFETY: by the contract.
    unsafe { ask(error, ledgerauth_str::NONE, |error| error.of_failure(Failure::message)) }
}

/// The id under which the call went out, the same on all of its repeats.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_request_id(error: *const ledgerauth_error) -> ledgerauth_str {
    // SAFETY: by the contract.
    unsafe { ask(error, ledgerauth_str::NONE, |error| error.of_failure(Failure::request_id)) }
}

/// The id under which the server knows the request: what its support will ask for.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_server_request_id(error: *const ledgerauth_error) -> ledgerauth_str {
    // SAFETY: by the contract.
    unsafe { ask(error, ledgerauth_str::NONE, |error| error.of_failure(Failure::server_request_id)) }
}

/// The moment before which the same call cannot succeed, in milliseconds since 1970 UTC; 0 if
/// nobody knows one.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_come_back_at(error: *const ledgerauth_error) -> u64 {
    let at = |error: &ledgerauth_error| error.failure().and_then(Failure::come_back_at).map_or(0, auth_http::UnixTime::as_millis);
    // SAFETY: by the contract.
    unsafe { ask(error, 0, at) }
}

/// Which limit was reached, such as "60 per minute".
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_limit(error: *const ledgerauth_error) -> ledgerauth_str {
    // SAFETY: by the contract.
    unsafe { ask(error, ledgerauth_str::NONE, |error| error.of_failure(Failure::limit)) }
}

/// Whether the server may have acted on the call: LEDGERAUTH_PROCESSED_NO (never sent; 401, 403,
/// 429 or another 4xx but 408), LEDGERAUTH_PROCESSED_YES (a 2xx was seen) or
/// LEDGERAUTH_PROCESSED_UNKNOWN (the rest: lost, out of time, 408, 5xx).
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_processed(error: *const ledgerauth_error) -> i32 {
    let processed = |error: &ledgerauth_error| match error.processed {
        Processed::No => LEDGERAUTH_PROCESSED_NO,
        Processed::Yes => LEDGERAUTH_PROCESSED_YES,
        Processed::Unknown => LEDGERAUTH_PROCESSED_UNKNOWN,
    };
    // SAFETY: by the contract.
    unsafe { ask(error, LEDGERAUTH_PROCESSED_UNKNOWN, processed) }
}

/// Whether the same call may be sent again later without anybody changing anything: what is wrong
/// may pass, and sending it again cannot book twice. A POST that may have been processed is never
/// retryable, unless the provider's own convention makes a repeat harmless.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_is_retryable(error: *const ledgerauth_error) -> bool {
    // SAFETY: by the contract.
    unsafe { ask(error, false, |error| error.cause.as_ref().is_some_and(Error::is_retryable)) }
}

/// What is wrong with a key, such as "white_space", for LEDGERAUTH_KEY_FORMAT.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_key_fault(error: *const ledgerauth_error) -> ledgerauth_str {
    let fault = |error: &ledgerauth_error| match &error.cause {
        Some(Error::Key(key)) => ledgerauth_str::of(key.fault().name()),
        _ => ledgerauth_str::NONE,
    };
    // SAFETY: by the contract.
    unsafe { ask(error, ledgerauth_str::NONE, fault) }
}

/// Where in the key it is, counted in characters from 1; 0 if it is in no one place.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_position(error: *const ledgerauth_error) -> usize {
    let position = |error: &ledgerauth_error| match &error.cause {
        Some(Error::Key(key)) => key.fault().position().unwrap_or(0),
        _ => 0,
    };
    // SAFETY: by the contract.
    unsafe { ask(error, 0, position) }
}

/// The answer that is not a success, with its header fields and its whole body; for
/// LEDGERAUTH_BODY the one that broke off, without its body; NULL if there was none. It belongs to
/// the error.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_response(error: *const ledgerauth_error) -> *const ledgerauth_response {
    // SAFETY: by the contract.
    unsafe { ask(error, std::ptr::null(), |error| error.response.as_deref().map_or(std::ptr::null(), std::ptr::from_ref)) }
}

/// Frees an error; NULL is fine.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_error_free(error: *mut ledgerauth_error) {
    // SAFETY: by the contract it came from this library and is freed once.
    unsafe { free(error) };
}

impl ledgerauth_error {
    /// The error of a panic.
    pub(crate) fn panicked() -> Fault {
        at_the_boundary(LEDGERAUTH_PANIC, "this library met a mistake of its own", "report it with what was printed to standard error")
            .processed(Processed::Unknown)
    }

    /// The same error with the answer that it is about.
    pub(crate) fn with_response(mut self: Box<Self>, response: ledgerauth_response) -> Fault {
        self.response = Some(Box::new(response));
        self
    }

    /// The same error, of a call that may have been processed, or was.
    pub(crate) fn processed(mut self: Box<Self>, processed: Processed) -> Fault {
        self.processed = processed;
        self
    }

    fn failure(&self) -> Option<&Failure> {
        self.cause.as_ref()?.failure()
    }

    fn of_failure(&self, detail: impl FnOnce(&Failure) -> Option<&str>) -> ledgerauth_str {
        ledgerauth_str::of_option(self.failure().and_then(detail))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let what = match &error {
            Error::Failure(failure) => failure.what().to_owned(),
            other => other.to_string(),
        };
        let status = status::of_error(&error);
        Box::new(ledgerauth_error {
            status,
            kind: error.kind().map_or_else(|| status::kind(status), |kind| kind.name().to_owned()),
            line: error.to_string(),
            what: what.into(),
            advice: error.advice().unwrap_or_default().into(),
            processed: error.processed(),
            cause: Some(error),
            response: None,
        })
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Error::from(failure).into()
    }
}

impl From<KeyError> for Fault {
    fn from(error: KeyError) -> Self {
        Error::from(error).into()
    }
}

impl From<ProfileError> for Fault {
    fn from(error: ProfileError) -> Self {
        Error::from(error).into()
    }
}

/// An error of the boundary itself.
pub(crate) fn at_the_boundary(status: i32, what: impl Into<Cow<'static, str>>, advice: &'static str) -> Fault {
    let what = what.into();
    let (kind, line) = (status::kind(status), format!("{what}; {advice}"));
    Box::new(ledgerauth_error { status, kind, line, what, advice: advice.into(), cause: None, processed: Processed::No, response: None })
}

/// An error about how a function was called.
pub(crate) fn misuse(what: impl Into<Cow<'static, str>>, advice: &'static str) -> Fault {
    at_the_boundary(LEDGERAUTH_MISUSE, what, advice)
}

//! Clients
//!
//! A client makes authenticated calls to one account at one provider. Any number of threads may
//! use one; its token is fetched once for all of them. Keep it for as long as there are calls to
//! make: it holds the connections and the token.

use crate::credential::ledgerauth_credential;
use crate::error::{Fault, ledgerauth_error, misuse};
use crate::gate::Gate;
use crate::guard::{ask, guard, make, quietly};
use crate::input::{can_write, get, handle, offer, read_sized};
use crate::options::{build, ledgerauth_client_options};
use crate::response::{ledgerauth_response, whole};
use crate::status::LEDGERAUTH_BUFFER_TOO_SMALL;
use crate::text::{ledgerauth_str, ledgerauth_text};
use auth_http::{Client, SessionState};
use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

/// A client. Any number of threads may use it at once.
pub struct ledgerauth_client {
    pub(crate) client: Client,
    pub(crate) gate: Arc<Gate>,
}

/// The state of a client: there is nothing to send with yet.
pub const LEDGERAUTH_STATE_EMPTY: i32 = 0;
/// The state of a client: there is something to send with.
pub const LEDGERAUTH_STATE_FRESH: i32 = 1;
/// The state of a client: there is something to send with, and it should be renewed.
pub const LEDGERAUTH_STATE_STALE: i32 = 2;
/// The state of a client: a token is being fetched.
pub const LEDGERAUTH_STATE_REFRESHING: i32 = 3;
/// The state of a client: a token with a new refresh token is here and could not be stored.
pub const LEDGERAUTH_STATE_UNSAVED: i32 = 4;
/// The state of a client: the credential was refused, or no token could be had.
pub const LEDGERAUTH_STATE_DEAD: i32 = 5;

/// Makes a client. Everything is checked against everything, and nothing is sent. The caller frees
/// it with ledgerauth_client_free().
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_new(
    options: *const ledgerauth_client_options,
    client_out: *mut *mut ledgerauth_client,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(client_out, "client_out", error_out, || {
        let gate = Arc::new(Gate::default());
        // SAFETY: by the contract.
        let client = unsafe { build(&read_sized(options, "options")?, &gate) }?;
        Ok(ledgerauth_client { client, gate })
    })
}

/// Frees a client; NULL is fine. No thread may be using it. A token that is being fetched is waited
/// for and stored, because a refresh token may have been spent on it. When it returns, no callback
/// will be called any more. Responses, errors and lists that came from it stay.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_free(client: *mut ledgerauth_client) {
    if client.is_null() {
        return;
    }
    quietly((), || {
        // SAFETY: by the contract it came from this library and is freed once.
        let client = unsafe { Box::from_raw(client) };
        client.client.close();
        client.gate.close();
    });
}

/// Proves the credential with the provider's harmless test call. LEDGERAUTH_OK, and a line such
/// as "Finora Business (staging), GET /v1/me: accepted", if it is good; else what is wrong and
/// what to do. verdict_out may be NULL; the caller frees what is written there.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_check(
    client: *const ledgerauth_client,
    verdict_out: *mut *mut ledgerauth_text,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    guard(error_out, || {
        // SAFETY: by the contract.
        let check = unsafe { get(client, "client") }?.client.check();
        if let Some(error) = check.error() {
            return Err(error.clone().into());
        }
        // SAFETY: by the contract.
        unsafe { offer(verdict_out, || handle(ledgerauth_text::new(check.to_string()))) };
        Ok(())
    })
}

/// How the credential stands, in a few lines for a person or a support ticket: state, generation,
/// what ends when, what went wrong last, what to do. Nothing in it is secret. The caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_explain(
    client: *const ledgerauth_client,
    explanation_out: *mut *mut ledgerauth_text,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(explanation_out, "explanation_out", error_out, || {
        // SAFETY: by the contract.
        let explanation = unsafe { get(client, "client") }?.client.explain().to_string();
        Ok(ledgerauth_text::new(explanation))
    })
}

/// Takes over another credential of the same kind and account, from the next call on: keys for keys,
/// a client's id and secret for another. So a rotation needs neither a restart nor a single 401: hand
/// the new one over, then end the old one at the provider. A token of the old id and secret is used
/// no more. What the credential may do stays as it was declared when the client was made.
///
/// It waits while a token is being fetched with the old one. The credential stays the caller's, to be
/// freed; what a callback's userdata points to has to live until the client is freed. If it is of
/// another kind or environment (LEDGERAUTH_MISUSE, LEDGERAUTH_ENVIRONMENT_MISMATCH), or malformed, the
/// client goes on with what it has.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_replace_credential(
    client: *const ledgerauth_client,
    credential: *const ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    guard(error_out, || {
        // SAFETY: by the contract.
        let (client, credential) = unsafe { (get(client, "client")?, get(credential, "credential")?) };
        Ok(client.client.replace_credential(credential.for_client(&client.gate)?)?)
    })
}

/// Reads the credential's source again now, without waiting for a refusal: environment variables, a
/// file or a callback. The next call uses what it gave, as with
/// ledgerauth_client_replace_credential(). LEDGERAUTH_MISUSE if the credential came as a value.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_reload(client: *const ledgerauth_client, error_out: *mut *mut ledgerauth_error) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || Ok(unsafe { get(client, "client") }?.client.reload()?))
}

/// What the client is doing: one of LEDGERAUTH_STATE_*; LEDGERAUTH_STATE_EMPTY for NULL.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_state(client: *const ledgerauth_client) -> i32 {
    let state = |client: &ledgerauth_client| match client.client.state() {
        SessionState::Fresh => LEDGERAUTH_STATE_FRESH,
        SessionState::Stale => LEDGERAUTH_STATE_STALE,
        SessionState::Refreshing { .. } => LEDGERAUTH_STATE_REFRESHING,
        SessionState::Unsaved => LEDGERAUTH_STATE_UNSAVED,
        SessionState::Dead { .. } => LEDGERAUTH_STATE_DEAD,
        _ => LEDGERAUTH_STATE_EMPTY,
    };
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(client, LEDGERAUTH_STATE_EMPTY, state) }
}

/// The environment that the client is for, such as "production". It belongs to the client.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_environment(client: *const ledgerauth_client) -> ledgerauth_str {
    let environment = |client: &ledgerauth_client| ledgerauth_str::of(client.client.connection().environment());
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(client, ledgerauth_str::NONE, environment) }
}

/// The name of the header that carries the credential, such as "Authorization". It belongs to the
/// client.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_header(client: *const ledgerauth_client) -> ledgerauth_str {
    let header = |client: &ledgerauth_client| ledgerauth_str::of(client.client.connection().header());
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(client, ledgerauth_str::NONE, header) }
}

/// The value of the header that authenticates a request to a path, or to an absolute URL of the
/// same host: for programs that send by themselves and want nothing else of the library. It gets
/// a token if there is none; while there is one, this takes tens of nanoseconds.
///
/// The value and a NUL are written to buffer. length_out, which may be NULL, receives the value's
/// length without the NUL, and it alone is written also when the status is
/// LEDGERAUTH_BUFFER_TOO_SMALL. 8192 bytes are enough for what servers accept.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_authorize(
    client: *const ledgerauth_client,
    path: ledgerauth_str,
    buffer: *mut c_char,
    capacity: usize,
    length_out: *mut usize,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    guard(error_out, || {
        // SAFETY: by the contract.
        let (client, path) = unsafe { (get(client, "client")?, path.text("path")?) };
        let out = can_write(buffer, "buffer")?;
        let authorization = client.client.authorize(path)?;
        let value = authorization.value().expose().as_bytes();
        // SAFETY: by the contract.
        unsafe { offer(length_out, || value.len()) };
        if capacity <= value.len() {
            return Err(too_small(value.len()));
        }
        // SAFETY: by the contract `capacity` bytes can be written there, which are more than the value has; nobody else has that memory.
        unsafe { out.copy_text(value) };
        Ok(())
    })
}

/// Asks for a document until it is ready, as the provider's profile says what "not ready" looks
/// like. deadline_ms is how long to go on asking; five minutes if 0, because reading a long
/// invoice takes minutes and not hours. The caller frees the response.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_poll(
    client: *const ledgerauth_client,
    path: ledgerauth_str,
    deadline_ms: u64,
    response_out: *mut *mut ledgerauth_response,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(response_out, "response_out", error_out, || {
        // SAFETY: by the contract.
        let (client, path) = unsafe { (get(client, "client")?, path.text("path")?) };
        let poll = client.client.poll(path);
        let poll = if deadline_ms > 0 { poll.deadline(Duration::from_millis(deadline_ms)) } else { poll };
        let response = whole(poll.wait()?)?;
        Ok(response)
    })
}

fn too_small(length: usize) -> Fault {
    crate::error::at_the_boundary(
        LEDGERAUTH_BUFFER_TOO_SMALL,
        format!("the value takes {} bytes with its NUL", length + 1),
        "pass a buffer of that size",
    )
}

/// The method as a word that lives for ever.
pub(crate) fn method(word: &str) -> Result<&'static str, Fault> {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    known
        .into_iter()
        .find(|known| *known == word)
        .ok_or_else(|| misuse("method is none of GET, HEAD, POST, PUT, PATCH, DELETE", "write it in capitals; nothing was sent"))
}

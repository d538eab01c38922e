//! Responses
//!
//! A response is a success with its whole body in memory. An answer that is not a success is an
//! error; ledgerauth_error_response() then has it.

use crate::error::{Fault, ledgerauth_error};
use crate::guard::{ask, free, guard};
use crate::input::{can_write, get};
use crate::text::ledgerauth_str;
use auth_http::http::HeaderMap;
use auth_http::{Error, Redirect, Response};

/// The answer to a call. It never changes, so any number of threads may read it.
pub struct ledgerauth_response {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    request_id: String,
    url: String,
    history: Vec<Redirect>,
}

/// A redirect that was followed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_redirect {
    /// The HTTP status, such as 302.
    pub status: i32,
    /// The URL that answered so, with its query.
    pub url: ledgerauth_str,
}

/// A header field.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_header {
    /// Its name.
    pub name: ledgerauth_str,
    /// Its value.
    pub value: ledgerauth_str,
}

/// The HTTP status, such as 200; 0 for NULL.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_response_status(response: *const ledgerauth_response) -> i32 {
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(response, 0, |response| i32::from(response.status)) }
}

/// The body. It belongs to the response.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_response_body(response: *const ledgerauth_response) -> ledgerauth_str {
    let body = |response: &ledgerauth_response| ledgerauth_str::of_bytes(&response.body);
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(response, ledgerauth_str::NONE, body) }
}

/// The first value of a header, whatever the case of its name; data is NULL if there is none. It
/// belongs to the response.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_response_header(response: *const ledgerauth_response, name: ledgerauth_str) -> ledgerauth_str {
    let first = |response: &ledgerauth_response| {
        // SAFETY: by the contract the name stands there.
        let value = unsafe { name.text("name") }.ok().and_then(|name| response.headers.get(name));
        value.map_or(ledgerauth_str::NONE, |value| ledgerauth_str::of_bytes(value.as_bytes()))
    };
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(response, ledgerauth_str::NONE, first) }
}

/// The number of header fields.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_response_header_count(response: *const ledgerauth_response) -> usize {
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(response, 0, |response| response.headers.len()) }
}

/// The header field of that number, counted from 0. LEDGERAUTH_MISUSE if there are not so many. It
/// belongs to the response.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_response_header_at(
    response: *const ledgerauth_response,
    index: usize,
    header_out: *mut ledgerauth_header,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    guard(error_out, || {
        let out = can_write(header_out, "header_out")?;
        // SAFETY: by the contract.
        let response = unsafe { get(response, "response") }?;
        let (name, value) = response.headers.iter().nth(index).ok_or_else(|| crate::input::beyond("index", response.headers.len()))?;
        let header = ledgerauth_header { name: ledgerauth_str::of(name.as_str()), value: ledgerauth_str::of_bytes(value.as_bytes()) };
        // SAFETY: by the contract.
        unsafe { out.write(header) };
        Ok(())
    })
}

/// The id under which the call went out, the same on all of its repeats. It belongs to the
/// response.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_response_request_id(response: *const ledgerauth_response) -> ledgerauth_str {
    let id = |response: &ledgerauth_response| ledgerauth_str::of(&response.request_id);
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(response, ledgerauth_str::NONE, id) }
}

/// Where the answer came from, with its query: the URL that was asked, or where redirects have led.
/// It belongs to the response.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_response_url(response: *const ledgerauth_response) -> ledgerauth_str {
    let url = |response: &ledgerauth_response| ledgerauth_str::of(&response.url);
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(response, ledgerauth_str::NONE, url) }
}

/// The number of redirects that were followed on the way to the answer.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_response_redirect_count(response: *const ledgerauth_response) -> usize {
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(response, 0, |response| response.history.len()) }
}

/// The redirect of that number, counted from 0 in the order in which they were met.
/// LEDGERAUTH_MISUSE if there are not so many. It belongs to the response.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_response_redirect_at(
    response: *const ledgerauth_response,
    index: usize,
    redirect_out: *mut ledgerauth_redirect,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    guard(error_out, || {
        let out = can_write(redirect_out, "redirect_out")?;
        // SAFETY: by the contract.
        let response = unsafe { get(response, "response") }?;
        let redirect = response.history.get(index).ok_or_else(|| crate::input::beyond("index", response.history.len()))?;
        let redirect = ledgerauth_redirect { status: i32::from(redirect.status()), url: ledgerauth_str::of(redirect.url()) };
        // SAFETY: by the contract.
        unsafe { out.write(redirect) };
        Ok(())
    })
}

/// Frees a response; NULL is fine.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_response_free(response: *mut ledgerauth_response) {
    // SAFETY: by the contract it came from this library and is freed once.
    unsafe { free(response) };
}

/// A response with its whole body; one that is not a success becomes an error that holds it.
pub(crate) fn whole(response: Response) -> Result<ledgerauth_response, Fault> {
    let failure = response.failure().cloned();
    let (mut read, body) = begun(response);
    match (failure, body) {
        (None, Ok(body)) => {
            read.body = body;
            Ok(read)
        }
        (None, Err(error)) => Err(Fault::from(error).with_response(read)),
        (Some(failure), body) => {
            read.body = body.unwrap_or_default();
            Err(Fault::from(failure).with_response(read))
        }
    }
}

/// A response of which the body went elsewhere.
pub(crate) fn without_body(response: &Response) -> ledgerauth_response {
    ledgerauth_response {
        status: response.status(),
        headers: response.headers().clone(),
        body: Vec::new(),
        request_id: response.request_id().to_owned(),
        url: response.url().to_owned(),
        history: response.history().to_vec(),
    }
}

fn begun(response: Response) -> (ledgerauth_response, Result<Vec<u8>, Error>) {
    (without_body(&response), response.bytes())
}

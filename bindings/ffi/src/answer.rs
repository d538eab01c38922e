//! Answers of a program's own HTTP
//!
//! An answer is what a program's own HTTP library received: status, header fields, body. Fill it
//! from the library's callbacks; libcurl's fit as they are:
//!
//!     CURLOPT_HEADERFUNCTION    ledgerauth_answer_add_header_line()
//!     CURLOPT_WRITEFUNCTION     ledgerauth_answer_add_body()
//!
//! What it holds is wiped when it is freed, because answers of token endpoints hold tokens.

use crate::error::{Fault, ledgerauth_error, misuse};
use crate::guard::{ask, free, guard, make};
use crate::input::alone;
use crate::status::LEDGERAUTH_UNTRUSTED;
use crate::text::ledgerauth_str;
use auth_http::core::{Transport as Lost, Unanswered, unfolded};
use auth_http::http::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::{Mutex, MutexGuard};
use zeroize::Zeroizing;

/// An answer in the making. For one thread at a time.
pub struct ledgerauth_answer(pub(crate) Mutex<Parts>);

/// What an answer is made of.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Zeroizing<Vec<u8>>,
    pub(crate) lost: Option<Lost>,
}

/// How much room a body gets at first: what a token answer fits into, so that it is not copied.
const ROOM: usize = 16 * 1_024;

/// An empty answer. The caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_answer_new(answer_out: *mut *mut ledgerauth_answer, error_out: *mut *mut ledgerauth_error) -> i32 {
    make(answer_out, "answer_out", error_out, || Ok(ledgerauth_answer::empty()))
}

/// Sets the HTTP status, such as 200.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_answer_set_status(
    answer: *mut ledgerauth_answer,
    http_status: i32,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let status = u16::try_from(http_status).ok().filter(|status| (100..=999).contains(status));
        let status = status.ok_or_else(|| misuse("http_status is not between 100 and 999", "pass the status of the answer"))?;
        parts(answer)?.status = status;
        Ok(())
    })
}

/// Adds a header field.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_answer_add_header(
    answer: *mut ledgerauth_answer,
    name: ledgerauth_str,
    value: ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let (name, value) = (name.text("name")?, value.bytes("value")?);
        let field = HeaderName::try_from(name).ok().zip(HeaderValue::from_bytes(&unfolded(value)).ok());
        let (name, value) =
            field.ok_or_else(|| misuse("the header field has a name or value that cannot be", "pass it as it was received"))?;
        parts(answer)?.headers.append(name, value);
        Ok(())
    })
}

/// Takes one line of the answer's head as it was received: a status line, which begins the head
/// anew, a header field, or the empty line at its end. A line that is none of these is left out.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_answer_add_header_line(
    answer: *mut ledgerauth_answer,
    line: ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let line = line.bytes("line")?;
        parts(answer)?.take_line(line);
        Ok(())
    })
}

/// Adds a piece of the body.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_answer_add_body(
    answer: *mut ledgerauth_answer,
    piece: ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let piece = piece.bytes("piece")?;
        parts(answer)?.add_body(piece);
        Ok(())
    })
}

/// Says that there is no answer: not_sent is LEDGERAUTH_UNTRUSTED if the server's certificate is
/// not trusted, so that it is not sent again; any other number but 0 if the request certainly never
/// left (no address, no connection, no TLS), so that it may be sent again whatever it is; what
/// happened in one clause, without anything secret.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_answer_fail(
    answer: *mut ledgerauth_answer,
    not_sent: i32,
    what: ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let lost = lost(not_sent, what)?;
        parts(answer)?.lost = Some(lost);
        Ok(())
    })
}

/// Empties an answer, so that it can be used for another.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_answer_clear(answer: *mut ledgerauth_answer, error_out: *mut *mut ledgerauth_error) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        *parts(answer)? = Parts::default();
        Ok(())
    })
}

/// The HTTP status; 0 if there is none yet.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_answer_status(answer: *const ledgerauth_answer) -> i32 {
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(answer, 0, |answer| i32::from(answer.0.lock().status)) }
}

/// The body so far. It belongs to the answer, until the next piece is added.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_answer_body(answer: *const ledgerauth_answer) -> ledgerauth_str {
    let body = |answer: &ledgerauth_answer| ledgerauth_str::of_bytes(&answer.0.lock().body);
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(answer, ledgerauth_str::NONE, body) }
}

/// Frees an answer; NULL is fine.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_answer_free(answer: *mut ledgerauth_answer) {
    // SAFETY: by the contract it came from this library and is freed once.
    unsafe { free(answer) };
}

impl ledgerauth_answer {
    pub(crate) fn empty() -> Self {
        Self(Mutex::default())
    }
}

impl Parts {
    fn take_line(&mut self, line: &[u8]) {
        let line = line.trim_ascii();
        if line.starts_with(b"HTTP/") {
            let status = line.split(|byte| *byte == b' ').nth(1).and_then(|word| std::str::from_utf8(word).ok()?.parse().ok());
            (self.status, self.headers) = (status.unwrap_or(0), HeaderMap::new());
            return;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
        let field = (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(line[colon + 1..].trim_ascii()));
        if let (Ok(name), Ok(value)) = field {
            self.headers.append(name, value);
        }
    }

    /// Adds to the body. A vector that grew by itself would leave copies behind that are not wiped.
    fn add_body(&mut self, piece: &[u8]) {
        let needed = self.body.len() + piece.len();
        if needed > self.body.capacity() {
            let mut wider = Zeroizing::new(Vec::with_capacity(needed.max(2 * self.body.capacity()).max(ROOM)));
            wider.extend_from_slice(&self.body);
            self.body = wider;
        }
        self.body.extend_from_slice(piece);
    }
}

/// What an answer holds, for this thread alone.
///
/// # Safety
/// The handle is NULL or live.
pub(crate) unsafe fn parts<'a>(answer: *const ledgerauth_answer) -> Result<MutexGuard<'a, Parts>, Fault> {
    // SAFETY: the caller's promise.
    unsafe { alone(answer, "answer", |answer| &answer.0) }
}

/// A request that got no answer, in the program's words.
///
/// # Safety
/// The text stands there.
pub(crate) unsafe fn lost(not_sent: i32, what: ledgerauth_str) -> Result<Lost, Fault> {
    // SAFETY: the caller's promise.
    let what = unsafe { what.text("what") }?.to_owned();
    let how = match not_sent {
        0 => Unanswered::Lost,
        LEDGERAUTH_UNTRUSTED => Unanswered::Untrusted,
        _ => Unanswered::NotSent,
    };
    Ok(Lost { how, what, advice: String::new() })
}

//! Redaction
//!
//! A redactor takes secrets out of any text, and leaves what only looks like them alone: keys of
//! the shipped providers, Authorization headers and their relatives, token and password fields in
//! JSON, forms and URLs, and whatever a program names. What was taken out reads "[redacted]".
//!
//! Make one, name what is to be taken out besides, then share it: from then on any number of
//! threads may redact with it.

use crate::error::{Fault, ledgerauth_error};
use crate::guard::{free, guard, make};
use crate::input::{alone, get};
use crate::provider::ledgerauth_provider;
use crate::text::{ledgerauth_str, ledgerauth_text};
use auth_http::Secret;
use auth_http::core::{RedactStream, Redactor};
use parking_lot::{Mutex, MutexGuard, RwLock};

/// A redactor.
pub struct ledgerauth_redactor(RwLock<Redactor>);

/// Redacts text that comes in pieces, such as a log. For one thread at a time.
pub struct ledgerauth_redact_stream(Mutex<RedactStream>);

/// Makes a redactor. The first of a process takes some tenths of a millisecond, because the search is
/// prepared then. The caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_redactor_new(
    redactor_out: *mut *mut ledgerauth_redactor,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(redactor_out, "redactor_out", error_out, || Ok(ledgerauth_redactor(RwLock::new(Redactor::new()))))
}

/// Takes out this text as well, wherever it stands. A text shorter than four bytes is not looked
/// for, because it would be found everywhere.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_redactor_add_secret(
    redactor: *mut ledgerauth_redactor,
    secret: ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let secret = Secret::new(secret.text("secret")?);
        changed(redactor, |redactor| redactor.with_secret(&secret))
    })
}

/// Takes out what this header holds as well, whatever the case of its name.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_redactor_add_header(
    redactor: *mut ledgerauth_redactor,
    name: ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let name = name.text("name")?;
        changed(redactor, |redactor| redactor.with_header(name))
    })
}

/// Takes out keys of this provider's formats as well; those of shipped ones are known.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_redactor_add_provider(
    redactor: *mut ledgerauth_redactor,
    provider: *const ledgerauth_provider,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let provider = get(provider, "provider")?;
        changed(redactor, |redactor| redactor.with_provider(&provider.0))
    })
}

/// Redacts a text. The caller frees what comes back.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_redactor_redact(
    redactor: *const ledgerauth_redactor,
    text: ledgerauth_str,
    text_out: *mut *mut ledgerauth_text,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(text_out, "text_out", error_out, || {
        // SAFETY: by the contract.
        let (redactor, text) = unsafe { (get(redactor, "redactor")?, text.text("text")?) };
        let redacted = redactor.0.read().redact(text).into_owned();
        Ok(ledgerauth_text::new(redacted))
    })
}

/// Frees a redactor and wipes what it knows; NULL is fine. Streams made from it go on.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_redactor_free(redactor: *mut ledgerauth_redactor) {
    // SAFETY: by the contract it came from this library and is freed once.
    unsafe { free(redactor) };
}

/// Starts a stream with what the redactor knows now. The caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_redact_stream_new(
    redactor: *const ledgerauth_redactor,
    stream_out: *mut *mut ledgerauth_redact_stream,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(stream_out, "stream_out", error_out, || {
        // SAFETY: by the contract.
        let stream = unsafe { get(redactor, "redactor") }?.0.read().stream();
        Ok(ledgerauth_redact_stream(Mutex::new(stream)))
    })
}

/// Takes the next piece, any bytes, and gives what can be written already: whole lines. The caller
/// frees what comes back. LEDGERAUTH_BUSY while another thread is at it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_redact_stream_push(
    stream: *mut ledgerauth_redact_stream,
    piece: ledgerauth_str,
    text_out: *mut *mut ledgerauth_text,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(text_out, "text_out", error_out, || {
        // SAFETY: by the contract.
        let (piece, mut stream) = unsafe { (piece.bytes("piece")?, streaming(stream)?) };
        Ok(written(|bytes| stream.push(piece, bytes)))
    })
}

/// Ends the text and gives the rest of it; the stream can then be used for another. The caller
/// frees what comes back.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_redact_stream_finish(
    stream: *mut ledgerauth_redact_stream,
    text_out: *mut *mut ledgerauth_text,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(text_out, "text_out", error_out, || {
        // SAFETY: by the contract.
        let mut stream = unsafe { streaming(stream) }?;
        Ok(written(|bytes| stream.finish(bytes)))
    })
}

/// Frees a stream and wipes the text that waits in it; NULL is fine.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_redact_stream_free(stream: *mut ledgerauth_redact_stream) {
    // SAFETY: by the contract it came from this library and is freed once.
    unsafe { free(stream) };
}

/// # Safety
/// The handle is NULL or live.
unsafe fn changed(redactor: *mut ledgerauth_redactor, change: impl FnOnce(Redactor) -> Redactor) -> Result<(), Fault> {
    // SAFETY: the caller's promise.
    let redactor = unsafe { get(redactor, "redactor") }?;
    let mut known = redactor.0.write();
    *known = change(known.clone());
    Ok(())
}

/// A stream, for this thread alone.
///
/// # Safety
/// The handle is NULL or live.
unsafe fn streaming<'a>(stream: *const ledgerauth_redact_stream) -> Result<MutexGuard<'a, RedactStream>, Fault> {
    // SAFETY: the caller's promise.
    unsafe { alone(stream, "stream", |stream| &stream.0) }
}

/// What a stream writes.
fn written(write: impl FnOnce(&mut Vec<u8>)) -> ledgerauth_text {
    let mut bytes = Vec::new();
    write(&mut bytes);
    ledgerauth_text::from_bytes(bytes)
}

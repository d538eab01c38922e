//! Text
//!
//! Text is a pointer and a length, in UTF-8, and need not end with a NUL. What a program passes
//! in is read during the call and not kept. What the library hands out belongs to the object it
//! was asked of, and lives until that object is freed or, where that is said, until its next call.
//!
//!     ledgerauth_str path = LEDGERAUTH_STR("/v1/invoices");          a literal
//!     ledgerauth_str name = ledgerauth_str_of(getenv("COMPANY"));    any C string
//!     printf("%.*s\n", LEDGERAUTH_ARG(path));
//!
//! An empty text is one whose length is 0. In a struct of options, zeros mean "not said".

use crate::error::{Fault, at_the_boundary, misuse};
use crate::guard::{ask, free};
use crate::input::{list, null};
use crate::status::{LEDGERAUTH_NOT_UTF8, LEDGERAUTH_SETTING};
use std::ffi::{CStr, c_char};

/// Text or bytes that somebody else owns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_str {
    /// The first byte; may be NULL if the length is 0.
    pub data: *const c_char,
    /// The number of bytes.
    pub len: usize,
}

/// Text that the caller owns: free it with ledgerauth_text_free().
pub struct ledgerauth_text(Vec<u8>);

/// The text of a C string, without its NUL; empty for NULL. Borrows the string.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_str_of(text: *const c_char) -> ledgerauth_str {
    // SAFETY: not NULL, and by the contract it ends with a NUL.
    let len = if text.is_null() { 0 } else { unsafe { CStr::from_ptr(text) }.count_bytes() };
    ledgerauth_str { data: text, len }
}

/// The text itself, which lives until ledgerauth_text_free(); empty for NULL.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_text_str(text: *const ledgerauth_text) -> ledgerauth_str {
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(text, ledgerauth_str::NONE, |text| ledgerauth_str::of_bytes(&text.0)) }
}

/// Frees a text; NULL is fine.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_text_free(text: *mut ledgerauth_text) {
    // SAFETY: by the contract it came from this library and is freed once.
    unsafe { free(text) };
}

/// Overwrites memory that held a secret, in a way that no compiler leaves out. NULL is fine.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_wipe(memory: *mut std::ffi::c_void, len: usize) {
    if memory.is_null() {
        return;
    }
    for at in 0..len {
        // SAFETY: by the contract so many bytes can be written there.
        unsafe { memory.cast::<u8>().add(at).write_volatile(0) };
    }
    std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
}

impl ledgerauth_text {
    pub(crate) fn new(text: String) -> Self {
        Self(text.into_bytes())
    }

    /// The same for what may not be UTF-8.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl ledgerauth_str {
    /// No text at all.
    pub(crate) const NONE: Self = Self { data: std::ptr::null(), len: 0 };

    /// A text that lives as long as what it is borrowed from.
    pub(crate) fn of(text: &str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    /// The same for bytes.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr().cast(), len: bytes.len() }
    }

    /// The same, or nothing.
    pub(crate) fn of_option(text: Option<&str>) -> Self {
        text.map_or(Self::NONE, Self::of)
    }

    /// The bytes.
    ///
    /// # Safety
    /// So many bytes stand there and are not changed during the call.
    pub(crate) unsafe fn bytes<'a>(self, name: &str) -> Result<&'a [u8], Fault> {
        if self.len == 0 {
            return Ok(&[]);
        }
        if self.data.is_null() {
            return Err(null(name));
        }
        if self.len > isize::MAX.unsigned_abs() {
            return Err(misuse(format!("{name} is longer than memory"), "pass its length in bytes"));
        }
        // SAFETY: not NULL, not too long, and the caller's promise.
        Ok(unsafe { std::slice::from_raw_parts(self.data.cast(), self.len) })
    }

    /// The text.
    ///
    /// # Safety
    /// As for [`ledgerauth_str::bytes`].
    pub(crate) unsafe fn text<'a>(self, name: &str) -> Result<&'a str, Fault> {
        // SAFETY: the caller's promise.
        let bytes = unsafe { self.bytes(name) }?;
        std::str::from_utf8(bytes).map_err(|error| {
            let what = format!("{name} is not UTF-8 from byte {} on", error.valid_up_to() + 1);
            at_the_boundary(LEDGERAUTH_NOT_UTF8, what, "convert it from the encoding that it is in")
        })
    }

    /// The text, if there is any.
    ///
    /// # Safety
    /// As for [`ledgerauth_str::bytes`].
    pub(crate) unsafe fn given<'a>(self, name: &str) -> Result<Option<&'a str>, Fault> {
        // SAFETY: the caller's promise.
        let text = unsafe { self.text(name) }?;
        Ok((!text.is_empty()).then_some(text))
    }

    /// The bytes, if there are any.
    ///
    /// # Safety
    /// As for [`ledgerauth_str::bytes`].
    pub(crate) unsafe fn given_bytes<'a>(self, name: &str) -> Result<Option<&'a [u8]>, Fault> {
        // SAFETY: the caller's promise.
        let bytes = unsafe { self.bytes(name) }?;
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// The bytes, if they were said; a program that says them has some, because an empty file or
    /// variable must not decide what they decide.
    ///
    /// # Safety
    /// As for [`ledgerauth_str::bytes`].
    pub(crate) unsafe fn filled<'a>(self, name: &str) -> Result<Option<&'a [u8]>, Fault> {
        // SAFETY: the caller's promise.
        let bytes = unsafe { self.given_bytes(name) }?;
        if bytes.is_none() && !self.data.is_null() {
            let advice = "look at the file or variable that it came from, or leave it NULL for the default";
            return Err(at_the_boundary(LEDGERAUTH_SETTING, format!("{name} is empty"), advice));
        }
        Ok(bytes)
    }

    /// The same for a text.
    ///
    /// # Safety
    /// As for [`ledgerauth_str::bytes`].
    pub(crate) unsafe fn filled_text<'a>(self, name: &str) -> Result<Option<&'a str>, Fault> {
        // SAFETY: the caller's promise.
        unsafe { self.filled(name)?.is_some().then(|| self.text(name)).transpose() }
    }
}

/// A list of texts.
///
/// # Safety
/// So many texts stand there.
pub(crate) unsafe fn texts(items: *const ledgerauth_str, count: usize, name: &str) -> Result<Vec<String>, Fault> {
    // SAFETY: the caller's promise.
    unsafe { list(items, count, name)?.iter().map(|item| item.text(name).map(str::to_owned)).collect() }
}

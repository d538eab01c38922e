//! Version
//!
//! The macros say which header a program was compiled with, the functions which library it runs
//! with. Within one major version the library stays compatible with programs that were compiled
//! with an older header: functions and numbers stay, structs grow at their end only.

use std::ffi::{CStr, c_char};

/// The version of this library, such as "0.1.0".
const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(text) => text,
    Err(_) => c"",
};

/// The version of the library as text that ends with a NUL and lives for ever.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ledgerauth_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The version of the library as one number: major * 1000000 + minor * 1000 + patch.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ledgerauth_version_number() -> u32 {
    const NUMBER: u32 = number(env!("CARGO_PKG_VERSION_MAJOR")) * 1_000_000
        + number(env!("CARGO_PKG_VERSION_MINOR")) * 1_000
        + number(env!("CARGO_PKG_VERSION_PATCH"));
    NUMBER
}

/// Whether the library was built with its own HTTP. Without it, clients need a transport.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ledgerauth_has_http() -> bool {
    cfg!(feature = "http")
}

/// A decimal number.
const fn number(digits: &str) -> u32 {
    let (digits, mut number, mut at) = (digits.as_bytes(), 0, 0);
    while at < digits.len() {
        number = number * 10 + (digits[at] - b'0') as u32;
        at += 1;
    }
    number
}

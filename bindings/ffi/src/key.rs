//! Keys
//!
//! A key is read against the formats that its provider documents, so that a key with a line break,
//! of another system, or of another environment is found before anything is sent. Clients do that
//! by themselves; a program calls these functions to check what somebody types into a form.

use crate::error::ledgerauth_error;
use crate::guard::{ask, free, make};
use crate::input::get;
use crate::provider::ledgerauth_provider;
use crate::text::ledgerauth_str;
use auth_http::ApiKey;
use auth_http::core::{ClientCredentials, Grant};

/// What a key tells about itself without being shown. It never changes.
pub struct ledgerauth_key {
    prefix: String,
    environment: Option<String>,
}

/// Reads a static key. LEDGERAUTH_KEY_FORMAT if it cannot be one: ledgerauth_error_key_fault()
/// and ledgerauth_error_position() say what is wrong and where, ledgerauth_error_advice() what to
/// do; no error shows the key. The caller frees what comes back.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_key_parse(
    provider: *const ledgerauth_provider,
    text: ledgerauth_str,
    key_out: *mut *mut ledgerauth_key,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(key_out, "key_out", error_out, || {
        // SAFETY: by the contract.
        let (provider, text) = unsafe { (get(provider, "provider")?, text.text("text")?) };
        let key = ApiKey::parse(&provider.0, text)?;
        let parsed = ledgerauth_key { prefix: key.prefix().to_owned(), environment: key.environment().map(str::to_owned) };
        Ok(parsed)
    })
}

/// The same for a client id and its secret.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_key_parse_client(
    provider: *const ledgerauth_provider,
    id: ledgerauth_str,
    secret: ledgerauth_str,
    key_out: *mut *mut ledgerauth_key,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(key_out, "key_out", error_out, || {
        // SAFETY: by the contract.
        let (provider, id, secret) = unsafe { (get(provider, "provider")?, id.text("id")?, secret.text("secret")?) };
        let grant = Grant::client_credentials(ClientCredentials::parse(&provider.0, id, secret)?);
        let parsed = ledgerauth_key { prefix: String::new(), environment: grant.environment().map(str::to_owned) };
        Ok(parsed)
    })
}

/// The prefix that all keys of this form share, such as "live_sk_"; empty if they have none. It
/// belongs to the key.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_key_prefix(key: *const ledgerauth_key) -> ledgerauth_str {
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(key, ledgerauth_str::NONE, |key| ledgerauth_str::of(&key.prefix)) }
}

/// The environment that the key says it is for; empty if it does not. It belongs to the key.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_key_environment(key: *const ledgerauth_key) -> ledgerauth_str {
    let environment = |key: &ledgerauth_key| ledgerauth_str::of_option(key.environment.as_deref());
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(key, ledgerauth_str::NONE, environment) }
}

/// Frees what ledgerauth_key_parse() gave; NULL is fine.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_key_free(key: *mut ledgerauth_key) {
    // SAFETY: by the contract it came from this library and is freed once.
    unsafe { free(key) };
}

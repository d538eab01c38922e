//! Providers
//!
//! A provider is what one API's vendor documents about authentication. The library ships several,
//! by name; another one is a file of facts, read at run time. Most programs name a shipped one in
//! the client's options and need nothing of this chapter.

use crate::error::{Fault, ledgerauth_error, misuse};
use crate::guard::{ask, free, make, quietly};
use crate::input::get;
use crate::text::ledgerauth_str;
use auth_http::Provider;

/// A provider. It never changes, so any number of threads may use one.
pub struct ledgerauth_provider(pub(crate) Provider);

/// A shipped provider by its name: "numeric", "numora", "adaas", "finora" and others.
/// LEDGERAUTH_PROFILE for a name that is none; the error lists those there are. The caller frees
/// it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_provider_builtin(
    name: ledgerauth_str,
    provider_out: *mut *mut ledgerauth_provider,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(provider_out, "provider_out", error_out, || {
        // SAFETY: by the contract.
        let provider = Provider::builtin(unsafe { name.text("name") }?)?;
        Ok(ledgerauth_provider(provider))
    })
}

/// A provider from the text of a profile (TOML). LEDGERAUTH_PROFILE, with line, field and reason,
/// for a text that is none. The caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_provider_from_toml(
    profile: ledgerauth_str,
    provider_out: *mut *mut ledgerauth_provider,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(provider_out, "provider_out", error_out, || {
        // SAFETY: by the contract.
        let provider = Provider::from_toml(unsafe { profile.text("profile") }?)?;
        Ok(ledgerauth_provider(provider))
    })
}

/// The name of the shipped provider of that number, counted from 0 in alphabetical order; empty
/// when there are no more. It lives for ever.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ledgerauth_provider_builtin_name(index: usize) -> ledgerauth_str {
    quietly(ledgerauth_str::NONE, || ledgerauth_str::of_option(Provider::builtin_names().nth(index)))
}

/// The short name, such as "finora".
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_provider_name(provider: *const ledgerauth_provider) -> ledgerauth_str {
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(provider, ledgerauth_str::NONE, |provider| ledgerauth_str::of(provider.0.name())) }
}

/// The name as people write it, such as "Finora Business".
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_provider_title(provider: *const ledgerauth_provider) -> ledgerauth_str {
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(provider, ledgerauth_str::NONE, |provider| ledgerauth_str::of(provider.0.title())) }
}

/// Frees a provider; NULL is fine. Clients made from it go on.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_provider_free(provider: *mut ledgerauth_provider) {
    // SAFETY: by the contract it came from this library and is freed once.
    unsafe { free(provider) };
}

/// The provider that a struct of options names, in one way or the other.
///
/// # Safety
/// The text stands there, and the handle is NULL or live.
pub(crate) unsafe fn chosen(name: ledgerauth_str, own: *const ledgerauth_provider) -> Result<Provider, Fault> {
    // SAFETY: the caller's promise.
    match (unsafe { name.given("provider") }?, own.is_null()) {
        (Some(name), true) => Ok(Provider::builtin(name)?),
        // SAFETY: the caller's promise.
        (None, false) => Ok(unsafe { get(own, "own_provider") }?.0.clone()),
        (Some(_), false) => Err(misuse("both provider and own_provider are set", "set one of them")),
        (None, true) => {
            Err(misuse("neither provider nor own_provider is set", "set provider to the name of a shipped one, such as \"finora\""))
        }
    }
}

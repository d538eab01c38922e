//! Credentials
//!
//! A credential is what the owner of an account was given: keys, or a client id and secret. It is
//! checked against its provider's formats when a client is made, and may be freed then. One from
//! a file or a callback is asked for again when the API refuses everything it gave, so a rotated
//! secret needs no restart.
//!
//! Several keys of one account make a ring, and a service account signs assertions; each has a
//! chapter of its own.

use crate::error::ledgerauth_error;
use crate::gate::Userdata;
use crate::given::{Given, Material, given, of_client, signer};
use crate::guard::{free, guard};
use crate::input::{get, null};
use crate::text::{ledgerauth_str, texts};
use auth_http::{Credential, Key};
use parking_lot::Mutex;
use std::ffi::c_void;

/// A credential. Functions that change it may not be called from two threads at once with others;
/// they wait for each other.
pub struct ledgerauth_credential(pub(crate) Mutex<Given>);

/// Asks the program for its credential. Called when a client is made, and again when the API
/// refuses everything that it gave; from any thread, but never from two at once. It makes a
/// credential with the functions of this chapter, writes it to credential_out, where it is the
/// library's, and returns LEDGERAUTH_OK; any other number means that there is none now.
///
/// The callback must not throw, must not leave by longjmp, and must not free its client.
pub type ledgerauth_source_fn = Option<unsafe extern "C" fn(userdata: *mut c_void, credential_out: *mut *mut ledgerauth_credential) -> i32>;

/// A static key. The caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_from_key(
    key: ledgerauth_str,
    credential_out: *mut *mut ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    given(credential_out, error_out, || Ok(Material::Ring(vec![Key::new(unsafe { key.text("key") }?)])))
}

/// A client id and secret, exchanged for access tokens (RFC 6749 section 4.4). The caller frees
/// it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_from_client(
    id: ledgerauth_str,
    secret: ledgerauth_str,
    credential_out: *mut *mut ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    given(credential_out, error_out, || unsafe { Ok(Material::from(Credential::client(id.text("id")?, secret.text("secret")?))) })
}

/// A refresh token with the client that it was issued to (RFC 6749 section 6). The caller frees
/// it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_from_refresh_token(
    id: ledgerauth_str,
    secret: ledgerauth_str,
    refresh_token: ledgerauth_str,
    credential_out: *mut *mut ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    given(credential_out, error_out, || {
        // SAFETY: by the contract.
        let (id, secret, token) = unsafe { (id.text("id")?, secret.text("secret")?, refresh_token.text("refresh_token")?) };
        Ok(Material::from(Credential::refresh_token(id, secret, token)))
    })
}

/// A client id alone: a public client (RFC 6749 section 2.1), or one that shows a certificate when
/// it connects (RFC 8705), as the option client_auth says. The caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_from_public_client(
    id: ledgerauth_str,
    credential_out: *mut *mut ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    given(credential_out, error_out, || Ok(Material::from(Credential::public_client(unsafe { id.text("id") }?))))
}

/// A client id and a private key (PEM) that signs for it (private_key_jwt, RFC 7523). algorithm is
/// "RS256", "PS256", "ES256" or "EdDSA"; key_id is the name under which the server knows the key,
/// or empty. LEDGERAUTH_UNSUPPORTED in a library without HTTP. The caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_from_private_key(
    id: ledgerauth_str,
    algorithm: ledgerauth_str,
    key_pem: ledgerauth_str,
    key_id: ledgerauth_str,
    credential_out: *mut *mut ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    given(credential_out, error_out, || {
        // SAFETY: by the contract.
        let (id, algorithm, pem, key_id) =
            unsafe { (id.text("id")?, algorithm.text("algorithm")?, key_pem.bytes("key_pem")?, key_id.given("key_id")?) };
        Ok(Material::from(Credential::client_with_key(id, signer(algorithm, pem, key_id)?)))
    })
}

/// A static key from an environment variable. LEDGERAUTH_SOURCE_UNAVAILABLE if it is not set. The
/// caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_from_env(
    variable: ledgerauth_str,
    credential_out: *mut *mut ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    given(credential_out, error_out, || Ok(Material::from(Credential::from_env(unsafe { variable.text("variable") }?)?)))
}

/// A client id and secret from two environment variables. The caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_from_client_env(
    id_variable: ledgerauth_str,
    secret_variable: ledgerauth_str,
    credential_out: *mut *mut ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    given(credential_out, error_out, || {
        // SAFETY: by the contract.
        let (id, secret) = unsafe { (id_variable.text("id_variable")?, secret_variable.text("secret_variable")?) };
        Ok(Material::from(Credential::client_from_env(id, secret)?))
    })
}

/// A credential from a file: one key a line, or JSON. LEDGERAUTH_SOURCE_UNAVAILABLE if it cannot
/// be read. The caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_from_file(
    path: ledgerauth_str,
    credential_out: *mut *mut ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    given(credential_out, error_out, || Ok(Material::from(Credential::from_file(unsafe { path.text("path") }?)?)))
}

/// A credential from a callback, for secrets managers. What userdata points to has to live until
/// the clients that were made with the credential are freed. The caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_from_callback(
    callback: ledgerauth_source_fn,
    userdata: *mut c_void,
    credential_out: *mut *mut ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    given(credential_out, error_out, || {
        if callback.is_none() {
            return Err(null("callback"));
        }
        Ok(Material::Callback(callback, Userdata(userdata)))
    })
}

/// Declares the environment that the credential is for: needed where neither its prefix nor the
/// host tells.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_set_environment(
    credential: *mut ledgerauth_credential,
    environment: ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    guard(error_out, || {
        // SAFETY: by the contract.
        let (credential, environment) = unsafe { (get(credential, "credential")?, environment.text("environment")?) };
        credential.0.lock().environment = Some(environment.to_owned());
        Ok(())
    })
}

/// Exchanges this refresh token (RFC 6749 section 6), issued to the credential's client.
/// LEDGERAUTH_MISUSE for keys and callbacks.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_set_refresh_token(
    credential: *mut ledgerauth_credential,
    refresh_token: ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let token = refresh_token.text("refresh_token")?;
        of_client(credential, |client| client.with_refresh_token(token))
    })
}

/// Exchanges the refresh token that a person's login has put into the client's store.
/// LEDGERAUTH_MISUSE for keys and callbacks.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_use_stored(
    credential: *mut ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe { of_client(credential, Credential::stored) })
}

/// Asks for these scopes when the credential is exchanged for a token (RFC 6749 section 3.3).
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_set_scopes(
    credential: *mut ledgerauth_credential,
    scopes: *const ledgerauth_str,
    scope_count: usize,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    guard(error_out, || {
        // SAFETY: by the contract.
        let (credential, scopes) = unsafe { (get(credential, "credential")?, texts(scopes, scope_count, "scopes")?) };
        credential.0.lock().scopes = scopes;
        Ok(())
    })
}

/// Frees a credential and wipes what it holds; NULL is fine. Clients made with it go on.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_free(credential: *mut ledgerauth_credential) {
    // SAFETY: by the contract it came from this library and is freed once.
    unsafe { free(credential) };
}

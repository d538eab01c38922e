//! Credentials
//!
//! A credential is what the owner of an account was given: keys, or a client id and secret. It is
//! checked against its provider's formats when a client is made, and may be freed then. One from
//! a file or a callback is asked for again when the API refuses everything it gave, so a rotated
//! secret needs no restart.
//!
//! Several keys of one account make a ring: the first that is neither refused nor expired is used,
//! and another takes over within the same call.

use crate::error::{Fault, at_the_boundary, ledgerauth_error, misuse};
use crate::gate::{Gate, Userdata};
use crate::guard::{free, guard};
use crate::input::{can_write, get, list, read_sized, sized};
use crate::status::{LEDGERAUTH_OK, LEDGERAUTH_SOURCE_UNAVAILABLE};
use crate::text::ledgerauth_str;
use auth_http::{Credential, Error, Key, KeyNotes, UnixTime};
use parking_lot::Mutex;
use std::ffi::c_void;
use std::sync::Arc;

/// A credential. Functions that change it may not be called from two threads at once with others;
/// they wait for each other.
pub struct ledgerauth_credential(Mutex<Given>);

/// What was given so far.
struct Given {
    material: Material,
    environment: Option<String>,
    scopes: Vec<String>,
}

enum Material {
    Credential(Box<Credential>),
    Ring(Vec<Key>),
    Callback(ledgerauth_source_fn, Userdata),
}

/// Asks the program for its credential. Called when a client is made, and again when the API
/// refuses everything that it gave; from any thread, but never from two at once. It makes a
/// credential with the functions of this chapter, writes it to credential_out, where it is the
/// library's, and returns LEDGERAUTH_OK; any other number means that there is none now.
///
/// The callback must not throw, must not leave by longjmp, and must not free its client.
pub type ledgerauth_source_fn = Option<unsafe extern "C" fn(userdata: *mut c_void, credential_out: *mut *mut ledgerauth_credential) -> i32>;

/// One key of a ring, with what its owner knows about it. Zero it, set size, text, and what is
/// known.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_ring_key {
    /// sizeof(ledgerauth_ring_key).
    pub size: usize,
    /// The key itself.
    pub text: ledgerauth_str,
    /// The name it was given in the vendor's dashboard.
    pub name: ledgerauth_str,
    /// The vendor's own id of it.
    pub id: ledgerauth_str,
    /// The integration that it belongs to.
    pub integration: ledgerauth_str,
    /// What it may do, in the vendor's words: a call that needs more is refused before it is
    /// sent, where the profile knows what calls need.
    pub permissions: *const ledgerauth_str,
    /// How many of them.
    pub permission_count: usize,
    /// When it was created, in milliseconds since 1970 UTC; 0 if that is not known.
    pub created_at: u64,
    /// Not 0 to accept a prefix, length or alphabet that the profile does not know.
    pub relaxed: i32,
}
sized!(ledgerauth_ring_key, relaxed: i32);

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
    make(credential_out, error_out, || Ok(Material::Ring(vec![Key::new(unsafe { key.text("key") }?)])))
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
    make(credential_out, error_out, || unsafe { Ok(Material::from(Credential::client(id.text("id")?, secret.text("secret")?))) })
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
    make(credential_out, error_out, || {
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
    make(credential_out, error_out, || Ok(Material::from(Credential::public_client(unsafe { id.text("id") }?))))
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
    make(credential_out, error_out, || {
        // SAFETY: by the contract.
        let (id, algorithm, pem, key_id) =
            unsafe { (id.text("id")?, algorithm.text("algorithm")?, key_pem.bytes("key_pem")?, key_id.given("key_id")?) };
        Ok(Material::from(signing(id, algorithm, pem, key_id)?))
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
    make(credential_out, error_out, || Ok(Material::from(Credential::from_env(unsafe { variable.text("variable") }?)?)))
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
    make(credential_out, error_out, || {
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
    make(credential_out, error_out, || Ok(Material::from(Credential::from_file(unsafe { path.text("path") }?)?)))
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
    make(credential_out, error_out, || {
        if callback.is_none() {
            return Err(crate::input::null("callback"));
        }
        Ok(Material::Callback(callback, Userdata(userdata)))
    })
}

/// A ring without a key yet: add some with ledgerauth_credential_add_key(). The caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_new_ring(
    credential_out: *mut *mut ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(credential_out, error_out, || Ok(Material::Ring(Vec::new())))
}

/// Adds a key to a ring or behind a static key. LEDGERAUTH_MISUSE for any other credential.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_add_key(
    credential: *mut ledgerauth_credential,
    key: *const ledgerauth_ring_key,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    guard(error_out, || {
        // SAFETY: by the contract.
        let (credential, key) = unsafe { (get(credential, "credential")?, read_sized(key, "key")?) };
        // SAFETY: by the contract.
        let key = unsafe { noted(&key) }?;
        match &mut credential.0.lock().material {
            Material::Ring(keys) => keys.push(key),
            _ => return Err(misuse("a key can be added to keys only", "make the credential with ledgerauth_credential_new_ring()")),
        }
        Ok(())
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

impl ledgerauth_credential {
    /// What a client is built with. A callback is called now, and later through the client's gate.
    pub(crate) fn for_client(&self, gate: &Arc<Gate>) -> Result<Credential, Fault> {
        let given = self.0.lock();
        let credential = match &given.material {
            Material::Credential(credential) => (**credential).clone(),
            Material::Ring(keys) => Credential::keys(keys.iter().cloned()),
            Material::Callback(callback, userdata) => {
                let (callback, userdata, gate) = (*callback, *userdata, Arc::clone(gate));
                Credential::from_callback(move || call_back(callback, userdata, &gate))?
            }
        };
        Ok(given.said(credential))
    }
}

impl From<Credential> for Material {
    fn from(credential: Credential) -> Self {
        Self::Credential(Box::new(credential))
    }
}

impl Given {
    /// The credential with what was said about it.
    fn said(&self, mut credential: Credential) -> Credential {
        if let Some(environment) = &self.environment {
            credential = credential.environment(environment.as_str());
        }
        if self.scopes.is_empty() { credential } else { credential.scopes(self.scopes.iter().map(String::as_str)) }
    }
}

/// What the program's callback gives.
fn call_back(callback: ledgerauth_source_fn, userdata: Userdata, gate: &Arc<Gate>) -> Result<Credential, Error> {
    let refuse = |reason: &str| Error::Source { source: "the program's callback".into(), reason: reason.into() };
    let callback = callback.ok_or_else(|| refuse("there is none"))?;
    let mut made: *mut ledgerauth_credential = std::ptr::null_mut();
    // SAFETY: the program's function, called as the header says.
    let status = gate.call(|| unsafe { callback(userdata.0, &raw mut made) }).ok_or_else(|| refuse("its client was freed"))?;
    // SAFETY: by the header a credential that was written is the library's.
    let made = (!made.is_null()).then(|| unsafe { Box::from_raw(made) });
    match (status, made) {
        (LEDGERAUTH_OK, Some(made)) => {
            if matches!(made.0.lock().material, Material::Callback(..)) {
                return Err(refuse("it gave another callback: give a key or a client"));
            }
            made.for_client(gate).map_err(|fault| refuse(&fault.line))
        }
        (LEDGERAUTH_OK, None) => Err(refuse("it wrote no credential")),
        (status, _) => Err(refuse(&format!("it returned {status}"))),
    }
}

/// A client that signs.
#[cfg(feature = "http")]
fn signing(id: &str, algorithm: &str, pem: &[u8], key_id: Option<&str>) -> Result<Credential, Fault> {
    use auth_http::{PrivateKey, SigningAlgorithm};
    let known = [SigningAlgorithm::Rs256, SigningAlgorithm::Ps256, SigningAlgorithm::Es256, SigningAlgorithm::EdDsa];
    let algorithm = known.into_iter().find(|known| known.name() == algorithm);
    let algorithm = algorithm.ok_or_else(|| misuse("algorithm is none that is known", "pass RS256, PS256, ES256 or EdDSA"))?;
    let key = PrivateKey::from_pem(algorithm, pem)?;
    Ok(Credential::client_with_key(
        id,
        match key_id {
            Some(name) => key.key_id(name),
            None => key,
        },
    ))
}

/// The same in a build that cannot sign.
#[cfg(not(feature = "http"))]
fn signing(_: &str, _: &str, _: &[u8], _: Option<&str>) -> Result<Credential, Fault> {
    Err(at_the_boundary(
        crate::status::LEDGERAUTH_UNSUPPORTED,
        "this library cannot sign, because it was built without HTTP",
        "use one with HTTP",
    ))
}

/// Changes the credential of a client.
///
/// # Safety
/// The handle is NULL or live.
unsafe fn of_client(credential: *mut ledgerauth_credential, change: impl FnOnce(Credential) -> Credential) -> Result<(), Fault> {
    // SAFETY: the caller's promise.
    let mut given = unsafe { get(credential, "credential") }?.0.lock();
    let Material::Credential(client) = &given.material else {
        return Err(misuse("only a client's credential can hold a refresh token", "make it from a client id"));
    };
    given.material = Material::from(change((**client).clone()));
    Ok(())
}

fn make(
    credential_out: *mut *mut ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
    material: impl FnOnce() -> Result<Material, Fault>,
) -> i32 {
    guard(error_out, || {
        let out = can_write(credential_out, "credential_out")?;
        let given = Given { material: material()?, environment: None, scopes: Vec::new() };
        // SAFETY: by the contract.
        unsafe { out.write_handle(ledgerauth_credential(Mutex::new(given))) };
        Ok(())
    })
}

/// A key with its notes.
///
/// # Safety
/// Its texts stand there.
unsafe fn noted(key: &ledgerauth_ring_key) -> Result<Key, Fault> {
    // SAFETY: the caller's promise.
    let (text, name, id, integration, permissions) = unsafe {
        (
            key.text.text("text")?,
            key.name.given("name")?,
            key.id.given("id")?,
            key.integration.given("integration")?,
            texts(key.permissions, key.permission_count, "permissions")?,
        )
    };
    let notes = KeyNotes {
        name: name.map(str::to_owned),
        id: id.map(str::to_owned),
        created: (key.created_at > 0).then_some(UnixTime::from_millis(key.created_at)),
        permissions,
        integration: integration.map(str::to_owned),
    };
    let noted = Key::new(text).notes(notes);
    Ok(if key.relaxed == 0 { noted } else { noted.relaxed() })
}

/// A list of texts.
///
/// # Safety
/// So many texts stand there.
unsafe fn texts(items: *const ledgerauth_str, count: usize, name: &str) -> Result<Vec<String>, Fault> {
    // SAFETY: the caller's promise.
    unsafe { list(items, count, name)?.iter().map(|item| item.text(name).map(str::to_owned)).collect() }
}

/// The error of a client without a credential.
pub(crate) fn missing() -> Fault {
    at_the_boundary(LEDGERAUTH_SOURCE_UNAVAILABLE, "the client has no credential", "set credential in its options")
}

//! What a credential of C is made of, and how a client is built with it.

use crate::credential::{ledgerauth_credential, ledgerauth_source_fn};
use crate::error::{Fault, at_the_boundary, ledgerauth_error, misuse};
use crate::gate::{Gate, Userdata};
use crate::guard::make;
use crate::input::get;
use crate::status::{LEDGERAUTH_OK, LEDGERAUTH_SOURCE_UNAVAILABLE};
use auth_http::{Credential, Error, Key, Signer};
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;

/// What was given so far.
pub(crate) struct Given {
    pub(crate) material: Material,
    pub(crate) environment: Option<String>,
    pub(crate) scopes: Vec<String>,
}

/// What authenticates.
pub(crate) enum Material {
    Credential(Box<Credential>),
    Ring(Vec<Key>),
    Callback(ledgerauth_source_fn, Userdata),
}

/// Makes a credential of what an entry was given.
pub(crate) fn given(
    credential_out: *mut *mut ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
    material: impl FnOnce() -> Result<Material, Fault>,
) -> i32 {
    make(credential_out, "credential_out", error_out, || {
        let given = Given { material: material()?, environment: None, scopes: Vec::new() };
        Ok(ledgerauth_credential(Mutex::new(given)))
    })
}

impl ledgerauth_credential {
    /// What a client is built with. A callback is called now, and later through the client's gate.
    pub(crate) fn for_client(&self, gate: &Arc<Gate>) -> Result<Credential, Fault> {
        let mut given = self.0.lock();
        let credential = match &given.material {
            Material::Credential(credential) => (**credential).clone(),
            Material::Ring(keys) => Credential::keys(keys.iter().cloned()),
            Material::Callback(callback, userdata) => {
                let (callback, userdata, gate) = (*callback, *userdata, Arc::clone(gate));
                // The program may say something about this very credential while it is asked.
                MutexGuard::unlocked(&mut given, || Credential::from_callback(move || call_back(callback, userdata, &gate)))?
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

/// A key that signs.
#[cfg(feature = "http")]
pub(crate) fn signer(algorithm: &str, pem: &[u8], key_id: Option<&str>) -> Result<Arc<dyn Signer>, Fault> {
    use auth_http::{PrivateKey, SigningAlgorithm};
    let algorithm =
        SigningAlgorithm::named(algorithm).ok_or_else(|| misuse("algorithm is none that is known", "pass RS256, PS256, ES256 or EdDSA"))?;
    let key = PrivateKey::from_pem(algorithm, pem)?;
    Ok(Arc::new(match key_id {
        Some(name) => key.key_id(name),
        None => key,
    }))
}

/// The same in a build that cannot sign.
#[cfg(not(feature = "http"))]
pub(crate) fn signer(_: &str, _: &[u8], _: Option<&str>) -> Result<Arc<dyn Signer>, Fault> {
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
pub(crate) unsafe fn of_client(credential: *mut ledgerauth_credential, change: impl FnOnce(Credential) -> Credential) -> Result<(), Fault> {
    // SAFETY: the caller's promise.
    let mut given = unsafe { get(credential, "credential") }?.0.lock();
    let Material::Credential(client) = &given.material else {
        return Err(misuse("only a client's credential can hold a refresh token, an assertion or a login", "make it from a client id"));
    };
    given.material = Material::from(change((**client).clone()));
    Ok(())
}

/// The error of a client without a credential.
pub(crate) fn missing() -> Fault {
    at_the_boundary(LEDGERAUTH_SOURCE_UNAVAILABLE, "the client has no credential", "set credential in its options")
}

//! `Signer`: what signs an assertion, wherever its key is.

use crate::credential::Secret;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// `Signer` signs assertions with a key that may stand in this process, in a hardware module or behind a network.
///
/// The machine never calls it inside a session: [`crate::TokenRequest::sign`] does, and a shell calls that outside of its locks, so that it may take its time.
///
/// ```
/// use auth_core::Signer;
///
/// struct Module;
/// impl Signer for Module {
///     fn algorithm(&self) -> &str {
///         "ES256"
///     }
///     fn key_id(&self) -> Option<&str> {
///         Some("ledger-2026")
///     }
///     fn sign(&self, input: &[u8]) -> Result<Vec<u8>, String> {
///         Err(format!("the module is not plugged in, {} bytes were not signed", input.len()))
///     }
/// }
/// ```
pub trait Signer: Send + Sync {
    /// The algorithm's name in JWS (RFC 7518 section 3.1, RFC 8037), such as `RS256`, `PS256`, `ES256` or `EdDSA`.
    fn algorithm(&self) -> &str;

    /// The name under which the server knows the key (`kid`), if it goes by names.
    fn key_id(&self) -> Option<&str> {
        None
    }

    /// The signature of `input` in the form that JWS wants (for `ES256` the 64 bytes of RFC 7518 section 3.4, not DER).
    ///
    /// # Errors
    /// Why it could not be signed, in one clause without anything secret.
    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, String>;
}

/// One signer for several credentials.
impl<S: Signer + ?Sized> Signer for Arc<S> {
    fn algorithm(&self) -> &str {
        (**self).algorithm()
    }

    fn key_id(&self) -> Option<&str> {
        (**self).key_id()
    }

    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, String> {
        (**self).sign(input)
    }
}

/// HMAC with SHA-256 under a client's secret (RFC 7518 section 3.2): what `client_secret_jwt` signs with.
pub(crate) struct SharedSecret(pub(crate) Secret);

impl Signer for SharedSecret {
    fn algorithm(&self) -> &'static str {
        "HS256"
    }

    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose().as_bytes()).map_err(|error| error.to_string())?;
        mac.update(input);
        Ok(mac.finalize().into_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    /// RFC 4231 section 4.3, because the key of RFC 7515's own example is not text.
    #[test]
    fn the_shared_secret_signs_as_hmac_sha_256() {
        let signature = SharedSecret(Secret::new("Jefe")).sign(b"what do ya want for nothing?").unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(signature), "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM");
    }
}

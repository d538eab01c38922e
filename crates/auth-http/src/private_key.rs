//! `PrivateKey`: a signer whose key is in this process.

use crate::error::Error;
use crate::quoted;
use auth_core::Signer;
use auth_core::{Looks, Shown};
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::SigningKey;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// How long each half of an ES256 signature is (RFC 7518 section 3.4).
const ES256_HALF: usize = 32;

/// `SigningAlgorithm` is how a [`PrivateKey`] signs (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// RSA with PKCS #1 v1.5 and SHA-256.
    Rs256,
    /// RSA with PSS and SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl SigningAlgorithm {
    /// The name in JWS.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of that name in JWS; `None` if it is none of these.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa].into_iter().find(|algorithm| algorithm.name() == name)
    }

    fn scheme(self) -> SignatureScheme {
        match self {
            Self::Rs256 => SignatureScheme::RSA_PKCS1_SHA256,
            Self::Ps256 => SignatureScheme::RSA_PSS_SHA256,
            Self::Es256 => SignatureScheme::ECDSA_NISTP256_SHA256,
            Self::EdDsa => SignatureScheme::ED25519,
        }
    }
}

/// `PrivateKey` signs assertions with a key from a PEM file: `private_key_jwt` and the JWT bearer grant (RFC 7523).
///
/// A key that must not be in this process, because it is in a hardware module or a key service, is a [`Signer`] of the program's own. `Debug` shows the
/// algorithm and the key's id. It can be shared between threads.
#[derive(Clone)]
pub struct PrivateKey {
    key: Arc<dyn SigningKey>,
    algorithm: SigningAlgorithm,
    id: Option<String>,
}

impl PrivateKey {
    /// Reads a key from PEM: PKCS #8 (`PRIVATE KEY`), PKCS #1 (`RSA PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`); what else stands there is passed over.
    ///
    /// # Errors
    /// [`Error::Setting`] if there is no such key, it is encrypted, too short (RSA has at least 2048 bits), or does not sign with that algorithm.
    pub fn from_pem(algorithm: SigningAlgorithm, pem: &[u8]) -> Result<Self, Error> {
        let refuse = |reason: &str| Error::Setting { name: "private key", reason: reason.into() };
        let der = PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
            if pem.windows(9).any(|window| window == b"ENCRYPTED") {
                refuse("it is encrypted: decrypt it first (openssl pkey -in key.pem), or sign with a module that holds it")
            } else {
                refuse("there is no PEM private key in it: give it the block that begins with -----BEGIN PRIVATE KEY-----")
            }
        })?;
        let unfit = "the key cannot be used: take RSA of at least 2048 bits, ECDSA on P-256 or Ed25519";
        let key = any_supported_type(&der).map_err(|_| refuse(unfit))?;
        if key.choose_scheme(&[algorithm.scheme()]).is_none() {
            return Err(refuse(&format!(
                "a key of this kind does not sign with {}: name the algorithm that it was registered for",
                algorithm.name()
            )));
        }
        Ok(Self { key, algorithm, id: None })
    }

    /// Reads a key from a PEM file.
    ///
    /// # Errors
    /// As [`PrivateKey::from_pem`], and if the file cannot be read.
    pub fn from_file(algorithm: SigningAlgorithm, path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let pem = std::fs::read(path).map(Zeroizing::new);
        let missing = |error| Error::Source {
            source: format!("the file {}", quoted::path(path)),
            reason: format!("{error}: check the path, and that this user may read it"),
        };
        Self::from_pem(algorithm, &pem.map_err(missing)?)
    }

    /// The same key, by the name under which the server knows it (`kid`).
    #[must_use]
    pub fn key_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

impl Signer for PrivateKey {
    fn algorithm(&self) -> &str {
        self.algorithm.name()
    }

    fn key_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, String> {
        let signer = self.key.choose_scheme(&[self.algorithm.scheme()]).ok_or("the key does not sign with its algorithm")?;
        let signature = signer.sign(input).map_err(|error| error.to_string())?;
        if self.algorithm == SigningAlgorithm::Es256 {
            return halves(&signature).ok_or_else(|| "the signature is not the DER of two numbers".into());
        }
        Ok(signature)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, {:?}, [redacted])", self.algorithm.name(), self.id.as_deref().map(|id| Shown::new(id, Looks::Id)))
    }
}

/// The two numbers of an ECDSA signature in DER (RFC 3279 section 2.2.3), side by side as JWS wants them. On P-256 all lengths fit into one byte.
fn halves(der: &[u8]) -> Option<Vec<u8>> {
    let [0x30, length, numbers @ ..] = der else { return None };
    if usize::from(*length) != numbers.len() {
        return None;
    }
    let mut rest = numbers;
    let mut joined = Vec::with_capacity(2 * ES256_HALF);
    for _ in 0..2 {
        let [0x02, length, tail @ ..] = rest else { return None };
        let (number, tail) = tail.split_at_checked(usize::from(*length))?;
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        joined.resize(joined.len() + ES256_HALF.checked_sub(number.len())?, 0);
        joined.extend_from_slice(number);
        rest = tail;
    }
    rest.is_empty().then_some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ecdsa_signature_is_two_numbers_of_32_bytes() {
        let short = [0x30, 0x07, 0x02, 0x01, 0x05, 0x02, 0x02, 0x00, 0x80];
        let joined = halves(&short).unwrap();
        assert_eq!((joined.len(), joined[31], joined[63]), (64, 5, 0x80));
        let mut long = vec![0x30, 0x46];
        long.extend([&[0x02, 0x21, 0x00][..], &[0xff; 32], &[0x02, 0x21, 0x00], &[0xee; 32]].concat());
        assert_eq!(halves(&long).unwrap(), [[0xff; 32], [0xee; 32]].concat());
        for broken in [&short[..8], &[0x30, 0x00], &[], &[0x31, 0x00], &[0x30, 0x03, 0x02, 0x7f, 0x01]] {
            assert_eq!(halves(broken), None, "{broken:x?}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_with_a_remedy() {
        let refusal = |pem: &str| PrivateKey::from_pem(SigningAlgorithm::Es256, pem.as_bytes()).unwrap_err().to_string();
        assert!(refusal("").contains("-----BEGIN PRIVATE KEY-----"));
        assert!(refusal("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n").contains("decrypt it first"));
        assert!(refusal("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").contains("2048 bits"));
    }
}

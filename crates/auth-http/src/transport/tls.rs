//! Whom a client trusts, and who it says it is.

use super::ureq::setting;
use crate::error::Error;
use crate::language::{Language, Named};
use crate::quoted;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::CertifiedKey;
use std::path::{Path, PathBuf};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use zeroize::Zeroizing;

/// Whose certificates are trusted.
#[derive(Clone, Debug)]
pub(crate) enum Roots {
    /// Mozilla's list, as compiled in.
    Mozilla,
    /// The operating system's.
    Platform,
    /// These, and no others.
    Own(Vec<u8>),
}

/// Where the client's own certificate chain and key come from.
#[derive(Clone)]
pub(crate) enum Identity {
    /// PEM.
    Given(Vec<u8>, Zeroizing<Vec<u8>>),
    /// Files, which are read again when they change.
    Files(PathBuf, PathBuf),
}

/// A chain and its key as they are shown.
pub(super) type Pair = ClientCert;

impl Identity {
    /// Reads the pair, and whether its halves belong together.
    pub(super) fn read(&self, language: Language) -> Result<Pair, Error> {
        match self {
            Self::Given(chain, key) => pair(chain, key, language),
            Self::Files(chain, key) => {
                let chain = file(chain, language.name(Named::Certificate))?;
                let key = Zeroizing::new(file(key, language.name(Named::Key))?);
                pair(&chain, &key, language)
            }
        }
    }
}

fn file(path: &Path, name: &'static str) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|failed| setting(name, format!("{failed}: {}", quoted::path(path))))
}

fn pair(chain: &[u8], key: &[u8], language: Language) -> Result<Pair, Error> {
    let name = language.name(Named::Key);
    let certificates = certificates(language.name(Named::Certificate), chain)?;
    let no_key = || setting(name, "there is no PEM private key in it");
    let der = PrivateKeyDer::from_pem_slice(key).map_err(|_| no_key())?;
    let chain = certificates.iter().map(|certificate| certificate.der().to_vec().into()).collect();
    let unfit = |error: rustls::Error| match error {
        rustls::Error::InconsistentKeys(_) => setting(name, "it is not the key to the certificate: give the two that belong together"),
        _ => setting(name, "it cannot be used: take RSA, ECDSA on P-256 or P-384, or Ed25519"),
    };
    CertifiedKey::from_der(chain, der, &rustls::crypto::ring::default_provider()).map_err(unfit)?;
    let key = PrivateKey::from_pem(key).map_err(|_| no_key())?;
    Ok(ClientCert::new_with_certs(&certificates, key))
}

/// What TLS is set up with.
pub(super) fn config(roots: &Roots, identity: Option<&Pair>, language: Language) -> Result<TlsConfig, Error> {
    let roots = match roots {
        Roots::Mozilla => RootCerts::WebPki,
        Roots::Platform => RootCerts::PlatformVerifier,
        Roots::Own(pem) => RootCerts::new_with_certs(&certificates(language.name(Named::Ca), pem)?),
    };
    Ok(TlsConfig::builder().root_certs(roots).client_cert(identity.cloned()).build())
}

fn certificates(name: &'static str, pem: &[u8]) -> Result<Vec<Certificate<'static>>, Error> {
    let items = parse_pem(pem).collect::<Result<Vec<_>, _>>().map_err(|_| setting(name, "not PEM"))?;
    let certificates: Vec<_> =
        items.into_iter().filter_map(|item| if let PemItem::Certificate(certificate) = item { Some(certificate) } else { None }).collect();
    if certificates.is_empty() {
        Err(setting(name, "there is no certificate in it: give PEM that begins with BEGIN CERTIFICATE"))
    } else {
        Ok(certificates)
    }
}

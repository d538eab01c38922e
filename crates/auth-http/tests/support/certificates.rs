//! A certificate authority of one test, for a server on this machine and a client that shows who it is.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

pub struct Certificates {
    pub ca: String,
    pub server: (String, String),
    pub client: (String, String),
    /// Of another authority, with the same name.
    pub stranger: (String, String),
}

impl Certificates {
    pub fn make() -> Self {
        let (ca, other) = (authority(), authority());
        let client = "ledgerauth test client";
        Self { server: issue(&ca, "localhost"), client: issue(&ca, client), stranger: issue(&other, client), ca: ca.pem() }
    }
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = named("made up for one test");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn issue(authority: &Authority, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = named(name).signed_by(&key, authority).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

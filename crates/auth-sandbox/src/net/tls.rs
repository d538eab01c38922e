use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// The CA of one start, and what it signed.
pub(crate) struct Certificates {
    pub(crate) ca_pem: String,
    pub(crate) client_cert_pem: String,
    pub(crate) client_key_pem: String,
    pub(crate) server: Arc<ServerConfig>,
}

impl Certificates {
    /// Makes a CA, a server certificate for localhost, 127.0.0.1 and `::1`, and a client certificate.
    pub(crate) fn make(client_auth: bool) -> io::Result<Self> {
        let ca = make_ca().map_err(io::Error::other)?;
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let (server_cert, server_key) =
            issue(&ca, "localhost", names.to_vec(), ExtendedKeyUsagePurpose::ServerAuth).map_err(io::Error::other)?;
        let (client_cert, client_key) =
            issue(&ca, "auth-sandbox client", Vec::new(), ExtendedKeyUsagePurpose::ClientAuth).map_err(io::Error::other)?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().map_err(io::Error::other)?;
        let builder = if client_auth {
            let mut roots = RootCertStore::empty();
            roots.add(ca.der().clone()).map_err(io::Error::other)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().map_err(io::Error::other)?;
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
        let mut server = builder.with_single_cert(vec![server_cert.der().clone()], key).map_err(io::Error::other)?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            ca_pem: ca.pem(),
            client_cert_pem: client_cert.pem(),
            client_key_pem: client_key.serialize_pem(),
            server: Arc::new(server),
        })
    }
}

type Ca = CertifiedIssuer<'static, KeyPair>;

fn named(name: &str, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    params.use_authority_key_identifier_extension = true;
    // Yesterday, for clocks that are a little late, until the year after next.
    let yesterday = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24);
    let day = yesterday.to_zoned(jiff::tz::TimeZone::UTC).date();
    let parts = |years: i16| {
        let month = u8::try_from(day.month()).unwrap_or(1);
        // Day 28 at most, so that leap years do no harm.
        let day_of_month = u8::try_from(day.day().min(28)).unwrap_or(1);
        date_time_ymd(i32::from(day.year() + years), month, day_of_month)
    };
    params.not_before = parts(0);
    params.not_after = parts(2);
    Ok(params)
}

fn make_ca() -> Result<Ca, rcgen::Error> {
    let mut params = named("auth-sandbox CA (made up, this run only)", Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn issue(ca: &Ca, name: &str, names: Vec<String>, usage: ExtendedKeyUsagePurpose) -> Result<(rcgen::Certificate, KeyPair), rcgen::Error> {
    let mut params = named(name, names)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, ca)?;
    Ok((certificate, key))
}

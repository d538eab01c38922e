//! A client certificate whose files change while the client lives, at a server that asks for one.

use auth_http::{Audited, Client, ClientBuilder, Credential, Provider};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Authority = CertifiedIssuer<'static, KeyPair>;
type Shown = Arc<Mutex<Vec<Vec<u8>>>>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "made up for one test");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key.
struct Pair {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

fn pair(authority: &Authority, name: &str) -> Pair {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    Pair { certificate, key }
}

/// Keeps the certificates that clients show, one a connection.
fn server(authority: &Authority) -> (String, Shown) {
    let own = pair(authority, "127.0.0.1");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let versions = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let chain = vec![CertificateDer::from(own.certificate)];
    let key = PrivateKeyDer::try_from(own.key.serialize_der()).unwrap();
    let config = Arc::new(versions.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let shown = Shown::default();
    let seen = Arc::clone(&shown);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (config, seen) = (Arc::clone(&config), Arc::clone(&seen));
            std::thread::spawn(move || drop(serve(&config, stream.unwrap(), &seen)));
        }
    });
    (url, shown)
}

/// Answers on one connection as long as it is kept.
fn serve(config: &Arc<rustls::ServerConfig>, stream: TcpStream, seen: &Shown) -> std::io::Result<()> {
    let connection = rustls::ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    let mut tls = rustls::StreamOwned::new(connection, stream);
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            tls.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        seen.lock().unwrap().push(tls.conn.peer_certificates().unwrap()[0].to_vec());
        tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")?;
        tls.flush()?;
    }
}

fn finora(url: &str, authority: &Authority) -> ClientBuilder {
    let key = format!("test_sk_{}", "0a".repeat(24));
    let builder = Client::builder(Provider::builtin("finora").unwrap()).environment("staging").credential(Credential::key(key));
    builder.base_url(url).ca(authority.pem()).no_proxy()
}

/// Two files in a folder of a test's own.
fn files(name: &str) -> (PathBuf, PathBuf) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("identity-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    (folder.join("chain.pem"), folder.join("key.pem"))
}

/// Long enough for the client to look again.
fn a_while() {
    std::thread::sleep(Duration::from_millis(1_100));
}

#[test]
fn files_that_change_are_read_again_and_half_a_pair_keeps_the_old_one() {
    let authority = authority();
    let (url, shown) = server(&authority);
    let (old, new) = (pair(&authority, "old"), pair(&authority, "new"));
    let (chain, key) = files("changed");
    std::fs::write(&chain, old.certificate.pem()).unwrap();
    std::fs::write(&key, old.key.serialize_pem()).unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&events);
    let client = finora(&url, &authority)
        .identity_files(&chain, &key)
        .audit_blocks(true)
        .on_audit(move |event| kept.lock().unwrap().push((event.what, event.decision.clone())))
        .build()
        .unwrap();
    let of_files = || -> Vec<(Audited, String)> {
        let is_of_files = |event: &&(Audited, String)| matches!(event.0, Audited::IdentityReplaced | Audited::IdentityKept);
        events.lock().unwrap().iter().filter(is_of_files).cloned().collect()
    };
    let call = || {
        assert_eq!(client.get("/v1/invoices").send().unwrap().text().unwrap(), "[]");
        shown.lock().unwrap().last().unwrap().clone()
    };
    let (old_der, new_der) = (old.certificate.der().to_vec(), new.certificate.der().to_vec());
    assert_eq!(call(), old_der);
    a_while();
    assert!(call() == old_der && of_files().is_empty(), "nothing has changed");

    std::fs::write(&chain, new.certificate.pem()).unwrap();
    a_while();
    assert_eq!(call(), old_der, "the key to the new certificate is not there yet");
    a_while();
    assert_eq!(call(), old_der);
    let told = of_files();
    assert_eq!((told.len(), told[0].0), (1, Audited::IdentityKept), "told once: {told:?}");
    assert!(told[0].1.contains("not the key to the certificate"), "{told:?}");

    std::fs::write(&key, new.key.serialize_pem()).unwrap();
    a_while();
    assert_eq!(call(), new_der, "also over a connection that was kept");
    assert_eq!(of_files().last().unwrap().0, Audited::IdentityReplaced);

    std::fs::remove_file(&key).unwrap();
    a_while();
    assert_eq!(call(), new_der, "a file that is gone for a while changes nothing");
    assert_eq!(of_files().len(), 3);
    let named = chain.file_name().unwrap().to_str().unwrap();
    assert!(!of_files().iter().any(|(_, decision)| decision.contains("BEGIN")), "{named}");
}

#[test]
fn a_pair_that_cannot_be_used_is_refused_when_the_client_is_made() {
    let authority = authority();
    let (one, other) = (pair(&authority, "one"), pair(&authority, "other"));
    let refused = |builder: ClientBuilder| builder.build().unwrap_err().to_string();
    let given = |chain: &str, key: &str| refused(finora("https://127.0.0.1:1", &authority).identity(chain, key));
    assert!(given(&one.certificate.pem(), &other.key.serialize_pem()).contains("not the key to the certificate"));
    assert!(given("", &one.key.serialize_pem()).contains("identity cannot be used: there is no certificate in it"));
    assert!(given(&one.certificate.pem(), "").contains("there is no PEM private key in it"));
    let (chain, key) = files("missing");
    let missing = refused(finora("https://127.0.0.1:1", &authority).identity_files(chain, key));
    assert!(missing.contains("chain.pem"), "{missing}");
}

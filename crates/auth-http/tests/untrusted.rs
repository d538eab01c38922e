//! Servers that are not trusted: each is tried once, and the advice says what is wrong with its certificate.

use auth_http::{Client, ClientBuilder, Credential, FailureKind, Language, Provider};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server that gives an empty list to whoever trusts it.
struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
}

impl Server {
    fn start(authority: &Authority, host: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        change(&mut params);
        let chain = vec![CertificateDer::from(params.signed_by(&key, authority).unwrap())];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = Arc::new(versions.with_no_client_auth().with_single_cert(chain, key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                // Who does not trust it hangs up.
                let _ = answer(&config, stream.unwrap());
            }
        });
        Self { url, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn answer(config: &Arc<rustls::ServerConfig>, stream: TcpStream) -> std::io::Result<()> {
    let connection = rustls::ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    let mut tls = rustls::StreamOwned::new(connection, stream);
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        tls.read_exact(&mut byte)?;
        seen.push(byte[0]);
    }
    tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")?;
    tls.conn.send_close_notify();
    tls.flush()
}

fn finora(server: &Server, trusted: &Authority) -> ClientBuilder {
    let key = format!("test_sk_{}", "0a".repeat(24));
    let builder = Client::builder(Provider::builtin("finora").unwrap()).environment("staging").credential(Credential::key(key));
    builder.base_url(&server.url).ca(trusted.pem()).no_proxy()
}

#[test]
fn a_call_is_tried_once_and_the_advice_says_what_is_wrong() {
    let (ours, impostor, other) = (authority("ours"), authority("ours"), authority("other"));
    let right = |_: &mut CertificateParams| {};
    let server = Server::start(&ours, "127.0.0.1", right);
    assert_eq!(finora(&server, &ours).build().unwrap().get("/v1/invoices").send().unwrap().text().unwrap(), "[]");
    let servers = [
        (Server::start(&other, "127.0.0.1", right), "not trusted here"),
        (Server::start(&impostor, "127.0.0.1", right), "not from the authority that it names"),
        (Server::start(&ours, "elsewhere.example", right), "for another host"),
        (Server::start(&ours, "127.0.0.1", |params| params.not_after = date_time_ymd(2001, 1, 1)), "has expired"),
        (
            Server::start(&ours, "127.0.0.1", |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
            "a certificate authority's own certificate",
        ),
        (Server::start(&ours, "127.0.0.1", |params| params.not_before = date_time_ymd(2999, 1, 1)), "not valid yet"),
    ];
    for (server, words) in &servers {
        // The second client's connections are made by sockets of ours.
        for builder in [finora(server, &ours), finora(server, &ours).interrupt(|| false)] {
            let before = server.connections();
            let error = builder.build().unwrap().get("/v1/invoices").send().unwrap_err();
            assert_eq!((error.kind(), server.connections() - before), (Some(FailureKind::Untrusted), 1), "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}

#[test]
fn a_token_endpoint_is_tried_once_and_gets_no_refresh_token() {
    let (ours, other) = (authority("ours"), authority("other"));
    let server = Server::start(&other, "127.0.0.1", |_| {});
    let client = Client::builder(Provider::builtin("numeric").unwrap())
        .environment("production")
        .token_url(format!("{}/oauth/token", server.url))
        .credential(Credential::refresh_token("client-1", "made-up-secret-1", "made-up-refresh-1"))
        .ca(ours.pem())
        .no_proxy()
        .build()
        .unwrap();
    let error = client.get("/v1/health").send().unwrap_err();
    assert_eq!((error.kind(), server.connections()), (Some(FailureKind::Untrusted), 1), "{error}");
    assert!(error.to_string().contains("the token endpoint of numeric was not reached"), "{error}");
}

#[test]
fn advice_names_options_of_the_language_that_the_program_is_written_in() {
    let (ours, other) = (authority("ours"), authority("other"));
    let server = Server::start(&other, "127.0.0.1", |_| {});
    for (language, trusting, broken) in [
        (Language::Rust, "by ca, or use platform_roots", "ca cannot be used"),
        (Language::C, "by ca_pem, or use platform_roots", "ca_pem cannot be used"),
        (Language::Python, "by ca_file, or use trust=\"platform\"", "ca_file cannot be used"),
        (Language::CommandLine, "by --ca-file, or use --trust platform", "--ca-file cannot be used"),
    ] {
        let builder = || finora(&server, &ours).language(language);
        let error = builder().build().unwrap().get("/v1/invoices").send().unwrap_err();
        assert!(error.advice().unwrap().contains(trusting), "{error}");
        let error = builder().ca("").build().unwrap_err();
        assert!(error.to_string().starts_with(broken), "{error}");
    }
}

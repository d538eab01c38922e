//! A connection of a test's server, with TLS or without.

use crate::support::certificates::Certificates;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// A server's TLS, and the authority that a client has to trust.
#[derive(Clone)]
pub(crate) struct Tls {
    config: Arc<ServerConfig>,
    pub(crate) ca: String,
}

impl Tls {
    /// For `localhost`.
    pub(crate) fn make() -> Self {
        let made = Certificates::make();
        let (chain, key) = &made.server;
        let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>().expect("a chain");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
        let config = config.with_no_client_auth().with_single_cert(chain, key).expect("a configuration");
        Self { config: Arc::new(config), ca: made.ca }
    }
}

pub(crate) enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, tls: Option<&Tls>) -> Self {
        match tls {
            None => Self::Plain(stream),
            Some(tls) => {
                let connection = ServerConnection::new(Arc::clone(&tls.config)).expect("a connection");
                Self::Tls(Box::new(StreamOwned::new(connection, stream)))
            }
        }
    }

    pub(crate) fn socket(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => &mut stream.sock,
        }
    }

    /// The bytes that go over the socket for this text.
    pub(crate) fn bytes_of(&mut self, text: &str) -> Vec<u8> {
        match self {
            Self::Plain(_) => text.as_bytes().to_vec(),
            Self::Tls(stream) => {
                stream.conn.writer().write_all(text.as_bytes()).expect("room");
                let mut bytes = Vec::new();
                while stream.conn.wants_write() {
                    stream.conn.write_tls(&mut bytes).expect("room");
                }
                bytes
            }
        }
    }

    /// Says in the words of TLS that nothing follows.
    pub(crate) fn say_goodbye(&mut self) {
        if let Self::Tls(stream) = self {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

//! A real Redis server that takes TLS connections alone, keeps what it acknowledged, and can be stopped and started again.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The server, with certificates that are good for its address.
pub(crate) struct Redis {
    folder: super::TempFolder,
    address: String,
    port: u16,
    password: String,
    process: Option<Child>,
}

impl Redis {
    /// A server at this address; `None`, said aloud, where there is none to start.
    pub(crate) fn start(address: &str) -> Option<Self> {
        if crate::support::server::lacks("redis", "nothing was tested over Redis with TLS") {
            return None;
        }
        let folder = super::TempFolder::new(&format!("redis-{address}"));
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let names = CertificateParams::new(vec![address.to_owned(), "localhost".to_owned()]).expect("names");
        let certificate = names.signed_by(&key, &authority).expect("a certificate");
        for (name, text) in [("ca.pem", authority.pem()), ("cert.pem", certificate.pem()), ("key.pem", key.serialize_pem())] {
            std::fs::write(folder.0.join(name), text).expect("a file");
        }
        let port = TcpListener::bind((address, 0)).expect("a free port").local_addr().expect("a port").port();
        let password = format!("made-up-{:016x}", fastrand::u64(..));
        let mut redis = Self { folder, address: address.to_owned(), port, password, process: None };
        redis.start_again();
        Some(redis)
    }

    /// Starts it, if it does not run.
    pub(crate) fn start_again(&mut self) {
        if self.process.is_some() {
            return;
        }
        let file = |name: &str| self.folder.0.join(name).display().to_string();
        // The password goes through a file: a command line can be read by others.
        let settings = [
            format!("bind {}\nport 0\ntls-port {}\ntls-auth-clients no", self.address, self.port),
            format!("tls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}", file("cert.pem"), file("key.pem"), file("ca.pem")),
            format!("requirepass {}\ndir {}\nsave \"\"\nappendonly yes\nappendfsync always\n", self.password, self.folder.0.display()),
        ];
        std::fs::write(self.folder.0.join("redis.conf"), settings.join("\n")).expect("a file");
        let child = Command::new("redis-server").arg(self.folder.0.join("redis.conf")).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        self.process = Some(child.expect("redis-server starts"));
        let start = Instant::now();
        while TcpStream::connect((self.address.as_str(), self.port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "redis-server did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it at once.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// What a process of the fleet has to know of it.
    pub(crate) fn as_store(&self) -> Value {
        json!({"redis": format!("rediss://{}:{}", self.address, self.port), "password": self.password, "ca": self.ca()})
    }

    /// The authority of its certificate (PEM).
    pub(crate) fn ca(&self) -> String {
        self.read("ca.pem")
    }

    /// The same certificate for another server at that address.
    pub(crate) fn server_tls(&self) -> Value {
        json!({"cert": self.read("cert.pem"), "key": self.read("key.pem"), "client_ca": self.read("ca.pem")})
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.0.join(name)).expect("a file")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

//! A real Redis server on loopback ports of its own, with a password, TLS and a local socket; it ends with its value, or with this program.

use crate::places::{Folder, Place, SharedPlace, open_at, random_key};
use crate::support::server::{lacks, unused_port};
use auth_http::store::TokenStore;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustix::process::Signal;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Starts the server, waits for the end of its own input, and then ends the server: so no server outlives a test that was killed.
const GUARD: &str = r#"redis-server "$@" >"$LOG" 2>&1 & echo $!; cat >/dev/null; kill -9 $! 2>/dev/null; wait"#;

pub(crate) struct Server {
    pub(crate) folder: Folder,
    password: String,
    port: u16,
    tls_port: u16,
    extra: Vec<String>,
    guard: Option<(Child, i32)>,
}

/// Which way a store takes to the server.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Way {
    Tcp,
    Tls,
    Socket,
}

/// Stores at a server.
pub(crate) struct At<'a> {
    pub(crate) server: &'a Server,
    pub(crate) way: Way,
}

impl Server {
    /// A server with these extra settings; `None`, and a loud line, if the program is not installed.
    pub(crate) fn start(extra: &[&str]) -> Option<Self> {
        if lacks("redis", "RedisStore was not tested") {
            return None;
        }
        let folder = Folder::new();
        write_certificates(&folder);
        let extra = extra.iter().map(ToString::to_string).collect();
        let mut server = Self { folder, password: random_key(), port: unused_port(), tls_port: unused_port(), extra, guard: None };
        server.run();
        Some(server)
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Starts it, again if it was ended before.
    pub(crate) fn run(&mut self) {
        let (port, tls_port) = (self.port.to_string(), self.tls_port.to_string());
        let (socket, ca, certificate, key) = (self.file("s"), self.file("ca.pem"), self.file("server.pem"), self.file("server.key"));
        let settings = [
            ["--bind", "127.0.0.1"],
            ["--port", &port],
            ["--tls-port", &tls_port],
            ["--tls-ca-cert-file", &ca],
            ["--tls-cert-file", &certificate],
            ["--tls-key-file", &key],
            ["--tls-auth-clients", "no"],
            ["--unixsocket", &socket],
            ["--unixsocketperm", "700"],
            ["--requirepass", &self.password],
            ["--save", ""],
            ["--daemonize", "no"],
        ];
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .args(settings.concat())
            .args(&self.extra)
            .env("LOG", self.file("log"))
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(guard.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        self.guard = Some((guard, line.trim().parse().unwrap()));
        let start = Instant::now();
        while self.command(&["PING"]).trim() != "PONG" {
            assert!(start.elapsed() < Duration::from_secs(20), "{}", std::fs::read_to_string(self.file("log")).unwrap());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it as a power cut would.
    pub(crate) fn end(&mut self) {
        if let Some((mut guard, _)) = self.guard.take() {
            drop(guard.stdin.take());
            guard.wait().unwrap();
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let (_, pid) = self.guard.as_ref().unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(*pid).unwrap(), signal).unwrap();
    }

    /// What the server's own client says to a command.
    pub(crate) fn command(&self, command: &[&str]) -> String {
        let output = Command::new("redis-cli").args(["-s", &self.file("s")]).args(command).env("REDISCLI_AUTH", &self.password).output();
        String::from_utf8_lossy(&output.unwrap().stdout).into_owned()
    }

    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    /// Its address, with another password if one is given.
    pub(crate) fn url(&self, way: Way, password: Option<&str>) -> String {
        let password = password.unwrap_or(&self.password);
        match way {
            Way::Tcp => format!("redis://:{password}@127.0.0.1:{}/0", self.port),
            Way::Tls => format!("rediss://:{password}@localhost:{}/0", self.tls_port),
            Way::Socket => format!("redis+unix://{}?pass={password}", self.file("s")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

impl Place for At<'_> {
    fn open(&self) -> Arc<dyn TokenStore> {
        open_at(&self.address())
    }
}

impl SharedPlace for At<'_> {
    fn address(&self) -> String {
        let ca = if self.way == Way::Tls { format!("\n{}", self.server.ca().display()) } else { String::new() };
        format!("redis\n{}{ca}", self.server.url(self.way, None))
    }
}

/// An authority made for this one test, and what it signed.
fn write_certificates(folder: &Folder) {
    let authority = |name: &str| {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let (ca, stranger) = (authority("ledgerauth test"), authority("a stranger"));
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
    for (name, text) in
        [("ca.pem", ca.pem()), ("stranger.pem", stranger.pem()), ("server.pem", certificate.pem()), ("server.key", key.serialize_pem())]
    {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
}

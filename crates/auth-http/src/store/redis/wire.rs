//! Connections to a Redis server, and what their errors mean.

use crate::lock::Mutex;
use ::redis::{
    Client, Cmd, Connection, ConnectionAddr, ErrorKind, FromRedisValue, IntoConnectionInfo as _, Pipeline, RedisError, TlsCertificates,
    Value,
};
use auth_core::Secret;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::error::Error as _;
use std::net::IpAddr;
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// How many idle connections are kept: eight, because each is in use for a millisecond at a refresh only.
const IDLE: usize = 8;

/// What the URL of a server without TLS on another machine begins with, so that nobody names one by mistake.
const INSECURE: &str = "redis+insecure://";

/// Whether a host is this very machine by name or address.
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A server, and the connections to it that nobody uses at the moment.
pub(super) struct Wire {
    client: Client,
    place: String,
    connect_timeout: Duration,
    timeout: Duration,
    idle: Mutex<Vec<Connection>>,
}

impl Wire {
    pub(super) fn new(
        url: &Secret,
        password: Option<&Secret>,
        ca: Option<Vec<u8>>,
        connect_timeout: Duration,
        timeout: Duration,
    ) -> Result<Self, String> {
        let wrong = "its URL is not redis://host:port/database, rediss://… or redis+unix:///path: characters of a password such as / @ : % have to be percent-encoded";
        let (insecure, url) = match url.expose().strip_prefix(INSECURE) {
            Some(rest) => (true, Secret::new(format!("redis://{rest}"))),
            None => (false, url.clone()),
        };
        // The library's own message can quote the URL.
        let mut info = url.expose().into_connection_info().map_err(|_| wrong.to_owned())?;
        if let Some(password) = password {
            let settings = info.redis_settings().clone().set_password(password.expose());
            info = info.set_redis_settings(settings);
        }
        let place =
            match info.addr() {
                ConnectionAddr::Tcp(host, _) if !insecure && !is_this_machine(host) => return Err(
                    "its URL asks for no TLS, so password and tokens would travel in the clear: begin it with rediss://, or with redis+insecure:// if the network is yours alone"
                        .into(),
                ),
                ConnectionAddr::Tcp(host, port) => format!("redis at {host}:{port}"),
                ConnectionAddr::TcpTls { insecure: true, .. } => return Err(
                    "its URL asks for TLS without a check of the certificate: take #insecure away and give the server's authority with ca"
                        .into(),
                ),
                ConnectionAddr::TcpTls { host, port, .. } => format!("redis at {host}:{port} (TLS)"),
                ConnectionAddr::Unix(path) => format!("redis at {}", crate::quoted::path(path)),
                _ => return Err(wrong.into()),
            };
        let is_tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
        if is_tls && rustls::crypto::CryptoProvider::get_default().is_none() {
            // Where a program has several providers among its dependencies, rustls panics unless one was chosen. If somebody else was faster, theirs is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let client = match ca {
            Some(_) if !is_tls => {
                return Err("a certificate authority was given, but its URL does not ask for TLS: begin it with rediss://".into());
            }
            Some(pem) => {
                let not_pem =
                    || "the certificate authority is not PEM: give the file that begins with -----BEGIN CERTIFICATE-----".to_owned();
                // The library takes a text without certificates for an authority that signed nothing.
                if CertificateDer::pem_slice_iter(&pem).next().is_none_or(|first| first.is_err()) {
                    return Err(not_pem());
                }
                Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert: Some(pem) }).map_err(|_| not_pem())?
            }
            None => Client::open(info).map_err(|_| wrong.to_owned())?,
        };
        Ok(Self { client, place, connect_timeout, timeout, idle: Mutex::default() })
    }

    /// The way to the same server without the connections.
    pub(super) fn for_child(&self) -> Self {
        Self {
            client: self.client.clone(),
            place: self.place.clone(),
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
            idle: Mutex::default(),
        }
    }

    /// The server, as it is shown to a person.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn odd_answer(&self) -> String {
        format!("{}: something else than ledgerauth's keys stands there: give the store a prefix of its own", self.place)
    }

    /// Sends a command and takes its answer.
    pub(super) fn ask(&self, command: &Cmd) -> Result<Value, String> {
        self.with(|connection| command.query(connection))
    }

    /// Sends two commands at once and takes both answers.
    pub(super) fn ask_both(&self, first: &Cmd, second: &Cmd) -> Result<(Value, Value), String> {
        let mut both = Pipeline::with_capacity(2);
        both.add_command(first.clone()).add_command(second.clone());
        self.with(|connection| both.query(connection))
    }

    /// Asks over a kept connection, or a new one. One that was kept may have ended since; then everything is sent once more, which does no harm: each of our commands
    /// does the same when it is done twice.
    fn with<T: FromRedisValue>(&self, mut ask: impl FnMut(&mut Connection) -> Result<T, RedisError>) -> Result<T, String> {
        let kept = self.idle.lock().pop();
        if let Some(mut connection) = kept {
            match ask(&mut connection) {
                Err(error) if error.is_io_error() && !error.is_timeout() => self.idle.lock().clear(),
                result => return self.keep(connection, result),
            }
        }
        let mut connection = self.connect()?;
        let result = ask(&mut connection);
        self.keep(connection, result)
    }

    /// A new connection, within the time for all of it: address, TCP, TLS, password, and what the library says of itself. The library counts each reply by
    /// itself, so all of it is done on a thread that is left behind when it takes too long.
    fn connect(&self) -> Result<Connection, String> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let (client, connect_timeout, timeout) = (self.client.clone(), self.connect_timeout, self.timeout);
        let connect = move || {
            let connection = client.get_connection_with_timeout(connect_timeout).and_then(|connection| {
                connection.set_read_timeout(Some(timeout))?;
                connection.set_write_timeout(Some(timeout))?;
                Ok(connection)
            });
            // Nobody listens any more if it took too long.
            drop(sender.send(connection));
        };
        crate::beside::spawn_or_here("ledgerauth-redis", connect);
        match receiver.recv_timeout(connect_timeout) {
            Ok(connection) => connection.map_err(|error| self.words(&error)),
            Err(_) => Err(format!("{} {}", self.place, late(connect_timeout))),
        }
    }

    /// Keeps a connection that can be used again: not one whose answer may still be on its way.
    fn keep<T>(&self, connection: Connection, result: Result<T, RedisError>) -> Result<T, String> {
        if !result.as_ref().is_err_and(RedisError::is_io_error) {
            let mut idle = self.idle.lock();
            if idle.len() < IDLE {
                idle.push(connection);
            }
        }
        result.map_err(|error| self.words(&error))
    }

    /// What an error means and what to do about it. The library's own message can hold what the server said of a command, and with it a record.
    fn words(&self, error: &RedisError) -> String {
        let reason = match (error.kind(), error.code().unwrap_or_default()) {
            (_, "NOAUTH") => "asks for a password: put it into the URL or give it with password".into(),
            (ErrorKind::AuthenticationFailed, _) | (_, "WRONGPASS") => "refuses user or password: check both".into(),
            (_, "NOPERM") => {
                "does not allow the user what the store needs: allow EVAL, GET, SET, HMGET, HSET, DEL, PEXPIRE, PTTL and WAIT on its keys"
                    .into()
            }
            (_, "READONLY") => "is a read-only replica: name the primary".into(),
            (_, "NOREPLICAS") => "has too few replicas to write (min-replicas-to-write): bring them back".into(),
            (_, "OOM") => "is out of memory: raise maxmemory".into(),
            (_, "MISCONF") => "cannot write to its disk and therefore takes no writes: look at its log".into(),
            (_, "LOADING") => "is still loading its data: wait until it has".into(),
            (_, "MOVED" | "CLUSTERDOWN" | "CROSSSLOT") => "is a cluster, which the store does not follow: name a single server".into(),
            (_, "MASTERDOWN") => "is a replica without its primary: name the primary".into(),
            (_, "WRONGTYPE") => "has something else than ledgerauth's keys there: give the store a prefix of its own".into(),
            (ErrorKind::Io, _) => self.io_words(error),
            (kind, code) => format!("gave an error ({kind:?} {code}): look at its log"),
        };
        format!("{} {reason}", self.place)
    }

    fn io_words(&self, error: &RedisError) -> String {
        if error.is_timeout() {
            return late(self.timeout.max(self.connect_timeout));
        }
        if error.is_connection_refusal() {
            return "is not there: start it, or check its address".into();
        }
        // The library keeps its cause in an `Arc`, which is an error itself.
        let cause = error.source().and_then(|cause| cause.downcast_ref::<Arc<dyn std::error::Error + Send + Sync>>());
        let Some(error) = cause.and_then(|cause| cause.downcast_ref::<std::io::Error>()) else {
            return "cannot be reached: look whether it runs, and check host, port and TLS".into();
        };
        match error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>()) {
            Some(tls) => {
                format!("could not be trusted ({tls}): give its certificate authority with ca, and the name that its certificate is for")
            }
            None => format!("cannot be reached ({}): look whether it runs, and check host, port and TLS", error.kind()),
        }
    }
}

fn late(span: Duration) -> String {
    format!("did not answer within {} ms: look whether it runs and is not overloaded", span.as_millis())
}

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Weak};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;

use crate::net::Listening;
use crate::stop::Stop;

/// How a [`Proxy`] is started.
#[derive(Debug, Clone, Default)]
pub struct ProxyOptions {
    /// User and password that clients must send with Basic; `None` admits everybody.
    pub user: Option<(String, String)>,
}

/// A small forward proxy on loopback: CONNECT, and `GET http://...` in absolute form.
///
/// It goes wherever it is told to and is meant for tests on one machine. Dropping it closes its tunnels and joins its
/// threads. Source: RFC 9110 section 9.3.6 (CONNECT) and section 11.7 (proxy authentication).
pub struct Proxy {
    listening: Listening,
    within: Arc<Within>,
}

struct Within {
    expected: Option<String>,
    seen: Mutex<Seen>,
    stop: Arc<Stop>,
}

#[derive(Default)]
struct Seen {
    targets: Vec<String>,
    refused: usize,
    upstream: Vec<Weak<TcpStream>>,
}

impl Proxy {
    /// Starts it on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(options: ProxyOptions) -> io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let within = Arc::new(Within {
            expected: options.user.map(|(user, password)| STANDARD.encode(format!("{user}:{password}"))),
            seen: Mutex::default(),
            stop: Arc::clone(&stop),
        });
        let serving = Arc::clone(&within);
        let listening = Listening::start(
            0,
            "proxy",
            &stop,
            Arc::new(move |client: Arc<TcpStream>| {
                // A tunnel that breaks is the client's to notice.
                drop(serving.serve(&client));
            }),
        )?;
        Ok(Self { listening, within })
    }

    /// The proxy's address, such as `http://127.0.0.1:40200`, without credentials.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.listening.port())
    }

    /// The targets (`host:port`) of the connections it made, oldest first.
    pub fn connections(&self) -> Vec<String> {
        self.within.seen.lock().targets.clone()
    }

    /// How many requests were refused with 407.
    pub fn refused(&self) -> usize {
        self.within.seen.lock().refused
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.within.stop.stop();
        for upstream in self.within.seen.lock().upstream.drain(..) {
            if let Some(upstream) = upstream.upgrade() {
                drop(upstream.shutdown(Shutdown::Both));
            }
        }
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("url", &self.url()).finish()
    }
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

fn refuse(mut client: &TcpStream, status: &str, extra: &str) -> io::Result<()> {
    let answer = format!("HTTP/1.1 {status}\r\n{extra}Content-Length: 0\r\nConnection: close\r\n\r\n");
    client.write_all(answer.as_bytes())?;
    client.shutdown(Shutdown::Write)
}

/// A request head, and what was read behind it.
struct Head {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    rest: Vec<u8>,
}

fn read_head(mut client: &TcpStream) -> io::Result<Head> {
    let mut bytes = Vec::with_capacity(1024);
    let mut scratch = [0; 4096];
    loop {
        let count = client.read(&mut scratch)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&scratch[..count]);
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut fields);
        match parsed.parse(&bytes).map_err(io::Error::other)? {
            httparse::Status::Complete(end) => {
                return Ok(Head {
                    method: parsed.method.unwrap_or("").to_owned(),
                    target: parsed.path.unwrap_or("").to_owned(),
                    headers: parsed.headers.iter().map(|field| (field.name.to_owned(), field.value.to_vec())).collect(),
                    rest: bytes[end..].to_vec(),
                });
            }
            httparse::Status::Partial if bytes.len() > 64 * 1024 => {
                return Err(invalid("header section over 64 KiB"));
            }
            httparse::Status::Partial => {}
        }
    }
}

impl Within {
    fn serve(&self, client: &Arc<TcpStream>) -> io::Result<()> {
        let Ok(head) = read_head(client) else {
            return refuse(client, "400 Bad Request", "");
        };
        if !self.admits(&head) {
            self.seen.lock().refused += 1;
            let challenge = "Proxy-Authenticate: Basic realm=\"auth-sandbox\"\r\n";
            return refuse(client, "407 Proxy Authentication Required", challenge);
        }
        if head.method == "CONNECT" {
            let Ok(upstream) = self.connect(&head.target) else {
                return refuse(client, "502 Bad Gateway", "");
            };
            (&**client).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
            (&*upstream).write_all(&head.rest)?;
            return tunnel(client, &upstream);
        }
        let Some(rest) = head.target.strip_prefix("http://") else {
            return refuse(client, "400 Bad Request", "");
        };
        let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        let with_port = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
        let Ok(upstream) = self.connect(&with_port) else {
            return refuse(client, "502 Bad Gateway", "");
        };
        (&*upstream).write_all(&forwarded(&head, path))?;
        tunnel(client, &upstream)
    }

    fn admits(&self, head: &Head) -> bool {
        let Some(expected) = &self.expected else {
            return true;
        };
        head.headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("proxy-authorization")
                && std::str::from_utf8(value).is_ok_and(|value| {
                    value.split_once(' ').is_some_and(|(scheme, given)| scheme.eq_ignore_ascii_case("basic") && given.trim() == expected)
                })
        })
    }

    fn connect(&self, target: &str) -> io::Result<Arc<TcpStream>> {
        let upstream = Arc::new(TcpStream::connect(target)?);
        upstream.set_nodelay(true)?;
        let mut seen = self.seen.lock();
        seen.targets.push(target.to_owned());
        seen.upstream.retain(|old| old.strong_count() > 0);
        seen.upstream.push(Arc::downgrade(&upstream));
        if self.stop.is_stopped() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(upstream)
    }
}

/// The request in origin form, without what was meant for the proxy, and for one exchange only.
fn forwarded(head: &Head, path: &str) -> Vec<u8> {
    let mut bytes = format!("{} {path} HTTP/1.1\r\n", head.method).into_bytes();
    for (name, value) in &head.headers {
        let lower = name.to_ascii_lowercase();
        if lower.starts_with("proxy-") || lower == "connection" {
            continue;
        }
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"Connection: close\r\n\r\n");
    bytes.extend_from_slice(&head.rest);
    bytes
}

/// Copies both ways until either side ends.
fn tunnel(client: &Arc<TcpStream>, upstream: &Arc<TcpStream>) -> io::Result<()> {
    let (from, to) = (Arc::clone(client), Arc::clone(upstream));
    let up = thread::Builder::new().spawn(move || copy(&from, &to))?;
    copy(upstream, client);
    drop(up.join());
    Ok(())
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    // An error ends the tunnel just as an orderly end does.
    drop(io::copy(&mut from, &mut to));
    drop(to.shutdown(Shutdown::Both));
    drop(from.shutdown(Shutdown::Both));
}

//! A token endpoint with single-use refresh tokens and the API that takes its access tokens, at one
//! port of this machine. It keeps connections open, and does with each request as a test says.

use crate::wire::{Tls, Wire};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// One request.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: String,
    /// How many came before it over the same connection.
    pub(crate) before: usize,
}

/// What is done about a request.
pub(crate) enum Reply {
    /// A 200 with this body.
    Json(String),
    /// The connection is reset, and nothing is said.
    Reset,
    /// The connection is closed in order, and nothing is said.
    Close,
    /// A 200 with this body, sent as these manners say.
    Staged(String, Manners),
}

/// How an answer is sent.
#[derive(Clone)]
pub(crate) struct Manners {
    /// Whether half of its bytes are sent first; under TLS it ends within a record.
    pub(crate) half_first: bool,
    /// What is done before the rest.
    pub(crate) before_the_rest: Arc<dyn Fn() + Send + Sync>,
    pub(crate) end: End,
}

/// What becomes of the connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Stays,
    /// Closed in order, under TLS with its own word for it.
    Closed,
    /// Closed without a word of TLS.
    CutOff,
    Reset,
}

type Answers = dyn Fn(&Request) -> Reply + Send + Sync;

pub(crate) struct Endpoint {
    pub(crate) port: u16,
    tls: Option<Tls>,
    connections: Arc<AtomicUsize>,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Endpoint {
    /// A server that answers so many requests over each connection with an empty list. Of the next one
    /// it reads a part, notes it as `cut` and resets the connection.
    pub(crate) fn cutting(tls: Option<Tls>, after: usize) -> Self {
        Self::listening(tls, Some(after), |_| Reply::Json("[]".into()))
    }

    /// A server that answers like this, over TLS if some is given.
    pub(crate) fn over(tls: Option<Tls>, answers: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::listening(tls, None, answers)
    }

    fn listening(tls: Option<Tls>, cut_after: Option<usize>, answers: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (connections, sent) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<_>>::default());
        let answers: Arc<Answers> = Arc::new(answers);
        let (count, noted, secured) = (Arc::clone(&connections), Arc::clone(&sent), tls.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let (answers, noted, tls) = (Arc::clone(&answers), Arc::clone(&noted), secured.clone());
                thread::spawn(move || serve(Wire::new(stream, tls.as_ref()), cut_after, &*answers, &noted));
            }
        });
        Self { port, tls, connections, sent }
    }

    /// Scheme, host and port.
    pub(crate) fn root(&self) -> String {
        let origin = if self.tls.is_some() { "https://localhost" } else { "http://127.0.0.1" };
        format!("{origin}:{}", self.port)
    }

    /// The authority that a client has to trust.
    pub(crate) fn ca(&self) -> Option<&str> {
        self.tls.as_ref().map(|tls| tls.ca.as_str())
    }

    /// A server whose refresh tokens are `refresh-1`, `refresh-2` and so on. `before` is called
    /// with each token request, before it is answered.
    pub(crate) fn rotating(before: impl Fn() + Send + Sync + 'static) -> Self {
        let manners = Manners { half_first: false, before_the_rest: Arc::new(before), end: End::Stays };
        Self::rotating_over(None, manners)
    }

    /// The same, which grants tokens with these manners.
    pub(crate) fn rotating_over(tls: Option<Tls>, manners: Manners) -> Self {
        let granted = AtomicUsize::new(0);
        Self::over(tls, move |request| {
            if request.path != "/oauth/token" {
                return Reply::Json("{}".into());
            }
            let number = granted.fetch_add(1, Ordering::SeqCst) + 1;
            let live = format!("refresh_token=refresh-{number}");
            assert!(request.body.split('&').any(|pair| pair == live), "not the live refresh token");
            let body = format!(r#"{{"access_token":"access-{number}","expires_in":3600,"refresh_token":"refresh-{}"}}"#, number + 1);
            Reply::Staged(body, manners.clone())
        })
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many requests to that path came.
    pub(crate) fn requests(&self, path: &str) -> usize {
        self.sent.lock().expect("no panic").iter().filter(|sent| *sent == path).count()
    }
}

fn serve(mut wire: Wire, cut_after: Option<usize>, answers: &Answers, noted: &Mutex<Vec<String>>) {
    for before in 0.. {
        if cut_after == Some(before) {
            if wire.read_exact(&mut [0; 20]).is_ok() {
                noted.lock().expect("no panic").push("cut".into());
            }
            return reset(&mut wire);
        }
        let Some(request) = read(&mut wire, before) else { return };
        noted.lock().expect("no panic").push(request.path.clone());
        let (body, manners) = match answers(&request) {
            Reply::Json(body) => (body, None),
            Reply::Staged(body, manners) => (body, Some(manners)),
            Reply::Reset => return reset(&mut wire),
            Reply::Close => return,
        };
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:";
        let bytes = wire.bytes_of(&format!("{head} {}\r\n\r\n{body}", body.len()));
        let is_half_first = manners.as_ref().is_some_and(|manners| manners.half_first);
        let (first, rest) = bytes.split_at(if is_half_first { bytes.len() / 2 } else { 0 });
        let mut sent = wire.socket().write_all(first);
        if let Some(manners) = &manners {
            (manners.before_the_rest)();
        }
        sent = sent.and_then(|()| wire.socket().write_all(rest));
        match manners.map_or(End::Stays, |manners| manners.end) {
            _ if sent.is_err() => return,
            End::Stays => {}
            End::Closed => return wire.say_goodbye(),
            End::CutOff => return,
            End::Reset => {
                // The answer is there first.
                thread::sleep(Duration::from_millis(50));
                return reset(&mut wire);
            }
        }
    }
}

fn reset(wire: &mut Wire) {
    let at_once = Some(Duration::ZERO);
    rustix::net::sockopt::set_socket_linger(wire.socket(), at_once).expect("an option of sockets");
}

/// The next request, if there is one.
fn read(stream: &mut Wire, before: usize) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some(Request { method, path, body: String::from_utf8_lossy(&body).into_owned(), before })
}

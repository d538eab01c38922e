//! A token endpoint with single-use refresh tokens and the API that takes its access tokens, at one
//! port of this machine. It keeps connections open, and does with each request as a test says.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

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
}

type Answers = dyn Fn(&Request) -> Reply + Send + Sync;

pub(crate) struct Endpoint {
    pub(crate) port: u16,
    connections: Arc<AtomicUsize>,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Endpoint {
    /// A server that answers like this.
    pub(crate) fn start(answers: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (connections, sent) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<_>>::default());
        let answers: Arc<Answers> = Arc::new(answers);
        let (count, noted) = (Arc::clone(&connections), Arc::clone(&sent));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let (answers, noted) = (Arc::clone(&answers), Arc::clone(&noted));
                thread::spawn(move || serve(stream, &*answers, &noted));
            }
        });
        Self { port, connections, sent }
    }

    /// A server whose refresh tokens are `refresh-1`, `refresh-2` and so on. `before` is called
    /// with each token request, before it is answered.
    pub(crate) fn rotating(before: impl Fn() + Send + Sync + 'static) -> Self {
        let granted = AtomicUsize::new(0);
        Self::start(move |request| {
            if request.path != "/oauth/token" {
                return Reply::Json("{}".into());
            }
            before();
            let number = granted.fetch_add(1, Ordering::SeqCst) + 1;
            let live = format!("refresh_token=refresh-{number}");
            assert!(request.body.split('&').any(|pair| pair == live), "not the live refresh token");
            Reply::Json(format!(r#"{{"access_token":"access-{number}","expires_in":3600,"refresh_token":"refresh-{}"}}"#, number + 1))
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

fn serve(mut stream: TcpStream, answers: &Answers, noted: &Mutex<Vec<String>>) {
    for before in 0.. {
        let Some(request) = read(&mut stream, before) else { return };
        noted.lock().expect("no panic").push(request.path.clone());
        match answers(&request) {
            Reply::Json(body) => {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:";
                if write!(stream, "{head} {}\r\n\r\n{body}", body.len()).is_err() {
                    return;
                }
            }
            Reply::Reset => {
                rustix::net::sockopt::set_socket_linger(&stream, Some(std::time::Duration::ZERO)).expect("an option of sockets");
                return;
            }
            Reply::Close => return,
        }
    }
}

/// The next request, if there is one.
fn read(stream: &mut TcpStream, before: usize) -> Option<Request> {
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

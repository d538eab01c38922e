//! A deadline is one clock: over connecting, sending, waiting, and reading a body into memory.

use auth_http::{Client, ClientBuilder, Credential, FailureKind, Provider};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

const MILLIS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A server that answers each request in one way.
struct Server {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    fn new(answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (requests, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(answer));
        let counted = Arc::clone(&requests);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (counted, answer) = (Arc::clone(&counted), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let (mut head, mut byte) = (Vec::new(), [0]);
                    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
                        head.push(byte[0]);
                    }
                    counted.fetch_add(1, Ordering::Relaxed);
                    // A client that has gone is no fault of the server's.
                    drop(answer(&mut stream));
                });
            }
        });
        Self { url, requests }
    }

    /// Two clients of it: with ureq's sockets, and with those that can be interrupted.
    fn clients(&self, set: impl Fn(ClientBuilder) -> ClientBuilder) -> [Client; 2] {
        let builder = || {
            let builder = Client::builder(Provider::builtin("finora").unwrap()).base_url(&self.url).insecure_loopback(true).no_proxy();
            set(builder.environment("staging").credential(Credential::key(format!("test_sk_{}", "0a".repeat(24)))))
        };
        [builder().build().unwrap(), builder().interrupt(|| false).build().unwrap()]
    }

    fn requests(&self) -> usize {
        self.requests.swap(0, Ordering::Relaxed)
    }
}

/// Sends the head of an answer.
fn head(stream: &mut TcpStream, status: &str, fields: &str) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\n{fields}Connection: close\r\n\r\n")
}

/// What `call` gave, and how long it took.
fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (call(), start.elapsed())
}

#[test]
fn an_answer_within_the_deadline_is_taken_however_late() {
    let server = Server::new(|stream| {
        sleep(2_400 * MILLIS);
        head(stream, "200 OK", "Content-Length: 2\r\n")?;
        stream.write_all(b"[]")
    });
    for client in server.clients(|builder| builder) {
        let answer = client.get("/x").deadline(4 * SECOND).send().unwrap().bytes().unwrap();
        assert_eq!((answer.as_slice(), server.requests()), (&b"[]"[..], 1));
        let (error, took) = timed(|| client.get("/x").deadline(SECOND).send().unwrap_err());
        assert!(took < 1_300 * MILLIS, "{took:?} {error}");
        server.requests();
    }
    // One attempt is still bounded by the time-out.
    for client in server.clients(|builder| builder.timeout(500 * MILLIS).max_attempts(1)) {
        let (error, took) = timed(|| client.get("/x").deadline(20 * SECOND).send().unwrap_err());
        assert!(took < 900 * MILLIS, "{took:?} {error}");
    }
}

#[test]
fn a_body_that_drips_or_never_ends_is_cut_by_the_deadline_unless_it_is_streamed() {
    for drips in [true, false] {
        let server = Server::new(move |stream| {
            head(stream, "200 OK", "Content-Length: 20\r\n")?;
            for _ in 0..20 {
                stream.write_all(b"x")?;
                sleep(if drips { 100 * MILLIS } else { 30 * SECOND });
            }
            Ok(())
        });
        for client in server.clients(|builder| builder.timeout(10 * SECOND)) {
            let (error, took) = timed(|| client.get("/x").deadline(SECOND).send().unwrap().bytes().unwrap_err());
            assert_eq!(error.kind(), Some(FailureKind::DeadlineExceeded), "{error}");
            assert_eq!(error.failure().and_then(auth_http::core::Failure::status), Some(200), "{error}");
            assert!((900 * MILLIS..1_400 * MILLIS).contains(&took), "{took:?}");
            if drips {
                let mut whole = Vec::new();
                client.get("/x").deadline(SECOND).send().unwrap().into_reader().read_to_end(&mut whole).unwrap();
                assert_eq!(whole.len(), 20, "the program reads it, for as long as it flows");
            }
        }
        for client in server.clients(|builder| builder.timeout(500 * MILLIS)) {
            let mut reader = client.get("/x").send().unwrap().into_reader();
            let (read, took) = timed(|| reader.read_to_end(&mut Vec::new()));
            assert_eq!(read.is_ok(), drips, "a pause of more than the time-out ends it");
            assert!(drips || took < 900 * MILLIS, "{took:?}");
        }
    }
}

#[test]
fn an_error_whose_body_stalls_or_breaks_off_keeps_its_verdict() {
    for (status, kind, stalls) in [
        ("403 Forbidden", FailureKind::PermissionDenied, true),
        ("403 Forbidden", FailureKind::PermissionDenied, false),
        ("429 Too Many Requests", FailureKind::RateLimited, true),
        ("429 Too Many Requests", FailureKind::RateLimited, false),
    ] {
        let server = Server::new(move |stream| {
            head(stream, status, "Retry-After: 3000\r\nContent-Length: 1000\r\n")?;
            stream.write_all(b"{\"message\":")?;
            sleep(if stalls { 30 * SECOND } else { Duration::ZERO });
            Ok(())
        });
        for client in server.clients(|builder| builder) {
            let (response, took) = timed(|| client.get("/x").deadline(20 * SECOND).send().unwrap());
            assert!(took < 1_500 * MILLIS, "{took:?}");
            let failure = response.failure().unwrap();
            assert_eq!((failure.kind(), failure.status()), (kind, Some(status[..3].parse().unwrap())), "{failure}");
            assert_eq!(failure.come_back_at().is_some(), kind == FailureKind::RateLimited, "{failure}");
            let (body, took) = timed(|| response.bytes().unwrap());
            assert_eq!(body, b"{\"message\":");
            assert!(took < 5_500 * MILLIS, "{took:?}");
        }
    }
}

/// So many zeros, packed.
fn packed(zeros: usize) -> Vec<u8> {
    let mut gzip = Command::new("gzip").arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = gzip.stdin.take().unwrap();
    std::thread::spawn(move || stdin.write_all(&vec![0; zeros]).unwrap());
    gzip.wait_with_output().unwrap().stdout
}

#[test]
fn a_body_in_memory_has_a_limit_counted_unpacked_and_a_streamed_one_none() {
    const MIB: usize = 1_024 * 1_024;
    let bomb = packed(8 * MIB);
    assert!(bomb.len() < MIB / 16);
    for packs in [true, false] {
        let body = if packs { bomb.clone() } else { vec![0; 8 * MIB] };
        let fields = format!("Content-Length: {}\r\n{}", body.len(), if packs { "Content-Encoding: gzip\r\n" } else { "" });
        for status in ["200 OK", "500 Internal Server Error"] {
            let (body, fields) = (body.clone(), fields.clone());
            let server = Server::new(move |stream| {
                head(stream, status, &fields)?;
                stream.write_all(&body)
            });
            let limited = |builder: ClientBuilder| builder.max_body(MIB as u64).max_attempts(1);
            for (small, large) in server.clients(limited).into_iter().zip(server.clients(|builder| builder.max_attempts(1))) {
                match small.get("/x").send().unwrap().bytes() {
                    Err(error) if error.kind() == Some(FailureKind::Body) => {
                        assert!(status.starts_with('2'), "{error}");
                        assert!(error.to_string().contains("longer than max_body, 1048576 bytes"), "{error}");
                    }
                    Ok(cut) => assert!(status.starts_with('5') && cut.len() == MIB, "{status}: {}", cut.len()),
                    Err(other) => panic!("{other}"),
                }
                let mut reader = small.get("/x").send().unwrap().into_reader();
                assert_eq!(std::io::copy(&mut reader, &mut std::io::sink()).unwrap(), 8 * MIB as u64, "streamed");
                assert_eq!(large.get("/x").send().unwrap().bytes().unwrap().len(), 8 * MIB);
            }
        }
    }
}

//! Programs that bring their own transport, clock or event loop.

mod support;

use auth_http::core::{Outcome, Response, Step, Transport as Lost, Unanswered};
use auth_http::{Body, Client, ClientBuilder, Clock, Credential, Drive, FailureKind, Payload, Provider, Times, Transport, UnixTime, http};
use auth_sandbox::{Fault, FaultKind, Options, Sandbox, Service};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::{Duration, Instant};
use support::{requests, token_requests};

/// The least HTTP client there is: one request a connection, read to its end.
struct Plain;

impl Transport for Plain {
    fn send(&self, request: http::Request<Payload<'_>>, _: Times) -> Result<http::Response<Body>, Lost> {
        let mut text = Vec::new();
        let path = request.uri().path_and_query().unwrap();
        write!(text, "{} {path} HTTP/1.1\r\nConnection: close\r\nHost: {}\r\n", request.method(), request.uri().authority().unwrap())
            .unwrap();
        for (name, value) in request.headers() {
            write!(text, "{name}: {}\r\n", value.to_str().unwrap()).unwrap();
        }
        let host = request.uri().authority().unwrap().to_string();
        let body = match request.into_body() {
            Payload::None => Vec::new(),
            Payload::Bytes(bytes) => bytes.to_vec(),
            Payload::Stream(reader) => {
                let mut bytes = Vec::new();
                reader.read_to_end(&mut bytes).unwrap();
                bytes
            }
        };
        write!(text, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
        let lost = |how: Unanswered| move |error: std::io::Error| Lost { how, what: error.to_string(), advice: String::new() };
        let mut stream = TcpStream::connect(host).map_err(lost(Unanswered::NotSent))?;
        stream.write_all(&text).and_then(|()| stream.write_all(&body)).map_err(lost(Unanswered::Lost))?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map_err(lost(Unanswered::Lost))?;
        parse(&answer).ok_or_else(|| Lost { how: Unanswered::Lost, what: "cut off".into(), advice: String::new() })
    }
}

fn parse(answer: &[u8]) -> Option<http::Response<Body>> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let mut lines = std::str::from_utf8(&answer[..end]).ok()?.split("\r\n");
    let mut response = http::Response::builder().status(lines.next()?.split(' ').nth(1)?);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        response = response.header(name, value);
    }
    response.body(Body::from_reader(std::io::Cursor::new(answer[end + 4..].to_vec()))).ok()
}

/// A clock that stands still until somebody sleeps.
struct Virtual(AtomicU64);

impl Clock for Virtual {
    fn now(&self) -> UnixTime {
        UnixTime::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, span: Duration) -> bool {
        self.0.fetch_add(u64::try_from(span.as_millis()).unwrap(), Ordering::Relaxed);
        true
    }

    fn seed(&self) -> u64 {
        7
    }
}

fn sandbox() -> Sandbox {
    Sandbox::start(Options { tls: false, limits: false, ..Options::default() }).unwrap()
}

fn numeric(sandbox: &Sandbox) -> ClientBuilder {
    let keys = sandbox.keys();
    Client::builder(Provider::builtin("numeric").unwrap())
        .base_url(sandbox.url(Service::NumericApi))
        .token_url(format!("{}/oauth/token", sandbox.url(Service::NumericAuth)))
        .environment("production")
        .insecure_loopback(true)
        .credential(Credential::client(&keys.numeric.client_id, keys.numeric.client_secret.as_str()))
}

#[test]
fn a_transport_of_the_programs_own_carries_tokens_and_calls() {
    let sandbox = sandbox();
    let client = numeric(&sandbox).transport(Arc::new(Plain)).build().unwrap();
    assert_eq!(client.get("/v1/health").send().unwrap().status(), 200);
    let body = client.post("/v1/tasks").json(&serde_json::json!({"name": "close March"})).send().unwrap();
    assert!(body.error_for_status().is_ok());
    let streamed = client.post("/v1/tasks").header("content-type", "application/json").stream(&br#"{"name": "April"}"#[..]).send();
    assert!(streamed.unwrap().error_for_status().is_ok());
    assert_eq!((token_requests(&sandbox), requests(&sandbox, Service::NumericApi).len()), (1, 3));
}

/// Notes who sends.
#[derive(Default)]
struct Noting(Mutex<Vec<ThreadId>>);

impl Transport for Noting {
    fn send(&self, request: http::Request<Payload<'_>>, times: Times) -> Result<http::Response<Body>, Lost> {
        self.0.lock().unwrap().push(std::thread::current().id());
        Plain.send(request, times)
    }
}

#[test]
fn without_threads_the_call_that_finds_a_token_due_gets_it() {
    let sandbox = sandbox();
    let here = std::thread::current().id();
    for (builder, alone) in [(numeric(&sandbox), false), (numeric(&sandbox).no_threads(), true)] {
        let noting = Arc::new(Noting::default());
        let client = builder.transport(noting.clone()).build().unwrap();
        assert_eq!(client.get("/v1/health").send().unwrap().status(), 200);
        let senders = noting.0.lock().unwrap();
        assert_eq!((senders.len(), senders[0] == here, senders[1]), (2, alone, here));
    }
}

/// A 503 that says when to come back.
fn unavailable_for(seconds: u64) -> Fault {
    let headers = vec![("Retry-After".into(), seconds.to_string())];
    let kind = FaultKind::Status { code: 503, body: String::new(), content_type: "text/plain".into(), headers };
    Fault::new(kind).on(Service::NumericApi)
}

#[test]
fn a_clock_of_the_programs_own_is_slept_by() {
    let sandbox = sandbox();
    sandbox.inject(unavailable_for(20));
    let clock = Arc::new(Virtual(AtomicU64::new(1_764_000_000_000)));
    let client = numeric(&sandbox).transport(Arc::new(Plain)).clock(clock.clone()).no_threads().build().unwrap();
    let start = (clock.now(), Instant::now());
    assert_eq!(client.get("/v1/health").send().unwrap().status(), 200);
    assert!(clock.now().since(start.0) >= Duration::from_secs(20) && start.1.elapsed() < Duration::from_secs(10));
}

/// The system's time, and a program that wants to end.
struct Ending;

impl Clock for Ending {
    fn now(&self) -> UnixTime {
        UnixTime::default().after(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap())
    }

    fn sleep(&self, _: Duration) -> bool {
        false
    }
}

#[test]
fn a_program_that_wants_to_end_ends_a_wait() {
    let sandbox = sandbox();
    sandbox.inject(unavailable_for(20));
    let client = numeric(&sandbox).clock(Arc::new(Ending)).no_threads().build().unwrap();
    let error = client.get("/v1/health").send().unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::DeadlineExceeded), "{error}");
}

/// Sends what a step asks for and reports what came of it; `true` if it was a token request.
fn do_by_hand(drive: &mut Drive, step: Step) -> bool {
    let (request, for_token) = match step {
        Step::Fetch(fetch) => {
            let mut request = http::Request::builder().method(fetch.method).uri(fetch.url.as_str());
            for (name, value) in &fetch.headers {
                request = request.header(*name, value.expose());
            }
            let body = fetch.body.as_ref().map_or(String::new(), |body| body.expose().to_owned());
            (request.body(body).unwrap(), true)
        }
        Step::Send(send) => {
            let authorization = send.authorization.as_ref().unwrap();
            let request = http::Request::builder().uri(send.url.as_str()).header(authorization.header(), authorization.value().expose());
            (request.body(String::new()).unwrap(), false)
        }
        other => panic!("{other:?}"),
    };
    let (head, body) = request.into_parts();
    let payload = if body.is_empty() { Payload::None } else { Payload::Bytes(body.as_bytes()) };
    let times = Times { begin: Duration::from_secs(10), end: None };
    let answer = Plain.send(http::Request::from_parts(head, payload), times).unwrap();
    let headers: Vec<(String, Vec<u8>)> =
        answer.headers().iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    answer.into_body().read_to_end(&mut body).unwrap();
    drive.handle_response(&Response { status, headers: &headers.as_slice(), body: &body });
    for_token
}

/// The next step that is not the store's.
fn next(drive: &mut Drive) -> Step {
    loop {
        let step = drive.poll();
        if let Some(step) = drive.obey(step) {
            return step;
        }
    }
}

#[test]
fn two_exchanges_driven_by_hand_share_one_token() {
    let sandbox = sandbox();
    let client = numeric(&sandbox).build().unwrap();
    let mut first = client.drive("GET", "/v1/health").unwrap().start();
    let mut second = client.drive("GET", "/v1/health").unwrap().request_id("second").start();
    let fetch = next(&mut first);
    assert!(matches!(next(&mut second), Step::Wait(_)));
    let before = client.changes();
    assert!(do_by_hand(&mut first, fetch));
    for drive in [&mut first, &mut second] {
        let send = next(drive);
        assert!(!do_by_hand(drive, send));
        assert!(matches!(next(drive), Step::Done(Outcome::Answered(None))));
    }
    assert!(client.changes() != before && client.drive_renewal().is_none());
    let calls = requests(&sandbox, Service::NumericApi);
    assert_eq!((token_requests(&sandbox), calls.len()), (1, 2));
}

#[test]
fn an_exchange_that_is_dropped_lets_the_next_go_on() {
    let sandbox = sandbox();
    let client = numeric(&sandbox).build().unwrap();
    let mut renewal = client.drive_renewal().expect("there is no token yet");
    let mut call = client.drive("GET", "/v1/health").unwrap().start();
    assert!(matches!(next(&mut renewal), Step::Fetch(_)));
    assert!(matches!(next(&mut call), Step::Wait(_)));
    drop(renewal);
    assert!(matches!(next(&mut call), Step::Fetch(_)));
    assert_eq!(client.drive("GET", "https://elsewhere.example/").err().unwrap().kind(), Some(FailureKind::ForeignHost));
}

/// A store that takes its time to save, and says when it was told to release.
#[derive(Default)]
struct Slow(auth_http::MemoryStore, AtomicU64);

impl auth_http::TokenStore for Slow {
    fn claim(&self, id: &str, claim: &auth_http::core::Claim) -> auth_http::core::Claimed {
        self.0.claim(id, claim)
    }

    fn load(&self, id: &str) -> Result<Option<auth_http::core::Record>, String> {
        self.0.load(id)
    }

    fn save(&self, id: &str, save: &auth_http::core::Save) -> auth_http::core::Saved {
        std::thread::sleep(Duration::from_millis(100));
        self.0.save(id, save)
    }

    fn release(&self, id: &str, lease: &auth_http::core::Lease) {
        self.0.release(id, lease);
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_client_that_is_closed_first_stores_the_token_that_is_on_its_way() {
    let sandbox = sandbox();
    sandbox.token_delay(Duration::from_millis(300));
    let store = Arc::new(Slow::default());
    let client = numeric(&sandbox).store(store.clone()).build().unwrap();
    // The caller does not wait for the token, but it is on its way.
    let error = client.get("/v1/health").deadline(Duration::from_millis(50)).send().unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::DeadlineExceeded), "{error}");
    client.close();
    assert_eq!((token_requests(&sandbox), store.1.load(Ordering::SeqCst)), (1, 1));
    assert!(matches!(client.get("/v1/health").send(), Ok(_) | Err(auth_http::Error::Interrupted(_))));
    client.close();
}

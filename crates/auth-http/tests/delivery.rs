//! Calls that the program sends by itself: the same decisions, and nothing blocks.

mod support;

use auth_http::core::{Outcome, Response, Send, Transport, Unanswered};
use auth_http::{Client, Credential, Delivery, FailureKind, Next};
use auth_sandbox::{Fault, FaultKind, FinoraKey, LimitStyle, Sandbox, Service};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use support::{at, finora, header, numeric, requests, sandbox, token_requests};

/// The program's own HTTP: ureq, bare.
struct Own(ureq::Agent);

impl Own {
    fn new(sandbox: &Sandbox) -> Self {
        let pem = sandbox.ca_pem().as_bytes().to_vec();
        let certificate = ureq::tls::Certificate::from_pem(&pem).unwrap();
        let roots = ureq::tls::RootCerts::new_with_certs(&[certificate]);
        let tls = ureq::tls::TlsConfig::builder().root_certs(roots).build();
        Self(ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None).tls_config(tls).build().into())
    }

    fn send(&self, send: &Send) -> (u16, Vec<(String, String)>, Vec<u8>) {
        let mut request = self.0.get(send.url.as_str()).header(&*send.request_id.0, &*send.request_id.1);
        if let Some(authorization) = &send.authorization {
            request = request.header(authorization.header(), authorization.value().expose());
        }
        let mut response = request.call().unwrap();
        let fields = response.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().into())).collect();
        (response.status().as_u16(), fields, response.body_mut().read_to_vec().unwrap())
    }

    /// Deliverys a call to its end, in the way of a program that may block.
    fn run(&self, mut drive: Delivery) -> (u16, Outcome) {
        let mut last = 0;
        loop {
            match drive.step().unwrap() {
                Next::Send(send) => {
                    let (status, headers, body) = self.send(&send);
                    last = status;
                    if !drive.finish(status) {
                        drive.answered(&Response { status, headers: &headers.as_slice(), body: &body });
                    }
                }
                Next::Done(outcome) => return (last, outcome),
                Next::Wait(_) => unreachable!("step waits by itself"),
            }
        }
    }
}

fn is_fine(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Answered(None))
}

#[test]
fn one_thread_drives_many_calls_and_polling_never_blocks() {
    let sandbox = sandbox();
    sandbox.token_delay(Duration::from_millis(200));
    let (client, own) = (numeric(&sandbox).build().unwrap(), Own::new(&sandbox));
    let mut drives: Vec<_> = (0..64).map(|_| client.deliver("GET", "/v1/health", None).unwrap()).collect();
    let (woken, wakes) = mpsc::channel();
    for (number, drive) in drives.iter_mut().enumerate() {
        let start = Instant::now();
        assert!(matches!(drive.poll(), Next::Wait(_)));
        assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
        let woken = woken.clone();
        drive.on_wake(move || woken.send(number).unwrap());
    }
    let mut fine = 0;
    while fine < drives.len() {
        let number = wakes.recv_timeout(Duration::from_secs(5)).expect("somebody is woken");
        let drive = &mut drives[number];
        match drive.poll() {
            Next::Send(send) => {
                assert!(drive.finish(own.send(&send).0));
                assert!(matches!(drive.poll(), Next::Done(outcome) if is_fine(&outcome)));
                fine += 1;
            }
            Next::Wait(_) => {
                let woken = woken.clone();
                drive.on_wake(move || woken.send(number).unwrap());
            }
            Next::Done(outcome) => panic!("{outcome:?}"),
        }
    }
    assert_eq!((token_requests(&sandbox), requests(&sandbox, Service::NumericApi).len()), (1, 64));
}

#[test]
fn a_revoked_token_is_replaced_and_the_call_sent_again() {
    let sandbox = sandbox();
    let (client, own) = (numeric(&sandbox).build().unwrap(), Own::new(&sandbox));
    let drive = || client.deliver("GET", "/v1/health", None).unwrap();
    assert!(is_fine(&own.run(drive()).1));
    sandbox.revoke_tokens(Service::NumericAuth);
    let (status, outcome) = own.run(drive());
    assert!(status == 200 && is_fine(&outcome), "{outcome:?}");
    let statuses: Vec<_> = requests(&sandbox, Service::NumericApi).iter().map(|entry| entry.status).collect();
    assert_eq!((statuses, token_requests(&sandbox)), (vec![Some(200), Some(401), Some(200)], 2));
}

#[test]
fn a_source_that_is_slow_is_asked_by_another_thread() {
    let sandbox = sandbox();
    let (bad, good) = (sandbox.keys().finora_live.clone(), sandbox.issue_finora_key(FinoraKey::default()));
    sandbox.revoke(&bad);
    let mut given = vec![good, bad].into_iter();
    let source = Credential::from_callback(move || {
        if given.len() == 1 {
            std::thread::sleep(Duration::from_millis(300));
        }
        Ok(Credential::key(given.next_back().unwrap()))
    });
    let client = at(&sandbox, "finora", Service::Finora).environment("production").credential(source.unwrap()).build().unwrap();
    let (mut drive, own) = (client.deliver("GET", "/v1/invoices", None).unwrap(), Own::new(&sandbox));
    let (mut longest, mut statuses) = (Duration::ZERO, Vec::new());
    loop {
        let start = Instant::now();
        let next = drive.poll();
        longest = longest.max(start.elapsed());
        match next {
            Next::Send(send) => {
                let (status, headers, body) = own.send(&send);
                statuses.push(status);
                drive.answered(&Response { status, headers: &headers.as_slice(), body: &body });
            }
            Next::Wait(_) => {
                let (woken, wake) = mpsc::channel();
                drive.on_wake(move || woken.send(()).unwrap());
                wake.recv_timeout(Duration::from_secs(2)).expect("the thread comes back");
            }
            Next::Done(outcome) => break assert!(is_fine(&outcome), "{outcome:?}"),
        }
    }
    assert_eq!(statuses, [401, 200]);
    assert!(longest < Duration::from_millis(150), "{longest:?}");
}

#[test]
fn a_limit_is_waited_for_and_a_redirect_leaves_the_credential_behind() {
    let sandbox = sandbox();
    let (client, own) = (finora(&sandbox).build().unwrap(), Own::new(&sandbox));
    let style = LimitStyle::RetryAfterSeconds(1);
    sandbox.inject(Fault::new(FaultKind::TooManyRequests { style }).on(Service::Finora));
    let start = Instant::now();
    assert!(is_fine(&own.run(client.deliver("GET", "/v1/invoices", None).unwrap()).1));
    assert!(start.elapsed() >= Duration::from_secs(1));
    let location = format!("{}/elsewhere", sandbox.url(Service::Stranger));
    sandbox.inject(Fault::new(FaultKind::Redirect { code: 302, location }).on(Service::Finora));
    let outcome = own.run(client.deliver("GET", "/v1/invoices", None).unwrap()).1;
    assert!(matches!(&outcome, Outcome::Answered(Some(failure)) if failure.kind() == FailureKind::RedirectedElsewhere), "{outcome:?}");
    let strangers = requests(&sandbox, Service::Stranger);
    assert_eq!((strangers.len(), header(&strangers[0], "authorization")), (1, None));
}

#[test]
fn a_foreign_address_and_a_lost_answer_to_a_post_end_the_call() {
    let sandbox = sandbox();
    let client = finora(&sandbox).build().unwrap();
    let refused = client.deliver("GET", &sandbox.url(Service::Stranger), None).unwrap_err();
    assert_eq!(refused.kind(), Some(FailureKind::ForeignHost));
    let mut drive = client.deliver("POST", "/v1/invoices", Some(b"{}")).unwrap();
    assert!(matches!(drive.poll(), Next::Send(_)));
    drive.lost(Transport { how: Unanswered::Lost, what: "the connection broke".into(), advice: String::new() });
    assert!(matches!(drive.poll(), Next::Done(Outcome::Failed(failure)) if failure.kind() == FailureKind::Transport));
}

#[test]
fn a_drive_that_is_dropped_strands_nobody() {
    let sandbox = sandbox();
    sandbox.token_delay(Duration::from_millis(100));
    let (client, own) = (numeric(&sandbox).build().unwrap(), Own::new(&sandbox));
    let mut dropped = client.deliver("GET", "/v1/health", None).unwrap();
    assert!(matches!(dropped.poll(), Next::Wait(_)));
    let gone = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&gone);
    dropped.on_wake(move || assert!(!seen.load(Ordering::SeqCst), "it was dropped"));
    drop(dropped);
    gone.store(true, Ordering::SeqCst);
    assert!(is_fine(&own.run(client.deliver("GET", "/v1/health", None).unwrap()).1));
    assert_eq!(token_requests(&sandbox), 1);
}

/// How long a call takes to notice that it was given up, and how it ends.
fn given_up(client: &Client, pressed: &AtomicBool) -> (Duration, String) {
    std::thread::scope(|scope| {
        let call = scope.spawn(|| (client.get("/v1/health").send().unwrap_err(), Instant::now()));
        std::thread::sleep(Duration::from_millis(200));
        let start = Instant::now();
        pressed.store(true, Ordering::SeqCst);
        let (error, ended) = call.join().unwrap();
        (ended.duration_since(start), error.to_string())
    })
}

#[test]
fn a_wait_for_a_token_or_an_answer_or_a_limit_can_be_given_up() {
    static PRESSED: AtomicBool = AtomicBool::new(false);
    for waits_for in ["token", "answer", "limit"] {
        PRESSED.store(false, Ordering::SeqCst);
        let sandbox = sandbox();
        match waits_for {
            "token" => sandbox.token_delay(Duration::from_secs(2)),
            "answer" => drop(sandbox.inject(Fault::new(FaultKind::Slow { millis: 2_000 }).on(Service::NumericApi))),
            _ => {
                let style = LimitStyle::RetryAfterSeconds(3);
                sandbox.inject(Fault::new(FaultKind::TooManyRequests { style }).on(Service::NumericApi));
            }
        }
        let client = numeric(&sandbox).interrupt(|| PRESSED.load(Ordering::SeqCst)).build().unwrap();
        let (span, error) = given_up(&client, &PRESSED);
        assert!(span < Duration::from_millis(100), "{waits_for}: {span:?}");
        assert!(error.contains("given up"), "{waits_for}: {error}");
    }
}

#[test]
fn a_client_with_an_interrupt_keeps_its_connections_and_its_timeouts() {
    let sandbox = sandbox();
    let client = numeric(&sandbox).interrupt(|| false).timeout(Duration::from_millis(300)).max_attempts(1).build().unwrap();
    for _ in 0..5 {
        assert!(client.get("/v1/health").send().unwrap().text().unwrap().contains("ok"));
    }
    sandbox.inject(Fault::new(FaultKind::Slow { millis: 2_000 }).on(Service::NumericApi));
    let start = Instant::now();
    let error = client.get("/v1/health").send().unwrap_err();
    assert!(start.elapsed() < Duration::from_millis(600) && error.to_string().contains("no answer in time"), "{error}");
    assert_eq!(client.get("/v1/health").send().unwrap().status(), 200);
    let big = "x".repeat(3_000_000);
    assert_eq!(client.post("/v1/tasks").json(&serde_json::json!({"name": big})).send().unwrap().status(), 201);
}

/// Sends what was taken ahead, as `Own::send` does.
fn sent_ahead(own: &Own, client: &Client, path: &str, ahead: &auth_http::Ahead) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let url = client.connection().admit(path).unwrap();
    let authorization = client.authorize(path).unwrap().into_shared();
    let request_id = (client.connection().request_id_header().clone(), ahead.request_id().into());
    own.send(&Send { url, authorization: Some(authorization), foreign: false, redirects: 0, request_id, attempt: 1 })
}

#[test]
fn a_call_that_is_sent_ahead_goes_on_like_any_other_when_it_is_refused() {
    let sandbox = sandbox();
    let (client, own) = (numeric(&sandbox).build().unwrap(), Own::new(&sandbox));
    assert!(client.ahead().is_none(), "there is no token yet");
    client.authorize("/v1/health").unwrap();
    let ahead = client.ahead().unwrap();
    assert_eq!(ahead.request_id().len(), 32);
    assert_eq!(sent_ahead(&own, &client, "/v1/health", &ahead).0, 200);
    sandbox.revoke_tokens(Service::NumericAuth);
    let ahead = client.ahead().unwrap();
    let (status, headers, body) = sent_ahead(&own, &client, "/v1/health", &ahead);
    assert_eq!(status, 401);
    let url = client.connection().admit("/v1/health").unwrap();
    let mut delivery = client.overtake(&ahead, "GET", url.as_str(), None, false).unwrap();
    delivery.answered(&Response { status, headers: &headers.as_slice(), body: &body });
    let (status, outcome) = own.run(delivery);
    assert!(status == 200 && is_fine(&outcome), "{outcome:?}");
    let ids: Vec<_> =
        requests(&sandbox, Service::NumericApi).iter().map(|entry| header(entry, "x-request-id").unwrap().to_owned()).collect();
    assert_eq!((ids.len(), token_requests(&sandbox)), (3, 2));
    assert!(ids[0] != ids[1] && ids[1] == ids[2], "a repeat keeps its id: {ids:?}");
}

#[test]
fn nothing_goes_ahead_that_has_to_be_looked_at() {
    let sandbox = sandbox();
    let key = finora(&sandbox);
    assert!(key.clone().build().unwrap().ahead().is_some());
    assert!(key.clone().permissions(["retail"]).build().unwrap().ahead().is_none());
    assert!(key.clone().on_audit(|_| ()).build().unwrap().ahead().is_none());
    let client = key.build().unwrap();
    let prefix = client.connection().own_prefix();
    assert_eq!(prefix, format!("{}/", sandbox.url(Service::Finora)));
    client.ahead().unwrap();
    assert!(client.keys()[0].last_needed.is_some(), "it counts as a use of the key");
    let limited = Fault::new(FaultKind::TooManyRequests { style: LimitStyle::RetryAfterSeconds(60) }).on(Service::Finora);
    sandbox.inject(limited);
    let answer = client.get("/v1/invoices").deadline(Duration::from_secs(1)).send().unwrap();
    assert_eq!(answer.failure().unwrap().kind(), FailureKind::RateLimited);
    assert!(client.ahead().is_none(), "all callers pause");
}

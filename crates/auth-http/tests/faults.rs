//! Faults of the API: what is repeated, what is not, and what is handed back.

mod support;

use auth_http::{FailureKind, Processed};
use auth_sandbox::{Environment, Fault, FaultKind, LimitStyle, Service};
use serde_json::json;
use std::time::{Duration, Instant};
use support::{adaas, finora, header, numeric, numora, requests, sandbox};

fn status(code: u16) -> FaultKind {
    FaultKind::Status { code, body: "down".into(), content_type: "text/plain".into(), headers: vec![] }
}

#[test]
fn a_429_is_obeyed_in_every_style() {
    for style in [LimitStyle::RetryAfterSeconds(1), LimitStyle::RetryAfterDate(2), LimitStyle::RateLimitReset(1), LimitStyle::InBody(1)] {
        let sandbox = sandbox();
        sandbox.inject(Fault::new(FaultKind::TooManyRequests { style }).on(Service::Finora));
        let client = finora(&sandbox).build().unwrap();
        let start = Instant::now();
        assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 200, "{style:?}");
        assert!(start.elapsed() > Duration::from_millis(700), "{style:?} {:?}", start.elapsed());
        assert_eq!(requests(&sandbox, Service::Finora).len(), 2, "{style:?}");
    }
}

#[test]
fn a_429_on_a_post_is_obeyed_too_because_nothing_was_processed() {
    let sandbox = sandbox();
    sandbox.inject(Fault::new(FaultKind::TooManyRequests { style: LimitStyle::RetryAfterSeconds(1) }).on(Service::AdaasApi));
    let client = adaas(&sandbox).build().unwrap();
    assert!(client.post("/v2/invoices").json(&json!({"number": "1"})).send().unwrap().status() < 300);
    assert_eq!(sandbox.adaas_invoices(Environment::Live).len(), 1);
}

#[test]
fn a_limit_beyond_the_deadline_is_handed_back_with_its_moment() {
    let sandbox = sandbox();
    sandbox.inject(Fault::new(FaultKind::TooManyRequests { style: LimitStyle::RetryAfterSeconds(3_600) }).on(Service::Numora));
    let client = numora(&sandbox).deadline(Duration::from_secs(5)).build().unwrap();
    let start = Instant::now();
    let response = client.get("/v1/documents").send().unwrap();
    let failure = response.failure().unwrap();
    assert_eq!((response.status(), failure.kind()), (429, FailureKind::RateLimited));
    assert!(failure.come_back_at().is_some());
    // The next caller learns the same without asking.
    let error = client.get("/v1/documents").send().unwrap_err();
    assert_eq!(error.failure().unwrap().come_back_at(), failure.come_back_at());
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(requests(&sandbox, Service::Numora).len(), 1);
}

#[test]
fn threads_that_meet_one_429_pause_together() {
    let sandbox = sandbox();
    let client = finora(&sandbox).build().unwrap();
    client.get("/v1/invoices").send().unwrap();
    sandbox.inject(Fault::new(FaultKind::TooManyRequests { style: LimitStyle::RetryAfterSeconds(1) }).on(Service::Finora));
    client.get("/v1/customers").deadline(Duration::from_millis(500)).send().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 200));
        }
    });
    assert_eq!(requests(&sandbox, Service::Finora).iter().filter(|entry| entry.status == Some(429)).count(), 1);
}

#[test]
fn a_get_survives_what_interrupts_it() {
    for kind in [
        status(500),
        status(502),
        status(503),
        status(504),
        FaultKind::ResetBeforeActing,
        FaultKind::ResetAfterActing,
        FaultKind::CloseBeforeAnswer,
    ] {
        let sandbox = sandbox();
        sandbox.inject(Fault::new(kind.clone()).on(Service::NumericApi));
        let client = numeric(&sandbox).build().unwrap();
        assert_eq!(client.get("/v1/reports").send().unwrap().status(), 200, "{kind:?}");
        let seen = requests(&sandbox, Service::NumericApi);
        assert_eq!(seen.len(), 2, "{kind:?}");
        assert_eq!(header(&seen[0], "x-request-id"), header(&seen[1], "x-request-id"));
        assert!(header(&seen[0], "x-request-id").is_some());
    }
}

#[test]
fn a_post_that_may_have_been_processed_is_not_repeated() {
    let sandbox = sandbox();
    let client = finora(&sandbox).build().unwrap();
    sandbox.inject(Fault::new(FaultKind::ResetAfterActing).on(Service::Finora).method("POST"));
    let error = client.post("/v1/invoices").json(&json!({"customerId": "c1", "amount": 100})).send().unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::Transport));
    assert!(error.to_string().contains("nobody knows whether"), "{error}");
    sandbox.inject(Fault::new(status(503)).on(Service::Finora).method("POST"));
    assert_eq!(client.post("/v1/invoices").json(&json!({"customerId": "c1", "amount": 100})).send().unwrap().status(), 503);
    assert_eq!(requests(&sandbox, Service::Finora).len(), 2);
}

#[test]
fn a_numora_document_with_an_external_id_is_repeated_and_made_once() {
    let sandbox = sandbox();
    let client = numora(&sandbox).build().unwrap();
    sandbox.inject(Fault::new(FaultKind::ResetAfterActing).on(Service::Numora).method("POST"));
    let document = json!({"schema": "invoice_v2", "file_url": "https://example.com/i.pdf", "external_id": "ap-1"});
    assert!(client.post("/v1/documents").json(&document).send().unwrap().status() < 300);
    assert_eq!((sandbox.numora_documents().len(), requests(&sandbox, Service::Numora).len()), (1, 2));
    // Without one nothing makes a repeat harmless.
    sandbox.inject(Fault::new(FaultKind::ResetAfterActing).on(Service::Numora).method("POST"));
    assert!(client.post("/v1/documents").json(&json!({"schema": "invoice_v2", "file_url": "https://example.com/i.pdf"})).send().is_err());
    assert_eq!(requests(&sandbox, Service::Numora).len(), 3);
}

#[test]
fn attempts_end_and_the_last_answer_is_handed_over() {
    let sandbox = sandbox();
    sandbox.inject(Fault::new(status(503)).on(Service::NumericApi).times(100));
    let client = numeric(&sandbox).max_attempts(3).build().unwrap();
    let response = client.get("/v1/reports").send().unwrap();
    assert_eq!((response.status(), response.failure().unwrap().kind()), (503, FailureKind::ServerError));
    assert_eq!(response.bytes().unwrap(), b"down");
    assert_eq!(requests(&sandbox, Service::NumericApi).len(), 3);
}

#[test]
fn the_deadline_holds_against_a_slow_server() {
    let sandbox = sandbox();
    let client = numeric(&sandbox).build().unwrap();
    client.get("/v1/health").send().unwrap();
    sandbox.inject(Fault::new(FaultKind::Slow { millis: 3_000 }).on(Service::NumericApi).times(10));
    let start = Instant::now();
    let error = client.get("/v1/reports").deadline(Duration::from_millis(300)).send().unwrap_err();
    assert!(start.elapsed() < Duration::from_millis(700), "{:?}", start.elapsed());
    assert!(error.to_string().contains("no answer in time"), "{error}");
}

#[test]
fn a_body_that_is_cut_off_is_no_success() {
    let sandbox = sandbox();
    sandbox.inject(Fault::new(FaultKind::Truncated).on(Service::NumericApi));
    let client = numeric(&sandbox).build().unwrap();
    let error = client.get("/v1/reports").send().unwrap().json::<serde_json::Value>().unwrap_err();
    assert_eq!((error.kind(), error.processed(), error.is_retryable()), (Some(FailureKind::Body), Processed::Yes, true), "{error}");
}

#[test]
fn a_dripping_body_streams() {
    let sandbox = sandbox();
    sandbox.inject(Fault::new(FaultKind::Drip { bytes: 10, millis: 2 }).on(Service::NumericApi));
    let client = numeric(&sandbox).build().unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut client.get("/v1/reports").send().unwrap().into_reader(), &mut text).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
}

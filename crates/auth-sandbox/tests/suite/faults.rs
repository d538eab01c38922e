use std::io::{Read, Write};
use std::time::{Duration, Instant};

use auth_sandbox::{Environment, Fault, FaultKind, LimitStyle, Options, Sandbox, Service};

use crate::client::{Client, Tried, plain, raw_socket};

fn status(code: u16) -> FaultKind {
    FaultKind::Status {
        code,
        body: "down".to_owned(),
        content_type: "text/plain".to_owned(),
        headers: vec![("Retry-After".to_owned(), "7".to_owned())],
    }
}

fn invoices(client: &Client<'_>) -> crate::client::Answer {
    client.get(Service::Finora, "/v1/invoices", &client.sandbox.keys().finora_test)
}

/// Posts an invoice over a raw socket; the error kind of reading, or what was read.
fn post_raw(sandbox: &Sandbox) -> Result<Vec<u8>, std::io::ErrorKind> {
    let mut socket = raw_socket(sandbox, Service::Finora);
    let key = &sandbox.keys().finora_test;
    let request =
        format!("POST /v1/invoices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 14\r\n\r\n{{\"customer\":1}}");
    socket.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).map_err(|error| error.kind())?;
    Ok(bytes)
}

#[test]
fn a_fault_hits_after_its_skips_and_as_often_as_it_says() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    sandbox.inject(Fault::new(status(503)).on(Service::Finora).after(1).times(2));
    assert_eq!(sandbox.faults_left(), 2);
    let seen: Vec<u16> = (0..4).map(|_| invoices(&client).status).collect();
    assert_eq!(seen, [200, 503, 503, 200]);
    assert_eq!(sandbox.faults_left(), 0);
}

#[test]
fn a_fault_hits_its_service_method_and_path_only() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    sandbox.inject(Fault::new(status(500)).on(Service::Numora));
    sandbox.inject(Fault::new(status(500)).method("POST"));
    sandbox.inject(Fault::new(status(500)).path("/v1/customers"));
    assert_eq!(invoices(&client).status, 200);
    assert_eq!(sandbox.faults_left(), 3);
    sandbox.clear_faults();
    assert_eq!(sandbox.faults_left(), 0);
}

#[test]
fn a_status_carries_its_body_and_headers() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    sandbox.inject(Fault::new(status(503)));
    let answer = invoices(&client);
    assert_eq!((answer.status, answer.body.as_slice()), (503, b"down".as_slice()));
    assert_eq!(answer.header("retry-after"), Some("7"));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(sandbox.log()[0].decision, "fault: status 503");
}

#[test]
fn every_style_of_429_tells_the_wait_in_its_place() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let hit = |style| {
        sandbox.inject(Fault::new(FaultKind::TooManyRequests { style }));
        let answer = invoices(&client);
        assert_eq!((answer.status, answer.code().as_str()), (429, "RATE_LIMIT"));
        answer
    };
    let answer = hit(LimitStyle::RetryAfterSeconds(5));
    assert_eq!(answer.header("retry-after"), Some("5"));
    let answer = hit(LimitStyle::RetryAfterDate(5));
    assert!(answer.header("retry-after").unwrap().ends_with(" GMT"));
    let answer = hit(LimitStyle::RateLimitReset(5));
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(answer.header("retry-after"), None);
    assert!(answer.json()["error"]["retryAfter"].is_null());
    let answer = hit(LimitStyle::InBody(5));
    assert_eq!(answer.json()["error"]["retryAfter"], 5);
    assert_eq!(answer.header("x-ratelimit-reset"), None);
    let answer = hit(LimitStyle::Documented);
    assert_eq!(answer.json()["error"]["retryAfter"], 30);
    assert!(answer.header("x-ratelimit-reset").is_some());
}

#[test]
fn each_system_has_its_documented_429() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let style = LimitStyle::Documented;
    sandbox.inject(Fault::new(FaultKind::TooManyRequests { style }).times(8));
    let get = |service| client.get(service, "/v1/x", "key");
    assert_eq!(get(Service::Numora).header("retry-after"), Some("30"));
    assert_eq!(get(Service::AdaasApi).header("x-ratelimit-reset"), Some("30"));
    assert_eq!(get(Service::NumericApi).header("retry-after"), None);
    assert_eq!(get(Service::NumericAuth).json()["error"], "temporarily_unavailable");
    for service in [Service::NumericSandboxApi, Service::AdaasAuth, Service::Finora, Service::Stranger] {
        assert_eq!(get(service).status, 429);
    }
}

#[test]
fn a_reset_before_acting_leaves_nothing_done() {
    let sandbox = plain();
    sandbox.inject(Fault::new(FaultKind::ResetBeforeActing));
    assert_eq!(post_raw(&sandbox), Err(std::io::ErrorKind::ConnectionReset));
    assert!(sandbox.finora_invoices(Environment::Test).is_empty());
    let entry = sandbox.log().pop().unwrap();
    assert_eq!((entry.status, entry.acted), (None, false));
}

#[test]
fn a_reset_after_acting_has_really_acted() {
    let sandbox = plain();
    sandbox.inject(Fault::new(FaultKind::ResetAfterActing));
    assert_eq!(post_raw(&sandbox), Err(std::io::ErrorKind::ConnectionReset));
    assert_eq!(sandbox.finora_invoices(Environment::Test).len(), 1);
    let entry = sandbox.log().pop().unwrap();
    assert_eq!((entry.status, entry.acted), (None, true));
    assert!(entry.decision.contains("reset after the server acted"));
}

#[test]
fn resets_reach_clients_over_tls_too() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let client = Client::new(&sandbox);
    for kind in [FaultKind::ResetAfterActing, FaultKind::ResetBeforeActing, FaultKind::CloseBeforeAnswer] {
        sandbox.inject(Fault::new(kind));
        let sent = client.send(Service::Stranger, "GET", "/", &[], "");
        assert!(sent.is_err());
        assert_eq!(sandbox.log().pop().unwrap().status, None);
    }
}

#[test]
fn a_close_before_the_answer_is_orderly_and_empty() {
    let sandbox = plain();
    sandbox.inject(Fault::new(FaultKind::CloseBeforeAnswer));
    assert_eq!(post_raw(&sandbox), Ok(Vec::new()));
    assert!(sandbox.finora_invoices(Environment::Test).is_empty());
}

#[test]
fn a_slow_answer_comes_late_but_the_server_acts_at_once() {
    let sandbox = plain();
    sandbox.inject(Fault::new(FaultKind::Slow { millis: 150 }));
    let mut socket = raw_socket(&sandbox, Service::Stranger);
    let began = Instant::now();
    socket.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    while sandbox.log().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(5));
        std::thread::yield_now();
    }
    let logged = began.elapsed();
    socket.read_to_end(&mut Vec::new()).unwrap();
    assert!(logged < began.elapsed());
    assert!(began.elapsed() >= Duration::from_millis(150));
}

#[test]
fn a_dripping_body_arrives_whole_and_late() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    sandbox.inject(Fault::new(FaultKind::Drip { bytes: 6, millis: 20 }));
    let began = Instant::now();
    let answer = client.send(Service::Stranger, "GET", "/", &[], "").unwrap();
    assert_eq!(answer.body, br#"{"stranger":true}"#);
    assert!(began.elapsed() >= Duration::from_millis(60));
}

#[test]
fn a_truncated_body_is_shorter_than_its_length() {
    for tls in [false, true] {
        let sandbox = Sandbox::start(Options { tls, ..Options::default() }).unwrap();
        let client = Client::new(&sandbox);
        sandbox.inject(Fault::new(FaultKind::Truncated));
        assert!(client.send(Service::Stranger, "GET", "/", &[], "").is_err());
    }
}

#[test]
fn a_redirect_can_lead_to_a_stranger_who_logs_what_he_gets() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let location = format!("{}/steal", sandbox.url(Service::Stranger));
    let kind = FaultKind::Redirect { code: 307, location: location.clone() };
    sandbox.inject(Fault::new(kind));
    let answer = invoices(&client);
    assert_eq!((answer.status, answer.header("location")), (307, Some(location.as_str())));
    let stranger = client.get(Service::Stranger, "/steal", "secret");
    assert_eq!(stranger.json()["stranger"], true);
    let entry = sandbox.log().pop().unwrap();
    assert_eq!(entry.service, Service::Stranger);
    assert_eq!(entry.header("AUTHORIZATION"), Some("Bearer secret"));
    assert!(entry.decision.contains("was given an Authorization header"));
}

#[test]
fn faults_round_trip_through_json() -> Tried {
    for json in [
        r#"{"kind":"reset_after_acting"}"#,
        r#"{"service":"adaas_api","times":2,"kind":{"too_many_requests":{"style":{"retry_after_date":3}}}}"#,
        r#"{"kind":{"status":{"code":503,"headers":[["Retry-After","1"]]}}}"#,
        r#"{"kind":{"token_reply":"html502"}}"#,
        r#"{"kind":{"token_reply":{"raw":{"status":200,"content_type":"a/b","body":""}}}}"#,
        r#"{"after":3,"kind":{"drip":{"bytes":1,"millis":2}}}"#,
        r#"{"kind":{"redirect":{"code":302,"location":"http://localhost/"}}}"#,
    ] {
        let fault: Fault = serde_json::from_str(json)?;
        let again: Fault = serde_json::from_str(&serde_json::to_string(&fault)?)?;
        assert_eq!(fault, again);
    }
    assert!(serde_json::from_str::<Fault>(r#"{"kind":"slow","typo":1}"#).is_err());
    Ok(())
}

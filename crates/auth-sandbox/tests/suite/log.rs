use std::sync::mpsc;

use auth_sandbox::{Kind, Options, Sandbox, Service};

use crate::client::{Client, plain, raw, raw_socket};

#[test]
fn an_entry_holds_what_was_sent_in_its_order_and_case() {
    let sandbox = plain();
    let request =
        b"POST /a%20b?x=1&y=%41 HTTP/1.1\r\nhOsT: here\r\nX-Two: b\r\nX-Two: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\n\x00\xffz";
    raw(&sandbox, Service::Stranger, request).unwrap();
    let entry = sandbox.log().pop().unwrap();
    assert_eq!((entry.number, entry.service, entry.kind), (1, Service::Stranger, Kind::Stranger));
    assert_eq!((entry.method.as_str(), entry.path.as_str()), ("POST", "/a%20b"));
    assert_eq!((entry.query.as_str(), entry.body.as_slice()), ("x=1&y=%41", b"\x00\xffz".as_slice()));
    let names: Vec<&str> = entry.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["hOsT", "X-Two", "X-Two", "Content-Length", "Connection"]);
    assert_eq!((entry.headers[1].1.as_str(), entry.headers[2].1.as_str()), ("b", "a"));
    assert_eq!((entry.status, entry.acted), (Some(200), false));
}

#[test]
fn an_answer_in_hand_means_an_entry_in_the_log() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    for number in 1..=50 {
        client.send(Service::Stranger, "GET", "/", &[], "").unwrap();
        assert_eq!(sandbox.count(|_| true), number);
    }
}

#[test]
fn numbers_go_on_after_the_log_was_cleared() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let ask = || client.send(Service::Stranger, "GET", "/", &[], "").unwrap();
    ask();
    ask();
    assert_eq!(sandbox.log_since(1).len(), 1);
    sandbox.clear_log();
    assert!(sandbox.log().is_empty());
    ask();
    assert_eq!(sandbox.log()[0].number, 3);
    assert!(sandbox.log_since(3).is_empty());
}

#[test]
fn the_oldest_entries_are_forgotten_beyond_the_capacity() {
    let sandbox = Sandbox::start(Options { tls: false, log_capacity: 2, ..Options::default() }).unwrap();
    let client = Client::new(&sandbox);
    for _ in 0..3 {
        client.send(Service::Stranger, "GET", "/", &[], "").unwrap();
    }
    let numbers: Vec<u64> = sandbox.log().iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [2, 3]);
}

#[test]
fn observers_see_each_entry_before_the_answer_is_out() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let (sender, receiver) = mpsc::channel();
    sandbox.on_entry(move |entry| sender.send(entry.number).unwrap());
    client.send(Service::Stranger, "GET", "/", &[], "").unwrap();
    assert_eq!(receiver.try_recv(), Ok(1));
}

#[test]
fn kinds_tell_token_requests_from_api_requests() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let token = client.numeric_token();
    client.get(Service::NumericApi, "/v1/health", &token);
    client.adaas_token();
    let kinds: Vec<Kind> = sandbox.log().iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [Kind::Token, Kind::Api, Kind::Token]);
    let entry = &sandbox.log()[0];
    assert!(entry.decision.starts_with("token for client numeric_prod_"), "{}", entry.decision);
    assert!(entry.decision.ends_with("minted, 3600 s"));
    assert!(entry.body_text().contains("grant_type=client_credentials"));
}

#[test]
fn what_is_no_request_is_logged_as_malformed() {
    let sandbox = plain();
    let answer = raw(&sandbox, Service::Finora, b"nonsense\r\n\r\n").unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let entry = sandbox.log().pop().unwrap();
    assert_eq!((entry.kind, entry.status), (Kind::Malformed, Some(400)));
    // A connection without a request is no event.
    drop(raw_socket(&sandbox, Service::Finora));
    assert_eq!(sandbox.log().len(), 1);
}

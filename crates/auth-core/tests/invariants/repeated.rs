//! Invariant 6: what is sent again.

use crate::support::{START, Scenario};
use auth_core::{Call, FailureKind, Outcome, Step};
use std::time::Duration;

#[test]
fn invariant_6_only_what_is_harmless_is_sent_again() {
    let external_id = br#"{"external_id":"ap-1"}"#;
    for (method, body, cause, again) in [
        ("GET", None, "lost", true),
        ("GET", None, "503", true),
        ("PUT", Some(&b"{}"[..]), "lost", true),
        ("DELETE", None, "lost", true),
        ("POST", Some(&b"{}"[..]), "lost", false),
        ("POST", Some(&b"{}"[..]), "503", false),
        ("POST", Some(&b"{}"[..]), "not sent", true),
        ("POST", Some(&b"{}"[..]), "429", true),
        ("PATCH", Some(&b"{}"[..]), "lost", false),
        ("POST", Some(&external_id[..]), "lost", true),
        ("POST", Some(&br#"{"external_id":""}"#[..]), "lost", false),
    ] {
        let mut scenario = Scenario::numora();
        let mut call = Call::new(&scenario.connection, method, "/v1/documents").unwrap();
        if let Some(body) = body {
            call = call.body(body);
        }
        let mut exchange = scenario.exchange(call);
        scenario.to_send(&mut exchange);
        match cause {
            "lost" => scenario.lose(&mut exchange, false),
            "not sent" => scenario.lose(&mut exchange, true),
            status => scenario.respond(&mut exchange, status.parse().unwrap(), &[("retry-after", "1")], ""),
        }
        let waits = matches!(scenario.next(&mut exchange), Step::Wait(_));
        assert_eq!(waits, again, "{method} {cause}");
    }
}

#[test]
fn invariant_6_a_body_that_is_gone_is_not_sent_again() {
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    let call = Call::new(&scenario.connection, "PUT", "/v1/tasks").unwrap().once();
    let mut exchange = scenario.exchange(call);
    scenario.to_send(&mut exchange);
    scenario.respond(&mut exchange, 401, &[], "");
    assert!(matches!(scenario.to_done(&mut exchange), Outcome::Answered(Some(_))));
    // The refused token is gone all the same: the next call renews it.
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
}

#[test]
fn invariant_6_nothing_is_sent_again_to_a_server_that_is_not_trusted() {
    let mut scenario = Scenario::keys();
    let mut exchange = scenario.call("GET", "/v1/invoices");
    scenario.to_send(&mut exchange);
    scenario.distrust(&mut exchange);
    let Outcome::Failed(failure) = scenario.to_done(&mut exchange) else { panic!() };
    assert_eq!(failure.kind(), FailureKind::Untrusted);
    assert!(!failure.is_retryable() && failure.advice().contains("certificate"), "{failure}");
}

#[test]
fn invariant_6_a_refused_refresh_token_is_sent_once_an_hour_for_three_days() {
    let hour = Duration::from_hours(1);
    let mut scenario = Scenario::refresh_token();
    let mut sent = Vec::new();
    while scenario.now < START.after(4 * 24 * hour) {
        let mut exchange = scenario.call("GET", "/v1/health");
        let outcome = loop {
            match scenario.next(&mut exchange) {
                Step::Fetch(_) => {
                    sent.push(scenario.now);
                    scenario.respond(&mut exchange, 400, &[], r#"{"error":"invalid_grant"}"#);
                }
                Step::Wait(until) => scenario.now = until,
                Step::Done(outcome) => break outcome,
                other => panic!("{other:?}"),
            }
        };
        assert!(matches!(outcome, Outcome::Failed(failure) if failure.kind() == FailureKind::ConsentRequired));
        exchange.abandon(&mut scenario.session);
        scenario.advance(Duration::from_mins(7));
    }
    assert!(sent.windows(2).all(|pair| pair[1].since(pair[0]) >= hour), "{sent:?}");
    let last = sent.last().map(|last| last.since(START)).unwrap_or_default();
    assert!(last > 70 * hour && last < 72 * hour, "{sent:?}");
}

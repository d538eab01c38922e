//! Audit: who used which credential where, what came of it, what was decided; and nothing secret in any of it.

mod support;

use auth_http::{AuditEvent, Audited, ClientBuilder, Credential, FailureKind};
use auth_sandbox::{Environment, Fault, FaultKind, FinoraKey, LimitStyle, Service};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{finora, numeric, sandbox};

type Events = Arc<Mutex<Vec<AuditEvent>>>;

fn listening(builder: ClientBuilder) -> (ClientBuilder, Events) {
    let events = Events::default();
    let theirs = Arc::clone(&events);
    (builder.integration("webshop").on_audit(move |event| theirs.lock().unwrap().push(event.clone())).audit_blocks(true), events)
}

fn story(events: &Events) -> Vec<&'static str> {
    events.lock().unwrap().iter().map(|event| event.what.name()).collect()
}

#[test]
fn a_call_with_a_token_tells_its_story() {
    let sandbox = sandbox();
    let (builder, events) = listening(numeric(&sandbox));
    let client = builder.build().unwrap();
    client.get("/v1/trial-balance?secret=hunter2").send().unwrap();
    assert_eq!(story(&events), ["token_asked", "token_granted", "sent", "answered"]);
    let events = events.lock().unwrap();
    let last = &events[3];
    assert_eq!((last.status, last.path.as_deref(), last.method.as_deref()), (Some(200), Some("/v1/trial-balance"), Some("GET")));
    assert_eq!(
        (last.integration.as_deref(), last.provider.as_str(), last.environment.as_str()),
        (Some("webshop"), "numeric", "production")
    );
    assert_eq!(last.request_id.as_ref().map(String::len), Some(32));
    // The same token has the same fingerprint, and it is not the token.
    let fingerprint = last.fingerprint.as_ref().unwrap();
    assert_eq!((fingerprint.len(), events[1].fingerprint.as_ref()), (16, Some(fingerprint)));
}

#[test]
fn what_goes_wrong_is_told_with_what_was_decided() {
    let sandbox = sandbox();
    let issue = || sandbox.issue_finora_key(FinoraKey { environment: Environment::Test, ..FinoraKey::default() });
    let (first, second) = (issue(), issue());
    sandbox.revoke(&first);
    let (builder, events) = listening(finora(&sandbox).credential(Credential::keys([first, second])));
    let client = builder.build().unwrap();
    sandbox.inject(Fault::new(FaultKind::TooManyRequests { style: LimitStyle::RetryAfterSeconds(1) }).on(Service::Finora).after(1));
    client.get("/v1/invoices").send().unwrap();
    assert_eq!(story(&events), ["sent", "answered", "replaced", "sent", "answered", "repeating", "sent", "answered"]);
    let ids: std::collections::HashSet<_> = events.lock().unwrap().iter().map(|event| event.request_id.clone()).collect();
    assert_eq!(ids.len(), 1, "one request id for all repeats");
    assert!(client.get("https://evil.example/").send().is_err());
    assert_eq!(events.lock().unwrap().last().unwrap().what, Audited::Refused);
}

/// A call that is refused before it is sent: two events cheaper than any other.
fn refused(client: &auth_http::Client, index: usize) {
    client.get(&format!("https://evil.example/{index}")).send().unwrap_err();
}

#[test]
fn a_slow_sink_holds_no_call_up_and_gets_everything_in_order_by_the_end_of_the_client() {
    let sandbox = sandbox();
    let events = Arc::new(Mutex::new(Vec::new()));
    let theirs = Arc::clone(&events);
    let slow = move |event: &AuditEvent| {
        if theirs.lock().unwrap().is_empty() {
            std::thread::sleep(Duration::from_millis(1_500));
        }
        theirs.lock().unwrap().push(event.decision.clone());
    };
    let client = finora(&sandbox).on_audit(slow).build().unwrap();
    let start = Instant::now();
    for index in 0..10_000 {
        refused(&client, index);
    }
    let took = start.elapsed();
    assert!(took < Duration::from_millis(1_400), "{took:?}");
    client.close();
    let events = events.lock().unwrap();
    assert_eq!(events.len(), 10_000);
}

#[test]
fn the_end_of_the_last_clone_waits_for_events_too() {
    let sandbox = sandbox();
    let (builder, events) = listening(finora(&sandbox));
    let client = builder.audit_blocks(false).build().unwrap();
    client.get("/v1/invoices").send().unwrap();
    drop(client);
    assert_eq!(story(&events), ["sent", "answered"]);
    assert!(auth_http::drain_audit(Duration::from_secs(5)));
}

#[test]
fn what_finds_no_room_is_counted_and_the_number_is_an_event() {
    let sandbox = sandbox();
    let (gate, events) = (Arc::new(Mutex::new(())), Events::default());
    let (theirs, closed) = (Arc::clone(&events), Arc::clone(&gate));
    let client = finora(&sandbox)
        .on_audit(move |event| {
            drop(closed.lock().unwrap());
            theirs.lock().unwrap().push(event.clone());
        })
        .build()
        .unwrap();
    let held = gate.lock().unwrap();
    for index in 0..16_384 + 100 {
        refused(&client, index);
    }
    drop(held);
    client.close();
    let events = events.lock().unwrap();
    let last = events.last().unwrap();
    assert_eq!((last.what, last.what.name(), last.method.as_deref()), (Audited::EventsDropped, "events_dropped", None));
    let dropped: usize = last.decision.split(' ').next().unwrap().parse().unwrap();
    assert!((99..=100).contains(&dropped), "{last}");
    assert_eq!(events.len() - 1 + dropped, 16_384 + 100);
}

#[test]
fn a_listener_that_calls_its_own_client_is_refused_at_once() {
    for blocks in [false, true] {
        let sandbox = sandbox();
        let (client, refusals) = (Arc::new(Mutex::new(None::<auth_http::Client>)), Arc::new(Mutex::new(Vec::new())));
        let (own, theirs) = (Arc::clone(&client), Arc::clone(&refusals));
        let calls = move |_: &AuditEvent| {
            let own = own.lock().unwrap().clone().unwrap();
            let start = Instant::now();
            let errors = [own.get("/v1/trial-balance").send().unwrap_err(), own.authorize("/v1/x").unwrap_err()];
            theirs.lock().unwrap().push((errors.map(|error| error.failure().cloned().unwrap()), start.elapsed()));
        };
        *client.lock().unwrap() = Some(numeric(&sandbox).on_audit(calls).audit_blocks(blocks).build().unwrap());
        let own = client.lock().unwrap().clone().unwrap();
        assert_eq!(own.get("/v1/trial-balance").send().unwrap().status(), 200);
        own.close();
        let refusals = refusals.lock().unwrap();
        assert_eq!(refusals.len(), 4, "token_asked, token_granted, sent, answered");
        for (failures, took) in &*refusals {
            for failure in failures {
                assert_eq!(failure.kind(), FailureKind::Misuse, "{failure}");
                assert!(failure.what().contains("on_audit called its own client"), "{failure}");
            }
            assert!(*took < Duration::from_millis(100), "{took:?}");
        }
        *client.lock().unwrap() = None;
    }
}

//! Audit: who used which credential where, what came of it, what was decided; and nothing secret in any of it.

mod support;

use auth_http::{AuditEvent, Audited, ClientBuilder, Credential};
use auth_sandbox::{Environment, Fault, FaultKind, FinoraKey, LimitStyle, Service};
use std::io::Write;
use std::sync::{Arc, Mutex};
use support::{finora, numeric, sandbox};

type Events = Arc<Mutex<Vec<AuditEvent>>>;

fn listening(builder: ClientBuilder) -> (ClientBuilder, Events) {
    let events = Events::default();
    let theirs = Arc::clone(&events);
    (builder.integration("webshop").on_audit(move |event| theirs.lock().unwrap().push(event.clone())), events)
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

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_log_of_warnings_hears_what_goes_wrong_and_of_no_call() {
    let log = Log::default();
    let theirs = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(move || theirs.clone()).finish();
    let sandbox = sandbox();
    let revoked = sandbox.issue_finora_key(FinoraKey { environment: Environment::Test, ..FinoraKey::default() });
    sandbox.revoke(&revoked);
    let client = finora(&sandbox).credential(Credential::keys([revoked, sandbox.keys().finora_test.clone()])).build().unwrap();
    tracing::subscriber::with_default(subscriber, || client.get("/v1/invoices").send().unwrap());
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("replaced") && !text.contains("answered"), "{text}");
}

#[test]
fn the_same_events_go_to_tracing_and_nothing_secret_is_in_them() {
    let log = Log::default();
    let theirs = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || theirs.clone()).finish();
    let sandbox = sandbox();
    let mut secrets = vec![sandbox.keys().finora_test.clone(), sandbox.keys().numeric.client_secret.clone()];
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let (builder, events) = listening(numeric(&sandbox));
    let client = builder.build().unwrap();
    client.get("/v1/health").send().unwrap();
    secrets.push(client.authorize("/v1/health").unwrap().value().expose().trim_start_matches("Bearer ").to_owned());
    finora(&sandbox).build().unwrap().get("/v1/invoices?key=1").send().unwrap();
    for event in events.lock().unwrap().iter() {
        writeln!(log.clone(), "{event} {event:?}").unwrap();
    }
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("ledgerauth: with the credential in use what=\"sent\" provider=\"finora\""), "{text}");
    for secret in secrets {
        assert!(!text.contains(&secret), "{text}");
    }
    assert!(!text.contains("key=1"));
}

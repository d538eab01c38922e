//! Audit events in `tracing`, in a program of its own and one after the other: `tracing` remembers for a moment what another thread's log wanted.

mod support;

use auth_http::{AuditEvent, Credential};
use auth_sandbox::{Environment, FinoraKey};
use std::io::Write;
use std::sync::{Arc, Mutex};
use support::{finora, numeric, sandbox};

#[test]
fn a_log_hears_what_it_asks_for_and_nothing_secret() {
    a_log_of_warnings_hears_what_goes_wrong_and_of_no_call();
    the_same_events_go_to_tracing_and_nothing_secret_is_in_them();
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

fn the_same_events_go_to_tracing_and_nothing_secret_is_in_them() {
    let log = Log::default();
    let theirs = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || theirs.clone()).finish();
    let sandbox = sandbox();
    let mut secrets = vec![sandbox.keys().finora_test.clone(), sandbox.keys().numeric.client_secret.clone()];
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let events = Arc::new(Mutex::new(Vec::<AuditEvent>::new()));
    let theirs = Arc::clone(&events);
    let listener = move |event: &AuditEvent| theirs.lock().unwrap().push(event.clone());
    let client = numeric(&sandbox).on_audit(listener).audit_blocks(true).build().unwrap();
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

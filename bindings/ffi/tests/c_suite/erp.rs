//! The ERP connector's evening: a key is revoked, a limit is met, connections are cut before and after the server acted, and no invoice is booked twice.

use crate::build::{Program, compilers, no_c};
use crate::stage::{Stage, World};
use auth_sandbox::{Environment, Fault, FaultKind, FinoraKey, LimitStyle, Sandbox, Service};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

#[test]
fn an_evening_with_a_rotation_a_limit_and_cut_connections_books_everything_once() {
    if no_c() {
        return;
    }
    for compiler in compilers() {
        let stage = Stage::start(World::Tls);
        let sandbox = &stage.sandbox;
        let old = sandbox.issue_finora_key(FinoraKey { environment: Environment::Test, ..FinoraKey::default() });
        trouble(sandbox);
        revoke_after(sandbox, &old, 5);
        let mut env = stage.finora();
        env.extend([
            ("FINORA_KEY_OLD".into(), old.clone()),
            ("FINORA_KEY_NEW".into(), sandbox.keys().finora_test.clone()),
            ("NUMORA_API_KEY".into(), sandbox.keys().numora.clone()),
            ("FINORA_URL".into(), sandbox.url(Service::Finora)),
            ("NUMORA_URL".into(), sandbox.url(Service::Numora)),
        ]);
        let text = Program::example("erp_connector").by(compiler).build().run(&env, &[]);
        assert!(text.contains("18 items, 0 failed") && text.contains("1 keys replaced"), "{text}");
        assert!(text.contains("looked, and it is booked") && text.contains("it was not booked, sent again"), "{text}");
        assert!(text.contains("to do: remove key \"spring\""), "{text}");
        assert_eq!(sandbox.faults_left(), 0, "all that was to go wrong went wrong");
        booked_once(sandbox, Service::Finora, "reference", 12);
        booked_once(sandbox, Service::Numora, "external_id", 6);
    }
}

/// What goes wrong on that evening.
fn trouble(sandbox: &Sandbox) {
    let post = |kind: FaultKind, service: Service, after: u32| sandbox.inject(Fault::new(kind).on(service).method("POST").after(after));
    post(FaultKind::TooManyRequests { style: LimitStyle::RetryAfterSeconds(1) }, Service::Finora, 2);
    post(FaultKind::ResetAfterActing, Service::Finora, 7);
    post(FaultKind::ResetBeforeActing, Service::Finora, 9);
    post(FaultKind::ResetAfterActing, Service::Numora, 1);
    post(FaultKind::Status { code: 503, body: String::new(), content_type: "text/plain".into(), headers: vec![] }, Service::Numora, 3);
}

/// Revokes a key when so many invoices are booked.
fn revoke_after(sandbox: &Arc<Sandbox>, key: &str, invoices: u32) {
    let (booked, key, weak) = (AtomicU32::new(0), key.to_owned(), Arc::downgrade(sandbox));
    sandbox.on_entry(move |entry| {
        if entry.service == Service::Finora
            && entry.acted
            && booked.fetch_add(1, Ordering::Relaxed) + 1 == invoices
            && let Some(sandbox) = weak.upgrade()
        {
            assert!(sandbox.revoke(&key));
        }
    });
}

/// Every name was booked, and none twice.
fn booked_once(sandbox: &Sandbox, service: Service, field: &str, count: usize) {
    let mut booked: BTreeMap<String, u32> = BTreeMap::new();
    for entry in sandbox.log().into_iter().filter(|entry| entry.service == service && entry.acted && entry.method == "POST") {
        let body: serde_json::Value = serde_json::from_slice(&entry.body).unwrap();
        *booked.entry(body[field].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(booked.len(), count, "{booked:?}");
    assert!(booked.values().all(|times| *times == 1), "{booked:?}");
}

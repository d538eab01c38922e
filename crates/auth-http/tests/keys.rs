//! Keys over their lives: ages, day 90, what to do and when.

mod support;

use auth_http::{Credential, FailureKind, Key, KeyAge};
use auth_sandbox::{AdaasCredentials, AdaasKey, Environment, FinoraKey, Sandbox, Service};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};
use support::{adaas, finora, requests, sandbox};

const NINETY_DAYS: Duration = Duration::from_hours(90 * 24);

fn issue(sandbox: &Sandbox) -> String {
    sandbox.issue_finora_key(FinoraKey { environment: Environment::Test, ..FinoraKey::default() })
}

#[test]
fn a_key_reaches_day_90_while_its_successor_takes_over_and_no_call_fails() {
    let sandbox = sandbox();
    let left = Duration::from_millis(1_200);
    // A little earlier than the server will count, as an owner's note of a date is: the successor must be in use before the old key ends.
    let noted = SystemTime::now() - Duration::from_millis(100);
    let old = issue(&sandbox);
    sandbox.clock().advance(NINETY_DAYS.saturating_sub(left));
    let new = issue(&sandbox);
    let created = noted - NINETY_DAYS.saturating_sub(left);
    let keys = [Key::new(old.as_str()).name("old").created(created), Key::new(new.as_str()).name("new").created(SystemTime::now())];
    let client = finora(&sandbox).credential(Credential::keys(keys)).build().unwrap();
    let start = Instant::now();
    while start.elapsed() < left * 2 {
        assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 200);
        std::thread::sleep(Duration::from_millis(10));
    }
    let seen = requests(&sandbox, Service::Finora);
    assert!(seen.iter().all(|entry| entry.status == Some(200)), "not one call met the expired key");
    let with = |key: &str| seen.iter().filter(|entry| entry.header("authorization").unwrap().contains(key)).count();
    assert!(with(&old) > 20 && with(&new) > 20, "{} {}", with(&old), with(&new));
    let states = client.keys();
    assert!(matches!(states[0].age, KeyAge::Expired { .. }) && !states[0].in_use && states[1].in_use);
    assert!(states[0].last_needed.unwrap() < states[1].last_needed.unwrap());
    let plan = client.rotation_plan().to_string();
    assert!(plan.contains("take key \"old\" out of the ring"), "{plan}");
}

#[test]
fn a_refused_key_is_told_apart_by_its_age() {
    let sandbox = sandbox();
    let (expired, revoked) = (issue(&sandbox), issue(&sandbox));
    sandbox.clock().advance(NINETY_DAYS);
    let fresh = issue(&sandbox);
    sandbox.revoke(&revoked);
    sandbox.revoke(&fresh);
    let refusal = |key: Key| {
        let client = finora(&sandbox).credential(Credential::keys([key])).build().unwrap();
        let response = client.get("/v1/invoices").send().unwrap();
        response.failure().unwrap().clone()
    };
    let of_age = |key: &str, age: Duration| refusal(Key::new(key).created(SystemTime::now() - age));
    let failure = of_age(&expired, NINETY_DAYS + Duration::from_secs(1));
    assert_eq!(failure.kind(), FailureKind::KeyExpired, "{failure}");
    let failure = of_age(&fresh, Duration::from_secs(1));
    assert_eq!(failure.kind(), FailureKind::KeyRefused);
    assert!(failure.what().contains("a guess"), "{failure}");
    assert!(!refusal(Key::new(revoked)).what().contains("a guess"));
}

#[test]
fn a_plan_is_a_value_to_print() {
    let sandbox = sandbox();
    let key = Key::new(issue(&sandbox)).name("webshop").created(SystemTime::now() - Duration::from_hours(80 * 24 + 1));
    let client = finora(&sandbox).credential(Credential::keys([key])).build().unwrap();
    assert!(matches!(client.keys()[0].age, KeyAge::Expiring { days_left: 9, .. }));
    let plan = client.rotation_plan().to_string();
    assert!(plan.contains("key \"webshop\": generate its successor") && plan.contains("Settings > API & Integrations"), "{plan}");
}

#[test]
fn a_key_that_two_integrations_share_is_reported() {
    let sandbox = sandbox();
    let key = issue(&sandbox);
    let keys = ["webshop", "payroll"].map(|name| Key::new(key.as_str()).name("shared").integration(name).created(SystemTime::now()));
    let client = finora(&sandbox).credential(Credential::keys(keys)).build().unwrap();
    let states = client.keys();
    assert_eq!((states.len(), states[0].integrations.as_slice()), (1, &["webshop".to_owned(), "payroll".to_owned()][..]));
    assert!(client.rotation_plan().to_string().contains("give each of webshop, payroll a key of its own"));
}

#[test]
fn a_key_that_is_handed_over_takes_over_without_a_single_401() {
    let sandbox = sandbox();
    let (old, new) = (issue(&sandbox), issue(&sandbox));
    let client = finora(&sandbox).credential(Credential::key(old.as_str())).build().unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 200);
                }
            });
        }
        std::thread::sleep(Duration::from_millis(100));
        client.replace_credential(Credential::key(new.as_str())).unwrap();
        // What was under way ends with the old key, which is still good.
        std::thread::sleep(Duration::from_millis(500));
        sandbox.revoke(&old);
        std::thread::sleep(Duration::from_millis(100));
        stop.store(true, Ordering::Relaxed);
    });
    let seen = requests(&sandbox, Service::Finora);
    let with = |key: &str| seen.iter().filter(|entry| entry.header("authorization").unwrap().contains(key)).count();
    assert!(seen.iter().all(|entry| entry.status == Some(200)) && with(&old) > 10 && with(&new) > 10, "{} {}", with(&old), with(&new));
}

#[test]
fn an_id_and_secret_that_are_handed_over_are_exchanged_by_the_next_call() {
    let sandbox = sandbox();
    let (first, second) = (sandbox.issue_adaas_key(AdaasKey::default()).unwrap(), sandbox.issue_adaas_key(AdaasKey::default()).unwrap());
    let pair = |key: &AdaasCredentials| Credential::client(key.client_id.as_str(), key.secret.as_str());
    let client = adaas(&sandbox).credential(pair(&first)).build().unwrap();
    assert_eq!(client.get("/v2/invoices").send().unwrap().status(), 200);
    client.replace_credential(pair(&second)).unwrap();
    assert!(sandbox.delete(&first.client_id));
    assert_eq!(client.get("/v2/invoices").send().unwrap().status(), 200);
    for service in [Service::AdaasAuth, Service::AdaasApi] {
        let statuses: Vec<_> = requests(&sandbox, service).iter().map(|entry| entry.status).collect();
        assert_eq!(statuses, [Some(200), Some(200)]);
    }
    let error = client.reload().unwrap_err();
    assert!(error.to_string().contains("nothing to read again"), "{error}");
}

#[test]
fn the_next_client_takes_over_when_one_was_deleted_and_a_sixth_is_refused() {
    let sandbox = sandbox();
    let (first, second) = (sandbox.issue_adaas_key(AdaasKey::default()).unwrap(), &sandbox.keys().adaas);
    let pairs = [(first.client_id.as_str(), first.secret.as_str()), (second.client_id.as_str(), second.secret.as_str())];
    let (client, one_more) = (adaas(&sandbox).credential(Credential::clients(pairs)).build().unwrap(), first.clone());
    assert_eq!(client.get("/v2/invoices").send().unwrap().status(), 200);
    assert!(sandbox.delete(&one_more.client_id));
    for _ in 0..3 {
        assert_eq!(client.get("/v2/invoices").send().unwrap().status(), 200);
    }
    let seen: Vec<_> = requests(&sandbox, Service::AdaasAuth).iter().map(|entry| entry.status).collect();
    assert_eq!(seen, [Some(200), Some(401), Some(200)]);

    let none: [(&str, &str); 0] = [];
    let error = adaas(&sandbox).credential(Credential::clients(none)).build().unwrap_err();
    assert!(error.to_string().contains("give at least one"), "{error}");

    let six = (0..6).map(|number| (format!("client-{number}"), second.secret.as_str()));
    let error = adaas(&sandbox).credential(Credential::clients(six)).build().unwrap_err();
    assert!(error.to_string().contains("allows 5") && error.advice().unwrap().contains("delete one"), "{error}");
}

#[test]
fn a_format_is_relaxed_by_name() {
    let sandbox = sandbox();
    let longer = format!("test_sk_{}", "0a".repeat(32));
    assert!(finora(&sandbox).credential(Credential::key(longer.as_str())).build().is_err());
    let client = finora(&sandbox).credential(Credential::key(Key::new(longer).relaxed())).build().unwrap();
    assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 401);
}

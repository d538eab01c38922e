//! The same against a second server, which is independent of the first and runs in several processes.

mod support;

use auth_http::{Client, Credential, FailureKind, Login, MemoryStore};
use serde_json::{Value, json};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};
use support::browser::visit;
use support::django::Django;
use support::oidc::SECRET;

fn call(client: &Client) -> u16 {
    client.get("/api/ledger").send().unwrap().status()
}

#[test]
fn secrets_are_encoded_as_this_server_decodes_them() {
    let Some(django) = Django::start(json!({})) else { return };
    for (id, secret) in [("basic", SECRET), ("cc:odd id", r#"a:b%c+d/e=f &g"h\i~"#)] {
        let client = django.client().credential(Credential::client(id, secret)).build().unwrap();
        let facts: Value = client.get("/api/ledger").send().unwrap().json().unwrap();
        assert_eq!(facts["client"], id);
    }
    assert!(django.stats()["requests"].as_array().unwrap().iter().all(|seen| seen["auth"] == "header"));
    let error = django.client().credential(Credential::client("basic", "another")).build().unwrap().get("/api/ledger").send().unwrap_err();
    assert_eq!((error.kind(), error.failure().unwrap().code()), (Some(FailureKind::GrantRefused), Some("invalid_client")), "{error}");
}

#[test]
fn many_threads_and_expiries_over_several_processes_spend_each_refresh_token_once() {
    let Some(django) = Django::start(json!({})) else { return };
    let client = django.client().credential(Credential::refresh_token("web", SECRET, django.seed("web", 1).remove(0))).build().unwrap();
    for round in 0..20 {
        let barrier = Barrier::new(12);
        let fine = thread::scope(|scope| {
            let threads: Vec<_> = (0..12)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        call(&client)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|status| *status == 200).count()
        });
        assert_eq!((fine, django.end_access_tokens()), (12, 1), "{round}");
    }
    assert_eq!((django.count("refreshes"), django.count("invalid_grants")), (20, 0));
    assert!(django.count("processes") > 1, "one process took every request");
}

#[test]
fn a_reused_refresh_token_ends_the_family() {
    let Some(django) = Django::start(json!({})) else { return };
    let seed = django.seed("web", 1).remove(0);
    let client = || django.client().credential(Credential::refresh_token("web", SECRET, seed.as_str())).build().unwrap();
    let (first, second) = (client(), client());
    assert_eq!(call(&first), 200);
    let error = second.get("/api/ledger").send().unwrap_err();
    assert_eq!((error.kind(), error.failure().unwrap().code()), (Some(FailureKind::ConsentRequired), Some("invalid_grant")), "{error}");
    django.end_access_tokens();
    assert_eq!(first.get("/api/ledger").send().unwrap().failure().unwrap().kind(), FailureKind::ConsentRequired);
}

#[test]
fn a_person_logs_in_by_browser_and_the_consent_is_ended_again() {
    let Some(django) = Django::start(json!({})) else { return };
    let store = Arc::new(MemoryStore::new());
    let client = django.person("native").store(store.clone()).build().unwrap();
    let mut pages = Vec::new();
    client
        .login(Login::new(|prompt| {
            let url = prompt.url.clone();
            pages.push(thread::spawn(move || visit(&url)));
        }))
        .unwrap();
    assert!(pages.remove(0).join().unwrap().body.contains("<h1>Connected</h1>"));
    let facts: Value = client.get("/api/ledger").send().unwrap().json().unwrap();
    assert_eq!(
        (facts["client"].as_str(), facts["account"].as_str(), facts["scope"].as_str()),
        (Some("native"), Some("alice"), Some("ledger.read"))
    );
    django.end_access_tokens();
    let other = django.person("native").store(store).build().unwrap();
    assert_eq!((call(&client), call(&other), django.count("refreshes")), (200, 200, 1));

    client.revoke().unwrap();
    let stats = django.stats();
    let revocations = stats["requests"].as_array().unwrap().iter().filter(|seen| seen["endpoint"] == "revoke_token");
    let hints: Vec<_> = revocations.map(|seen| (seen["hint"].as_str(), seen["status"].as_u64())).collect();
    assert_eq!(hints, [(Some("refresh_token"), Some(200)), (Some("access_token"), Some(200))]);
    assert_eq!(client.get("/api/ledger").send().unwrap_err().kind(), Some(FailureKind::ConsentRequired));
    assert_eq!(other.get("/api/ledger").send().unwrap().failure().unwrap().kind(), FailureKind::ConsentRequired);
    assert_eq!(django.count("invalid_grants"), 0);
}

#[test]
fn a_person_confirms_on_another_device() {
    let Some(django) = Django::start(json!({"device_interval": 1})) else { return };
    let client = django.person("device").build().unwrap();
    let start = Instant::now();
    thread::scope(|scope| {
        client
            .login_on_device(|prompt| {
                let (code, django) = (prompt.user_code.clone().unwrap(), &django);
                assert!(prompt.url.starts_with(django.issuer()), "{}", prompt.url);
                scope.spawn(move || {
                    thread::sleep(Duration::from_millis(2_500));
                    assert!(django.answer_device(&code, true));
                });
            })
            .unwrap();
    });
    // The server's own interval is kept: asked at 1 s, at 2 s, and at 3 s, when the person had confirmed.
    assert!(start.elapsed() < Duration::from_secs(7), "{:?}", start.elapsed());
    let stats = django.stats();
    let errors: Vec<_> = stats["requests"].as_array().unwrap().iter().map(|seen| seen["error"].as_str()).collect();
    assert!(errors.len() >= 3 && errors.last() == Some(&None), "{errors:?}");
    assert!(errors.iter().rev().skip(1).all(|error| *error == Some("authorization_pending")), "{errors:?}");
    assert_eq!(call(&client), 200);
}

#[test]
fn a_person_who_refuses_the_device_ends_it() {
    let Some(django) = Django::start(json!({"device_interval": 1})) else { return };
    let client = django.person("device").build().unwrap();
    let refuse = |prompt: &auth_http::Prompt| assert!(django.answer_device(prompt.user_code.as_deref().unwrap(), false));
    let error = client.login_on_device(refuse).unwrap_err();
    assert_eq!((error.kind(), error.failure().unwrap().code()), (Some(FailureKind::ConsentRequired), Some("access_denied")), "{error}");
}

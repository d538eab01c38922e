//! Logins on another device (RFC 8628) at a real server.

mod support;

use auth_http::{FailureKind, Prompt};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use support::oidc::Oidc;

/// How often the server was asked for the token, and what it said.
fn answers(oidc: &Oidc) -> Vec<Option<String>> {
    let stats = oidc.stats();
    stats["requests"].as_array().unwrap().iter().map(|seen| seen["error"].as_str().map(Into::into)).collect()
}

#[test]
fn a_person_confirms_on_another_device() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let client = oidc.person("device").build().unwrap();
    let start = Instant::now();
    client
        .login_on_device(|prompt| {
            let code = prompt.user_code.as_deref().unwrap();
            assert!(prompt.url.starts_with(oidc.issuer()) && prompt.url_with_code.as_deref().unwrap().contains(code), "{}", prompt.url);
            assert!(!format!("{prompt:?}").contains(code), "{prompt:?}");
            assert!(oidc.answer_device(code, true));
        })
        .unwrap();
    // The server names no interval, so that it is five seconds, and the first question comes after it.
    assert!((5..8).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(answers(&oidc), [None]);
    let facts: Value = client.get("/api/ledger").send().unwrap().json().unwrap();
    assert_eq!((facts["client"].as_str(), facts["account"].as_str()), (Some("device"), Some("alice")));
    oidc.end_access_tokens();
    assert_eq!(client.get("/api/ledger").send().unwrap().status(), 200);
    assert_eq!(oidc.count("refreshes"), 1);
}

#[test]
fn a_device_waits_for_a_person_and_asks_less_often_when_it_is_told_to() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let client = oidc.person("device").build().unwrap();
    let shown: Mutex<Option<Prompt>> = Mutex::new(None);
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Asked at 5 s: nobody has confirmed. At 10 s the server asks to slow down, so that the next question comes 10 s later.
            std::thread::sleep(Duration::from_secs(7));
            oidc.fail("/token", 1, 400, &json!({"content-type": "application/json"}), r#"{"error":"slow_down"}"#);
            std::thread::sleep(Duration::from_secs(5));
            let prompt = shown.lock().unwrap().take().expect("it was shown");
            assert!(oidc.answer_device(prompt.user_code.as_deref().unwrap(), true));
        });
        client.login_on_device(|prompt| *shown.lock().unwrap() = Some(prompt.clone())).unwrap();
    });
    assert_eq!(answers(&oidc), [Some("authorization_pending".to_owned()), None]);
    assert_eq!(oidc.stats()["failures"]["/token"], 1);
    assert!((20..24).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[test]
fn a_person_who_refuses_ends_it() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let client = oidc.person("device").build().unwrap();
    let refuse = |prompt: &Prompt| assert!(oidc.answer_device(prompt.user_code.as_deref().unwrap(), false));
    let error = client.login_on_device(refuse).unwrap_err();
    assert_eq!((error.kind(), error.failure().unwrap().code()), (Some(FailureKind::ConsentRequired), Some("access_denied")), "{error}");
}

#[test]
fn a_code_that_nobody_confirms_ends_with_its_time() {
    let Some(oidc) = Oidc::start(&json!({"device_seconds": 7})) else { return };
    let client = oidc.person("device").build().unwrap();
    let start = Instant::now();
    let error = client.login_on_device(|_| {}).unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::ConsentRequired), "{error}");
    assert!(error.to_string().contains("nobody confirmed the device code"), "{error}");
    // Asked once at 5 s; at 10 s the code would have ended, so nobody waits for that.
    assert!(start.elapsed() < Duration::from_secs(7), "{:?}", start.elapsed());
    assert_eq!(answers(&oidc), [Some("authorization_pending".to_owned())]);
}

#[test]
fn a_client_that_may_not_is_told_so_at_once() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let client = oidc.person("native").build().unwrap();
    let error = client.login_on_device(|_| panic!("shown")).unwrap_err();
    assert_eq!(error.failure().unwrap().code(), Some("invalid_request"), "{error}");
}

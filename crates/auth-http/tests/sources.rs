//! Sources of credentials: values, variables, files, callbacks, and what happens when they rotate.

mod support;

use auth_http::{Client, Credential, Error, FailureKind, Provider};
use auth_sandbox::{Environment, FinoraKey, Service};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{finora, numeric, requests, sandbox};

/// A file of the test's own that is removed with it.
struct TempFile(std::path::PathBuf);

impl TempFile {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ledgerauth-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_variable_that_is_missing_is_named() {
    let error = Credential::from_env("LEDGERAUTH_TEST_NOT_SET").unwrap_err();
    assert!(error.to_string().contains("LEDGERAUTH_TEST_NOT_SET") && error.to_string().contains("export it"), "{error}");
}

#[test]
fn a_malformed_key_is_refused_without_being_shown() {
    let build = |key: &str| Client::builder(Provider::builtin("finora").unwrap()).credential(Credential::key(key)).build().unwrap_err();
    for key in [
        "live_sk_0123",
        " live_sk_0123456789abcdef0123456789abcdef0123456789abcdef",
        "\"live_sk_x\"",
        "Bearer live_sk_x",
        "YOUR_ACCESS_TOKEN",
    ] {
        let error = build(key);
        assert!(matches!(error, Error::Key(_)), "{error}");
        assert!(!format!("{error} {error:?}").contains("0123"), "{error}");
    }
}

#[test]
fn a_rotated_file_is_read_again_when_its_key_is_refused() {
    let sandbox = sandbox();
    let issue = || sandbox.issue_finora_key(FinoraKey { environment: Environment::Test, ..FinoraKey::default() });
    let (old, new) = (issue(), issue());
    let file = TempFile::new("rotated", &format!("{old}\n"));
    let client = finora(&sandbox).credential(Credential::from_file(&file.0).unwrap()).build().unwrap();
    assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 200);
    std::fs::write(&file.0, format!("{new}\n")).unwrap();
    assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 200);
    assert!(requests(&sandbox, Service::Finora).iter().all(|entry| entry.header("authorization").unwrap().contains(&old)));
    assert!(sandbox.revoke(&old));
    assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 200);
    let seen = requests(&sandbox, Service::Finora);
    assert_eq!(seen.iter().filter(|entry| entry.status == Some(401)).count(), 1);
    assert!(seen.last().unwrap().header("authorization").unwrap().contains(&new));
}

#[test]
fn a_second_key_takes_over_when_the_first_is_refused_and_the_first_is_not_returned_to() {
    let sandbox = sandbox();
    let issue = || sandbox.issue_finora_key(FinoraKey { environment: Environment::Test, ..FinoraKey::default() });
    let (first, second) = (issue(), issue());
    let client = finora(&sandbox).credential(Credential::keys([first.as_str(), second.as_str()])).build().unwrap();
    assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 200);
    sandbox.revoke(&first);
    for _ in 0..5 {
        assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 200);
    }
    let seen = requests(&sandbox, Service::Finora);
    assert_eq!(seen.iter().filter(|entry| entry.header("authorization").unwrap().contains(&first)).count(), 2);
}

#[test]
fn a_key_that_is_refused_is_not_sent_again_and_again() {
    let sandbox = sandbox();
    let key = sandbox.issue_finora_key(FinoraKey { environment: Environment::Test, age_days: 90, ..FinoraKey::default() });
    let client = finora(&sandbox).credential(Credential::key(key)).build().unwrap();
    let response = client.get("/v1/invoices").send().unwrap();
    assert_eq!(response.failure().unwrap().kind(), FailureKind::KeyRefused);
    for _ in 0..100 {
        let error = client.get("/v1/invoices").send().unwrap_err();
        assert_eq!(error.kind(), Some(FailureKind::KeyRefused), "{error}");
    }
    assert_eq!(requests(&sandbox, Service::Finora).len(), 1);
}

#[test]
fn a_callback_is_asked_again_when_what_it_gave_is_refused_and_by_one_thread_at_a_time() {
    let sandbox = Arc::new(sandbox());
    let (asked, inside) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let first = sandbox.issue_finora_key(FinoraKey { environment: Environment::Test, ..FinoraKey::default() });
    let callback = {
        let (sandbox, asked, inside, first) = (Arc::clone(&sandbox), Arc::clone(&asked), Arc::clone(&inside), first.clone());
        move || {
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two at once");
            std::thread::sleep(std::time::Duration::from_millis(20));
            let key = match asked.fetch_add(1, Ordering::SeqCst) {
                0 => first.clone(),
                _ => sandbox.issue_finora_key(FinoraKey { environment: Environment::Test, ..FinoraKey::default() }),
            };
            inside.fetch_sub(1, Ordering::SeqCst);
            Ok(Credential::key(key))
        }
    };
    let client = finora(&sandbox).credential(Credential::from_callback(callback).unwrap()).build().unwrap();
    sandbox.revoke(&first);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 200));
        }
    });
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[test]
fn a_client_file_is_json_and_its_errors_show_no_secret() {
    let sandbox = sandbox();
    let keys = sandbox.keys();
    let text = format!("{{\"client_id\": \"{}\", \"client_secret\": \"{}\"}}", keys.numeric.client_id, keys.numeric.client_secret);
    let good = TempFile::new("client", &text);
    let client = numeric(&sandbox).credential(Credential::from_file(&good.0).unwrap()).build().unwrap();
    assert_eq!(client.get("/v1/health").send().unwrap().status(), 200);
    let bad = TempFile::new("bad-client", "{\"client_id\": 5, \"client_secret\": \"hunter2\"}");
    let error = Credential::from_file(&bad.0).unwrap_err().to_string();
    assert!(error.contains("client_id") && !error.contains("hunter2"), "{error}");
    assert!(Credential::from_file("/nowhere/at-all").unwrap_err().to_string().contains("/nowhere/at-all"));
}

#[test]
fn a_rotated_client_secret_is_read_again_when_the_grant_is_refused() {
    let sandbox = sandbox();
    let keys = sandbox.keys();
    let write = |secret: &str| format!("{{\"client_id\": \"{}\", \"client_secret\": \"{secret}\"}}", keys.numeric.client_id);
    let file = TempFile::new("rotated-client", &write("wrong"));
    let client = numeric(&sandbox).credential(Credential::from_file(&file.0).unwrap()).build().unwrap();
    std::fs::write(&file.0, write(&keys.numeric.client_secret)).unwrap();
    assert_eq!(client.get("/v1/health").send().unwrap().status(), 200);
    let statuses: Vec<_> = requests(&sandbox, Service::NumericAuth).iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [Some(401), Some(200)]);
}

#[test]
fn a_key_file_carries_what_is_noted_about_each_key() {
    let sandbox = sandbox();
    let issue = || sandbox.issue_finora_key(FinoraKey { environment: Environment::Test, ..FinoraKey::default() });
    let (noted, bare) = (issue(), issue());
    let text = format!(
        r#"{{"keys": [{{"key": "{noted}", "name": "webshop", "id": "key_1", "created": "2026-08-01", "permissions": ["retail"], "integration": "sync"}}, "{bare}"]}}"#
    );
    let file = TempFile::new("ring", &text);
    let client = finora(&sandbox).credential(Credential::from_file(&file.0).unwrap()).build().unwrap();
    assert_eq!(client.get("/v1/invoices").send().unwrap().status(), 200);
    let keys = client.keys();
    let notes = &keys[0].notes;
    assert_eq!(
        (notes.name.as_deref(), notes.id.as_deref(), keys[0].integrations.as_slice()),
        (Some("webshop"), Some("key_1"), &["sync".to_owned()][..])
    );
    assert_eq!(notes.created, auth_http::UnixTime::from_rfc3339("2026-08-01"));
    assert_eq!((keys.len(), keys[1].notes.name.as_deref()), (2, None));
    for (wrong, words) in [
        (r#"{"keys": [{"key": "k", "created": "1.8.2026"}]}"#, "keys[0].created is not a date"),
        (r#"{"keys": []}"#, "with keys, a list of keys"),
        (r#"{"keys": [{"key": "hunter2", "nmae": "x"}]}"#, "line 1"),
        (r#"{"keys": ["hunter2"], "client_id": "hunter2"}"#, "expected a JSON object"),
        (r#"["hunter2"]"#, "line 1"),
    ] {
        let file = TempFile::new("wrong-ring", wrong);
        let error = Credential::from_file(&file.0).unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("hunter2"), "{wrong}: {error}");
    }
}

#[test]
fn a_client_file_may_hold_several_clients() {
    let sandbox = sandbox();
    let keys = sandbox.keys();
    let (id, secret) = (&keys.numeric.client_id, &keys.numeric.client_secret);
    let text =
        format!(r#"{{"clients": [{{"client_id": "gone", "client_secret": "x1"}}, {{"client_id": "{id}", "client_secret": "{secret}"}}]}}"#);
    let file = TempFile::new("clients", &text);
    let client = numeric(&sandbox).credential(Credential::from_file(&file.0).unwrap()).build().unwrap();
    assert_eq!(client.get("/v1/health").send().unwrap().status(), 200);
}

#[cfg(unix)]
#[test]
fn a_file_that_every_user_can_read_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = TempFile::new("exposed", &format!("test_sk_{}\n", "0a".repeat(24)));
    let told = |mode: u32| {
        std::fs::set_permissions(&file.0, std::fs::Permissions::from_mode(mode)).unwrap();
        let events = Arc::new(std::sync::Mutex::new(Vec::new()));
        let heard = Arc::clone(&events);
        let builder = Client::builder(Provider::builtin("finora").unwrap()).credential(Credential::from_file(&file.0).unwrap());
        let client = builder.on_audit(move |event| heard.lock().unwrap().push(event.to_string())).build().unwrap();
        drop(client);
        events.lock().unwrap().join("\n")
    };
    let event = told(0o644);
    assert!(event.contains("credential_exposed") && event.contains("chmod 600") && !event.contains("0a0a"), "{event}");
    assert_eq!((told(0o600), told(0o640)), (String::new(), String::new()));
}

//! A seal's key from the desktop's keyring: a real secret service, started by `tests/servers/keyring/run`.
#![cfg(all(feature = "keyring", target_os = "linux"))]

use auth_http::store::TokenStore as _;
use auth_http::{FileStore, SealKey};
use std::process::Command;

/// Whether this runs in a session of its own, and not in that of somebody's desktop.
fn is_in_a_session_of_its_own() -> bool {
    std::env::var_os("LEDGERAUTH_TEST_KEYRING").is_some()
}

fn refusal(account: &str) -> String {
    SealKey::from_keyring("ledgerauth's test", account).unwrap_err().to_string()
}

fn shell(command: &str) {
    assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
}

#[test]
fn a_key_comes_out_of_the_keyring_and_seals() {
    if !is_in_a_session_of_its_own() {
        return;
    }
    // The error says how to make one, in a command that works as it stands.
    let error = refusal("files");
    assert!(error.contains("does not exist"), "{error}");
    shell(error.split_once("does not exist: ").unwrap().1);
    let key = SealKey::from_keyring("ledgerauth's test", "files").unwrap();

    let folder = std::env::temp_dir().join(format!("ledgerauth-test-keyring-{}", std::process::id()));
    let sealed = FileStore::open(&folder).unwrap().sealed(key);
    let save = auth_http::store::Save {
        record: auth_http::store::Record { generation: 1, refresh_token: Some("made-up".into()), ..Default::default() },
        replaces: 0,
        lease: None,
    };
    assert_eq!(sealed.save("a", &save), auth_http::store::Saved::Durable);
    let again = FileStore::open(&folder).unwrap().sealed(SealKey::from_keyring("ledgerauth's test", "files").unwrap());
    assert_eq!(again.load("a").unwrap().unwrap().generation, 1);
    assert!(FileStore::open(&folder).unwrap().load("a").unwrap_err().contains("is sealed"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_entry_that_is_no_key_is_refused_and_not_shown() {
    if !is_in_a_session_of_its_own() {
        return;
    }
    shell(r#"printf "not a key" | secret-tool store --label=test service "ledgerauth's test" username wrong"#);
    let error = refusal("wrong");
    assert!(error.contains("is not 32 bytes") && !error.contains("not a key"), "{error}");
}

#[test]
fn what_cannot_be_read_is_said_with_the_remedy() {
    if !is_in_a_session_of_its_own() {
        return;
    }
    shell(r#"head -c 32 /dev/urandom | base64 | secret-tool store --label=test service "ledgerauth's test" username locked"#);
    shell(
        r#"gdbus call --session -d org.freedesktop.secrets -o /org/freedesktop/secrets -m org.freedesktop.Secret.Service.Lock "[objectpath \"/org/freedesktop/secrets/collection/login\"]" >/dev/null"#,
    );
    let error = refusal("locked");
    assert!(error.contains("is locked: unlock it"), "{error}");

    // A session without a secret service: this program once more, in it.
    let alone = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "without_a_service", "--nocapture"])
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .env("LEDGERAUTH_TEST_ALONE", "1")
        .output()
        .unwrap();
    assert!(alone.status.success(), "{}", String::from_utf8_lossy(&alone.stderr));
}

#[test]
fn without_a_service() {
    if std::env::var_os("LEDGERAUTH_TEST_ALONE").is_some() {
        let error = refusal("files");
        assert!(error.contains("is a secret service running in this session"), "{error}");
    }
}

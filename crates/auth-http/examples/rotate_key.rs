//! A key is rotated while calls go on, and no call fails.
//!
//! ```text
//! cargo run -p auth-http --example rotate_key
//! ```
//!
//! The key stands in a file, as a secrets manager would mount it. The new key is written there first, then the old one is revoked. A client reads its file again
//! when the API refuses what it holds, and sends the refused call again with what it finds. Runs against a sandbox that it starts itself.

use auth_http::{Client, Credential, Provider};
use auth_sandbox::{Environment, FinoraKey, Options, Sandbox, Service};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How many threads call all the while.
const CALLERS: usize = 4;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start(Options { limits: false, ..Options::default() })?;
    let new_key = || sandbox.issue_finora_key(FinoraKey { environment: Environment::Test, ..FinoraKey::default() });
    let (monday, tuesday) = (new_key(), new_key());

    let file = KeyFile::write(&monday)?;
    let client = Client::builder(Provider::builtin("finora")?)
        .credential(Credential::from_file(file.path())?)
        .environment("staging")
        .base_url(sandbox.url(Service::Finora))
        .ca(sandbox.ca_pem())
        .no_proxy()
        .build()?;

    let (stop, good, failed) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let call = || {
        while !stop.load(Ordering::Relaxed) {
            match client.get("/v1/invoices").send().and_then(auth_http::Response::error_for_status) {
                Ok(_) => good.fetch_add(1, Ordering::Relaxed),
                Err(error) => {
                    eprintln!("a call failed: {error}");
                    failed.fetch_add(1, Ordering::Relaxed)
                }
            };
            thread::sleep(Duration::from_millis(10));
        }
    };
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(call);
        }
        let rotated = rotate(&sandbox, &file, &monday, &tuesday);
        stop.store(true, Ordering::Relaxed);
        rotated
    })?;

    let sent_with = |key: &str| sandbox.count(|entry| entry.header("authorization").is_some_and(|value| value.ends_with(key)));
    let refused = sandbox.count(|entry| entry.status == Some(401));
    println!("sent with Monday's key: {}, with Tuesday's: {}", sent_with(&monday), sent_with(&tuesday));
    println!("refused by the API and sent again: {refused} (one of each caller at most)");
    println!("calls that succeeded: {}, that failed: {}", good.load(Ordering::Relaxed), failed.load(Ordering::Relaxed));
    if failed.into_inner() == 0 && sent_with(&tuesday) > 0 { Ok(()) } else { Err("the rotation was noticed".into()) }
}

/// The rotation as Finora documents it: the new key is deployed while both are good, then the old one is revoked.
fn rotate(sandbox: &Sandbox, file: &KeyFile, old: &str, new: &str) -> std::io::Result<()> {
    thread::sleep(Duration::from_millis(300));
    println!("the new key is written to the file; the old one still works, so nobody looks");
    file.replace(new)?;
    thread::sleep(Duration::from_millis(300));
    println!("the old key is revoked");
    sandbox.revoke(old);
    thread::sleep(Duration::from_millis(300));
    Ok(())
}

/// A file with a key in it, removed with this value.
struct KeyFile(PathBuf);

impl KeyFile {
    fn write(key: &str) -> std::io::Result<Self> {
        let file = Self(std::env::temp_dir().join(format!("ledgerauth-rotate-key-{}", std::process::id())));
        file.replace(key)?;
        Ok(file)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    /// Writes beside the file and renames, so that no reader ever meets half a key.
    fn replace(&self, key: &str) -> std::io::Result<()> {
        let beside = self.0.with_extension("new");
        std::fs::write(&beside, format!("{key}\n"))?;
        std::fs::rename(beside, &self.0)
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

//! Two processes share one refresh token that changes with every use, through a folder of sealed files. Runs anywhere.
//!
//! ```text
//! cargo run -p auth-http --example shared_store
//! ```
//!
//! The server ends the whole connection when a refresh token is used twice. So whichever process comes first takes the lease on the record, refreshes, and
//! saves; the other one adopts what it finds. The tokens here live for two seconds, so that there is something to see. The store's key comes from the
//! environment, as a secrets manager sets it.

use auth_http::{Client, Credential, FileStore, Provider, SealKey};
use auth_sandbox::{Kind, Options, Sandbox, Service};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long each process calls.
const SPAN: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("--worker") { work() } else { oversee() }
}

/// One of the processes: the whole of what a program needs.
fn work() -> Result<(), Box<dyn Error>> {
    let store = FileStore::open(variable("STORE")?)?.sealed(SealKey::from_env("SEAL_KEY")?);
    let client = Client::builder(Provider::builtin("numeric")?)
        .environment("production")
        .base_url(variable("API_URL")?)
        .token_url(variable("TOKEN_URL")?)
        .credential(Credential::refresh_token(variable("CLIENT_ID")?, variable("CLIENT_SECRET")?, variable("REFRESH_TOKEN")?))
        .store(Arc::new(store))
        .insecure_loopback(true)
        .no_proxy()
        .build()?;
    let (start, mut good) = (Instant::now(), 0);
    while start.elapsed() < SPAN {
        client.get("/v1/health").send()?.error_for_status()?;
        good += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("process {}: {good} calls, all good", std::process::id());
    Ok(())
}

fn variable(name: &str) -> Result<String, Box<dyn Error>> {
    std::env::var(name).map_err(|_| format!("the variable {name} is not set").into())
}

/// Starts a server and two processes, and counts what the server saw.
fn oversee() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start(Options { tls: false, limits: false, ..Options::default() })?;
    sandbox.rotate_refresh_tokens(true);
    sandbox.token_lifetime(Service::NumericAuth, 2);
    let client = &sandbox.keys().numeric;
    let refresh_token = sandbox.issue_refresh_token(&client.client_id).ok_or("the sandbox knows its own client")?;
    let folder = TokenFolder::new();

    let worker = || -> std::io::Result<Child> {
        Command::new(std::env::current_exe()?)
            .arg("--worker")
            .env("STORE", folder.path())
            .env("SEAL_KEY", "bWFkZSB1cCBmb3IgdGhpcyBleGFtcGxlLCBub3QgYSA=")
            .env("API_URL", sandbox.url(Service::NumericApi))
            .env("TOKEN_URL", format!("{}/oauth/token", sandbox.url(Service::NumericAuth)))
            .env("CLIENT_ID", &client.client_id)
            .env("CLIENT_SECRET", &client.client_secret)
            .env("REFRESH_TOKEN", &refresh_token)
            .stdin(Stdio::null())
            .spawn()
    };
    let mut workers = [worker()?, worker()?];
    let mut all_good = true;
    for worker in &mut workers {
        all_good &= worker.wait()?.success();
    }

    let refreshes = sandbox.count(|entry| entry.kind == Kind::Token && entry.acted);
    let reused = sandbox.count(|entry| entry.decision.contains("used before"));
    println!("refreshes of both together: {refreshes}, one for each two seconds; refresh tokens used twice: {reused}");
    // Five seconds of tokens that are renewed after about 1.7 seconds; one more where a machine is slow.
    if all_good && reused == 0 && (3..=5).contains(&refreshes) { Ok(()) } else { Err("they did not share it".into()) }
}

/// A folder for the store, removed with this value.
struct TokenFolder(PathBuf);

impl TokenFolder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("ledgerauth-shared-store-{}", std::process::id())))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TokenFolder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

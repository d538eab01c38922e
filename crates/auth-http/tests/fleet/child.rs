//! One process of the fleet: this test program again, told by its standard input what to do.

use auth_http::{Client, Credential, FileStore, Provider, RedisSettings, RedisStore, TokenStore};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// Says that this process is one of the fleet.
const ROLE: &str = "LEDGERAUTH_FLEET_CHILD";
/// What begins the lines that are meant for the parent; the test harness writes others.
const MARK: &str = "fleet: ";

/// What came of the calls of one round.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Round {
    /// How many got a 200.
    pub(crate) fine: u64,
    /// The others, by the kind of failure.
    pub(crate) failed: BTreeMap<String, String>,
}

/// A process, ended when this is dropped.
pub(crate) struct Child {
    process: std::process::Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts one, perhaps through another command.
    pub(crate) fn start(task: &Value, through: &[String]) -> Self {
        let own = std::env::current_exe().expect("this program").display().to_string();
        let words: Vec<&str> = through.iter().map(String::as_str).chain([own.as_str()]).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(["--exact", "child::process", "--nocapture"]).env(ROLE, "1");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process of the fleet starts");
        let mut stdin = process.stdin.take().expect("its input is a pipe");
        // The secrets go through a pipe: a command line can be read by others.
        writeln!(stdin, "{task}").expect("it reads its task");
        let lines = BufReader::new(process.stdout.take().expect("its output is a pipe")).lines();
        Self { process, stdin, lines }
    }

    /// Lets each of its threads call once.
    pub(crate) fn go(&mut self) {
        writeln!(self.stdin, "go").expect("the process is there");
    }

    /// What came of it.
    pub(crate) fn done(&mut self) -> Round {
        loop {
            let line = self.lines.next().expect("the process is there").expect("its output is text");
            if let Some(text) = line.strip_prefix(MARK) {
                return serde_json::from_str(text).expect("a round");
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Not a test: what a process of the fleet does.
#[test]
fn process() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let mut lines = std::io::stdin().lines().map_while(Result::ok);
    let task: Value = serde_json::from_str(&lines.next().expect("a task")).expect("JSON");
    let client = client(&task);
    let threads = task["threads"].as_u64().expect("a number");
    for _ in lines {
        let round = std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(|| call(&client))).collect();
            let mut round = Round::default();
            for thread in running {
                match thread.join().expect("no panic") {
                    Ok(()) => round.fine += 1,
                    Err((kind, error)) => {
                        round.failed.insert(kind, error);
                    }
                }
            }
            round
        });
        println!("\n{MARK}{}", serde_json::to_string(&round).expect("JSON"));
    }
}

/// One call; if it fails, the kind of the failure and its line.
fn call(client: &Client) -> Result<(), (String, String)> {
    let answered = client.get("/api/ledger").deadline(Duration::from_secs(20)).send().and_then(auth_http::Response::error_for_status);
    answered.map(|_| ()).map_err(|error| (error.kind().map_or("none", |kind| kind.name()).to_owned(), error.to_string()))
}

fn client(task: &Value) -> Client {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let store: Arc<dyn TokenStore> = if let Some(path) = task["store"]["file"].as_str() {
        Arc::new(FileStore::open(path).expect("a folder"))
    } else {
        let settings = RedisSettings::new(text(&task["store"]["redis"])).password(text(&task["store"]["password"]));
        let settings = settings.ca(text(&task["store"]["ca"])).timeout(Duration::from_secs(3)).connect_timeout(Duration::from_secs(3));
        Arc::new(RedisStore::with(settings).expect("a server"))
    };
    let issuer = text(&task["issuer"]);
    let credential = Credential::refresh_token(text(&task["client"]), text(&task["secret"]), text(&task["refresh_token"]));
    let builder = Client::builder(Provider::from_toml(crate::support::oidc::PROFILE).expect("a profile")).environment("test");
    let builder = builder.base_url(issuer.clone()).token_url(format!("{issuer}/token")).credential(credential).store(store);
    let builder = match task["ca"].as_str() {
        Some(ca) => builder.ca(ca),
        None => builder.insecure_loopback(true),
    };
    builder.no_proxy().connect_timeout(Duration::from_secs(2)).timeout(Duration::from_secs(5)).build().expect("a client")
}

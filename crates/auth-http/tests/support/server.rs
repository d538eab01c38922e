//! A server program of the tests, which is not ours: configured by its standard input, ready when it prints a line, ended when its input closes; and what all
//! such programs do for a test, on pages of their own.

use serde_json::{Value, json};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The folder of the servers' programs.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/servers").join(name)
}

/// Whether a test lacks what it needs: a group of the table in `tests/tools`. If so, that is said aloud, and the test is to end.
pub fn lacks(group: &str, what: &str) -> bool {
    let lacks = !has(group);
    if lacks {
        skipped(group, what);
    }
    lacks
}

/// Whether all of a group is here.
pub fn has(group: &str) -> bool {
    tools(&["has", group])
}

/// Says aloud that a test does not run, and how to get what it needs. A failure where nothing may be skipped
/// (`LEDGERAUTH_REQUIRE_TOOLS`, as in CI).
pub fn skipped(group: &str, what: &str) {
    assert!(tools(&["skip", "counted", group, what]), "{what}, and LEDGERAUTH_REQUIRE_TOOLS is set");
}

/// The same of a part of a test whose rest runs.
pub fn skipped_in_part(group: &str, what: &str) {
    assert!(tools(&["skip", "uncounted", group, what]), "{what}, and LEDGERAUTH_REQUIRE_TOOLS is set");
}

/// Asks the script that knows what tests need. It writes around the test harness, which would hide what it says.
fn tools(words: &[&str]) -> bool {
    Command::new(folder("../tools")).args(words).status().is_ok_and(|status| status.success())
}

/// A port without a listener, for a server that cannot choose one by itself. It lies outside of the range that the system
/// gives away, so nobody takes it meanwhile.
pub fn unused_port() -> u16 {
    loop {
        let random = RandomState::new().build_hasher().finish();
        let port = 20_000 + u16::try_from(random % 12_000).expect("a number below 12,000");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A server's process. It ends with this value, and also if this process is killed, because its standard input ends then.
pub struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    agent: ureq::Agent,
    root: String,
}

impl Server {
    /// Starts `command`, hands it its configuration, and waits for the line that says that it is ready.
    pub fn start(mut command: Command, configuration: &Value) -> (Self, Value) {
        let started = (0..3).find_map(|_| try_to_start(&mut command, configuration));
        let (child, stdin, ready) = started.expect("the server is ready within a minute, at the third attempt at last");
        let mut agent = ureq::Agent::config_builder().proxy(None).http_status_as_error(false);
        if let Some(ca) = configuration["tls"]["client_ca"].as_str() {
            let ca = ureq::tls::Certificate::from_pem(ca.as_bytes()).expect("an authority");
            let roots = ureq::tls::RootCerts::new_with_certs(&[ca]);
            agent = agent.tls_config(ureq::tls::TlsConfig::builder().root_certs(roots).build());
        }
        let issuer = ready["issuer"].as_str().expect("it has an issuer");
        let root = issuer.match_indices('/').nth(2).map_or(issuer, |(end, _)| &issuer[..end]).to_owned();
        (Self { child, stdin: Some(stdin), agent: agent.build().into(), root }, ready)
    }

    /// Where it is: scheme, host and port.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Refresh tokens of a client, each of a grant (and so a family) of its own, as if persons had consented.
    pub fn seed(&self, client: &str, count: usize) -> Vec<String> {
        let made = self.post("/__seed", &json!({"client": client, "count": count}));
        made["refresh_tokens"].as_array().expect("tokens").iter().map(|token| token.as_str().expect("a token").to_owned()).collect()
    }

    /// What happened so far: `requests` to the token endpoint, one by one, and the counts `refreshes`, `refused_refreshes`, `invalid_grants`; of `Oidc` also
    /// `reused` (refresh tokens sent a second time), `api.ok`, `api.refused`, of `Django` also `processes`.
    pub fn stats(&self) -> Value {
        self.get("/__stats")
    }

    /// One count of the statistics.
    pub fn count(&self, name: &str) -> u64 {
        self.stats()[name].as_u64().expect("a count")
    }

    /// Ends every access token now, as if its time were over; how many there were.
    pub fn end_access_tokens(&self) -> u64 {
        self.post("/__end_access", &json!({}))["ended"].as_u64().expect("a count")
    }

    /// A person's answer to the device that shows this code; whether the code is known.
    pub fn answer_device(&self, user_code: &str, allow: bool) -> bool {
        self.post("/__device", &json!({"user_code": user_code, "allow": allow}))["known"].as_bool().expect("yes or no")
    }

    /// What a GET of a page of the server's answers.
    pub fn get(&self, path: &str) -> Value {
        let answer = self.agent.get(format!("{}{path}", self.root)).call();
        read(path, answer.and_then(|mut answer| answer.body_mut().read_to_string()))
    }

    /// What a POST of JSON to a page of the server's answers.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.agent.post(format!("{}{path}", self.root)).send(body.to_string());
        read(path, answer.and_then(|mut answer| answer.body_mut().read_to_string()))
    }
}

fn read(path: &str, answer: Result<String, ureq::Error>) -> Value {
    let text = answer.expect("the server answers");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
}

/// One attempt; `None` if there is no word within a minute: a machine may be that busy, or a server hang.
fn try_to_start(command: &mut Command, configuration: &Value) -> Option<(Child, ChildStdin, Value)> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the server's program starts");
    let mut stdin = child.stdin.take().expect("its input is a pipe");
    writeln!(stdin, "{configuration}").expect("it reads its configuration");
    let output = child.stdout.take().expect("its output is a pipe");
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        drop(BufReader::new(output).read_line(&mut line).map(|_| said.send(line)));
    });
    let Ok(line) = heard.recv_timeout(Duration::from_mins(1)) else {
        drop((child.kill(), child.wait()));
        return None;
    };
    let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("the server did not start ({error}): {line:?}"));
    Some((child, stdin, ready))
}

impl Server {
    /// Ends it, and waits until it has ended.
    pub fn end(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

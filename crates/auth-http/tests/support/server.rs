//! A server program of the tests, which is not ours: configured by its standard input, ready when it prints a line, ended when its input closes.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The folder of the servers' programs.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/servers").join(name)
}

/// Says that something was not tested because a tool is missing; a failure where all tools have to be there (`LEDGERAUTH_REQUIRE_TOOLS`, as in CI).
pub fn skipped(what: &str) {
    assert!(std::env::var_os("LEDGERAUTH_REQUIRE_TOOLS").is_none(), "{what}, and LEDGERAUTH_REQUIRE_TOOLS is set");
    // Around the test harness, which would hide it: a test that did not run must be seen.
    let _ = writeln!(std::io::stderr().lock(), "SKIPPED: {what}");
}

/// A server's process. It ends with this value, and also if this process is killed, because its standard input ends then.
pub struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    agent: ureq::Agent,
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
        let agent = agent.build().into();
        (Self { child, stdin: Some(stdin), agent }, ready)
    }

    /// What a GET of the server's own test pages answers.
    pub fn get(&self, url: &str) -> Value {
        let text = self.agent.get(url).call().and_then(|mut answer| answer.body_mut().read_to_string()).expect("the server answers");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{url}: {error}: {text}"))
    }

    /// What a POST of JSON to the server's own test pages answers.
    pub fn post(&self, url: &str, body: &Value) -> Value {
        let answer = self.agent.post(url).send(body.to_string());
        let text = answer.and_then(|mut answer| answer.body_mut().read_to_string()).expect("the server answers");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{url}: {error}: {text}"))
    }
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

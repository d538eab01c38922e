//! The examples of logins and service accounts run against a real server, and the one with a browser in a real browser.

mod support;

use serde_json::json;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use support::browser::visit;
use support::oidc::Oidc;
use support::server::{folder, lacks, skipped};

/// An example, started as a reader would.
struct Example {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Example {
    fn start(name: &str, arguments: &[&str], browser: Option<(&Path, &Path)>) -> Self {
        // Those that this test is built with, so that nothing is built anew.
        let features = [("login", cfg!(feature = "login")), ("redis", cfg!(feature = "redis"))];
        let features = features.map(|(name, on)| if on { name } else { "" }).join(" ");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["run", "--quiet", "-p", "auth-http", "--features", &features, "--example", name, "--"]).args(arguments);
        // A browser of this machine's must not open because a test runs.
        cargo.env("BROWSER", "true");
        if let Some((program, seen)) = browser {
            cargo.env("BROWSER", program).env("SEEN", seen);
        }
        let mut child = cargo.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("cargo runs");
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        Self { child, output }
    }

    /// The example of logins, at this server.
    fn login(oidc: &Oidc, more: &[&str], browser: Option<(&Path, &Path)>) -> Self {
        let call = format!("{}/api/ledger", oidc.issuer());
        let scope = "openid offline_access ledger.read";
        let at_the_server = ["--issuer", oidc.issuer(), "--call", &call, "--scope", scope, "--insecure-loopback"];
        Self::start("login", &[&at_the_server, more].concat(), browser)
    }

    /// The first line of its output that holds these words.
    fn line(&mut self, words: &str) -> String {
        let mut lines = self.output.by_ref().lines().map_while(Result::ok);
        lines.find(|line| line.contains(words)).unwrap_or_else(|| panic!("it never said {words:?}: {}", self.errors()))
    }

    /// What is left of its output; it has to end well.
    fn end(mut self) -> String {
        let mut text = String::new();
        self.output.read_to_string(&mut text).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {text}{}", self.errors());
        text
    }

    fn errors(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().map(|mut errors| errors.read_to_string(&mut text));
        text
    }
}

/// Whether a browser can be had, and the example would open it; said aloud if not.
fn can_open_chromium() -> bool {
    if !cfg!(feature = "login") {
        skipped("features", "no login was made in a real browser: this was built without the feature login");
        return false;
    }
    !lacks("chromium", "no login was made in a real browser")
}

fn own_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()))
}

/// What a person sees at the end in Chromium, once it is there.
fn seen(path: &Path) -> String {
    let start = Instant::now();
    while !path.exists() && start.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let page = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("Chromium showed nothing: {error}"));
    for written in [path.to_owned(), path.with_extension("log")] {
        drop(std::fs::remove_file(written));
    }
    page
}

#[test]
fn a_person_logs_in_in_a_real_browser() {
    if !can_open_chromium() {
        return;
    }
    let Some(oidc) = Oidc::start(&json!({"person": "page"})) else { return };
    let page = own_file("seen");
    let example = Example::login(&oidc, &["--client-id", "native"], Some((&folder("chromium"), &page)));
    let said = example.end();
    assert!(said.contains("connected\n200 OK: ") || said.contains("connected\n200: "), "{said}");
    let page = seen(&page);
    assert!(page.contains("<h1>Connected</h1>") && page.contains("You can close this window"), "{page}");
    let requests = oidc.stats()["requests"].as_array().unwrap().len();
    assert_eq!((requests, oidc.stats()["api"]["ok"].as_u64()), (1, Some(1)));
}

#[test]
fn a_person_who_refuses_sees_that_in_a_real_browser() {
    if !can_open_chromium() {
        return;
    }
    let Some(oidc) = Oidc::start(&json!({"person": "deny"})) else { return };
    let page = own_file("refused");
    let mut example = Example::login(&oidc, &["--client-id", "native"], Some((&folder("chromium"), &page)));
    let status = example.child.wait().unwrap();
    assert!(!status.success() && example.errors().contains("access_denied"));
    assert!(seen(&page).contains("<h1>Not connected</h1>"));
}

/// What another user of the machine does: he waits for the address of a login in the process list, and opens
/// it with a browser of his own.
const STRANGER: &str = r#"
until address=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep -m1 -ao 'http://127.0.0.1:[0-9]*/login/[^ ]*'); do sleep 0.05; done
jar=$(mktemp) && curl -s -L -c "$jar" -b "$jar" "$address"; rm -f "$jar"
"#;

#[test]
fn another_user_of_the_machine_connects_no_account_of_his_own() {
    if !can_open_chromium() {
        return;
    }
    // Another user is met only where this one is root; setpriv is part of every Debian, curl of the group.
    let what = "no second user of the machine was met";
    if lacks("root", what) || lacks("python", what) {
        return;
    }
    let Some(oidc) = Oidc::start(&json!({"person": "page"})) else { return };
    let stranger = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "bash", "-c", STRANGER];
    let mut stranger = Command::new("setpriv").args(stranger).stdout(Stdio::piped()).spawn().expect("setpriv runs");
    let page = own_file("stranger");
    let mut example = Example::login(&oidc, &["--client-id", "native"], Some((&folder("chromium"), &page)));
    let status = example.child.wait().unwrap();
    let errors = example.errors();
    assert!(!status.success() && errors.contains("two browsers"), "{errors}");
    let mut told = String::new();
    stranger.stdout.take().unwrap().read_to_string(&mut told).unwrap();
    stranger.wait().unwrap();
    // Whoever of the two came second is told so; nothing was exchanged, for neither of them.
    assert!(told.contains("wo browsers") || seen(&page).contains("wo browsers"), "{told}");
    assert!(oidc.stats()["requests"].as_array().unwrap().is_empty());
}

#[test]
fn a_login_without_a_browser_of_its_own_goes_by_the_address_that_is_shown() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let mut example = Example::login(&oidc, &["--client-id", "native"], None);
    let line = example.line("open this address");
    visit(line.split_once(": ").unwrap().1);
    assert!(example.end().contains("\"client\":\"native\""));
}

#[test]
fn a_device_shows_its_code_and_goes_on_when_it_is_confirmed() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let mut example = Example::login(&oidc, &["--client-id", "device", "--on-device"], None);
    let line = example.line(" and enter ");
    assert!(oidc.answer_device(line.split_once(" and enter ").unwrap().1, true), "{line}");
    assert!(example.end().contains("\"client\":\"device\""));
}

#[test]
fn a_service_account_signs_with_the_key_in_its_file() {
    let Some(oidc) = Oidc::start(&json!({"client_keys": true})) else { return };
    let (call, token_url, key) = (format!("{}/api/ledger", oidc.issuer()), format!("{}/token", oidc.issuer()), own_file("key"));
    std::fs::write(&key, oidc.key("ES256", "pkcs8")).unwrap();
    let file = key.to_str().unwrap();
    let arguments = [
        "--token-url",
        &token_url,
        "--account",
        "service",
        "--client-id",
        "service",
        "--key",
        file,
        "--key-id",
        "service-1",
        "--scope",
        "ledger.read",
        "--call",
        &call,
        "--insecure-loopback",
    ];
    let said = Example::start("service_account", &arguments, None).end();
    drop(std::fs::remove_file(key));
    assert!(said.contains("\"client\":\"service\""), "{said}");
}

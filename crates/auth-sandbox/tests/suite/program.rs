use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn program(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_auth-sandbox"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn wait(child: &mut Child) -> std::process::ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if began.elapsed() > Duration::from_secs(5) {
            child.kill().unwrap();
            panic!("the program did not stop");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn first_line(child: &mut Child) -> Value {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

#[test]
fn json_is_one_line_with_everything_and_closing_stdin_stops_it() {
    let mut child = program(&["--json", "--quiet", "--until-stdin-closes"]);
    let start = first_line(&mut child);
    for service in auth_sandbox::Service::ALL {
        assert!(start["urls"][service.name()].as_str().unwrap().starts_with("https://"));
    }
    assert!(start["keys"]["numeric"]["client_id"].is_string());
    let ca_file = start["ca_file"].as_str().unwrap().to_owned();
    assert_eq!(std::fs::read_to_string(&ca_file).unwrap(), start["ca_pem"].as_str().unwrap());
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let mut answer = agent.get(format!("{}/keys", start["control_url"].as_str().unwrap())).call().unwrap();
    let keys: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
    assert_eq!(keys, start["keys"]);
    drop(child.stdin.take());
    assert!(wait(&mut child).success());
    assert!(!std::path::Path::new(&ca_file).exists());
}

#[cfg(unix)]
#[test]
fn sigterm_and_sigint_stop_it() {
    for signal in ["-TERM", "-INT"] {
        let mut child = program(&["--json", "--http", "--seed", "5"]);
        let start = first_line(&mut child);
        assert!(start["ca_file"].is_null());
        assert!(start["urls"]["numora"].as_str().unwrap().starts_with("http://"));
        // The shell's own: not every machine has the program.
        let sent = Command::new("sh").args(["-c", &format!("kill {signal} {}", child.id())]).status();
        assert!(sent.unwrap().success());
        assert!(wait(&mut child).success());
    }
}

#[test]
fn without_json_it_greets_with_urls_keys_and_curl_lines() {
    let folder = std::env::temp_dir().join(format!("auth-sandbox-test-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let ca = folder.join("ca.pem");
    let mut child = program(&["--until-stdin-closes", "--ca-file", ca.to_str().unwrap()]);
    drop(child.stdin.take());
    let mut text = String::new();
    child.stdout.as_mut().unwrap().read_to_string(&mut text).unwrap();
    assert!(wait(&mut child).success());
    assert_eq!(text.matches("curl -sS --cacert").count(), 4);
    assert!(text.contains("live_sk_") && text.contains("control"));
    assert!(std::fs::read_to_string(&ca).unwrap().contains("BEGIN CERTIFICATE"));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn help_teaches() {
    let mut child = program(&["--help"]);
    let mut text = String::new();
    child.stdout.as_mut().unwrap().read_to_string(&mut text).unwrap();
    assert!(wait(&mut child).success());
    for word in ["--http", "--port", "--ca-file", "--json", "--seed", "--no-limits", "--quiet", "--until-stdin-closes"] {
        assert!(text.contains(word), "{word}");
    }
}

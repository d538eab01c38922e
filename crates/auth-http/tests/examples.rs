//! Every example runs, and ends well.

use std::process::Command;

/// Runs an example as a reader would.
fn run(name: &str, arguments: &[&str]) -> (bool, String) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "-p", "auth-http", "--example", name, "--"]).args(arguments);
    let output = cargo.output().expect("cargo runs");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

#[test]
fn every_example_ends_well() {
    let programs = [
        "quickstart",
        "each_provider",
        "rotate_key",
        "explain_errors",
        "poll_document",
        "own_profile",
        "shared_store",
        "drive_it_yourself",
    ];
    for name in programs {
        let (success, text) = run(name, &[]);
        assert!(success && !text.is_empty(), "{name}: {text}");
    }
}

#[test]
fn the_storm_prints_one_line_of_json_and_makes_one_token_request() {
    let (success, text) = run("storm", &["--threads", "64", "--token-delay-ms", "200"]);
    assert!(success, "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    let figures: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((figures["token_requests"].as_u64(), figures["failed_calls"].as_u64()), (Some(1), Some(0)), "{text}");
    assert!(figures["p50_ms"].is_number() && figures["p99_ms"].is_number());
}

#[test]
fn processes_that_share_a_store_make_one_token_request_and_those_that_do_not_end_the_grant() {
    let storm = |store: &str| {
        let (success, text) = run("storm", &["--processes", "4", "--threads", "8", "--store", store]);
        let figures: serde_json::Value = serde_json::from_str(text.lines().find(|line| line.starts_with('{')).expect(&text)).unwrap();
        (success, figures["token_requests"].as_u64().unwrap(), figures["failed_calls"].as_u64().unwrap())
    };
    assert_eq!(storm("file"), (true, 1, 0));
    let (success, token_requests, failed) = storm("memory");
    assert!(!success && token_requests > 1 && failed > 0);
}

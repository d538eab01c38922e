//! The demo can fail.

use std::process::Command;

#[test]
fn the_demo_fails_when_something_was_not_observed() {
    let output = Command::new(env!("CARGO_BIN_EXE_auth-demo")).args(["--json", "--sabotage"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let expectations = told["chapters"].as_array().unwrap().iter().flat_map(|chapter| chapter["expectations"].as_array().unwrap());
    let broken: Vec<_> = expectations.filter(|expectation| expectation["holds"] == false).map(|broken| &broken["expectation"]).collect();
    assert_eq!((&told["ok"], broken), (&false.into(), vec![&"its result is read".into()]));
}

#[test]
fn help_teaches_and_a_wrong_argument_is_refused() {
    let run = |argument| Command::new(env!("CARGO_BIN_EXE_auth-demo")).arg(argument).output().unwrap();
    let help = run("--help");
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("--sabotage"));
    assert_eq!(run("--colour").status.code(), Some(2));
}

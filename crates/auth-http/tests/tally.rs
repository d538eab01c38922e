//! How `make test` counts over its parts, and what it says of tests that were skipped.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A script of `tests/`, without the word of who runs this test on what may be skipped.
fn script(name: &str, words: &[&str]) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").join(name));
    command.args(words).env_remove("LEDGERAUTH_REQUIRE_TOOLS").env_remove("LEDGERAUTH_SKIPPED");
    command
}

/// A tally of its own, for one test.
struct Tally(PathBuf);

impl Tally {
    fn new(name: &str) -> Self {
        let tally = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        assert!(tally.run(&["new"]).status.success());
        tally
    }

    fn run(&self, words: &[&str]) -> Output {
        script("tally", words).env("LEDGERAUTH_TALLY", &self.0).output().unwrap()
    }

    /// Runs a part that is these lines of shell.
    fn part(&self, name: &str, lines: &str) {
        assert!(self.run(&["part", name, "bash", "-c", lines]).status.success());
    }

    /// The lines at the end, and whether `make test` succeeds.
    fn sum(&self) -> (Vec<String>, bool) {
        let output = self.run(&["sum"]);
        let text = String::from_utf8(output.stdout).unwrap();
        (text.lines().map(str::to_owned).collect(), output.status.success())
    }
}

const RUST: &str = "echo 'test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s'";

#[test]
fn what_is_skipped_is_counted_by_name_and_is_no_failure() {
    let tally = Tally::new("tally-skipped");
    tally.part("rust", &format!("{RUST}; {RUST}; tests/tools skip counted redis 'no Redis'; tests/tools skip counted redis 'no Redis'"));
    tally.part("keyring", "tests/tools skip uncounted keyring 'no keyring'");
    tally.part("demo", "echo whatever");
    tally.part("python", "echo '5 passed, 2 skipped, 1 deselected in 75.20s (0:01:15)'; echo '= 1 passed in 0.10s ='");
    let (said, good) = tally.sum();
    assert_eq!(said.last().unwrap(), "29 passed, 0 failed, 3 skipped");
    assert!(said.contains(&"skipped for want of redis: 2; apt-get install redis-server".into()), "{said:?}");
    assert!(said.iter().any(|line| line.starts_with("skipped for want of keyring: 1; apt-get install ")), "{said:?}");
    assert!(good);
}

#[test]
fn what_fails_is_counted_once_and_the_parts_after_it_run() {
    let tally = Tally::new("tally-failed");
    tally.part("rust", "echo 'test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured'; exit 101");
    tally.part("does-not-build", "exit 101");
    tally.part("python", "echo '1 failed, 4 passed, 1 error in 0.3s'; exit 1");
    tally.part("lint", "echo '7 passed in 0.30s'; exit 1");
    tally.part("rust-again", RUST);
    assert_eq!(tally.sum(), (vec![String::new(), "26 passed, 6 failed, 0 skipped".into()], false));
}

#[test]
fn a_skip_says_how_to_get_what_is_missing_and_fails_where_nothing_may_be_skipped() {
    let words = ["skip", "counted", "cmake", "no project was built"];
    let output = script("tools", &words).output().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "SKIPPED (cmake): no project was built; apt-get install cmake make\n");
    let output = script("tools", &words).env("LEDGERAUTH_REQUIRE_TOOLS", "1").output().unwrap();
    assert!(!output.status.success());
    assert!(!script("tools", &["has", "unheard-of"]).status().unwrap().success());
}

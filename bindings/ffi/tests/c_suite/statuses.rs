//! Every function is called from C, and every status is met there: programs say at their end which statuses their calls ended with, as they had to.

use crate::PROGRAMS;
use crate::bare::bare;
use crate::build::{Program, no_c, root, statuses, succeed};
use crate::stage::{Stage, World};
use std::collections::BTreeSet;
use std::process::Command;

/// What no program can bring about, and where it is tested instead.
const NOT_MET: [(&str, &str); 2] = [
    ("LEDGERAUTH_FAILED", "a kind of failure that has no number, and all have one: src/status.rs"),
    ("LEDGERAUTH_PANIC", "a mistake of the library's own: src/guard.rs"),
];

#[test]
fn every_status_is_met_by_a_program() {
    if no_c() {
        return;
    }
    let mut met = BTreeSet::new();
    for (name, _) in PROGRAMS {
        met.extend(met_by(&Program::test(name)));
    }
    // What a build cannot do is met in one that lacks it.
    met.extend(met_by(&Program::test("errors").library(bare()).with("bare", &["-DEXPECT_HTTP=0"])));
    for status in statuses() {
        let reason = NOT_MET.iter().find(|(name, _)| *name == status).map(|(_, reason)| *reason);
        match reason {
            None => assert!(met.contains(&status), "no program of tests/c meets {status}: provoke it, or say in NOT_MET why nobody can"),
            Some(reason) => assert!(!met.contains(&status), "{status} was met, and NOT_MET says that it cannot be: {reason}"),
        }
    }
    let known: BTreeSet<String> = statuses().into_iter().collect();
    assert!(met.is_subset(&known), "{:?}", met.difference(&known));
}

#[test]
fn every_function_is_called_by_a_program() {
    if no_c() {
        return;
    }
    let folder = root().join("../../tests/c");
    let sources = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let is_source = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "c" || end == "cpp");
    let mut called = BTreeSet::new();
    for source in sources.filter(is_source).filter(|path| !path.ends_with("planted.c")) {
        let program = Program::of(source.file_stem().unwrap().to_str().unwrap(), source.clone()).build();
        let names = succeed(Command::new("nm").args(["--undefined-only", "--format=posix"]).arg(&program.0));
        let names = String::from_utf8(names.stdout).unwrap();
        called.extend(names.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned));
    }
    let functions = std::fs::read_to_string(root().join("symbols.txt")).unwrap();
    let missing: Vec<&str> = functions.lines().filter(|name| !called.contains(*name)).collect();
    assert!(missing.is_empty(), "no program of tests/c calls {missing:?}");
}

/// The statuses that a program says it met.
fn met_by(program: &Program) -> BTreeSet<String> {
    let said = program.build().run(&Stage::start(World::Tls).env(), &[]);
    said.lines().filter_map(|line| line.strip_prefix("met ")).map(str::to_owned).collect()
}

//! The programs under valgrind and the sanitizers, and proof that these would have found something.

use crate::build::{Built, Compiler, Program, compilers, full, no_c};
use crate::server::{lacks, skipped};
use crate::stage::{Stage, World};
use std::path::Path;
use std::process::Command;

/// What is run in `make test`; all of it by `make check-c`.
fn programs() -> Vec<&'static str> {
    let short = vec!["abi", "exchanges", "callbacks"];
    let long = vec!["abi", "vectors", "exchanges", "answers", "client", "errors", "callbacks", "threads"];
    if full() { long } else { short }
}

/// Only what is certainly lost counts: each thread that calls the library keeps a note of its own until it ends, which the main thread does after
/// valgrind has looked.
const VALGRIND: [&str; 7] = [
    "valgrind",
    "--quiet",
    "--leak-check=full",
    "--show-leak-kinds=definite,indirect",
    "--errors-for-leak-kinds=definite,indirect",
    "--error-exitcode=9",
    "--fair-sched=yes",
];

#[test]
fn nothing_is_lost_or_read_before_it_is_written() {
    if no_c() || lacks("valgrind", "nothing was run under valgrind") {
        return;
    }
    let planted = planted("leak", &[]);
    let output = Command::new(VALGRIND[0]).args(&VALGRIND[1..]).arg(&planted.0).output().unwrap();
    assert_eq!(output.status.code(), Some(9), "valgrind did not find a leak that was planted");
    for name in programs() {
        let program = Program::test(name).build();
        program.under(&VALGRIND, &Stage::start(World::Plain).env(), &[]);
    }
}

#[test]
fn no_access_is_out_of_bounds_and_nothing_is_undefined() {
    if no_c() {
        return;
    }
    let Some(compiler) = sanitizing("address") else { return };
    let flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];
    let planted = planted_by(compiler, "overflow", &flags);
    assert!(!planted.output(&[]).status.success(), "the sanitizer did not find an overflow that was planted");
    for name in programs() {
        let program = Program::test(name).by(compiler).with("asan", &flags).build();
        let mut stage = Stage::start(World::Tls);
        stage.add("ASAN_OPTIONS", "detect_leaks=1:strict_string_checks=1");
        program.run(&stage.env(), &[]);
    }
    let wrapper = Program::test("wrapper").by(compiler).in_cpp().with("asan", &flags).build();
    wrapper.run(&Stage::start(World::Tls).env(), &[]);
}

/// The library is not instrumented, so what it does by itself cannot be seen, and is not to be guessed at.
const TSAN: &str = "ignore_noninstrumented_modules=1:halt_on_error=1:exitcode=66";

#[test]
fn sixteen_threads_race_nowhere() {
    if no_c() {
        return;
    }
    let Some(compiler) = sanitizing("thread") else { return };
    let flags = ["-fsanitize=thread", "-fno-omit-frame-pointer"];
    let planted = planted_by(compiler, "race", &flags);
    let output = planted.output(&[("TSAN_OPTIONS".into(), TSAN.into())]);
    assert_eq!(output.status.code(), Some(66), "the sanitizer did not find a race that was planted: {}", crate::build::text(&output));
    let program = Program::test("threads").by(compiler).with("tsan", &flags).build();
    let mut stage = Stage::start(World::Tls);
    stage.add("TSAN_OPTIONS", TSAN);
    let text = program.run(&stage.env(), &[if full() { "100" } else { "20" }]);
    assert!(!text.contains("WARNING: ThreadSanitizer"), "{text}");
}

/// The first compiler whose sanitizer can be linked and run here.
fn sanitizing(what: &str) -> Option<Compiler> {
    let flag = format!("-fsanitize={what}");
    let works = |compiler: &Compiler| {
        let command = if *compiler == Compiler::Gcc { "gcc" } else { "clang" };
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("probe-{what}-{command}"));
        let source = program.with_extension("c");
        std::fs::write(&source, "int main(void) { return 0; }\n").unwrap();
        let built =
            Command::new(command).arg(&flag).arg(&source).arg("-o").arg(&program).output().is_ok_and(|output| output.status.success());
        built && Command::new(&program).output().is_ok_and(|output| output.status.success())
    };
    let compiler = compilers().into_iter().rev().find(works);
    if compiler.is_none() {
        skipped("clang", &format!("no compiler here has the {what} sanitizer, so nothing was run under it"));
    }
    compiler
}

fn planted(fault: &str, flags: &[&str]) -> Built {
    planted_by(compilers()[0], fault, flags)
}

/// A program with a fault that has to be found.
fn planted_by(compiler: Compiler, fault: &str, flags: &[&str]) -> Built {
    let define = format!("-DPLANTED_{}", fault.to_uppercase());
    let flags: Vec<&str> = flags.iter().copied().chain([define.as_str()]).collect();
    Program::test("planted").by(compiler).with(&format!("planted-{fault}"), &flags).build()
}

//! The library without HTTP: the same programs, with libcurl below the client or beside it.

use crate::build::{Program, no_c, root, succeed};
use crate::stage::{Stage, World};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

#[test]
fn without_http_everything_holds_on_top_of_libcurl() {
    if no_c() {
        return;
    }
    let library = bare();
    for name in ["abi", "exchanges", "answers", "client", "errors", "callbacks", "threads"] {
        let program = Program::test(name).library(library).with("bare", &["-DEXPECT_HTTP=0"]).build();
        program.run(&Stage::start(World::Tls).env(), &[]);
    }
}

#[test]
fn without_http_the_examples_that_bring_their_own_run() {
    if no_c() {
        return;
    }
    let library = bare();
    for name in ["own_http", "event_loop"] {
        let stage = Stage::start(World::Tls);
        Program::example(name).library(library).with("bare", &[]).build().run(&stage.numeric(), &[]);
    }
    let stage = Stage::start(World::Tls);
    let output =
        Command::new(Program::example("simple").library(library).with("bare", &[]).build().0).envs(stage.finora()).output().unwrap();
    let text = crate::build::text(&output);
    assert!(!output.status.success() && text.contains("built without"), "{text}");
}

/// The library without HTTP, built once.
pub(crate) fn bare() -> &'static Path {
    static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../bare");
        let mut build = Command::new(root().join("packaging/build.sh"));
        succeed(build.args(["dev", "--no-default-features"]).env("CARGO", env!("CARGO")).env("TARGET_DIR", &target));
        target.join("debug")
    });
    &BUILT
}

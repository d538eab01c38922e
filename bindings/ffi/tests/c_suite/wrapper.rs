//! The C++ wrapper: as a whole, and each of its files alone.

use crate::build::{Program, compilers, no_c, root};
use crate::stage::{Stage, World};
use std::path::Path;

/// What careful programs are compiled with, beside what all programs of these tests are; each warning is an error.
const STRICT: [&str; 2] = ["-Wshadow", "-Wconversion"];

#[test]
fn the_header_gives_no_warning_in_c11_and_cpp17() {
    if no_c() {
        return;
    }
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("strict.c");
    let program = "#include <ledgerauth.h>\nint main(void) { return (int)ledgerauth_str_of(\"\").len + (int)LEDGERAUTH_STR(\"\").len; }\n";
    std::fs::write(&source, program).unwrap();
    for compiler in compilers() {
        Program::of("strict", source.clone()).by(compiler).with("strict", &STRICT).build();
        Program::of("strict", source.clone()).by(compiler).in_cpp().with("strict", &STRICT).build();
    }
}

#[test]
fn the_wrapper_holds_in_cpp17_by_both_compilers() {
    if no_c() {
        return;
    }
    for compiler in compilers() {
        Program::test("wrapper").by(compiler).in_cpp().with("strict", &STRICT).build().run(&Stage::start(World::Tls).env(), &[]);
    }
}

#[test]
fn each_file_of_the_wrapper_stands_alone_and_the_header_has_all_of_them() {
    if no_c() {
        return;
    }
    let include = root().join("../../include");
    let whole = std::fs::read_to_string(include.join("ledgerauth.hpp")).unwrap();
    let mut lines = Vec::new();
    for file in std::fs::read_dir(include.join("ledgerauth")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let line = format!("#include <ledgerauth/{name}>");
        assert!(whole.lines().any(|known| known == line), "ledgerauth.hpp lacks {line}");
        // Twice, because a second one must do no harm.
        let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("alone-{name}.cpp"));
        std::fs::write(&source, format!("{line}\n{line}\nint main() {{ return 0; }}\n")).unwrap();
        for compiler in compilers() {
            Program::of(&format!("alone-{name}"), source.clone()).by(compiler).with("strict", &STRICT).build();
        }
        lines.push(line);
    }
    let included = whole.lines().filter(|line| line.starts_with("#include <ledgerauth/")).count();
    assert_eq!(included, lines.len(), "ledgerauth.hpp includes what is not there");
}

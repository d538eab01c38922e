//! What the README says of C: its program runs as printed, its link lines link, its names exist.

use crate::build::{compilers, no_c, root, succeed, text};
use crate::packages::installed;
use crate::stage::{Stage, World};
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn the_program_of_the_readme_compiles_as_printed_and_runs() {
    if no_c() {
        return;
    }
    let source = program();
    for compiler in compilers() {
        let program = crate::build::Program::of("readme", source.clone()).by(compiler).build();
        let stage = Stage::start(World::Tls);
        let output = program.run(&seen(&stage), &[]);
        assert!(output.contains("\"data\""), "{output}");
    }
    let stage = Stage::start(World::Tls);
    let mut env = seen(&stage);
    env.retain(|(name, _)| name != "FINORA_API_KEY");
    let output = crate::build::Program::of("readme", source).build().output(&env);
    assert!(!output.status.success() && text(&output).contains("FINORA_API_KEY"), "{}", text(&output));
}

#[test]
fn the_link_lines_of_the_readme_link() {
    if no_c() {
        return;
    }
    let prefix = installed();
    let folder = program().parent().unwrap().to_owned();
    let readme = readme();
    let lines: Vec<&str> = readme.split('`').filter(|code| code.starts_with("cc invoices.c ")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in lines {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("{line} -o linked")).current_dir(&folder);
        succeed(shell.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")));
        let needed = text(&succeed(Command::new("readelf").arg("-d").arg(folder.join("linked"))));
        assert_eq!(needed.contains("libledgerauth.so.0"), !line.contains(".a "), "{needed}");
        let stage = Stage::start(World::Tls);
        let output = succeed(crate::build::clean(folder.join("linked")).envs(seen(&stage)).env("LD_LIBRARY_PATH", prefix.join("lib")));
        assert!(text(&output).contains("\"data\""), "{}", text(&output));
    }
}

#[test]
fn every_name_that_the_readme_mentions_is_in_the_header() {
    let header = std::fs::read_to_string(root().join("../../include/ledgerauth.h")).unwrap();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let readme = section();
    let names = readme.split(|c| !is_part(c)).filter(|word| word.starts_with("ledgerauth_") || word.starts_with("LEDGERAUTH_"));
    // The first two are CMake's, the third stands for all.
    let names: Vec<&str> = names.filter(|name| !["LEDGERAUTH_HTTP", "LEDGERAUTH_REDIS", "ledgerauth_"].contains(name)).collect();
    assert!(names.len() > 40, "{names:?}");
    for name in names {
        let known = header.match_indices(name).any(|(at, _)| !header[at + name.len()..].starts_with(is_part));
        assert!(known, "the README mentions {name}, and the header does not know it");
    }
    for line in readme.lines().filter(|line| line.ends_with("`ledgerauth_client_options` |")) {
        let (_, now) = line.split_once(" | ").unwrap();
        for field in now
            .split('`')
            .filter(|code| !code.is_empty() && code.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !code.starts_with("ledgerauth"))
        {
            assert!(header.contains(&format!(" {field};")), "{field} is no option");
        }
    }
}

fn readme() -> String {
    std::fs::read_to_string(root().join("../../README.md")).unwrap()
}

/// The README's section about C.
fn section() -> String {
    let readme = readme();
    let (_, rest) = readme.split_once("\n## C and C++\n").unwrap();
    rest.split_once("\n## ").unwrap().0.to_owned()
}

/// The README's program in a file.
fn program() -> PathBuf {
    let section = section();
    let (_, rest) = section.split_once("```c\n").unwrap();
    let (program, _) = rest.split_once("```").unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("invoices.c");
    // Tests run side by side: the file is there as a whole or not at all.
    let whole = folder.join(format!("invoices-{:?}.c", std::thread::current().id()));
    std::fs::write(&whole, program).unwrap();
    std::fs::rename(whole, &path).unwrap();
    path
}

/// The variables by which the program finds the sandbox.
fn seen(stage: &Stage) -> Vec<(String, String)> {
    let mut env = stage.finora();
    for (name, _) in &mut env {
        *name = match name.as_str() {
            "BASE_URL" => "FINORA_URL".into(),
            "ENVIRONMENT" => "FINORA_ENVIRONMENT".into(),
            _ => std::mem::take(name),
        };
    }
    env
}

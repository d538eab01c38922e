//! `include/ledgerauth.h` is what the sources say.
//!
//! It reads like a chapter: each source file of the boundary is one section, its module comment the section's introduction. With
//! `LEDGERAUTH_WRITE_HEADER` set, the file is written instead of compared (`make header`).

mod page;
mod render;

use render::{SECTIONS, header, root};

#[test]
fn the_header_is_what_the_sources_say() {
    let (path, header) = (root().join("../../include/ledgerauth.h"), header());
    if std::env::var_os("LEDGERAUTH_WRITE_HEADER").is_some() {
        std::fs::write(path, header).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let differs = committed.lines().zip(header.lines()).position(|(old, new)| old != new).unwrap_or_default() + 1;
    assert!(committed == header, "include/ledgerauth.h differs from line {differs} on: call `make header`");
}

#[test]
fn every_file_of_the_boundary_is_a_section() {
    for entry in std::fs::read_dir(root().join("src")).unwrap() {
        let path = entry.unwrap().path();
        let (name, text) = (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap());
        let exports = text.contains("#[unsafe(no_mangle)]") || text.contains("#[repr(C)]");
        assert_eq!(exports, SECTIONS.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn no_line_is_wider_than_a_page_and_no_rust_shows() {
    let header = header();
    for line in header.lines() {
        assert!(line.chars().count() <= 110, "{line}");
        assert!(!line.contains('`'), "{line}");
    }
    for (at, line) in header.lines().enumerate().filter(|(_, line)| line.contains("ledgerauth_") && line.ends_with(");")) {
        let lines: Vec<&str> = header.lines().take(at).collect();
        let documented = lines.iter().rev().take(8).any(|line| line.ends_with("*/"));
        assert!(documented || line.starts_with(' ') || line.starts_with("typedef"), "{line}");
    }
}

#[test]
fn every_entry_is_guarded() {
    // What only copies, adds up or looks at constants has nothing in it that could panic.
    let plain = [
        "ledgerauth_version",
        "ledgerauth_version_number",
        "ledgerauth_has_http",
        "ledgerauth_status_name",
        "ledgerauth_str_of",
        "ledgerauth_wipe",
    ];
    let mut entries = 0;
    for file in std::fs::read_dir(root().join("src")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for entry in text.split("#[unsafe(no_mangle)]\n").skip(1) {
            let (_, name) = entry.split_once("extern \"C\" fn ").unwrap();
            let name = name.split('(').next().unwrap();
            let body = entry.split("\n}\n").next().unwrap();
            let is_guarded = [" guard(", " make(", " given(", " quietly(", " ask(", " free("].iter().any(|guard| body.contains(guard));
            assert!(is_guarded || plain.contains(&name), "{name} is not guarded");
            entries += 1;
        }
    }
    assert!(entries > 100, "{entries}");
}

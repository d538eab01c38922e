//! The header, section by section.

use crate::page::{quoted, tidy};
use cbindgen::{Builder, Config, DocumentationStyle, ExportConfig, Language, Style};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The sections, in the order in which they are read.
pub(crate) const SECTIONS: [&str; 21] = [
    "version",
    "text",
    "status",
    "error",
    "credential",
    "options",
    "client",
    "response",
    "request",
    "login",
    "provider",
    "key",
    "ring",
    "assertion",
    "audit",
    "redact",
    "store",
    "answer",
    "transport",
    "step",
    "exchange",
];

/// The whole header.
pub(crate) fn header() -> String {
    let mut text = String::new();
    let introduction = introduction("lib");
    write!(text, "/*\n{}\n */\n\n", quoted(&introduction)).unwrap();
    text += "#ifndef LEDGERAUTH_H\n#define LEDGERAUTH_H\n\n#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n";
    text += "#ifdef __cplusplus\nextern \"C\" {\n#endif\n";
    write!(text, "\n/* The objects, structs and callbacks of this header; each is explained in its section. */\n{}", forward()).unwrap();
    for section in SECTIONS {
        let prose = self::introduction(section);
        write!(text, "\n/* {}\n{}\n */\n\n", "-".repeat(93), quoted(&prose)).unwrap();
        text += extra(section);
        if section == "version" {
            text += &version();
        }
        text += tidy(&items(section)).trim();
        text.push('\n');
    }
    text += "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
    text
}

/// The declarations of one source file.
fn items(section: &str) -> String {
    let config = Config {
        language: Language::C,
        style: Style::Both,
        documentation_style: DocumentationStyle::C,
        no_includes: true,
        usize_is_size_t: true,
        line_length: 100,
        tab_width: 4,
        // Also what only other sections use.
        export: ExportConfig {
            include: names(section, "pub struct ").chain(names(section, "pub type ")).collect(),
            ..ExportConfig::default()
        },
        ..Config::default()
    };
    let bindings = Builder::new().with_config(config).with_src(root().join(format!("src/{section}.rs"))).generate().unwrap();
    let mut bytes = Vec::new();
    bindings.write(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

/// The types that sections name before they are declared.
fn forward() -> String {
    let mut names: Vec<String> = SECTIONS.iter().flat_map(|section| names(section, "pub struct ")).collect();
    names.sort();
    let objects = names.iter().fold(String::new(), |text, name| text + &format!("typedef struct {name} {name};\n"));
    let callbacks = SECTIONS.iter().flat_map(|section| callbacks(&items(section))).fold(String::new(), |text, callback| text + &callback);
    objects + &callbacks + "\n"
}

/// The callbacks that a section declares.
fn callbacks(items: &str) -> Vec<String> {
    let plain = tidy(items);
    let mut statements = plain.split_inclusive(";\n");
    statements
        .by_ref()
        .filter_map(|statement| statement.find("typedef ").map(|at| &statement[at..]))
        .filter(|typedef| typedef.contains("(*ledgerauth_"))
        .map(str::to_owned)
        .collect()
}

/// The names that a source file declares in this way.
fn names(section: &str, declaration: &'static str) -> impl Iterator<Item = String> {
    let text = source(section);
    let name = |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    text.lines().filter_map(|line| line.strip_prefix(declaration)).map(name).collect::<Vec<_>>().into_iter()
}

/// What no Rust declares.
fn extra(section: &str) -> &'static str {
    match section {
        "text" => {
            "/* A literal as a text. */\n#ifdef __cplusplus\n#define LEDGERAUTH_STR(literal) (ledgerauth_str{\"\" literal, sizeof(literal) - 1})\n#else\n\
             #define LEDGERAUTH_STR(literal) ((ledgerauth_str){\"\" literal, sizeof(literal) - 1})\n#endif\n\n\
             /* A text as the two arguments of \"%.*s\". */\n#define LEDGERAUTH_ARG(text) (int)(text).len, (text).data\n\n"
        }
        _ => "",
    }
}

/// The version as macros.
fn version() -> String {
    let number = |text: &str| text.parse::<u32>().unwrap();
    let (major, minor, patch) =
        (number(env!("CARGO_PKG_VERSION_MAJOR")), number(env!("CARGO_PKG_VERSION_MINOR")), number(env!("CARGO_PKG_VERSION_PATCH")));
    format!(
        "/* The version of this header. */\n#define LEDGERAUTH_VERSION \"{}\"\n#define LEDGERAUTH_VERSION_MAJOR {major}\n\
         #define LEDGERAUTH_VERSION_MINOR {minor}\n#define LEDGERAUTH_VERSION_PATCH {patch}\n\
         #define LEDGERAUTH_VERSION_NUMBER {}\n\n",
        env!("CARGO_PKG_VERSION"),
        major * 1_000_000 + minor * 1_000 + patch
    )
}

/// The module comment of a source file.
fn introduction(section: &str) -> String {
    let text = source(section);
    text.lines().take_while(|line| line.starts_with("//!")).map(|line| line.trim_start_matches("//!")).collect::<Vec<_>>().join("\n")
}

fn source(section: &str) -> String {
    std::fs::read_to_string(root().join(format!("src/{section}.rs"))).unwrap()
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

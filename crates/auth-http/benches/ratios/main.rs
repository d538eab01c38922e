//! One table of ratios: what this project costs beside the least that the same could cost, both measured in this run.
//!
//! Absolute figures belong to one machine and one hour; ratios travel. So each row measures its floor (a few lines that do the bare minimum, or the bare
//! HTTP client) in turn with ours, round by round, and compares medians. `make bench` prints the table; `make bench-instructions` counts the
//! processor's instructions of the shortest rows under valgrind, where time is too noisy.

mod clock;
mod fresh;
mod instructions;
mod key;
mod log;
mod measure;
mod redaction;
mod renewal;
mod requests;
mod retry;
mod sessions;
mod stage;
mod storm;
mod table;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        // What this program starts itself as.
        ["--sessions", kind] => sessions::child(kind),
        ["--loop", name, calls] => instructions::child(name, calls.parse()?),
        ["--instructions"] => instructions::run(),
        // `cargo test` starts every target, and tests measure nothing.
        _ if !std::env::args().any(|argument| argument == "--bench") => Ok(()),
        rows => time(rows),
    }
}

/// Measures the rows of that name, all if none is named.
fn time(wanted: &[&str]) -> Result<(), Box<dyn Error>> {
    type Measure = fn() -> Result<Vec<table::Row>, Box<dyn Error>>;
    let rows: [(&str, Measure); 8] = [
        ("fresh", fresh::rows),
        ("key", key::rows),
        ("retry", retry::rows),
        ("redaction", redaction::rows),
        ("requests", requests::rows),
        ("sessions", sessions::rows),
        ("storm", storm::rows),
        ("renewal", renewal::rows),
    ];
    table::head();
    for (_, measure) in rows.iter().filter(|(name, _)| wanted.is_empty() || wanted.contains(name)) {
        for row in measure()? {
            row.print();
        }
    }
    Ok(())
}

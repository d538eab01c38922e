//! Says which interpreter this is built for, so that `kept.rs` can tell one with a global lock from one without; and makes the stubs' docstrings the
//! classes' own, as the macro `doc!`, so that editors and `help()` say the same and nothing is written twice.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

const STUBS: &str = "../../python/ledgerauth/_ledgerauth.pyi";

fn main() -> Result<(), Box<dyn Error>> {
    pyo3_build_config::use_pyo3_cfgs();
    pyo3_build_config::add_extension_module_link_args();
    println!("cargo::rerun-if-changed={STUBS}");
    let mut arms = String::new();
    for (name, text) in docstrings(&std::fs::read_to_string(STUBS)?) {
        writeln!(arms, "    ({name:?}) => {{ {text:?} }};")?;
    }
    let rules = format!("macro_rules! doc {{\n{arms}}}\n");
    Ok(std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("docs.rs"), rules)?)
}

/// The docstrings of classes (`Client`) and of what is in them (`Client.get`).
fn docstrings(stubs: &str) -> Vec<(String, String)> {
    let (mut found, mut class, mut owner) = (Vec::new(), String::new(), String::new());
    let mut lines = stubs.lines();
    while let Some(line) = lines.next() {
        let word = |after: &str| line.strip_prefix(after).map(|rest| rest.split(['(', ':']).next().unwrap_or_default().to_owned());
        if let Some(name) = word("class ") {
            owner.clone_from(&name);
            class = name;
        } else if let Some(name) = word("    def ") {
            owner = format!("{class}.{name}");
        } else if let Some(begun) = line.trim_start().strip_prefix(r#"""""#) {
            let indent = line.len() - line.trim_start().len();
            let mut text = begun.to_owned();
            while !text.ends_with(r#"""""#) {
                let Some(next) = lines.next() else { break };
                text.push('\n');
                text.push_str(next.get(indent..).unwrap_or_else(|| next.trim_start()));
            }
            found.push((std::mem::take(&mut owner), text.trim_end_matches('"').trim_end().to_owned()));
        }
    }
    found.retain(|(owner, _)| !owner.is_empty());
    found
}

//! The table of SECURITY.md: every file that keeps a promise or shows it is there.

use std::path::{Path, PathBuf};

#[test]
fn each_promise_names_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut all = Vec::new();
    for folder in ["crates", "bindings", "python", "tests", "fuzz/fuzz_targets"] {
        collect(&root.join(folder), &mut all);
    }
    let text = include_str!("../../../../SECURITY.md");
    let promises: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert!(promises.len() > 15, "{}", promises.len());
    for promise in promises {
        let [promise, kept_by, shown_by] = promise[..] else { panic!("{promise:?}: not three columns") };
        assert!(!kept_by.is_empty(), "{promise}: kept by nothing");
        let shown = quoted(shown_by);
        assert!(!shown.is_empty(), "{promise}: shown by nothing");
        for name in shown.into_iter().chain(quoted(kept_by)).filter(|name| name.contains(['/', '.'])) {
            assert!(all.iter().any(|path| is(path, &name)), "{promise}: there is no {name}");
        }
    }
}

/// What stands between backquotes; `a/{b,c}.rs` is two.
fn quoted(text: &str) -> Vec<String> {
    let names = text.split('`').skip(1).step_by(2);
    names
        .flat_map(|name| match name.split_once('{').zip(name.split_once('}')) {
            None => vec![name.to_owned()],
            Some(((before, rest), (_, after))) => {
                let within = rest.split('}').next().unwrap_or_default();
                within.split(',').map(|part| format!("{before}{part}{after}")).collect()
            }
        })
        .collect()
}

/// Whether a path is this file, or lies in this folder.
fn is(path: &Path, name: &str) -> bool {
    let path = path.to_str().unwrap_or_default();
    match name.strip_suffix('/') {
        Some(folder) => path.contains(&format!("/{folder}/")),
        None => path.ends_with(&format!("/{name}")),
    }
}

fn collect(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") { collect(&path, all) } else { all.push(path) }
    }
}

//! How large the libraries are as they are installed, stripped. The limits stand here and nowhere else.

use crate::build::{clean, full, root, succeed};
use std::path::{Path, PathBuf};
use std::process::Command;

/// With its own HTTP, and so with TLS.
const WITH_HTTP: u64 = 3_000_000;
/// Without: what is reached, not what is wished for (0.7 MB). DESIGN.md says what it is made of, and why it is not less.
const WITHOUT_HTTP: u64 = 1_650_000;

#[test]
fn the_libraries_are_small() {
    // Two builds that optimise everything together take minutes: `make check-c` has them.
    if !full() {
        return;
    }
    for (options, limit) in [(&[][..], WITH_HTTP), (&["--no-default-features"][..], WITHOUT_HTTP)] {
        let size = std::fs::metadata(installed(options)).unwrap().len();
        println!("{options:?}: {size} bytes, stripped");
        assert!(size <= limit, "{options:?}: {size} bytes, and it was no more than {limit}");
    }
}

/// The shared library of a build with these options, as `make install` lays it out.
fn installed(options: &[&str]) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../c");
    let mut build = Command::new(root().join("packaging/build.sh"));
    succeed(build.arg("small").args(options).env("CARGO", env!("CARGO")).env("TARGET_DIR", &target));
    let prefix = target.join("prefix");
    let mut install = clean(root().join("packaging/install.sh"));
    succeed(install.arg(target.join("small")).env("PREFIX", &prefix).env_remove("DESTDIR").env_remove("LIBDIR"));
    std::fs::canonicalize(prefix.join("lib/libledgerauth.so")).unwrap()
}

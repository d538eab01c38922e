//! How large the libraries are as they are installed, stripped. The limits stand here and nowhere else.

use crate::build::{clean, full, root, succeed};
use std::path::{Path, PathBuf};
use std::process::Command;

/// With its own HTTP, and so with TLS: built for speed.
const WITH_HTTP: u64 = 3_000_000;
/// Without: built for size.
const WITHOUT_HTTP: u64 = 700_000;

#[test]
fn the_libraries_are_small() {
    // Two builds that optimise everything together take minutes: `make check-c` has them.
    if !full() {
        return;
    }
    for (profile, options, limit) in [("release", &[][..], WITH_HTTP), ("small", &["--no-default-features"][..], WITHOUT_HTTP)] {
        let size = std::fs::metadata(installed(profile, options)).unwrap().len();
        println!("{profile} {options:?}: {size} bytes, stripped");
        assert!(size <= limit, "{profile} {options:?}: {size} bytes, and no more than {limit} were promised");
    }
}

/// The shared library of a build of that profile, as `make install` lays it out.
fn installed(profile: &str, options: &[&str]) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../c");
    let mut build = Command::new(root().join("packaging/build.sh"));
    succeed(build.arg(profile).args(options).env("CARGO", env!("CARGO")).env("TARGET_DIR", &target));
    let prefix = target.join(format!("prefix-{profile}"));
    let mut install = clean(root().join("packaging/install.sh"));
    succeed(install.arg(target.join(profile)).env("PREFIX", &prefix).env_remove("DESTDIR").env_remove("LIBDIR"));
    std::fs::canonicalize(prefix.join("lib/libledgerauth.so")).unwrap()
}

//! What `make install` lays out, used as others would: by pkg-config, by CMake, statically, and as a part of a CMake project.

use crate::bare::bare;
use crate::build::{clean, library_folder, no_c, root, succeed, text};
use crate::server::lacks;
use crate::stage::{Stage, World};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

#[test]
fn two_consumers_build_from_an_empty_prefix() {
    if no_c() {
        return;
    }
    let prefix = installed();
    let pkgconfig = prefix.join("lib/pkgconfig");
    let flags = |arguments: &[&str]| {
        let output = succeed(Command::new("pkg-config").args(arguments).arg("ledgerauth").env("PKG_CONFIG_PATH", &pkgconfig));
        String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let example = root().join("examples/simple.c");

    let shared = prefix.join("by-pkg-config");
    succeed(Command::new("cc").arg(&example).args(flags(&["--cflags", "--libs"])).arg("-o").arg(&shared));
    let needed = text(&succeed(Command::new("readelf").arg("-d").arg(&shared)));
    assert!(needed.contains("[libledgerauth.so.0]"), "{needed}");
    runs(&shared, prefix);

    let alone = prefix.join("by-hand-statically");
    let private = flags(&["--static", "--libs-only-l"]);
    let mut cc = Command::new("cc");
    cc.arg(&example).args(flags(&["--cflags"])).arg(prefix.join("lib/libledgerauth.a"));
    succeed(cc.args(private.iter().filter(|flag| *flag != "-lledgerauth")).arg("-o").arg(&alone));
    let needed = text(&succeed(Command::new("readelf").arg("-d").arg(&alone)));
    assert!(!needed.contains("libledgerauth"), "{needed}");
    runs(&alone, Path::new("/nowhere"));
}

#[test]
fn a_cmake_project_finds_what_is_installed() {
    if no_cmake() {
        return;
    }
    by_cmake("consumer", &[format!("-DCMAKE_PREFIX_PATH={}", installed().display())]);
}

#[test]
fn the_sandbox_is_installed_beside_and_a_program_talks_to_it() {
    if no_c() {
        return;
    }
    let built = library_folder().parent().unwrap().join("auth-sandbox");
    succeed(clean(env!("CARGO")).args(["build", "--quiet", "-p", "auth-sandbox"]).current_dir(root()));
    let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prefix-with-sandbox");
    let _ = std::fs::remove_dir_all(&prefix);
    let mut install = clean(root().join("packaging/install.sh"));
    install.arg(library_folder()).env("PREFIX", &prefix).env_remove("DESTDIR").env_remove("LIBDIR");
    succeed(install.env("SANDBOX", built));
    let mut sandbox = clean(prefix.join("bin/ledgerauth-sandbox"));
    let mut sandbox = sandbox.arg("--json").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(sandbox.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    let ca = prefix.join("ca.pem");
    std::fs::write(&ca, said["ca_pem"].as_str().unwrap()).unwrap();
    let program = prefix.join("simple");
    let mut cc = Command::new("cc");
    cc.arg(root().join("examples/simple.c")).arg("-I").arg(prefix.join("include")).arg("-L").arg(prefix.join("lib"));
    succeed(cc.args(["-lledgerauth", "-o"]).arg(&program));
    let mut simple = clean(&program);
    simple.env("LD_LIBRARY_PATH", prefix.join("lib")).env("SSL_CERT_FILE", ca).env("ENVIRONMENT", "staging");
    simple.env("FINORA_API_KEY", said["keys"]["finora_test"].as_str().unwrap()).env("BASE_URL", said["urls"]["finora"].as_str().unwrap());
    let output = simple.output().unwrap();
    // It ends with whoever started it.
    drop(sandbox.stdin.take());
    let _ = sandbox.kill();
    let _ = sandbox.wait();
    assert!(output.status.success() && text(&output).contains("accepted"), "{}", text(&output));
}

#[test]
fn the_sources_are_a_part_of_a_cmake_project() {
    if no_cmake() {
        return;
    }
    // The build without HTTP is there already.
    let (source, target) = (root(), bare().parent().unwrap().to_owned());
    let options = [
        format!("-DLEDGERAUTH_SOURCE={}", source.display()),
        format!("-DLEDGERAUTH_TARGET_DIR={}", target.display()),
        "-DLEDGERAUTH_PROFILE=dev".into(),
        "-DLEDGERAUTH_HTTP=OFF".into(),
    ];
    by_cmake("subproject", &options);
}

#[test]
fn only_our_names_are_exported_and_all_of_them_are_pinned() {
    let pinned: BTreeSet<String> = std::fs::read_to_string(root().join("symbols.txt")).unwrap().lines().map(str::to_owned).collect();
    let exported = |library: PathBuf, option: &str| -> BTreeSet<String> {
        let output = succeed(Command::new("nm").args([option, "--defined-only", "--format=posix"]).arg(library));
        let names = String::from_utf8(output.stdout).unwrap();
        names
            .lines()
            .filter_map(|line| line.split(' ').next())
            .filter(|name| !name.is_empty() && !name.ends_with(':'))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(exported(library_folder().join("libledgerauth.so"), "-D"), pinned);
    let prefix = installed();
    assert_eq!(exported(prefix.join("lib/libledgerauth.so"), "-D"), pinned);
    let members = |name: &String| !name.contains('[');
    assert_eq!(exported(prefix.join("lib/libledgerauth.a"), "-g").into_iter().filter(members).collect::<BTreeSet<_>>(), pinned);
    let header = std::fs::read_to_string(root().join("../../include/ledgerauth.h")).unwrap();
    let declared: BTreeSet<String> = pinned.iter().filter(|name| header.contains(&format!("{name}("))).cloned().collect();
    assert_eq!(declared, pinned);
}

#[test]
fn the_version_is_one_number_everywhere() {
    if no_c() {
        return;
    }
    let version = env!("CARGO_PKG_VERSION");
    let prefix = installed();
    let pkgconfig = prefix.join("lib/pkgconfig");
    let said = text(&succeed(Command::new("pkg-config").args(["--modversion", "ledgerauth"]).env("PKG_CONFIG_PATH", pkgconfig)));
    assert_eq!(said.trim(), version);
    let cmake = std::fs::read_to_string(prefix.join("lib/cmake/ledgerauth/ledgerauthConfigVersion.cmake")).unwrap();
    assert!(cmake.contains(&format!("PACKAGE_VERSION \"{version}\"")), "{cmake}");
    let header = std::fs::read_to_string(root().join("../../include/ledgerauth.h")).unwrap();
    assert!(header.contains(&format!("#define LEDGERAUTH_VERSION \"{version}\"")));
    assert!(prefix.join(format!("lib/libledgerauth.so.{version}")).exists());
    // The library's own word is compared with the header's in abi.c.
}

#[test]
fn what_the_static_library_needs_is_what_the_compiler_says() {
    let script = std::fs::read_to_string(root().join("packaging/install.sh")).unwrap();
    let (_, rest) = script.split_once("static_libs='").unwrap();
    let (listed, _) = rest.split_once('\'').unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("native");
    std::fs::create_dir_all(&folder).unwrap();
    let source = folder.join("empty.rs");
    std::fs::write(&source, "").unwrap();
    let mut rustc = Command::new(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into()));
    rustc.args(["--crate-type", "staticlib", "--print", "native-static-libs", "--out-dir"]).arg(&folder).arg(&source);
    let said = text(&succeed(&mut rustc));
    let (_, libraries) = said.split_once("native-static-libs: ").unwrap();
    let set = |list: &str| list.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(set(listed), set(libraries.lines().next().unwrap()));
    let cmake = std::fs::read_to_string(root().join("CMakeLists.txt")).unwrap();
    assert!(cmake.contains(&listed.replace(' ', ";")), "CMakeLists.txt names other libraries");
}

fn no_cmake() -> bool {
    no_c() || lacks("cmake", "this project was not built by CMake")
}

/// Builds one of the projects of `tests/c/cmake` and runs its programs.
fn by_cmake(project: &str, options: &[String]) {
    let build = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cmake-{project}"));
    let _ = std::fs::remove_dir_all(&build);
    succeed(clean("cmake").arg("-S").arg(root().join("../../tests/c/cmake").join(project)).arg("-B").arg(&build).args(options));
    succeed(clean("cmake").arg("--build").arg(&build));
    let stage = Stage::start(World::Tls);
    for name in ["shared", "static"] {
        let output = succeed(clean(build.join(name)).envs(stage.finora()));
        assert!(text(&output).contains("version 0."), "{}", text(&output));
    }
}

/// The build of these tests, installed once to an empty prefix.
pub(crate) fn installed() -> &'static Path {
    static PREFIX: LazyLock<PathBuf> = LazyLock::new(|| {
        let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prefix");
        let _ = std::fs::remove_dir_all(&prefix);
        let mut install = clean(root().join("packaging/install.sh"));
        succeed(install.arg(library_folder()).env("PREFIX", &prefix).env_remove("DESTDIR").env_remove("LIBDIR"));
        prefix
    });
    &PREFIX
}

/// Runs the simple example against a sandbox.
fn runs(program: &Path, prefix: &Path) {
    let stage = Stage::start(World::Tls);
    let output = succeed(clean(program).envs(stage.finora()).env("LD_LIBRARY_PATH", prefix.join("lib")));
    assert!(text(&output).contains("accepted"), "{}", text(&output));
}

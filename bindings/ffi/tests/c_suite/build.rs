//! Compiling C and C++ as a connector's author would.

use crate::server::{has, lacks, skipped_in_part};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A C compiler with its C++ half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compiler {
    Gcc,
    Clang,
}

impl Compiler {
    fn command(self, cpp: bool) -> &'static str {
        match (self, cpp) {
            (Self::Gcc, false) => "gcc",
            (Self::Gcc, true) => "g++",
            (Self::Clang, false) => "clang",
            (Self::Clang, true) => "clang++",
        }
    }
}

/// The compilers that are here. Gcc is, or the test would have ended (`no_c`).
pub(crate) fn compilers() -> Vec<Compiler> {
    static CLANG_TOO: LazyLock<bool> = LazyLock::new(|| {
        let has = has("clang");
        if !has {
            skipped_in_part("clang", "no C or C++ was compiled by clang");
        }
        has
    });
    if *CLANG_TOO { vec![Compiler::Gcc, Compiler::Clang] } else { vec![Compiler::Gcc] }
}

/// Whether no program can be built here. If so, that is said aloud, and the test is to end.
pub(crate) fn no_c() -> bool {
    lacks("c", "this program was not compiled as C or C++")
}

/// A program in the making.
pub(crate) struct Program {
    sources: Vec<PathBuf>,
    name: String,
    compiler: Compiler,
    cpp: bool,
    flags: Vec<String>,
    library: PathBuf,
    kind: String,
}

/// A program that was built.
pub(crate) struct Built(pub(crate) PathBuf);

impl Program {
    /// One of `tests/c`.
    pub(crate) fn test(name: &str) -> Self {
        let folder = root().join("../../tests/c");
        let cpp = folder.join(format!("{name}.cpp"));
        let source = if cpp.exists() { cpp } else { folder.join(format!("{name}.c")) };
        Self::of(name, source)
    }

    /// One of the examples.
    pub(crate) fn example(name: &str) -> Self {
        let folder = root().join("examples");
        let cpp = folder.join(format!("{name}.cpp"));
        let source = if cpp.exists() { cpp } else { folder.join(format!("{name}.c")) };
        Self::of(name, source)
    }

    /// Any source.
    pub(crate) fn of(name: &str, source: PathBuf) -> Self {
        let cpp = source.extension().is_some_and(|end| end == "cpp");
        let library = library_folder();
        Self { sources: vec![source], name: name.into(), compiler: Compiler::Gcc, cpp, flags: Vec::new(), library, kind: "shared".into() }
    }

    pub(crate) fn by(mut self, compiler: Compiler) -> Self {
        self.compiler = compiler;
        self
    }

    /// Compiled as C++, whatever it is.
    pub(crate) fn in_cpp(mut self) -> Self {
        self.cpp = true;
        self
    }

    /// With more flags; `kind` keeps the result apart from others.
    pub(crate) fn with(mut self, kind: &str, flags: &[&str]) -> Self {
        self.kind = kind.into();
        self.flags.extend(flags.iter().map(|flag| (*flag).to_owned()));
        self
    }

    /// Against the library of another folder.
    pub(crate) fn library(mut self, folder: &Path) -> Self {
        self.library = folder.into();
        self
    }

    /// Compiles and links it; a warning is an error.
    pub(crate) fn build(&self) -> Built {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c").join(format!("{:?}-{}-{}", self.compiler, self.cpp, self.kind));
        std::fs::create_dir_all(&folder).unwrap();
        let each: Vec<String> = statuses().iter().map(|name| format!("STATUS({name})\n")).collect();
        write_in(&folder, "statuses", &each.concat());
        write_in(&folder, "texts", &texts());
        // Tests run side by side: a program is there as a whole or not at all.
        let (program, whole) = (folder.join(&self.name), folder.join(format!("{}-{}", self.name, mark())));
        let mut command = Command::new(self.compiler.command(self.cpp));
        command.args(if self.cpp { ["-x", "c++", "-std=c++17"] } else { ["-x", "c", "-std=c11"] });
        command.args(["-g", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-D_GNU_SOURCE"]);
        command.arg("-I").arg(root().join("../../include")).arg("-I").arg(&folder).args(&self.flags).args(&self.sources);
        command.args(["-x", "none", "-o"]).arg(&whole).args(packages());
        let library = linkable(&self.library);
        command.arg("-L").arg(&library).arg("-lledgerauth").arg(format!("-Wl,-rpath,{}", library.display())).arg("-lpthread");
        succeed(&mut command);
        std::fs::rename(whole, &program).unwrap();
        Built(program)
    }
}

impl Built {
    /// Runs it with these variables; it has to end well. What it printed comes back.
    pub(crate) fn run(&self, env: &[(String, String)], arguments: &[&str]) -> String {
        self.under(&[], env, arguments)
    }

    /// The same below another program, such as valgrind.
    pub(crate) fn under(&self, tool: &[&str], env: &[(String, String)], arguments: &[&str]) -> String {
        let mut command = match tool.split_first() {
            Some((tool, options)) => {
                let mut command = clean(tool);
                command.args(options).arg(&self.0);
                command
            }
            None => clean(&self.0),
        };
        command.args(arguments).envs(env.iter().map(|(name, value)| (name, value)));
        text(&succeed(&mut command))
    }

    /// Runs it, however it ends.
    pub(crate) fn output(&self, env: &[(String, String)]) -> Output {
        clean(&self.0).envs(env.iter().map(|(name, value)| (name, value))).output().unwrap()
    }
}

/// A command without what a machine or cargo has set: proxies, and libraries that would be found before the right ones.
pub(crate) fn clean(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "LD_LIBRARY_PATH"] {
        command.env_remove(name);
    }
    command
}

/// Runs a command that has to succeed.
pub(crate) fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, text(&output));
    output
}

/// What a command printed, both ways.
pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Whether everything is to be run that can be.
pub(crate) fn full() -> bool {
    std::env::var_os("LEDGERAUTH_C_FULL").is_some()
}

/// Where the libraries of this build are.
pub(crate) fn library_folder() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    assert!(folder.join("libledgerauth.so").exists(), "{}: there is no libledgerauth.so", folder.display());
    folder
}

/// The same folder with the library under the name by which programs look for it when they start.
fn linkable(built: &Path) -> PathBuf {
    let folder = built.join("c");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["libledgerauth.so", "libledgerauth.so.0"] {
        // Another test may have made it meanwhile.
        let _ = std::os::unix::fs::symlink(built.join("libledgerauth.so"), folder.join(name));
    }
    folder
}

/// The crate's folder.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What the test programs need beside the library.
fn packages() -> Vec<String> {
    let output = succeed(Command::new("pkg-config").args(["--cflags", "--libs", "libcurl", "jansson"]));
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect()
}

/// A list of the header's, for the program that looks at each.
fn write_in(folder: &Path, name: &str, text: &str) {
    let whole = folder.join(format!("{name}-{}", mark()));
    std::fs::write(&whole, text).unwrap();
    std::fs::rename(whole, folder.join(format!("{name}.inc"))).unwrap();
}

/// Where the header takes a text that may be a secret: functions of credentials, and options of a client.
fn texts() -> String {
    let header = std::fs::read_to_string(root().join("../../include/ledgerauth.h")).unwrap();
    let declared = header.split("\nint32_t ledgerauth_credential_").skip(1).map(|rest| rest.split_once(");").unwrap().0);
    let functions = declared.filter(|declared| declared.contains("ledgerauth_str ") || declared.contains("ledgerauth_ring_key "));
    let functions = functions.map(|declared| format!("FUNCTION(ledgerauth_credential_{})\n", declared.split_once('(').unwrap().0));
    let (_, options) = header.split_once("typedef struct ledgerauth_client_options {").unwrap();
    let (options, _) = options.split_once('}').unwrap();
    let fields: Vec<&str> = options.lines().filter_map(|line| line.trim().strip_suffix(';')).collect();
    let options = fields.iter().enumerate().filter_map(|(at, field)| {
        let option = field.strip_prefix("ledgerauth_str ").map(|name| format!("OPTION({name})\n"));
        let list = || {
            // How many there are of a list is said by the next field.
            let (list, count) = (field.strip_prefix("const ledgerauth_str *")?, fields.get(at + 1)?.strip_prefix("size_t ")?);
            Some(format!("LIST({list}, {count})\n"))
        };
        option.or_else(list)
    });
    let all: Vec<String> = functions.chain(options).collect();
    assert!(all.len() > 30, "{all:?}");
    all.concat()
}

/// A part of a name that nobody else takes.
fn mark() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// The names of the header's statuses.
pub(crate) fn statuses() -> Vec<String> {
    let header = std::fs::read_to_string(root().join("../../include/ledgerauth.h")).unwrap();
    let (_, section) = header.split_once("\n * Status\n").unwrap();
    let (section, _) = section.split_once("/* ----").unwrap();
    let name = |line: &str| Some(line.strip_prefix("#define ")?.split(' ').next()?.to_owned());
    let statuses: Vec<String> = section.lines().filter_map(name).collect();
    assert!(statuses.len() > 30);
    statuses
}

//! The program `auth-sandbox`, which programs of other names may be, too.

mod arguments;
mod greeting;

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use clap::{CommandFactory, FromArgMatches};

use crate::{Options, Sandbox};
use arguments::Arguments;

/// Starts a sandbox as the program of that name and those arguments, and stays until a signal, or until stdin closes
/// when that was asked for. Returns the exit status: 0, or 2 if an argument is wrong. It takes over the process's
/// handling of SIGINT and SIGTERM.
///
/// # Errors
///
/// If the sandbox cannot be started: a port is taken, the certificate cannot be written.
pub fn run(name: &'static str, arguments: impl IntoIterator<Item = OsString>) -> io::Result<u8> {
    let command = Arguments::command().name(name).bin_name(name).after_help(arguments::examples(name));
    let given = std::iter::once(OsString::from(name)).chain(arguments);
    let parsed = command.try_get_matches_from(given).and_then(|matches| Arguments::from_arg_matches(&matches));
    match parsed {
        Ok(arguments) => serve(&arguments).map(|()| 0),
        // Help, the version, wrong arguments: clap has the text, and the status that goes with it.
        Err(shown) => shown.print().map(|()| u8::try_from(shown.exit_code()).unwrap_or(2)),
    }
}

fn serve(arguments: &Arguments) -> io::Result<()> {
    let sandbox = Sandbox::start(Options {
        tls: !arguments.http,
        seed: arguments.seed,
        ports: arguments.port,
        client_auth: arguments.client_auth,
        limits: !arguments.no_limits,
        control: true,
        ..Options::default()
    })?;
    let ca_file = CaFile::write(arguments, &sandbox)?;
    let path = ca_file.as_ref().map(|file| file.path.as_path());
    if !arguments.quiet {
        // With --json stdout holds the one line; everything else goes to stderr.
        let json = arguments.json;
        sandbox.on_entry(move |entry| {
            let line = greeting::live_line(entry);
            if json {
                print_line(&mut io::stderr(), &line);
            } else {
                print_line(&mut io::stdout(), &line);
            }
        });
    }
    let (stop, stopped) = mpsc::channel();
    watch_for_the_end(arguments, &stop)?;
    let text = if arguments.json { greeting::as_json(&sandbox, path).to_string() } else { greeting::as_text(&sandbox, path) };
    print_line(&mut io::stdout(), &text);
    // An error means that nobody can tell us to stop any more, so that is the end, too.
    let _ = stopped.recv();
    drop(sandbox);
    Ok(())
}

/// A reader that has gone away must not end the sandbox.
fn print_line(out: &mut impl Write, line: &str) {
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn watch_for_the_end(arguments: &Arguments, stop: &mpsc::Sender<()>) -> io::Result<()> {
    let by_signal = stop.clone();
    // A failed send means that the main thread is on its way out already.
    ctrlc::set_handler(move || {
        let _ = by_signal.send(());
    })
    .map_err(io::Error::other)?;
    if arguments.until_stdin_closes {
        let by_stdin = stop.clone();
        thread::Builder::new().spawn(move || {
            let mut scratch = [0; 256];
            while matches!(io::stdin().read(&mut scratch), Ok(1..)) {}
            let _ = by_stdin.send(());
        })?;
    }
    Ok(())
}

/// The CA certificate on disk; one that was not asked for by name is removed at the end.
struct CaFile {
    path: PathBuf,
    temporary: bool,
}

impl CaFile {
    fn write(arguments: &Arguments, sandbox: &Sandbox) -> io::Result<Option<Self>> {
        let file = match &arguments.ca_file {
            Some(path) => {
                std::fs::write(path, sandbox.ca_pem())?;
                Self { path: path.clone(), temporary: false }
            }
            None if arguments.http => return Ok(None),
            None => {
                let name = format!("auth-sandbox-{}-ca.pem", std::process::id());
                let path = std::env::temp_dir().join(name);
                // A file left by a dead process of the same number may go; a link may not be followed.
                let _ = std::fs::remove_file(&path);
                let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
                file.write_all(sandbox.ca_pem().as_bytes())?;
                Self { path, temporary: true }
            }
        };
        Ok(Some(file))
    }
}

impl Drop for CaFile {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

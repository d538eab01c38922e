//! `auth-sandbox`: four made-up accounting APIs on loopback, until Ctrl-C.

use std::process::ExitCode;

fn main() -> ExitCode {
    match auth_sandbox::program::run("auth-sandbox", std::env::args_os().skip(1)) {
        Ok(status) => status.into(),
        Err(error) => {
            eprintln!("auth-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

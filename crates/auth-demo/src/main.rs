//! `auth-demo`: one month-end close, on this machine alone.

use std::process::ExitCode;

fn main() -> ExitCode {
    match auth_demo::run("auth-demo", std::env::args_os().skip(1)) {
        Ok(status) => status.into(),
        Err(error) => {
            eprintln!("auth-demo: {error}");
            ExitCode::FAILURE
        }
    }
}

//! `auth-sandbox`: four made-up accounting APIs on loopback, until Ctrl-C.

mod program;

fn main() -> std::process::ExitCode {
    match program::run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("auth-sandbox: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

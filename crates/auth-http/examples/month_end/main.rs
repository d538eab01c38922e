//! The demo: one month-end close through four accounting systems, with a live account of what happens and a proof at the end.
//!
//! ```text
//! cargo run --release -p auth-http --example month_end
//! ```
//!
//! The program starts a sandbox on this machine that behaves as the four systems do, over TLS with a certificate authority of its own, and closes a month through
//! it. What the sandbox saw is printed as it arrives. Each chapter ends with its expectations, and the exit status is 0 only if all of them hold. They are read from the
//! sandbox's request log, not from what the client says of itself; those that only a caller can see (how long it waited, what it was told) say so.
//!
//! To add a chapter: a file in `chapters` with a `Chapter`, and a line in `chapters::ALL`.

mod account;
mod chapters;
mod log;
mod proof;
mod stage;
mod table;

use account::Account;
use clap::Parser;
use proof::Proof;
use stage::Stage;
use std::process::ExitCode;

/// Closes a month through four accounting systems in a sandbox on this machine, in about ten seconds.
///
/// Colours are used on a terminal, unless `NO_COLOR` is set. The exit status is 0 if every expectation was seen in the sandbox's log, 1 if not.
#[derive(Parser)]
struct Arguments {
    /// Leaves out the reading of Numora's result, to show that an expectation can fail: the exit status is then 1.
    #[arg(long)]
    sabotage: bool,
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let account = Account::new();
    let stage = Stage::set(&account, arguments.sabotage)?;
    account.title("Month-end close: four accounting systems, one client library");
    account.text("Each line is a request as the sandbox saw it: when, where, what, the status it answered and why.");

    let mut proofs = Vec::new();
    for (number, chapter) in (1..).zip(chapters::ALL) {
        account.title(&format!("{number}. {}", chapter.title));
        account.text(chapter.plot);
        let mut proof = Proof::default();
        let before = stage.last_entry();
        let played = (chapter.play)(&stage, &mut proof);
        (chapter.prove)(&stage.log_since(before), &mut proof);
        if let Err(error) = played {
            proof.expect("the chapter comes to its end", false, error.to_string());
        }
        account.proof(&proof);
        proofs.push(proof);
    }

    account.title("The month is closed");
    table::print(&account, &stage.log_since(0));
    let failed: usize = proofs.iter().map(Proof::failed).sum();
    let all: usize = proofs.iter().map(Proof::count).sum();
    account.verdict(failed == 0, &format!("{} of {all} expectations hold", all - failed));
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

//! The demo: one month-end close through four accounting systems, with a live account of what happens and a proof at the end.
//!
//! ```text
//! make demo          # or: ledgerauth demo
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
use serde_json::{Value, json};
use stage::Stage;
use std::ffi::OsString;

/// Closes a month through four accounting systems in a sandbox on this machine, in about ten seconds.
///
/// Colours are used on a terminal, unless `NO_COLOR` is set. The exit status is 0 if every expectation was seen in the sandbox's log, 1 if not.
#[derive(Parser)]
struct Arguments {
    /// Prints one JSON object with each chapter's expectations instead of the account.
    #[arg(long)]
    json: bool,

    /// Leaves out the reading of Numora's result, to show that an expectation can fail: the exit status is then 1.
    #[arg(long)]
    sabotage: bool,
}

/// Plays the demo as the program of that name and those arguments; its exit status: 0 if every expectation held, 1 if not, 2 if an argument is wrong.
///
/// # Errors
///
/// If the sandbox cannot be started.
pub fn run(name: &'static str, arguments: impl IntoIterator<Item = OsString>) -> std::io::Result<u8> {
    let given = std::iter::once(OsString::from(name)).chain(arguments);
    let parsed = Arguments::try_parse_from(given);
    let arguments = match parsed {
        Ok(arguments) => arguments,
        // Help and wrong arguments: clap has the text, and the status that goes with it.
        Err(shown) => return shown.print().map(|()| u8::try_from(shown.exit_code()).unwrap_or(2)),
    };
    let account = if arguments.json { Account::silent() } else { Account::new() };
    let stage = Stage::set(&account, arguments.sabotage)?;
    account.title("Month-end close: four accounting systems, one client library");
    account.text("Each line is a request as the sandbox saw it: when, where, what, the status it answered and why.");

    let proofs = play_all(&stage);

    account.title("The month is closed");
    table::print(&account, &stage.log_since(0));
    let failed: usize = proofs.iter().map(|(_, proof)| proof.failed()).sum();
    let all: usize = proofs.iter().map(|(_, proof)| proof.count()).sum();
    account.verdict(failed == 0, &format!("{} of {all} expectations hold", all - failed));
    if arguments.json {
        println!("{}", as_json(&proofs));
    }
    Ok(u8::from(failed > 0))
}

/// Plays the chapters in their order; each with its title and what was proved.
fn play_all(stage: &Stage) -> Vec<(&'static str, Proof)> {
    let mut proofs = Vec::new();
    for (number, chapter) in (1..).zip(chapters::ALL) {
        stage.account.title(&format!("{number}. {}", chapter.title));
        stage.account.text(chapter.plot);
        let mut proof = Proof::default();
        let before = stage.last_entry();
        let played = (chapter.play)(stage, &mut proof);
        (chapter.prove)(&stage.log_since(before), &mut proof);
        if let Err(error) = played {
            proof.expect("the chapter comes to its end", false, error.to_string());
        }
        stage.account.proof(&proof);
        proofs.push((chapter.title, proof));
    }
    proofs
}

fn as_json(proofs: &[(&'static str, Proof)]) -> Value {
    let chapter = |(title, proof): &(&'static str, Proof)| {
        let checks: Vec<Value> =
            proof.checks().map(|check| json!({"expectation": check.name, "holds": check.holds, "seen": check.seen})).collect();
        json!({"chapter": title, "expectations": checks})
    };
    json!({
        "ok": proofs.iter().all(|(_, proof)| proof.failed() == 0),
        "chapters": proofs.iter().map(chapter).collect::<Vec<_>>(),
    })
}

//! Instructions a call, counted by valgrind: the same on a busy machine as on an idle one.
//!
//! Each loop runs twice in a process of its own, with few calls and with many; the difference is the calls' own. Under valgrind the clock is a system
//! call, whose work in the kernel is not counted, on neither side.

use crate::fresh::{self, Floor};
use crate::requests::{self, Bare, PATH};
use crate::table::{self, Bar, Row};
use crate::{key, retry, stage};
use auth_http::{Client, Credential, Provider};
use auth_sandbox::Service;
use std::error::Error;
use std::process::Command;

const FEW: u32 = 1_000;
const MANY: u32 = 11_000;

/// Runs one loop, so many times.
pub(crate) fn child(name: &str, calls: u32) -> Result<(), Box<dyn Error>> {
    let (case, side) = name.split_once('/').ok_or("a loop is named CASE/SIDE")?;
    let is_ours = side == "ours";
    match case {
        "fresh" => {
            // A key, because that needs no server; the path is the one of a fresh token.
            let credential = Credential::key(format!("live_sk_{}", "0a".repeat(24)));
            let client = Client::builder(Provider::builtin("finora")?).credential(credential).build()?;
            let floor = Floor::new(client.authorize("/v1/invoices")?.value().expose());
            if is_ours { fresh::ours(&client, calls) } else { floor.calls(calls) }
        }
        "get" => {
            let sandbox = stage::sandbox()?;
            let client = stage::with_tokens(&sandbox)?;
            let base = sandbox.url(Service::NumericApi);
            let bare = Bare::new(stage::bare_told(requests::address(&base)?), &base, client.authorize(PATH)?.value().expose());
            if is_ours { requests::ours(&client, calls) } else { bare.calls(calls) }
        }
        "retry" => (if is_ours { retry::ours } else { retry::floor })(calls),
        _ => {
            let cases = key::cases()?;
            let case = cases.iter().find(|known| known.name == case).ok_or("there is no such loop")?;
            if is_ours { case.ours(calls) } else { case.floor(calls) }
        }
    }
    Ok(())
}

/// Counts every loop, and prints the table.
pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    table::head();
    let bars = [("fresh", 2.0), ("key-finora", 3.0), ("key-numora", 3.0), ("key-numeric", 3.0), ("retry", 1.0)]
        .map(|(case, most)| (case, Bar::Ratio(most)));
    // A GET is counted together with the server's share, which is the same on both sides.
    for (case, bar) in bars.into_iter().chain([("get", Bar::None)]) {
        let (ours, floor) = (each(&format!("{case}/ours"))?, each(&format!("{case}/floor"))?);
        Row::new(format!("{case}, instructions a call"), "", ours, floor, bar).print();
    }
    Ok(())
}

/// The instructions of one call of a loop.
fn each(name: &str) -> Result<f64, Box<dyn Error>> {
    Ok((counted(name, MANY)? - counted(name, FEW)?) / f64::from(MANY - FEW))
}

/// The instructions of a whole process, from the line `Collected : N` that callgrind ends with.
fn counted(name: &str, calls: u32) -> Result<f64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["--loop", name, &calls.to_string()])
        .output()
        .map_err(|error| format!("valgrind is needed to count instructions: {error}"))?;
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(report.into());
    }
    let line = report.lines().find_map(|line| line.split("Collected : ").nth(1)).ok_or(report.clone())?;
    Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
}

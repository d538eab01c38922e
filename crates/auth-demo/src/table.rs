//! The table at the end: what each system saw.

use crate::account::{Account, Look};
use crate::log::{Log, between};
use auth_sandbox::{Entry, Kind, Service};
use std::collections::HashMap;
use std::time::Duration;

/// The systems, with the services that are theirs.
const SYSTEMS: [(&str, &[Service]); 4] = [
    ("Numeric", &[Service::NumericApi, Service::NumericSandboxApi, Service::NumericAuth]),
    ("ADaaS", &[Service::AdaasApi, Service::AdaasAuth]),
    ("Finora", &[Service::Finora]),
    ("Numora", &[Service::Numora]),
];

/// Prints a row for each system. All of it is counted in the sandbox's log: requests with one request id are one call and its repeats.
pub(crate) fn print(account: &Account, log: &Log) {
    let head = format!("{:<9} {:>6} {:>12} {:>8} {:>12}   {}", "system", "calls", "token calls", "repeats", "waits", "result");
    account.line(&account.dress(Look::Dim, &head));
    for (name, services) in SYSTEMS {
        let own = log.only(|entry| services.contains(&entry.service));
        let api = own.only(|entry| entry.kind == Kind::Api);
        let calls = calls(&api);
        let good = calls.values().filter(|sent| sent.last().is_some_and(|last| matches!(last.status, Some(200..=299)))).count();
        let waits: Vec<Duration> = calls.values().flat_map(|sent| waits(sent)).collect();
        let waited = match waits.len() {
            0 => "-".to_owned(),
            count => format!("{count} ({:.1} s)", waits.iter().sum::<Duration>().as_secs_f64()),
        };
        let row = format!("{name:<9} {:>6} {:>12} {:>8} {waited:>12}   ", calls.len(), own.tokens().len(), api.len() - calls.len());
        let look = if good == calls.len() { Look::Good } else { Look::Bad };
        account.line(&format!("{row}{}", account.dress(look, &format!("{good} of {} calls ended well", calls.len()))));
    }
}

/// Each call with all that was sent for it.
fn calls(api: &Log) -> HashMap<&str, Vec<&Entry>> {
    let mut calls: HashMap<&str, Vec<&Entry>> = HashMap::new();
    for entry in api.entries() {
        calls.entry(entry.header("x-request-id").unwrap_or_default()).or_default().push(entry);
    }
    calls
}

/// How long a call was held back after each time that it met a limit.
fn waits<'a>(sent: &'a [&'a Entry]) -> impl Iterator<Item = Duration> + 'a {
    sent.windows(2).filter(|pair| pair[0].status == Some(429)).map(|pair| between(pair[0], pair[1]))
}

//! A storm: many threads start at once on a client that has no token yet. One token request has to be enough for all of them.
//!
//! ```text
//! cargo run --release -p auth-http --example storm -- --threads 64 --token-delay-ms 200
//! ```
//!
//! Prints one line of JSON and nothing else to standard output. `token_requests` is counted in the sandbox's log, not by the client. `failed_calls` are the
//! calls that got no 200, by the log or by their caller, whichever is more. Times run from the moment the barrier opens, so the first call of each thread
//! includes the wait for the token and the making of its connection. The exit status is 0 only if there was one token request and no failed call.

use auth_http::{Client, Credential, Provider};
use auth_sandbox::{Kind, Options, Sandbox, Service};
use clap::Parser;
use serde::Serialize;
use std::process::ExitCode;
use std::sync::{Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// Sends calls from many threads that start at once on a client without a token.
#[derive(Parser)]
struct Arguments {
    /// How many threads start at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    threads: u32,
    /// How long the token endpoint keeps its answer back, in milliseconds.
    #[arg(long, default_value_t = 200)]
    token_delay_ms: u64,
    /// How many calls each thread makes, one after the other.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    calls: u32,
    /// Uses TLS. Without it the figures are about the client and not about handshakes.
    #[arg(long)]
    tls: bool,
}

/// The one line of JSON.
#[derive(Serialize)]
struct Report {
    threads: usize,
    calls: usize,
    token_requests: usize,
    failed_calls: usize,
    p50_ms: f64,
    p99_ms: f64,
}

/// One call: how long it took, and whether it got its 200.
type Measured = (Duration, bool);

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let threads = usize::try_from(arguments.threads)?;
    let calls = threads * usize::try_from(arguments.calls)?;
    let sandbox = Sandbox::start(Options { tls: arguments.tls, limits: false, log_capacity: 2 * calls + 1_000, ..Options::default() })?;
    sandbox.token_delay(Duration::from_millis(arguments.token_delay_ms));
    let client = client(&sandbox)?;

    let mut measured = storm(&client, threads, arguments.calls);
    measured.sort_unstable();

    let token_requests = sandbox.count(|entry| entry.kind == Kind::Token);
    let answered_by_log = sandbox.count(|entry| entry.kind == Kind::Api && entry.status == Some(200));
    let answered_to_callers = measured.iter().filter(|(_, fine)| *fine).count();
    let failed_calls = calls.saturating_sub(answered_by_log.min(answered_to_callers));
    let report =
        Report { threads, calls, token_requests, failed_calls, p50_ms: percentile(&measured, 50), p99_ms: percentile(&measured, 99) };
    println!("{}", serde_json::to_string(&report)?);
    Ok(if token_requests == 1 && failed_calls == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn client(sandbox: &Sandbox) -> Result<Client, auth_http::Error> {
    let keys = sandbox.keys();
    Client::builder(Provider::builtin("numeric")?)
        .environment("production")
        .base_url(sandbox.url(Service::NumericApi))
        .token_url(format!("{}/oauth/token", sandbox.url(Service::NumericAuth)))
        .credential(Credential::client(&keys.numeric.client_id, keys.numeric.client_secret.as_str()))
        .ca(sandbox.ca_pem())
        .insecure_loopback(true)
        .no_proxy()
        .build()
}

/// Every call of every thread. The first call of each is measured from the moment at which the first thread passed the barrier.
fn storm(client: &Client, threads: usize, calls_each: u32) -> Vec<Measured> {
    let barrier = Barrier::new(threads);
    let opened = OnceLock::new();
    let work = || {
        barrier.wait();
        let mut start = *opened.get_or_init(Instant::now);
        let mut measured = Vec::new();
        for _ in 0..calls_each {
            let answer = client.get("/v1/health").send().and_then(auth_http::Response::text);
            if let Err(error) = &answer {
                eprintln!("a call failed: {error}");
            }
            measured.push((start.elapsed(), answer.is_ok()));
            start = Instant::now();
        }
        measured
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    })
}

/// The time within which so many of a hundred calls ended (nearest rank), in milliseconds with one decimal place.
fn percentile(sorted: &[Measured], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    let span = sorted.get(rank - 1).map_or(Duration::ZERO, |(span, _)| *span);
    (span.as_secs_f64() * 10_000.0).round() / 10.0
}

//! A storm: many threads, in one process or in several, start at once on a credential that has no token yet. One token request has to be enough for all of them.
//!
//! ```text
//! cargo run --release -p auth-http --example storm -- --threads 64 --token-delay-ms 200
//! cargo run --release -p auth-http --example storm -- --processes 4 --threads 8 --store file
//! ```
//!
//! Several processes share a single-use refresh token, which the sandbox rotates with each use: `--store file` keeps it in a folder that they share, `--store memory`
//! gives each process a store of its own, and shows what comes of that.
//!
//! Prints one line of JSON and nothing else to standard output. `token_requests` is counted in the sandbox's log, not by the clients. `failed_calls` are the
//! calls that got no 200, by the log or by their caller, whichever is more. Times run from the moment the barrier opens (for several processes: from the moment
//! each is told to go), so the first call of each thread includes the wait for the token and the making of its connection. The exit status is 0 only if there was
//! one token request and no failed call.

use auth_http::{Client, Credential, FileStore, MemoryStore, Provider, TokenStore};
use auth_sandbox::{Kind, Options, Sandbox, Service};
use clap::{Parser, ValueEnum};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// Sends calls from many threads that start at once on a credential without a token.
#[derive(Parser)]
struct Arguments {
    /// How many threads start at once, in each process.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    threads: u32,
    /// In how many processes. More than one use a rotating refresh token.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    processes: u32,
    /// Where the tokens are kept.
    #[arg(long, value_enum, default_value_t = Kept::Memory)]
    store: Kept,
    /// How long the token endpoint keeps its answer back, in milliseconds.
    #[arg(long, default_value_t = 200)]
    token_delay_ms: u64,
    /// How many calls each thread makes, one after the other.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    calls: u32,
    /// Uses TLS. Without it the figures are about the client and not about handshakes.
    #[arg(long)]
    tls: bool,
    /// What the program gives to the processes that it starts.
    #[arg(long, hide = true)]
    child: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kept {
    /// In each process's own memory.
    Memory,
    /// In files that all processes share.
    File,
}

/// The one line of JSON.
#[derive(Serialize)]
struct Report {
    processes: u32,
    threads: u32,
    store: Kept,
    calls: usize,
    token_requests: usize,
    failed_calls: usize,
    p50_ms: f64,
    p99_ms: f64,
}

/// What a process has to know. It goes through a pipe, because a command line can be read by others.
#[derive(Serialize, Deserialize)]
struct Task {
    api: String,
    token_url: String,
    ca: String,
    client_id: String,
    client_secret: String,
    refresh_token: Option<String>,
    folder: Option<PathBuf>,
    threads: usize,
    calls: u32,
}

/// One call: how long it took in microseconds, and whether it got its 200.
type Measured = (u64, bool);

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::parse();
    if arguments.child {
        return child();
    }
    let calls = usize::try_from(arguments.processes * arguments.threads * arguments.calls)?;
    let sandbox = Sandbox::start(Options { tls: arguments.tls, limits: false, log_capacity: 2 * calls + 1_000, ..Options::default() })?;
    sandbox.token_delay(Duration::from_millis(arguments.token_delay_ms));
    sandbox.rotate_refresh_tokens(true);
    let folder = (arguments.store == Kept::File).then(|| std::env::temp_dir().join(format!("ledgerauth-storm-{}", std::process::id())));
    let task = task(&sandbox, &arguments, folder.clone())?;

    let measured = if arguments.processes == 1 { storm(&client(&task)?, &task) } else { fleet(&task, arguments.processes)? };
    if let Some(folder) = folder {
        std::fs::remove_dir_all(folder)?;
    }
    let mut measured = measured;
    measured.sort_unstable();

    let token_requests = sandbox.count(|entry| entry.kind == Kind::Token);
    let answered_by_log = sandbox.count(|entry| entry.kind == Kind::Api && entry.status == Some(200));
    let answered_to_callers = measured.iter().filter(|(_, fine)| *fine).count();
    let failed_calls = calls.saturating_sub(answered_by_log.min(answered_to_callers));
    let (p50_ms, p99_ms) = (percentile(&measured, 50), percentile(&measured, 99));
    let Arguments { processes, threads, store, .. } = arguments;
    let report = Report { processes, threads, store, calls, token_requests, failed_calls, p50_ms, p99_ms };
    println!("{}", serde_json::to_string(&report)?);
    Ok(if token_requests == 1 && failed_calls == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn task(sandbox: &Sandbox, arguments: &Arguments, folder: Option<PathBuf>) -> Result<Task, Box<dyn Error>> {
    let keys = sandbox.keys();
    let client_id = keys.numeric.client_id.clone();
    let refresh_token = if arguments.processes > 1 || folder.is_some() {
        Some(sandbox.issue_refresh_token(&client_id).ok_or("the sandbox does not know its own client")?)
    } else {
        None
    };
    Ok(Task {
        api: sandbox.url(Service::NumericApi),
        token_url: format!("{}/oauth/token", sandbox.url(Service::NumericAuth)),
        ca: sandbox.ca_pem().to_owned(),
        client_secret: keys.numeric.client_secret.clone(),
        client_id,
        refresh_token,
        folder,
        threads: usize::try_from(arguments.threads)?,
        calls: arguments.calls,
    })
}

/// Several processes, told to go at once; what all of them measured.
fn fleet(task: &Task, processes: u32) -> Result<Vec<Measured>, Box<dyn Error>> {
    let mut children: Vec<Child> = Vec::new();
    for _ in 0..processes {
        let mut command = Command::new(std::env::current_exe()?);
        children.push(command.arg("--child").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?);
    }
    let mut lines = Vec::new();
    for child in &mut children {
        let stdin = child.stdin.as_mut().ok_or("the process has no input")?;
        writeln!(stdin, "{}", serde_json::to_string(task)?)?;
        let mut output = BufReader::new(child.stdout.take().ok_or("the process has no output")?).lines();
        output.next().ok_or("the process ended before it was ready")??;
        lines.push(output);
    }
    for child in &mut children {
        writeln!(child.stdin.as_mut().ok_or("the process has no input")?, "go")?;
    }
    let mut measured = Vec::new();
    for (mut child, mut output) in children.into_iter().zip(lines) {
        let line = output.next().ok_or("the process ended before it was done")??;
        measured.extend(serde_json::from_str::<Vec<Measured>>(&line)?);
        child.wait()?;
    }
    Ok(measured)
}

/// One of several processes.
fn child() -> Result<ExitCode, Box<dyn Error>> {
    let mut lines = std::io::stdin().lines();
    let task: Task = serde_json::from_str(&lines.next().ok_or("no task was given")??)?;
    let client = client(&task)?;
    println!("ready");
    lines.next().ok_or("nobody said go")??;
    println!("{}", serde_json::to_string(&storm(&client, &task))?);
    Ok(ExitCode::SUCCESS)
}

fn client(task: &Task) -> Result<Client, Box<dyn Error>> {
    let (id, secret) = (task.client_id.as_str(), task.client_secret.as_str());
    let credential = match &task.refresh_token {
        Some(token) => Credential::refresh_token(id, secret, token.as_str()),
        None => Credential::client(id, secret),
    };
    let store: Arc<dyn TokenStore> = match &task.folder {
        Some(folder) => Arc::new(FileStore::open(folder)?),
        None => Arc::new(MemoryStore::new()),
    };
    let builder = Client::builder(Provider::builtin("numeric")?).environment("production").base_url(&task.api).token_url(&task.token_url);
    Ok(builder.credential(credential).store(store).ca(task.ca.as_str()).insecure_loopback(true).no_proxy().build()?)
}

/// Every call of every thread. The first call of each is measured from the moment at which the first thread passed the barrier.
fn storm(client: &Client, task: &Task) -> Vec<Measured> {
    let barrier = Barrier::new(task.threads);
    let opened = OnceLock::new();
    let work = || {
        barrier.wait();
        let mut start = *opened.get_or_init(Instant::now);
        let mut measured = Vec::new();
        for _ in 0..task.calls {
            let answer =
                client.get("/v1/health").send().and_then(auth_http::Response::error_for_status).and_then(auth_http::Response::text);
            if let Err(error) = &answer {
                eprintln!("a call failed: {error}");
            }
            measured.push((u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX), answer.is_ok()));
            start = Instant::now();
        }
        measured
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..task.threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    })
}

/// The time within which so many of a hundred calls ended (nearest rank), in milliseconds with one decimal place.
fn percentile(sorted: &[Measured], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    let micros = sorted.get(rank - 1).map_or(0, |(micros, _)| *micros);
    (Duration::from_micros(micros).as_secs_f64() * 10_000.0).round() / 10.0
}

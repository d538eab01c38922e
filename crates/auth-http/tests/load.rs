//! 200 threads on one client for a while, at a server of which every tenth request meets a fault: nothing is booked twice, nothing is booked that the caller was
//! told was not, no connection is lost, no call outlives its deadline.
//!
//! The access token lives three seconds and each refresh token is good for one use, so that tokens are renewed under load all the while. The token endpoint fails as
//! often as the API, but loses no answer: then a person would have to be asked (`crash.rs` and the simulation count that).
//!
//! How long: `LEDGERAUTH_LOAD_SECONDS`, 3 if not said.

mod support;

use auth_http::{Client, Error, FailureKind, FileStore, Processed};
use auth_sandbox::{Fault, FaultKind, Kind, LimitStyle, Options, Sandbox, Service, TokenReply};
use serde_json::json;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const THREADS: u64 = 200;
/// What each call may take. On two cores that 200 threads and the server share, most take a hundredth.
const DEADLINE: Duration = Duration::from_secs(20);

/// What the server did, as it happened.
#[derive(Default)]
struct Seen {
    /// How often each task was booked.
    booked: Mutex<HashMap<String, u32>>,
    api: AtomicU64,
    token: AtomicU64,
    faults: AtomicU64,
    /// Refresh tokens that came a second time.
    spent: AtomicU64,
}

/// What the callers were told.
#[derive(Debug, Default)]
struct Told {
    read: u64,
    written: u64,
    failed: HashMap<(FailureKind, Processed), u64>,
    slowest: Duration,
    /// The tasks of which a caller was told something, and what.
    tasks: Vec<(String, Processed)>,
}

#[test]
fn under_load_and_faults_nothing_is_lost_or_booked_twice() {
    let seconds = std::env::var("LEDGERAUTH_LOAD_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let (sandbox, seen) = faulty();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("load-{}", std::process::id()));
    let client = support::refreshing(&sandbox).store(Arc::new(FileStore::open(&folder).unwrap())).deadline(DEADLINE).build().unwrap();

    let (start, end) = (Instant::now(), Duration::from_secs(seconds));
    let told = Mutex::new(Told::default());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (client, told) = (&client, &told);
            scope.spawn(move || {
                let mine = calls(client, thread, || start.elapsed() < end);
                told.lock().unwrap().add(mine);
            });
        }
    });
    let told = told.into_inner().unwrap();
    let took = start.elapsed();
    drop(client);
    std::fs::remove_dir_all(folder).unwrap();

    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "{took:.1?}: {} read, {} written, failed {:?}; the server saw {} calls and {} token requests, {} of them with a fault; the slowest call took {:.1?}",
        told.read,
        told.written,
        told.failed,
        count(&seen.api),
        count(&seen.token),
        count(&seen.faults),
        told.slowest,
    );
    let booked = seen.booked.lock().unwrap();
    for (task, times) in booked.iter() {
        assert_eq!(*times, 1, "{task} was booked {times} times");
    }
    for (task, processed) in &told.tasks {
        match processed {
            Processed::Yes => assert!(booked.contains_key(task), "{task} is said to be booked, and is not"),
            Processed::No => assert!(!booked.contains_key(task), "{task} is said not to be booked, and is"),
            Processed::Unknown => {}
        }
    }
    assert_eq!(count(&seen.spent), 0, "a refresh token came twice");
    assert!(told.failed.keys().all(|(kind, _)| *kind != FailureKind::ConsentRequired), "{:?}", told.failed);
    assert!(told.slowest < DEADLINE + Duration::from_secs(5), "{:?}", told.slowest);
    assert!(count(&seen.token) > 0 && count(&seen.faults) * 20 > count(&seen.api), "hardly anything happened");
    assert!(told.read + told.written > THREADS, "hardly anything happened");
}

/// A server that meets every tenth request with a fault, and what it saw.
fn faulty() -> (Arc<Sandbox>, Arc<Seen>) {
    let options = Options { limits: false, log_capacity: 1_000, ..Options::default() };
    let sandbox = Arc::new(Sandbox::start(options).unwrap());
    sandbox.rotate_refresh_tokens(true);
    sandbox.token_lifetime(Service::NumericAuth, 3);
    let seen = Arc::new(Seen::default());
    let (behind, heard) = (Arc::downgrade(&sandbox), Arc::clone(&seen));
    sandbox.on_entry(move |entry| {
        let of_token = entry.kind == Kind::Token;
        let number = if of_token { &heard.token } else { &heard.api }.fetch_add(1, Ordering::Relaxed);
        heard.spent.fetch_add(u64::from(entry.decision.contains("used before")), Ordering::Relaxed);
        if entry.acted && entry.method == "POST" && !of_token {
            let task: serde_json::Value = serde_json::from_slice(&entry.body).unwrap();
            *heard.booked.lock().unwrap().entry(task["name"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        // The next one meets it. There are few token requests, so that theirs are drawn by lot.
        let meets_one = if of_token { fastrand::u8(0..10) == 0 } else { number % 10 == 9 };
        if meets_one && let Some(sandbox) = behind.upgrade() {
            heard.faults.fetch_add(1, Ordering::Relaxed);
            let service = if of_token { Service::NumericAuth } else { Service::NumericApi };
            sandbox.inject(Fault::new(fault(of_token)).on(service));
        }
    });
    (sandbox, seen)
}

fn fault(of_token: bool) -> FaultKind {
    let status = |code| FaultKind::Status { code, body: String::new(), content_type: "text/plain".into(), headers: Vec::new() };
    let both = [status(503), FaultKind::ResetBeforeActing, FaultKind::CloseBeforeAnswer, FaultKind::Slow { millis: 300 }];
    let own = if of_token {
        [TokenReply::LifetimeAsText, TokenReply::TokenTypeMissing, TokenReply::Latin1Bytes, TokenReply::Html502].map(FaultKind::TokenReply)
    } else {
        let limit = FaultKind::TooManyRequests { style: LimitStyle::RetryAfterSeconds(1) };
        [limit, FaultKind::ResetAfterActing, FaultKind::Truncated, FaultKind::Drip { bytes: 16, millis: 5 }]
    };
    fastrand::choice([both, own].concat()).unwrap()
}

/// Reads and writes in turn while it may.
fn calls(client: &Client, thread: u64, goes_on: impl Fn() -> bool) -> Told {
    let mut told = Told::default();
    for number in 0.. {
        if !goes_on() {
            break;
        }
        let start = Instant::now();
        let read = client.get("/v1/reports").send().and_then(auth_http::Response::error_for_status).and_then(auth_http::Response::bytes);
        told.slowest = told.slowest.max(start.elapsed());
        match read {
            Ok(_) => told.read += 1,
            Err(error) => told.count(&error),
        }

        let (start, task) = (Instant::now(), format!("task {number} of thread {thread}"));
        let written =
            client.post("/v1/tasks").json(&json!({ "name": task })).send().and_then(auth_http::Response::error_for_status).map(drop);
        told.slowest = told.slowest.max(start.elapsed());
        match written {
            Ok(()) => {
                told.written += 1;
                told.tasks.push((task, Processed::Yes));
            }
            Err(error) => {
                told.count(&error);
                told.tasks.push((task, error.processed()));
            }
        }
    }
    told
}

impl Told {
    fn count(&mut self, error: &Error) {
        let kind = error.kind().unwrap_or_else(|| panic!("{error}"));
        *self.failed.entry((kind, error.processed())).or_default() += 1;
    }

    fn add(&mut self, other: Self) {
        self.read += other.read;
        self.written += other.written;
        for (kind, times) in other.failed {
            *self.failed.entry(kind).or_default() += times;
        }
        self.slowest = self.slowest.max(other.slowest);
        self.tasks.extend(other.tasks);
    }
}

//! A limit that one worker met is kept by all that share the store, and by nobody else.
#![cfg(unix)]

mod support;

use auth_http::{Client, FailureKind, FileStore};
use auth_sandbox::{Fault, FaultKind, LimitStyle, Sandbox, Service};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{finora, requests, sandbox};

struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("ledgerauth-pauses-{}-{name}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A worker of its own: its session knows nothing of the others' but what the store says.
fn worker(sandbox: &Sandbox, folder: &Folder) -> Client {
    finora(sandbox).store(Arc::new(FileStore::open(&folder.0).unwrap())).build().unwrap()
}

fn refused(sandbox: &Sandbox) -> usize {
    requests(sandbox, Service::Finora).iter().filter(|entry| entry.status == Some(429)).count()
}

#[test]
fn sixteen_workers_do_not_each_discover_the_same_429() {
    let (sandbox, folder) = (sandbox(), Folder::new("shared"));
    let workers: Vec<Client> = (0..16).map(|_| worker(&sandbox, &folder)).collect();
    sandbox.inject(Fault::new(FaultKind::TooManyRequests { style: LimitStyle::RetryAfterSeconds(1) }).on(Service::Finora));
    let start = Instant::now();
    let answer = workers[0].get("/v1/invoices").deadline(Duration::from_millis(300)).send().unwrap();
    assert_eq!(answer.status(), 429);
    std::thread::scope(|scope| {
        for worker in &workers {
            scope.spawn(|| assert_eq!(worker.get("/v1/invoices").send().unwrap().status(), 200));
        }
    });
    assert!(start.elapsed() >= Duration::from_secs(1), "they waited");
    assert_eq!(refused(&sandbox), 1, "one worker met the limit for all");
    assert_eq!(requests(&sandbox, Service::Finora).len(), 17);
}

#[test]
fn a_limit_that_lasts_longer_than_a_call_comes_back_as_a_value_without_a_request() {
    let (sandbox, folder) = (sandbox(), Folder::new("long"));
    let (one, other) = (worker(&sandbox, &folder), worker(&sandbox, &folder));
    sandbox.inject(Fault::new(FaultKind::TooManyRequests { style: LimitStyle::RetryAfterSeconds(600) }).on(Service::Finora));
    assert_eq!(one.get("/v1/invoices").send().unwrap().status(), 429);
    let error = other.get("/v1/invoices").send().unwrap_err();
    let failure = error.failure().unwrap();
    assert_eq!(failure.kind(), FailureKind::RateLimited, "{failure}");
    assert!(failure.come_back_at().is_some() && failure.what().contains("another process was told to slow down"), "{failure}");
    assert_eq!(requests(&sandbox, Service::Finora).len(), 1);
    assert!(other.explain().to_string().contains("pause: until"), "{}", other.explain());

    let stranger = worker(&sandbox, &Folder::new("other"));
    assert_eq!(stranger.get("/v1/invoices").send().unwrap().status(), 200, "another store knows nothing of it");
}

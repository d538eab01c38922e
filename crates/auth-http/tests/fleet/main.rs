//! A fleet on one rotating refresh token: processes with threads, then hosts, against a certified server that ends the whole grant if one refresh token is sent
//! twice.
//!
//! The server counts: exactly one refresh for each expiry, whoever asks, and not one `invalid_grant`.

#![cfg(all(unix, feature = "redis"))]

#[path = "../support/mod.rs"]
mod support;

mod child;
mod hosts;
mod redis_tls;

use child::{Child, Round};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use support::oidc::{Oidc, SECRET};

/// How often the token ends, unless `LEDGERAUTH_EXPIRIES` says so: enough to see that every one of them costs one refresh.
fn expiries() -> u64 {
    std::env::var("LEDGERAUTH_EXPIRIES").ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

/// A folder of the test's own, removed with it.
struct TempFolder(PathBuf);

impl TempFolder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ledgerauth-fleet-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What every process of the fleet has to know.
fn task(oidc: &Oidc, token: &str, store: &Value, threads: u64) -> Value {
    json!({"issuer": oidc.issuer(), "client": "web", "secret": SECRET, "refresh_token": token, "store": store, "threads": threads})
}

/// Lets all processes call at once, and waits for them.
fn all_call(fleet: &mut [Child]) -> Vec<Round> {
    for child in fleet.iter_mut() {
        child.go();
    }
    fleet.iter_mut().map(Child::done).collect()
}

fn eight_by_eight(store: &Value) {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let token = oidc.seed("web", 1).remove(0);
    let task = task(&oidc, &token, store, 8);
    let mut fleet: Vec<Child> = (0..8).map(|_| Child::start(&task, &[])).collect();
    let (expiries, start) = (expiries(), Instant::now());
    for round in 0..=expiries {
        if round > 0 {
            assert!(oidc.end_access_tokens() > 0, "round {round}: no token was in use");
        }
        for (process, done) in all_call(&mut fleet).iter().enumerate() {
            assert!(done.failed.is_empty() && done.fine == 8, "round {round}, process {process}: {done:?}");
        }
        assert_eq!(oidc.count("refreshes"), round + 1, "round {round}");
    }
    assert_eq!((oidc.count("invalid_grants"), oidc.count("reused"), oidc.count("refused_refreshes")), (0, 0, 0));
    println!(
        "8 processes x 8 threads, {expiries} expiries: {} refreshes, 0 invalid_grant, {:.1?}",
        oidc.count("refreshes") - 1,
        start.elapsed()
    );
}

#[test]
fn eight_processes_of_eight_threads_refresh_once_for_each_expiry_through_files() {
    let folder = TempFolder::new("files");
    std::fs::remove_dir(&folder.0).expect("the store makes its own folder");
    eight_by_eight(&json!({"file": folder.0}));
}

#[test]
fn eight_processes_of_eight_threads_refresh_once_for_each_expiry_through_redis() {
    let Some(redis) = redis_tls::Redis::start("127.0.0.1") else { return };
    eight_by_eight(&redis.as_store());
}

/// How long a part of the fleet is away.
const OUTAGE: Duration = Duration::from_secs(2);

#[test]
fn three_hosts_lose_no_connection_while_redis_restarts_and_a_host_is_cut_off() {
    let Some(net) = hosts::Net::new(3) else { return };
    let Some(mut redis) = redis_tls::Redis::start(net.hub()) else { return };
    let Some(oidc) = Oidc::start(&json!({"address": net.hub(), "tls": redis.server_tls()})) else { return };
    let token = oidc.seed("web", 1).remove(0);
    let mut task = task(&oidc, &token, &redis.as_store(), 8);
    task["ca"] = json!(redis.ca());
    let mut fleet: Vec<Child> = (0..3).map(|host| Child::start(&task, &net.inside(host))).collect();
    let rounds = expiries();
    let mut refreshes = 0;
    for round in 0..=rounds {
        if round > 0 {
            oidc.end_access_tokens();
        }
        let (restarts, cut) = (round == rounds / 3, round == 2 * rounds / 3);
        if restarts {
            redis.stop();
        }
        if cut {
            net.cut(0);
        }
        let away = restarts || cut;
        let done = if away {
            for child in &mut fleet {
                child.go();
            }
            std::thread::sleep(OUTAGE);
            redis.start_again();
            net.mend(0);
            fleet.iter_mut().map(Child::done).collect()
        } else {
            all_call(&mut fleet)
        };
        for (host, round_of_host) in done.iter().enumerate() {
            let excused = |kind: &str| {
                (restarts && kind == "store") || (cut && host == 0 && matches!(kind, "store" | "transport" | "deadline_exceeded"))
            };
            let unexcused: Vec<_> = round_of_host.failed.iter().filter(|(kind, _)| !excused(kind)).collect();
            assert!(unexcused.is_empty(), "round {round}, host {host}: {unexcused:?}");
            assert!(away || round_of_host.fine == 8, "round {round}, host {host}: {round_of_host:?}");
        }
        let now = oidc.count("refreshes");
        assert!(
            now <= refreshes + 1 && (away || now == refreshes + 1 || round == rounds / 3 + 1 || round == 2 * rounds / 3 + 1),
            "round {round}: {now}"
        );
        refreshes = now;
    }
    // However it went, every host is connected.
    for done in all_call(&mut fleet) {
        assert_eq!((done.fine, done.failed.len()), (8, 0), "{done:?}");
    }
    assert_eq!((oidc.count("invalid_grants"), oidc.count("reused")), (0, 0));
    println!("3 hosts over Redis with TLS, {rounds} expiries: {refreshes} refreshes, 0 invalid_grant, 0 lost connections");
}

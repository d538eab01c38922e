//! Refresh tokens at a real server that rotates them and ends the whole grant when one is used twice.

mod support;

use auth_http::{Client, Credential, FailureKind, MemoryStore};
use serde_json::json;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};
use support::oidc::{Oidc, SECRET};

fn refreshing(oidc: &Oidc, token: &str) -> Client {
    oidc.client().credential(Credential::refresh_token("web", SECRET, token)).build().unwrap()
}

#[test]
fn many_threads_and_many_expiries_spend_each_refresh_token_once() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let client = refreshing(&oidc, &oidc.seed("web", 1)[0]);
    let rounds = 50;
    for _ in 0..rounds {
        let barrier = Barrier::new(16);
        let call = || {
            barrier.wait();
            client.get("/api/ledger").send().unwrap().status()
        };
        let fine = thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(call)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|status| *status == 200).count()
        });
        assert_eq!((fine, oidc.end_access_tokens()), (16, 1));
    }
    assert_eq!((oidc.count("refreshes"), oidc.count("invalid_grants"), oidc.count("reused")), (rounds, 0, 0));
}

#[test]
fn short_tokens_are_renewed_ahead_of_their_end() {
    let Some(oidc) = Oidc::start(&json!({"access_token_seconds": 2})) else { return };
    let client = refreshing(&oidc, &oidc.seed("web", 1)[0]);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        assert_eq!(client.get("/api/ledger").send().unwrap().status(), 200);
        thread::sleep(Duration::from_millis(20));
    }
    // The server counts whole seconds, so that some of its tokens of two seconds end after little more than one; that is a 401 nobody is told of.
    assert!((2..=6).contains(&oidc.count("refreshes")), "{}", oidc.count("refreshes"));
    assert_eq!(oidc.count("refused_refreshes"), 0);
}

#[test]
fn a_token_that_was_used_elsewhere_ends_the_grant_and_is_told_once() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let seed = oidc.seed("web", 1).remove(0);
    let first = refreshing(&oidc, &seed);
    assert_eq!(first.get("/api/ledger").send().unwrap().status(), 200);
    // A second client that does not share the store sends the token that the first has spent.
    let second = refreshing(&oidc, &seed);
    for _ in 0..5 {
        let error = second.get("/api/ledger").send().unwrap_err();
        assert_eq!(error.kind(), Some(FailureKind::ConsentRequired), "{error}");
    }
    assert_eq!((oidc.count("reused"), oidc.count("invalid_grants")), (1, 1));
    // The server has ended the whole grant, so that the first client cannot go on either, and says so.
    let response = first.get("/api/ledger").send().unwrap();
    let failure = response.failure().unwrap();
    assert_eq!((response.status(), failure.kind()), (401, FailureKind::ConsentRequired));
    assert!(failure.advice().contains("a person has to connect the account again"), "{failure}");
}

#[test]
fn clients_that_share_a_store_go_on_with_each_others_tokens() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let (seed, store) = (oidc.seed("web", 1).remove(0), Arc::new(MemoryStore::new()));
    for round in 0..6 {
        let client = oidc.client().store(store.clone()).credential(Credential::refresh_token("web", SECRET, seed.as_str()));
        assert_eq!(client.build().unwrap().get("/api/ledger").send().unwrap().status(), 200, "round {round}");
        oidc.end_access_tokens();
    }
    assert_eq!((oidc.count("invalid_grants"), oidc.count("reused")), (0, 0));
}

#[test]
fn a_server_that_does_not_rotate_is_sent_the_same_token_again() {
    let Some(oidc) = Oidc::start(&json!({"rotate": false})) else { return };
    let client = refreshing(&oidc, &oidc.seed("web", 1)[0]);
    for round in 1..=3 {
        assert_eq!(client.get("/api/ledger").send().unwrap().status(), 200);
        assert_eq!((oidc.count("refreshes"), oidc.end_access_tokens()), (round, 1));
    }
}

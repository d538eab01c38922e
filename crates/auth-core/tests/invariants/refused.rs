//! Invariant 5: what a 401 leads to.

use crate::support::{START, Scenario, failure, sent_value, token};
use auth_core::{FailureKind, Outcome, Record, Step};
use std::time::Duration;

#[test]
fn invariant_5_a_401_for_an_old_generation_sends_again_with_the_newer_token() {
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    let mut slow = scenario.call("GET", "/v1/health");
    assert_eq!(sent_value(&scenario.to_send(&mut slow)), "Bearer token-1");
    let mut quick = scenario.call("GET", "/v1/health");
    scenario.to_send(&mut quick);
    scenario.respond(&mut quick, 401, &[], "");
    scenario.grant(&mut quick, &token("token-2", 3_600));
    assert_eq!(sent_value(&scenario.to_send(&mut quick)), "Bearer token-2");
    scenario.respond(&mut slow, 401, &[], "");
    assert_eq!(sent_value(&scenario.to_send(&mut slow)), "Bearer token-2");
}

#[test]
fn invariant_5_a_freshly_minted_token_that_is_refused_stops_and_says_why() {
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    let mut exchange = scenario.call("POST", "/v1/tasks");
    scenario.to_send(&mut exchange);
    scenario.respond(&mut exchange, 401, &[], "");
    scenario.grant(&mut exchange, &token("token-2", 3_600));
    scenario.to_send(&mut exchange);
    scenario.respond(&mut exchange, 401, &[], "");
    let outcome = scenario.to_done(&mut exchange);
    assert_eq!(failure(&outcome).kind(), FailureKind::TokenRefused);
    assert!(failure(&outcome).advice().contains("tenant header"), "{}", failure(&outcome));
    exchange.abandon(&mut scenario.session);
    // For a while, a 401 is taken as it is: 1,000 refused calls do not make 1,000 token requests.
    for _ in 0..1_000 {
        let mut exchange = scenario.call("GET", "/v1/tasks");
        scenario.to_send(&mut exchange);
        scenario.respond(&mut exchange, 401, &[], "");
        assert!(matches!(scenario.to_done(&mut exchange), Outcome::Answered(Some(_))));
        exchange.abandon(&mut scenario.session);
    }
}

#[test]
fn invariant_5_an_adopted_token_that_is_refused_is_not_taken_for_a_fresh_one() {
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    scenario.advance(Duration::from_mins(5));
    let stored = scenario.stored.clone().unwrap();
    adopts_what_is_refused_too(scenario, Record { minted_at: START.after(Duration::from_secs(150)), ..stored });
}

#[test]
fn invariant_5_a_refused_token_of_another_machine_is_renewed_however_fresh_it_looks() {
    // The clock of the machine that asked for it is ahead, so that it seems to come out of the future.
    for minted_at in [START.before(Duration::from_secs(5)), START.after(Duration::from_mins(2))] {
        let scenario = Scenario::client_credentials().with_token("token-1");
        let expires_at = minted_at.after(Duration::from_hours(1));
        let stored = scenario.stored.clone().unwrap();
        adopts_what_is_refused_too(scenario, Record { minted_at, expires_at, ..stored });
    }
}

/// The API refuses this process's token, then the one that a sibling stored: a third is asked for.
fn adopts_what_is_refused_too(mut scenario: Scenario, siblings: Record) {
    scenario.stored = Some(Record { generation: 2, access_token: Some("token-2".into()), ..siblings });
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_send(&mut exchange);
    scenario.respond(&mut exchange, 401, &[], "");
    assert_eq!(sent_value(&scenario.to_send(&mut exchange)), "Bearer token-2");
    scenario.respond(&mut exchange, 401, &[], "");
    scenario.grant(&mut exchange, &token("token-3", 3_600));
    assert_eq!(sent_value(&scenario.to_send(&mut exchange)), "Bearer token-3");
}

#[test]
fn keys_take_turns_when_all_are_refused() {
    let mut scenario = Scenario::keys();
    let mut sent = Vec::new();
    for _ in 0..6 {
        let mut exchange = scenario.call("GET", "/v1/invoices");
        loop {
            match scenario.next(&mut exchange) {
                Step::Send(send) => {
                    sent.push(sent_value(&send).chars().last().unwrap());
                    scenario.respond(&mut exchange, 401, &[], r#"{"error":{"code":"INVALID_API_KEY"}}"#);
                }
                Step::Done(_) => break,
                other => panic!("{other:?}"),
            }
        }
        exchange.abandon(&mut scenario.session);
        scenario.advance(Duration::from_secs(61));
    }
    assert_eq!(sent.iter().collect::<String>(), "1221212");
}

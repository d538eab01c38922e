//! Invariant 4: a refresh token that may have been spent is sent again only as one in doubt (`in_doubt.rs`); leases and the journal.

use crate::support::{Scenario, failure, rotated};
use auth_core::{Claimed, FailureKind, Outcome, Saved, Step};
use std::time::Duration;

/// How long the right to a token request lasts: its timeout of 30 seconds, and 15 more.
const LEASE: Duration = Duration::from_secs(45);

#[test]
fn invariant_4_a_journal_is_taken_back_when_the_refresh_token_was_not_spent() {
    for lose in [true, false] {
        let mut scenario = Scenario::refresh_token();
        let mut exchange = scenario.call("GET", "/v1/health");
        let outcome = loop {
            match scenario.next(&mut exchange) {
                Step::Fetch(_) if lose => scenario.lose(&mut exchange, true),
                Step::Fetch(_) => scenario.respond(&mut exchange, 401, &[], r#"{"error":"invalid_client"}"#),
                Step::Wait(until) => scenario.now = until,
                Step::Done(outcome) => break outcome,
                other => panic!("{other:?}"),
            }
        };
        assert!(matches!(outcome, Outcome::Failed(_)));
        assert!(scenario.stored.as_ref().unwrap().spending.is_none());
        exchange.abandon(&mut scenario.session);
        scenario.advance(Duration::from_mins(10));
        let mut exchange = scenario.call("GET", "/v1/health");
        scenario.grant(&mut exchange, &rotated("token-1", "refresh-2"));
        scenario.to_send(&mut exchange);
    }
}

#[test]
fn invariant_4_a_journal_that_could_not_be_answered_for_does_not_hold_its_own_session_back() {
    let mut scenario = Scenario::refresh_token();
    // The store wrote the first entry and could not say so; of the second nothing was written; before the third was answered for, its caller went away.
    for attempt in 0..3 {
        let mut exchange = scenario.call("GET", "/v1/health");
        while !matches!(scenario.poll(&mut exchange), Step::Claim(_)) {}
        exchange.handle_claimed(&mut scenario.session, scenario.now, Claimed::Granted(scenario.stored.clone()));
        let Step::Save(journal) = scenario.poll(&mut exchange) else { panic!("{attempt}") };
        if attempt != 1 {
            scenario.stored = Some(journal.record);
        }
        if attempt != 2 {
            exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Down("no answer".into()));
        }
        exchange.abandon(&mut scenario.session);
        scenario.advance(Duration::from_mins(1));
    }
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
    // Another session cannot know: it waits for as long as somebody may still wait for the answer.
    let mut other = Scenario::refresh_token();
    other.stored.clone_from(&scenario.stored);
    let mut exchange = other.call("GET", "/v1/health");
    assert_eq!(other.to_wait(&mut exchange), other.now.after(LEASE));
}

#[test]
fn invariant_4_a_caller_that_goes_away_while_nothing_is_spent_spends_nothing() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
    scenario.respond(&mut exchange, 429, &[("retry-after", "2")], "");
    scenario.to_wait(&mut exchange);
    exchange.abandon(&mut scenario.session);
    scenario.advance(Duration::from_secs(1));
    let mut next = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut next);
    assert_eq!(scenario.stored.as_ref().unwrap().spending.unwrap().attempt, 1);
    // Once it is on its way, nobody knows: what is sent now is sent again.
    next.abandon(&mut scenario.session);
    let mut last = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut last);
    assert_eq!(scenario.stored.as_ref().unwrap().spending.unwrap().attempt, 2);
}

#[test]
fn invariant_4_a_journal_holds_no_other_consent_back() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
    scenario.lose(&mut exchange, false);
    scenario.to_wait(&mut exchange);
    exchange.abandon(&mut scenario.session);
    // One that was given a new grant is not held back by it.
    let mut fresh = Scenario::new("numeric", "production", |provider| {
        let client = auth_core::ClientCredentials::parse(provider, "client-1", "client-secret-1").unwrap();
        auth_core::Credential::Grant(auth_core::Grant::refresh_token(client, "refresh-of-a-new-consent"))
    });
    fresh.stored.clone_from(&scenario.stored);
    let mut exchange = fresh.call("GET", "/v1/health");
    let request = fresh.to_fetch(&mut exchange);
    assert!(request.body.unwrap().expose().contains("refresh-of-a-new-consent"));
}

#[test]
fn a_holder_that_wakes_up_late_claims_again_before_it_sends() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    assert!(matches!(scenario.poll(&mut exchange), Step::Claim(_)));
    exchange.handle_claimed(&mut scenario.session, scenario.now, Claimed::Granted(None));
    let Step::Save(journal) = scenario.poll(&mut exchange) else { panic!() };
    scenario.stored = Some(journal.record);
    exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Durable);
    // So late that the answer would come after the lease.
    scenario.advance(Duration::from_secs(16));
    let Step::Save(cleared) = scenario.poll(&mut exchange) else { panic!() };
    assert!(cleared.record.spending.is_none());
    // Somebody else has the lease by now, and leaves it again.
    exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Superseded);
    let Step::Release(_) = scenario.poll(&mut exchange) else { panic!() };
    let Step::Claim(_) = scenario.poll(&mut exchange) else { panic!() };
    exchange.handle_claimed(&mut scenario.session, scenario.now, Claimed::Granted(scenario.stored.clone()));
    let Step::Save(_) = scenario.poll(&mut exchange) else { panic!() };
    exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Durable);
    assert!(matches!(scenario.poll(&mut exchange), Step::Fetch(_)));
}

#[test]
fn each_lease_has_a_number_of_its_own_so_that_a_late_release_ends_no_later_one() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    let mut owners = std::collections::HashSet::new();
    for _ in 0..20 {
        let Step::Claim(claim) = scenario.poll(&mut exchange) else { panic!() };
        assert!(claim.owner != 0 && owners.insert(claim.owner));
        exchange.handle_claimed(&mut scenario.session, scenario.now, Claimed::Busy);
        scenario.now = scenario.to_wait(&mut exchange);
    }
}

#[test]
fn a_claim_that_was_not_answered_is_given_back() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    let Step::Claim(claim) = scenario.poll(&mut exchange) else { panic!() };
    assert_eq!(exchange.abandon(&mut scenario.session).map(|lease| lease.owner), Some(claim.owner));
}

#[test]
fn invariant_4_a_token_endpoint_that_is_not_trusted_spends_nothing_and_is_tried_again_when_it_may_be_mended() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
    scenario.distrust(&mut exchange);
    assert_eq!(failure(&scenario.to_done(&mut exchange)).kind(), FailureKind::Untrusted);
    assert!(scenario.stored.as_ref().unwrap().spending.is_none());
    exchange.abandon(&mut scenario.session);
    scenario.advance(Duration::from_secs(31));
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
}

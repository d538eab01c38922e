//! Invariant 4: what was granted is durable before it is used, and nothing of it is lost.

use crate::support::{START, Scenario, failure, rotated, sent_value, token};
use auth_core::{Claimed, FailureKind, Outcome, Saved, SessionState, Step};
use std::time::Duration;

#[test]
fn invariant_4_a_rotated_refresh_token_is_durable_before_it_is_used() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    // Claim, then the journal, then the fetch.
    assert!(matches!(scenario.poll(&mut exchange), Step::Claim(_)));
    exchange.handle_claimed(&mut scenario.session, START, Claimed::Granted(None));
    let Step::Save(journal) = scenario.poll(&mut exchange) else { panic!() };
    assert!(journal.record.spending.is_some() && journal.record.access_token.is_none());
    exchange.handle_saved(&mut scenario.session, START, Saved::Durable);
    assert!(matches!(scenario.poll(&mut exchange), Step::Fetch(_)));
    scenario.respond(&mut exchange, 200, &[], &rotated("token-1", "refresh-2"));
    // The new refresh token is saved before anybody sends the new access token.
    let Step::Save(save) = scenario.poll(&mut exchange) else { panic!() };
    assert_eq!(save.record.refresh_token.as_ref().unwrap().expose(), "refresh-2");
    assert!(save.record.spending.is_none() && save.record.generation > save.replaces);
    let mut sibling = scenario.call("GET", "/v1/health");
    scenario.to_wait(&mut sibling);
    exchange.handle_saved(&mut scenario.session, START, Saved::Durable);
    assert_eq!(sent_value(&scenario.to_send(&mut sibling)), "Bearer token-1");
}

#[test]
fn invariant_4_a_failed_save_loses_nothing() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.grant(&mut exchange, &rotated("token-1", "refresh-2"));
    let outcome = loop {
        match scenario.poll(&mut exchange) {
            Step::Save(_) => exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Down("disk full".into())),
            Step::Wait(until) => scenario.now = until,
            Step::Release(_) => {}
            Step::Done(outcome) => break outcome,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(failure(&outcome).kind(), FailureKind::Store);
    assert_eq!(scenario.session.state(scenario.now), SessionState::Unsaved);
    exchange.abandon(&mut scenario.session);
    // The store is back: what was kept is stored first, nothing is fetched.
    scenario.advance(Duration::from_mins(1));
    let mut exchange = scenario.call("GET", "/v1/health");
    assert_eq!(sent_value(&scenario.to_send(&mut exchange)), "Bearer token-1");
    assert_eq!(scenario.stored.as_ref().unwrap().refresh_token.as_ref().unwrap().expose(), "refresh-2");
}

#[test]
fn invariant_4_cancelling_while_saving_loses_nothing() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.grant(&mut exchange, &rotated("token-1", "refresh-2"));
    assert!(matches!(scenario.poll(&mut exchange), Step::Save(_)));
    assert!(exchange.abandon(&mut scenario.session).is_some());
    let mut next = scenario.call("GET", "/v1/health");
    assert_eq!(sent_value(&scenario.to_send(&mut next)), "Bearer token-1");
}

#[test]
fn invariant_4_a_superseded_save_keeps_the_new_refresh_token_until_the_store_is_ahead() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.grant(&mut exchange, &rotated("token-1", "refresh-2"));
    assert!(matches!(scenario.poll(&mut exchange), Step::Save(_)));
    // The lease had run out; whoever held it meanwhile found the journal and gave up.
    exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Superseded);
    assert_eq!(sent_value(&scenario.to_send(&mut exchange)), "Bearer token-1");
    assert_eq!(scenario.stored.as_ref().unwrap().refresh_token.as_ref().unwrap().expose(), "refresh-2");
}

#[test]
fn invariant_4_a_valid_token_outlives_a_failed_renewal() {
    for (status, body) in [(503, ""), (400, r#"{"error":"invalid_client"}"#), (200, "<html>")] {
        let mut scenario = Scenario::client_credentials().with_token("token-1");
        scenario.advance(Duration::from_secs(3_400));
        let mut renewal = scenario.session.begin_renewal(scenario.now, 7).expect("due");
        let outcome = loop {
            match scenario.next(&mut renewal) {
                Step::Fetch(_) => scenario.respond(&mut renewal, status, &[], body),
                Step::Wait(until) => scenario.now = until,
                Step::Done(outcome) => break outcome,
                other => panic!("{other:?}"),
            }
        };
        assert!(matches!(outcome, Outcome::Failed(_)), "{status}");
        renewal.abandon(&mut scenario.session);
        // It backs off, and calls go on.
        assert!(scenario.session.begin_renewal(scenario.now, 8).is_none(), "{status}");
        let mut caller = scenario.call("GET", "/v1/health");
        assert_eq!(sent_value(&scenario.to_send(&mut caller)), "Bearer token-1");
    }
}

#[test]
fn invariant_4_an_answer_belongs_to_the_consent_that_asked_for_it() {
    let mut scenario = Scenario::refresh_token().reloadable();
    let mut late = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut late);
    // Its time is over, the store has lost the record, and another is refused; meanwhile a person has connected the account again.
    scenario.advance(Duration::from_secs(46));
    scenario.stored = None;
    let mut other = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut other);
    scenario.respond(&mut other, 400, &[], r#"{"error":"invalid_grant"}"#);
    assert!(matches!(scenario.next(&mut other), Step::Load));
    let provider = auth_core::Provider::builtin("numeric").unwrap();
    let client = auth_core::ClientCredentials::parse(&provider, "client-1", "client-secret-1").unwrap();
    let newer = auth_core::Credential::Grant(auth_core::Grant::refresh_token(client, "refresh-b"));
    other.handle_loaded(&mut scenario.session, scenario.now, Some(newer));
    scenario.respond(&mut late, 200, &[], &rotated("token-1", "refresh-2"));
    // What was granted to the former consent is not taken for the newer one's.
    assert!(scenario.to_fetch(&mut late).body.unwrap().expose().contains("refresh-b"));
    assert_eq!(scenario.stored.clone().unwrap().refresh_token.unwrap().expose(), "refresh-b");
    scenario.respond(&mut late, 200, &[], &rotated("token-b", "refresh-b2"));
    assert_eq!(sent_value(&scenario.to_send(&mut late)), "Bearer token-b");
    assert_eq!(sent_value(&scenario.to_send(&mut other)), "Bearer token-b");
}

#[test]
fn invariant_4_a_newer_consent_begins_its_own_count_of_generations() {
    let mut scenario = Scenario::refresh_token().reloadable();
    for number in 2..5 {
        let mut exchange = scenario.call("GET", "/v1/health");
        scenario.grant(&mut exchange, &rotated("token-a", &format!("refresh-{number}")));
        scenario.to_send(&mut exchange);
        exchange.abandon(&mut scenario.session);
        scenario.advance(Duration::from_hours(2));
    }
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
    scenario.respond(&mut exchange, 400, &[], r#"{"error":"invalid_grant"}"#);
    assert!(matches!(scenario.next(&mut exchange), Step::Load));
    let provider = auth_core::Provider::builtin("numeric").unwrap();
    let client = auth_core::ClientCredentials::parse(&provider, "client-1", "client-secret-1").unwrap();
    let newer = auth_core::Credential::Grant(auth_core::Grant::refresh_token(client, "refresh-b"));
    // Under the newer consent's id another process has already used its first refresh token.
    let mut other = Scenario::new("numeric", "production", |_| newer.clone());
    other.now = scenario.now;
    let mut ahead = other.call("GET", "/v1/health");
    other.grant(&mut ahead, &rotated("token-b", "refresh-b2"));
    other.to_send(&mut ahead);
    scenario.stored.clone_from(&other.stored);
    exchange.handle_loaded(&mut scenario.session, scenario.now, Some(newer));
    assert_eq!(sent_value(&scenario.to_send(&mut exchange)), "Bearer token-b");
    exchange.abandon(&mut scenario.session);
    scenario.advance(Duration::from_hours(2));
    let mut exchange = scenario.call("GET", "/v1/health");
    assert!(scenario.to_fetch(&mut exchange).body.unwrap().expose().contains("refresh-b2"));
}

#[test]
fn a_store_that_is_ahead_or_was_emptied_makes_no_circles() {
    // The session holds generation 1; somebody emptied the store and began again.
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    scenario.stored = None;
    scenario.advance(Duration::from_secs(3_700));
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.grant(&mut exchange, &token("token-2", 3_600));
    scenario.to_send(&mut exchange);
    // A store that refuses every save ends with the caller's deadline, not in a circle.
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    let mut fetches = 0;
    let outcome = loop {
        match scenario.poll(&mut exchange) {
            Step::Claim(_) => exchange.handle_claimed(&mut scenario.session, scenario.now, Claimed::Granted(None)),
            Step::Save(save) if save.record.spending.is_some() => {
                exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Durable);
            }
            Step::Save(_) => exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Superseded),
            Step::Fetch(_) => {
                fetches += 1;
                scenario.respond(&mut exchange, 200, &[], &rotated("token-1", "refresh-2"));
            }
            Step::Release(_) => scenario.advance(Duration::from_millis(10)),
            Step::Wait(until) => scenario.now = until,
            Step::Done(outcome) => break outcome,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((failure(&outcome).kind(), fetches), (FailureKind::DeadlineExceeded, 1));
}

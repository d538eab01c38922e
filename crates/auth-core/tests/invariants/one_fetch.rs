//! Invariant 3: one fetch at a time, and nobody with a valid token waits for it.

use crate::support::{Scenario, sent_value, token};
use auth_core::{Outcome, Saved, SessionState, Step};
use std::time::Duration;

#[test]
fn invariant_3_at_most_one_fetch_is_in_flight() {
    let mut scenario = Scenario::client_credentials();
    let mut first = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut first);
    let mut others: Vec<_> = (0..63).map(|_| scenario.call("GET", "/v1/health")).collect();
    for other in &mut others {
        scenario.to_wait(other);
    }
    scenario.respond(&mut first, 200, &[], &token("token-1", 3_600));
    scenario.to_send(&mut first);
    for other in &mut others {
        assert_eq!(sent_value(&scenario.to_send(other)), "Bearer token-1");
    }
}

#[test]
fn invariant_3_a_caller_with_a_valid_token_never_waits_for_a_renewal() {
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    scenario.advance(Duration::from_secs(3_500));
    assert_eq!(scenario.session.state(scenario.now), SessionState::Stale);
    let mut renewal = scenario.session.begin_renewal(scenario.now, 7).expect("due");
    scenario.to_fetch(&mut renewal);
    assert!(scenario.session.begin_renewal(scenario.now, 8).is_none());
    let mut caller = scenario.call("GET", "/v1/health");
    assert_eq!(sent_value(&scenario.to_send(&mut caller)), "Bearer token-1");
    scenario.respond(&mut renewal, 200, &[], &token("token-2", 3_600));
    assert!(matches!(scenario.to_done(&mut renewal), Outcome::Renewed));
    let mut caller = scenario.call("GET", "/v1/health");
    assert_eq!(sent_value(&scenario.to_send(&mut caller)), "Bearer token-2");
}

#[test]
fn invariant_3_a_lapsed_right_is_taken_over_and_its_late_holder_does_no_harm() {
    let mut scenario = Scenario::client_credentials();
    let mut late = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut late);
    let mut next = scenario.call("GET", "/v1/health");
    let until = scenario.to_wait(&mut next);
    scenario.now = until;
    scenario.grant(&mut next, &token("token-2", 3_600));
    assert_eq!(sent_value(&scenario.to_send(&mut next)), "Bearer token-2");
    // The late answer meets a store that has moved on.
    scenario.respond(&mut late, 200, &[], &token("token-late", 3_600));
    let Step::Save(save) = scenario.poll(&mut late) else { panic!() };
    assert_eq!(save.replaces, 0);
    late.handle_saved(&mut scenario.session, scenario.now, Saved::Superseded);
}

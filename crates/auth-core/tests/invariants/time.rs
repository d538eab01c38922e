//! Ends and deadlines: sleep, clocks that go back, short lives, impatient callers.

use crate::support::{START, Scenario, failure, token};
use auth_core::{Call, FailureKind, Outcome, SessionState, Step, UnixTime};
use std::time::Duration;

#[test]
fn a_machine_that_slept_sends_no_token_of_yesterday() {
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    scenario.advance(Duration::from_hours(24));
    assert_eq!(scenario.session.state(scenario.now), SessionState::Empty);
    let fresh = scenario.session.fresh().unwrap();
    let call = Call::new(&scenario.connection, "GET", "/v1/health").unwrap();
    let mut exchange = scenario.exchange(call);
    assert!(exchange.poll_fresh(&fresh, scenario.now).is_none());
    scenario.to_fetch(&mut exchange);
}

#[test]
fn a_clock_that_goes_back_revives_nothing() {
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    scenario.advance(Duration::from_secs(3_700));
    assert!(scenario.session.begin_renewal(scenario.now, 1).is_some());
    scenario.now = START;
    let mut exchange = scenario.call("GET", "/v1/health");
    assert!(matches!(scenario.next(&mut exchange), Step::Wait(_)));
}

#[test]
fn a_tiny_lifetime_is_used_once_and_not_fetched_in_circles() {
    let mut scenario = Scenario::client_credentials();
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
    scenario.advance(Duration::from_secs(5));
    scenario.respond(&mut exchange, 200, &[], r#"{"access_token":"t","expires_in":1e-9}"#);
    scenario.to_send(&mut exchange);
    let mut next = scenario.call("GET", "/v1/health");
    scenario.to_send(&mut next);
    scenario.advance(Duration::from_secs(2));
    let mut later = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut later);
}

#[test]
fn an_impatient_caller_fails_nobody_else() {
    let mut scenario = Scenario::client_credentials();
    let call = Call::new(&scenario.connection, "GET", "/v1/health").unwrap().deadline(START.after(Duration::from_millis(10)));
    let mut impatient = scenario.exchange(call);
    scenario.to_fetch(&mut impatient);
    let mut patient = scenario.call("GET", "/v1/health");
    scenario.to_wait(&mut patient);
    scenario.respond(&mut impatient, 503, &[("retry-after", "1")], "");
    assert!(matches!(scenario.to_done(&mut impatient), Outcome::Failed(_)));
    impatient.abandon(&mut scenario.session);
    // The next one waits as long as the server asked for, and goes on.
    scenario.now = scenario.to_wait(&mut patient);
    assert_eq!(scenario.now, START.after(Duration::from_secs(1)));
    scenario.to_fetch(&mut patient);
}

#[test]
fn a_deadline_is_kept_by_every_wait() {
    let mut scenario = Scenario::client_credentials();
    let mut first = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut first);
    let deadline = START.after(Duration::from_secs(2));
    let call = Call::new(&scenario.connection, "GET", "/v1/health").unwrap().deadline(deadline);
    let mut waiting = scenario.exchange(call);
    assert_eq!(scenario.to_wait(&mut waiting), deadline);
    scenario.now = deadline;
    assert_eq!(failure(&scenario.to_done(&mut waiting)).kind(), FailureKind::DeadlineExceeded);
    // A token that arrives after the deadline is not used for it.
    let call = Call::new(&scenario.connection, "POST", "/v1/tasks").unwrap().deadline(UnixTime::from_secs(1));
    scenario.respond(&mut first, 200, &[], &token("token-1", 3_600));
    scenario.to_send(&mut first);
    let mut late = scenario.exchange(call);
    assert_eq!(failure(&scenario.to_done(&mut late)).kind(), FailureKind::DeadlineExceeded);
}

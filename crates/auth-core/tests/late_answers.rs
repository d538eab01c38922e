//! Answers to token requests that are heard after their time, because the process was stopped, while
//! another exchange of the same session began to ask.

mod support;

use auth_core::{Claimed, Exchange, Outcome, Saved, Step};
use std::time::Duration;
use support::{Scenario, rotated};

/// Longer than the right to a token lasts.
const STOPPED: Duration = Duration::from_mins(1);

/// A renewal whose token request is on its way, and another one that begins after the process was stopped.
fn stopped() -> (Scenario, Exchange, Exchange) {
    let mut scenario = Scenario::refresh_token();
    let begin = |scenario: &mut Scenario| {
        let seed = scenario.seed();
        scenario.session.begin_renewal(scenario.now, seed).expect("a renewal")
    };
    let mut first = begin(&mut scenario);
    scenario.to_fetch(&mut first);
    scenario.advance(STOPPED);
    let second = begin(&mut scenario);
    (scenario, first, second)
}

/// The answer of the first is heard and saved.
fn heard(scenario: &mut Scenario, first: &mut Exchange) {
    scenario.respond(first, 200, &[], &rotated("token-1", "refresh-2"));
    assert!(matches!(scenario.to_done(first), Outcome::Renewed));
    first.abandon(&mut scenario.session);
    let record = scenario.stored.as_ref().expect("a record");
    assert_eq!((record.generation, record.spending), (1, None));
}

fn asks_for_nothing(scenario: &mut Scenario, second: &mut Exchange) {
    loop {
        match scenario.next(second) {
            Step::Wait(until) => scenario.now = until,
            Step::Done(Outcome::Renewed) => break,
            other => panic!("{other:?}"),
        }
    }
    second.abandon(&mut scenario.session);
    let record = scenario.stored.as_ref().expect("a record");
    assert_eq!((record.generation, record.spending), (1, None), "a token that is not due is renewed");
    assert!(scenario.session.begin_renewal(scenario.now, 7).is_none());
}

#[test]
fn who_looks_into_the_store_after_a_late_answer_renews_nothing() {
    let (mut scenario, mut first, mut second) = stopped();
    heard(&mut scenario, &mut first);
    asks_for_nothing(&mut scenario, &mut second);
}

#[test]
fn who_waits_for_a_late_answer_renews_nothing() {
    let (mut scenario, mut first, mut second) = stopped();
    scenario.to_wait(&mut second);
    heard(&mut scenario, &mut first);
    asks_for_nothing(&mut scenario, &mut second);
}

#[test]
fn who_has_read_the_store_before_a_late_answer_renews_nothing() {
    let (mut scenario, mut first, mut second) = stopped();
    assert!(matches!(scenario.poll(&mut second), Step::Claim(_)));
    let before = scenario.stored.clone();
    heard(&mut scenario, &mut first);
    second.handle_claimed(&mut scenario.session, scenario.now, Claimed::Granted(before));
    asks_for_nothing(&mut scenario, &mut second);
}

#[test]
fn a_late_answer_is_saved_while_another_has_the_lease() {
    let (mut scenario, mut first, mut second) = stopped();
    assert!(matches!(scenario.poll(&mut second), Step::Claim(_)));
    scenario.respond(&mut first, 200, &[], &rotated("token-1", "refresh-2"));
    assert!(matches!(scenario.poll(&mut first), Step::Save(_)));
    first.handle_saved(&mut scenario.session, scenario.now, Saved::Superseded);
    let stored = scenario.stored.clone();
    second.handle_claimed(&mut scenario.session, scenario.now, Claimed::Granted(stored));
    // It finds the token that its session keeps, and stores it.
    asks_for_nothing(&mut scenario, &mut second);
}

//! The connection before the journal: a connection that is not made spends nothing, whoever looks.

mod support;

use auth_core::{ConnectOutcome, Exchange, FailureKind, Outcome, Step, Transport, Unanswered};
use std::time::Duration;
use support::{Scenario, failure, rotated, sent_value, token};

/// Every way in which a connection is not made.
fn not_made(how: Unanswered) -> ConnectOutcome {
    let what = "the name does not resolve".into();
    ConnectOutcome::Failed(Transport { how, what, advice: String::new() })
}

/// Drives a call to its end over connections that all end like this. How it ended, and how often it
/// was told to connect.
fn driven(scenario: &mut Scenario, exchange: &mut Exchange, outcome: &ConnectOutcome) -> (Step, u32) {
    let mut connects = 0;
    loop {
        match exchange.poll(&mut scenario.session, scenario.now) {
            Step::Claim(_) => {
                let claimed = auth_core::Claimed::Granted(scenario.stored.clone());
                exchange.handle_claimed(&mut scenario.session, scenario.now, claimed);
            }
            Step::Connect(connect) => {
                connects += 1;
                assert_eq!(connect.url.as_str(), "https://auth.numeric.io/oauth/token");
                assert!(connect.timeout <= Duration::from_secs(10));
                exchange.handle_connected(&mut scenario.session, scenario.now, outcome.clone());
            }
            Step::Release(_) => {}
            Step::Wait(until) => scenario.now = until,
            step => return (step, connects),
        }
    }
}

#[test]
fn a_connection_that_is_not_made_is_tried_four_times_and_spends_nothing() {
    // A shell that calls it lost is not believed: no token request was on its way.
    for how in [Unanswered::NotSent, Unanswered::Lost] {
        let mut scenario = Scenario::refresh_token();
        let mut call = scenario.call("GET", "/v1/health");
        let (step, connects) = driven(&mut scenario, &mut call, &not_made(how));
        let Step::Done(outcome) = step else { panic!("{step:?}") };
        assert_eq!((failure(&outcome).kind(), connects), (FailureKind::TokenEndpoint, 4));
        assert!(failure(&outcome).what().contains("the name does not resolve"), "{outcome:?}");
        assert!(scenario.stored.is_none(), "something was journaled");
        call.abandon(&mut scenario.session);
        // The network is back.
        scenario.advance(Duration::from_secs(31));
        let mut next = scenario.call("GET", "/v1/health");
        scenario.grant(&mut next, &rotated("token-1", "refresh-2"));
        assert_eq!(sent_value(&scenario.to_send(&mut next)), "Bearer token-1");
    }
}

#[test]
fn an_untrusted_certificate_is_not_tried_again() {
    let mut scenario = Scenario::refresh_token();
    let mut call = scenario.call("GET", "/v1/health");
    let (step, connects) = driven(&mut scenario, &mut call, &not_made(Unanswered::Untrusted));
    let Step::Done(outcome) = step else { panic!("{step:?}") };
    assert_eq!((failure(&outcome).kind(), connects), (FailureKind::Untrusted, 1));
    assert!(scenario.stored.is_none());
}

#[test]
fn a_connection_stands_before_each_sending_of_a_journaled_token() {
    let mut scenario = Scenario::refresh_token();
    let mut call = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut call);
    assert!(scenario.stored.as_ref().is_some_and(|record| record.spending.is_some()));
    scenario.respond(&mut call, 429, &[("retry-after", "1")], "");
    let mut connected = false;
    loop {
        match call.poll(&mut scenario.session, scenario.now) {
            Step::Wait(until) => scenario.now = until,
            Step::Connect(_) => {
                connected = true;
                let outcome = ConnectOutcome::Connected;
                call.handle_connected(&mut scenario.session, scenario.now, outcome);
            }
            Step::Save(save) => {
                assert!(connected, "the journal is written anew when the connection stands");
                scenario.stored = Some(save.record);
                call.handle_saved(&mut scenario.session, scenario.now, auth_core::Saved::Durable);
            }
            Step::Fetch(_) => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(connected);
}

#[test]
fn a_grant_that_can_be_repeated_is_fetched_without_a_connection_of_its_own() {
    let mut scenario = Scenario::client_credentials();
    let mut call = scenario.call("GET", "/v1/health");
    let (step, connects) = driven(&mut scenario, &mut call, &not_made(Unanswered::NotSent));
    assert!(matches!(step, Step::Fetch(_)) && connects == 0, "{step:?}");
    scenario.respond(&mut call, 200, &[], &token("token-1", 60));
    assert_eq!(sent_value(&scenario.to_send(&mut call)), "Bearer token-1");
}

#[test]
fn a_renewal_whose_answer_came_after_its_lease_saves_under_another() {
    let mut scenario = Scenario::refresh_token();
    let mut renewal = scenario.session.begin_renewal(scenario.now, 7).expect("no token yet");
    scenario.to_fetch(&mut renewal);
    // The process was stopped.
    scenario.advance(Duration::from_secs(52));
    scenario.respond(&mut renewal, 200, &[], &rotated("token-1", "refresh-2"));
    let Step::Save(late) = scenario.poll(&mut renewal) else { panic!() };
    renewal.handle_saved(&mut scenario.session, scenario.now, auth_core::Saved::Superseded);
    // Under the next lease the store still shows the generation that was read, and takes it.
    let outcome = scenario.to_done(&mut renewal);
    assert!(matches!(outcome, Outcome::Renewed), "{outcome:?}");
    let stored = scenario.stored.as_ref().expect("a record");
    assert_eq!((stored.generation, stored.spending), (late.record.generation, None));
    assert_eq!(stored.refresh_token.as_ref().map(auth_core::Secret::expose), Some("refresh-2"));
}

#[test]
fn an_answer_that_is_late_in_this_process_is_waited_for_by_its_callers() {
    let mut scenario = Scenario::refresh_token();
    let mut renewal = scenario.session.begin_renewal(scenario.now, 7).expect("no token yet");
    scenario.to_fetch(&mut renewal);
    // The process was stopped, and its caller comes first when it goes on.
    scenario.advance(Duration::from_secs(52));
    let mut call = scenario.call("GET", "/v1/health");
    scenario.to_wait(&mut call);
    scenario.respond(&mut renewal, 200, &[], &rotated("token-1", "refresh-2"));
    assert!(matches!(scenario.poll(&mut renewal), Step::Save(_)));
    renewal.handle_saved(&mut scenario.session, scenario.now, auth_core::Saved::Superseded);
    while !matches!(scenario.poll(&mut renewal), Step::Done(_)) {}
    renewal.abandon(&mut scenario.session);
    scenario.advance(Duration::from_millis(200));
    assert_eq!(sent_value(&scenario.to_send(&mut call)), "Bearer token-1");
    let stored = scenario.stored.as_ref().expect("a record");
    assert_eq!((stored.generation, stored.spending), (1, None));
}

#[test]
fn who_leaves_before_the_second_sending_of_what_never_left_has_spent_nothing() {
    for (is_connected, settles) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut scenario = Scenario::refresh_token();
        let mut call = scenario.call("GET", "/v1/health");
        scenario.to_fetch(&mut call);
        scenario.lose(&mut call, true);
        scenario.now = scenario.to_wait(&mut call);
        let step = call.poll(&mut scenario.session, scenario.now);
        assert!(matches!(step, Step::Connect(_)), "{step:?}");
        if is_connected {
            call.handle_connected(&mut scenario.session, scenario.now, ConnectOutcome::Connected);
        }
        // Other processes are told, if there is time, and this one knows it in any case.
        if settles {
            let told = call.settle(&mut scenario.session).expect("a record");
            assert_eq!(told.record.spending, None, "{is_connected}");
        }
        call.abandon(&mut scenario.session);
        let mut next = scenario.call("GET", "/v1/health");
        assert!(scenario.to_fetch(&mut next).body.expect("a body").expose().contains("refresh-1"));
    }
}

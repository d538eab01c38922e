//! Invariants 1, 2 and 9: a step is done once and reported, the last answer is the caller's, and the same inputs give the same steps.

use crate::support::{START, Scenario, failure, sent_value, token};
use auth_core::{Call, FailureKind, Outcome, Saved, Step};
use std::time::Duration;

#[test]
fn invariant_1_poll_once_do_exactly_that_report_it() {
    let mut scenario = Scenario::client_credentials();
    // A second poll without the report ends the exchange.
    let mut exchange = scenario.call("GET", "/v1/health");
    assert!(matches!(scenario.poll(&mut exchange), Step::Claim(_)));
    let Step::Done(outcome) = scenario.poll(&mut exchange) else { panic!() };
    assert_eq!(failure(&outcome).kind(), FailureKind::Misuse);
    exchange.abandon(&mut scenario.session);
    // So does a report that does not match the step.
    let mut exchange = scenario.call("GET", "/v1/health");
    assert!(matches!(scenario.poll(&mut exchange), Step::Claim(_)));
    exchange.handle_saved(&mut scenario.session, START, Saved::Durable);
    let outcome = scenario.to_done(&mut exchange);
    assert_eq!(failure(&outcome).kind(), FailureKind::Misuse);
    exchange.abandon(&mut scenario.session);
    // Neither strands the next caller.
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
}

#[test]
fn invariant_2_the_last_response_reaches_the_caller() {
    for status in [200, 204, 302, 400, 403, 404, 409, 422] {
        let mut scenario = Scenario::client_credentials().with_token("token-1");
        let mut exchange = scenario.call("POST", "/v1/tasks");
        scenario.to_send(&mut exchange);
        scenario.respond(&mut exchange, status, &[], "body");
        assert!(matches!(scenario.to_done(&mut exchange), Outcome::Answered(_)), "{status}");
    }
    // Even where the machine went on after it and could not come further.
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    let mut exchange = scenario.call("GET", "/v1/tasks");
    scenario.to_send(&mut exchange);
    scenario.respond(&mut exchange, 401, &[], "");
    scenario.to_fetch(&mut exchange);
    scenario.respond(&mut exchange, 400, &[], r#"{"error":"invalid_client"}"#);
    let Outcome::Answered(Some(failure)) = scenario.to_done(&mut exchange) else { panic!() };
    assert_eq!((failure.kind(), failure.code()), (FailureKind::GrantRefused, Some("invalid_client")));
    assert_eq!(failure.request_id(), Some(exchange.request_id()));
}

#[test]
fn invariant_9_the_same_inputs_give_the_same_steps() {
    let transcript = || {
        let mut scenario = Scenario::client_credentials();
        let mut lines = Vec::new();
        for round in 0..20 {
            let mut exchange = scenario.call("GET", "/v1/health");
            for turn in 0..40 {
                let step = scenario.next(&mut exchange);
                lines.push(format!("{step:?}"));
                match step {
                    Step::Fetch(_) if turn % 3 == 0 => scenario.respond(&mut exchange, 503, &[], ""),
                    Step::Fetch(_) => scenario.respond(&mut exchange, 200, &[], &token("t", 60)),
                    Step::Send(_) if turn % 2 == round % 2 => scenario.lose(&mut exchange, false),
                    Step::Send(_) => scenario.respond(&mut exchange, 429, &[("retry-after", "2")], ""),
                    Step::Wait(until) => scenario.now = until,
                    Step::Done(_) => break,
                    other => panic!("{other:?}"),
                }
            }
            exchange.abandon(&mut scenario.session);
        }
        lines
    };
    let lines = transcript();
    assert!(lines.len() > 100);
    assert_eq!(lines, transcript());
}

#[test]
fn the_fast_path_gives_the_same_step_as_the_session() {
    let mut scenario = Scenario::client_credentials().with_token("token-1");
    let fresh = scenario.session.fresh().unwrap();
    let call = Call::new(&scenario.connection, "GET", "/v1/health").unwrap();
    let (mut fast, mut slow) = (auth_core::Exchange::new(call.clone(), 5), auth_core::Exchange::new(call, 5));
    let by_session = slow.poll(&mut scenario.session, scenario.now);
    let by_itself = fast.poll_fresh(&fresh, scenario.now).unwrap();
    assert_eq!(format!("{by_itself:?}"), format!("{by_session:?}"));
    assert!(!fast.has_entered() && fast.finish_fresh(scenario.now, 200));
    // What is not a success has to be reported to the session, which the exchange then enters.
    let call = Call::new(&scenario.connection, "GET", "/v1/health").unwrap();
    let mut fast = auth_core::Exchange::new(call, 6);
    assert!(fast.poll_fresh(&fresh, scenario.now).is_some() && !fast.finish_fresh(scenario.now, 401));
    scenario.respond(&mut fast, 401, &[], "");
    assert!(fast.has_entered());
    scenario.to_fetch(&mut fast);
}

#[test]
fn whoever_waited_takes_the_fast_path_too() {
    let mut scenario = Scenario::client_credentials();
    let (mut first, mut waiting) = (scenario.call("GET", "/v1/health"), scenario.call("GET", "/v1/health"));
    scenario.to_fetch(&mut first);
    scenario.to_wait(&mut waiting);
    scenario.respond(&mut first, 200, &[], &token("token-1", 3_600));
    scenario.to_send(&mut first);
    let fresh = scenario.session.fresh().unwrap();
    // Not before what it waits for is there, and not after its deadline.
    assert!(waiting.poll_fresh(&auth_core::Fresh::default(), scenario.now).is_none());
    assert!(waiting.poll_fresh(&fresh, scenario.now.after(Duration::from_mins(10))).is_none());
    let Some(Step::Send(send)) = waiting.poll_fresh(&fresh, scenario.now) else { panic!("the token is fresh") };
    assert_eq!(sent_value(&send), "Bearer token-1");
    assert!(waiting.poll_fresh(&fresh, scenario.now).is_none() && waiting.finish_fresh(scenario.now, 200));
}

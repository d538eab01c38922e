//! How many token requests are made for a call, by whomever, and how a call ends that got no token.

mod support;

use auth_core::{Call, Exchange, FailureKind, Outcome, Step, UnixTime};
use std::time::Duration;
use support::{START, Scenario, failure, sent_value, token};

const SECOND: Duration = Duration::from_secs(1);

/// A call beside which renewals are driven, as a shell with threads does, at a token endpoint that always answers this. When a token was asked for, and how the call
/// ended.
fn beside_renewals(scenario: &mut Scenario, status: u16, headers: &[(&str, &str)], deadline: Duration) -> (Vec<UnixTime>, Outcome) {
    let mut asked = Vec::new();
    let call = Call::new(&scenario.connection, "GET", "/v1/health").unwrap().deadline(scenario.now.after(deadline));
    let mut call = scenario.exchange(call);
    let mut renewal: Option<Exchange> = None;
    loop {
        if renewal.is_none() {
            let seed = scenario.seed();
            renewal = scenario.session.begin_renewal(scenario.now, seed);
            // As in a shell, the call is there when the renewal begins.
            if asked.is_empty() && renewal.is_some() {
                assert!(matches!(scenario.next(&mut call), Step::Wait(_)));
            }
        }
        let mut wakes = None;
        if let Some(driven) = &mut renewal {
            match scenario.next(driven) {
                Step::Fetch(_) => {
                    asked.push(scenario.now);
                    scenario.respond(driven, status, headers, "");
                    continue;
                }
                Step::Wait(until) => wakes = Some(until),
                Step::Done(_) => {
                    driven.abandon(&mut scenario.session);
                    renewal = None;
                }
                other => panic!("{other:?}"),
            }
        }
        match scenario.next(&mut call) {
            Step::Wait(until) => scenario.now = wakes.map_or(until, |wakes| wakes.min(until)),
            Step::Done(outcome) => {
                call.abandon(&mut scenario.session);
                if let Some(mut renewal) = renewal {
                    renewal.abandon(&mut scenario.session);
                }
                return (asked, outcome);
            }
            Step::Fetch(_) => panic!("the call asks beside the renewal"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_call_waits_for_as_many_token_requests_as_it_may_make_and_ends_with_what_happened() {
    for mut scenario in [Scenario::client_credentials(), Scenario::refresh_token()] {
        for status in [429, 503] {
            let begun = scenario.now;
            let (asked, outcome) = beside_renewals(&mut scenario, status, &[("retry-after", "2")], Duration::from_secs(90));
            assert_eq!(asked.len(), 4, "{status}: {asked:?}");
            let failure = failure(&outcome);
            let kind = if status == 429 { FailureKind::RateLimited } else { FailureKind::TokenEndpoint };
            assert_eq!((failure.kind(), failure.status()), (kind, Some(status)), "{failure}");
            assert!(failure.come_back_at() > asked.last().copied() && scenario.now < begun.after(Duration::from_secs(20)), "{failure}");
            scenario.advance(Duration::from_mins(10));
        }
    }
}

#[test]
fn a_call_whose_time_is_over_ends_with_what_happened() {
    for mut scenario in [Scenario::client_credentials(), Scenario::refresh_token()] {
        let (asked, outcome) = beside_renewals(&mut scenario, 503, &[], Duration::from_millis(1_500));
        assert!(!asked.is_empty() && asked.len() <= 2, "{asked:?}");
        assert_eq!((failure(&outcome).kind(), failure(&outcome).status()), (FailureKind::TokenEndpoint, Some(503)), "{outcome:?}");
    }
}

#[test]
fn in_an_outage_a_client_asks_its_token_endpoint_at_most_once_a_second() {
    for mut scenario in [Scenario::client_credentials(), Scenario::refresh_token()] {
        let mut asked = Vec::new();
        while scenario.now < START.after(Duration::from_mins(5)) {
            let (more, outcome) = beside_renewals(&mut scenario, 503, &[], Duration::from_millis(700));
            assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
            asked.extend(more);
            scenario.advance(Duration::from_millis(30));
        }
        assert!(asked.len() > 10, "{asked:?}");
        for pair in asked.windows(2) {
            assert!(pair[1].since(pair[0]) >= SECOND, "{pair:?}");
        }
    }
}

#[test]
fn after_a_refused_new_token_every_call_says_so_and_a_new_one_is_asked_for_once_a_minute() {
    let mut scenario = Scenario::client_credentials();
    let (mut minted, mut told) = (0, Vec::new());
    for _ in 0..100 {
        let mut call = scenario.call("GET", "/v1/health");
        let outcome = loop {
            match scenario.next(&mut call) {
                Step::Fetch(_) => {
                    minted += 1;
                    scenario.respond(&mut call, 200, &[], &token(&format!("token-{minted}"), 3_600));
                }
                Step::Send(send) => {
                    assert!(sent_value(&send).starts_with("Bearer token-"));
                    scenario.respond(&mut call, 401, &[], "");
                }
                Step::Wait(until) => scenario.now = until,
                Step::Done(outcome) => break outcome,
                other => panic!("{other:?}"),
            }
        };
        call.abandon(&mut scenario.session);
        assert!(matches!(outcome, Outcome::Answered(_)), "{outcome:?}");
        told.push(failure(&outcome).kind());
        scenario.advance(Duration::from_secs(3));
    }
    assert!(told.iter().all(|kind| *kind == FailureKind::TokenRefused), "{told:?}");
    // Two at first; then, in 300 seconds, one a minute.
    assert!((5..=7).contains(&minted), "{minted}");
}

#[test]
fn a_new_token_that_one_path_refuses_goes_on_working_on_the_others() {
    let mut scenario = Scenario::client_credentials();
    let (mut minted, mut told) = (0, Vec::new());
    for number in 0..40 {
        let refuses = number % 2 == 0;
        let mut call = scenario.call("GET", if refuses { "/v1/ledger" } else { "/v1/health" });
        let outcome = loop {
            match scenario.next(&mut call) {
                Step::Fetch(_) => {
                    minted += 1;
                    scenario.respond(&mut call, 200, &[], &token(&format!("token-{minted}"), 3_600));
                }
                Step::Send(_) => scenario.respond(&mut call, if refuses { 401 } else { 200 }, &[], ""),
                Step::Wait(until) => scenario.now = until,
                Step::Done(outcome) => break outcome,
                other => panic!("{other:?}"),
            }
        };
        call.abandon(&mut scenario.session);
        match outcome {
            Outcome::Answered(None) => assert!(!refuses),
            outcome => told.push(failure(&outcome).kind()),
        }
        scenario.advance(Duration::from_secs(1));
    }
    assert_eq!(told, [FailureKind::TokenRefused; 20]);
    // Two at first, and one after a minute at most.
    assert!((2..=3).contains(&minted), "{minted}");
}

#[test]
fn a_token_endpoint_that_fails_once_is_not_noticed_by_a_caller_whose_api_has_failed_often() {
    let mut scenario = Scenario::client_credentials().with_token("first");
    // Far more repeats than the budget of the API's calls has.
    for _ in 0..40 {
        let mut call = scenario.call("GET", "/v1/health");
        let outcome = loop {
            match scenario.next(&mut call) {
                Step::Send(_) => scenario.respond(&mut call, 503, &[], ""),
                Step::Wait(until) => scenario.now = until,
                Step::Done(outcome) => break outcome,
                other => panic!("{other:?}"),
            }
        };
        call.abandon(&mut scenario.session);
        assert!(matches!(outcome, Outcome::Answered(_)), "{outcome:?}");
    }
    let mut starved = scenario.call("GET", "/v1/health");
    let (mut statuses, mut sent) = ([503, 200].into_iter(), Vec::new());
    let outcome = loop {
        match scenario.next(&mut starved) {
            Step::Fetch(_) => {
                let status = statuses.next().expect("two token requests");
                scenario.respond(&mut starved, status, &[], &token("second", 3_600));
            }
            Step::Send(send) => {
                sent.push(sent_value(&send).to_owned());
                scenario.respond(&mut starved, if sent.len() == 1 { 401 } else { 200 }, &[], "");
            }
            Step::Wait(until) => scenario.now = until,
            Step::Done(outcome) => break outcome,
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(outcome, Outcome::Answered(None)), "{outcome:?}");
    assert_eq!(sent, ["Bearer first", "Bearer second"]);
}

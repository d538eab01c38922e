//! Refresh rules as data: each rule of a shipped profile, and what the machine makes of it.

mod support;

use auth_core::{
    Audited, Claimed, ClientCredentials, Credential, Exchange, FailureKind, Grant, Outcome, Provider, Record, Saved, SessionState,
    Spending, Step, UnixTime,
};
use std::time::Duration;
use support::{START, Scenario, failure, rotated, sent_value};

const MINUTE: Duration = Duration::from_mins(1);
/// How long the right to a token request lasts.
const LEASE: Duration = Duration::from_secs(45);

fn client(provider: &Provider) -> ClientCredentials {
    ClientCredentials::parse(provider, "client-1", "client-secret-1").unwrap()
}

fn at(provider: &str, environment: &str) -> Scenario {
    Scenario::new(provider, environment, |provider| Credential::Grant(Grant::refresh_token(client(provider), "refresh-1")))
}

/// Another process with the same credential, at the same store and moment.
fn sibling(of: &Scenario, provider: &str, environment: &str) -> Scenario {
    let mut sibling = at(provider, environment);
    (sibling.now, sibling.stored) = (of.now, of.stored.clone());
    sibling
}

fn body_of(scenario: &mut Scenario, exchange: &mut Exchange) -> String {
    scenario.to_fetch(exchange).body.unwrap().expose().to_owned()
}

/// A moment at which retries are over: each rest is waited for.
fn next_fetch(scenario: &mut Scenario, exchange: &mut Exchange) -> Option<String> {
    for _ in 0..20 {
        match scenario.next(exchange) {
            Step::Wait(until) => scenario.now = until,
            Step::Fetch(request) => return Some(request.body.unwrap().expose().to_owned()),
            Step::Done(_) | Step::Send(_) => return None,
            other => panic!("{other:?}"),
        }
    }
    panic!("no end")
}

#[test]
fn xero_a_lost_answer_is_asked_for_again_with_the_same_refresh_token_while_the_grace_lasts() {
    let mut scenario = at("xero", "production");
    let mut call = scenario.call("GET", "/api.xro/2.0/Invoices");
    assert!(body_of(&mut scenario, &mut call).contains("refresh_token=refresh-1"));
    let since = scenario.stored.as_ref().unwrap().spending.unwrap().since;
    scenario.lose(&mut call, false);
    assert!(next_fetch(&mut scenario, &mut call).unwrap().contains("refresh_token=refresh-1"));
    assert_eq!(scenario.stored.as_ref().unwrap().spending.unwrap().since, since, "the grace is counted from the first use");
    scenario.respond(&mut call, 200, &[], &rotated("token-2", "refresh-2"));
    assert_eq!(sent_value(&scenario.to_send(&mut call)), "Bearer token-2");
    let stored = scenario.stored.as_ref().unwrap();
    assert_eq!((stored.refresh_token.as_ref().unwrap().expose(), stored.spending), ("refresh-2", None));
}

#[test]
fn xero_another_process_goes_on_after_a_lost_answer_at_once_while_the_grace_lasts() {
    let mut scenario = at("xero", "production");
    let mut call = scenario.call("GET", "/x");
    scenario.to_fetch(&mut call);
    drop(call);
    for (later, goes_on) in [(MINUTE, true), (MINUTE * 29, true), (MINUTE * 30, false), (MINUTE * 600, false)] {
        let mut next = sibling(&scenario, "xero", "production");
        next.advance(later);
        let mut call = next.call("GET", "/x");
        if !goes_on {
            // From then on it is a refresh token in doubt.
            let until = next.to_wait(&mut call);
            assert_eq!(until, next.now.after(LEASE), "{later:?}");
            next.now = until;
        }
        assert!(body_of(&mut next, &mut call).contains("refresh-1"), "{later:?}");
    }
}

#[test]
fn what_was_forgotten_is_found_in_the_store_again() {
    let mut scenario = Scenario::new("xero", "production", |provider| Credential::Grant(Grant::stored(client(provider))));
    // A login left this, and a call has taken it over when the program forgets, because of that login.
    scenario.stored = Some(newer(&scenario, 3, MINUTE * 30));
    let mut call = scenario.call("GET", "/x");
    let token = sent_value(&scenario.to_send(&mut call)).to_owned();
    call.abandon(&mut scenario.session);
    scenario.session.forget();
    assert_eq!(scenario.session.state(scenario.now), SessionState::Empty);
    let mut call = scenario.call("GET", "/x");
    assert_eq!(sent_value(&scenario.to_send(&mut call)), token);
}

#[test]
fn what_is_forgotten_while_a_call_asks_for_a_token_is_found_in_the_store_again() {
    for (provider, after_the_journal) in [("xero", false), ("xero", true), ("numeric", false), ("numeric", true)] {
        let mut scenario = Scenario::new(provider, "production", |provider| Credential::Grant(Grant::stored(client(provider))));
        scenario.stored = Some(newer(&scenario, 3, Duration::ZERO));
        let mut call = scenario.call("GET", "/x");
        assert!(matches!(scenario.poll(&mut call), Step::Claim(_)));
        call.handle_claimed(&mut scenario.session, scenario.now, Claimed::Granted(scenario.stored.clone()));
        if after_the_journal {
            let Step::Save(save) = scenario.poll(&mut call) else { panic!() };
            scenario.stored = Some(save.record);
            call.handle_saved(&mut scenario.session, scenario.now, Saved::Durable);
        }
        // The process sleeps, and is told of a login when it wakes up, before the call goes on.
        scenario.session.forget();
        let body = body_of(&mut scenario, &mut call);
        assert!(body.contains("refresh_token=refresh-sibling"), "{provider}, {after_the_journal}: {body}");
        scenario.respond(&mut call, 200, &[], &rotated("token-4", "refresh-4"));
        assert_eq!(sent_value(&scenario.to_send(&mut call)), "Bearer token-4", "{provider}, {after_the_journal}");
        assert_eq!(scenario.stored.as_ref().map(|record| (record.generation, record.spending)), Some((4, None)));
    }
}

#[test]
fn what_a_store_said_is_not_believed_when_its_lease_is_over() {
    let mut scenario = Scenario::new("numeric", "production", |provider| Credential::Grant(Grant::stored(client(provider))));
    let mut call = scenario.call("GET", "/x");
    assert!(matches!(scenario.poll(&mut call), Step::Claim(_)));
    // Another process was about to spend the refresh token; this one slept, and a third has got a token since.
    let before = Record { spending: Some(Spending { mark: 7, since: scenario.now, attempt: 1 }), ..newer(&scenario, 1, Duration::ZERO) };
    scenario.advance(Duration::from_secs(46));
    scenario.stored = Some(newer(&scenario, 2, MINUTE * 30));
    call.handle_claimed(&mut scenario.session, scenario.now, Claimed::Granted(Some(before)));
    assert!(matches!(scenario.poll(&mut call), Step::Release(_)));
    scenario.now = scenario.to_wait(&mut call);
    assert_eq!(sent_value(&scenario.to_send(&mut call)), "Bearer token-sibling");
}

#[test]
fn xero_a_late_answer_is_no_newer_than_what_was_got_since() {
    let mut scenario = at("xero", "production");
    let mut late = scenario.call("GET", "/x");
    scenario.to_fetch(&mut late);
    // Within the grace, others go on from the same refresh token, and further.
    scenario.advance(MINUTE);
    for number in 2..4 {
        let mut call = scenario.call("GET", "/x");
        scenario.grant(&mut call, &rotated(&format!("token-{number}"), &format!("refresh-{number}")));
        scenario.to_send(&mut call);
        call.abandon(&mut scenario.session);
        scenario.advance(MINUTE * 61);
    }
    scenario.respond(&mut late, 200, &[], &rotated("token-late", "refresh-2"));
    let Step::Save(save) = scenario.poll(&mut late) else { panic!() };
    assert!(save.record.generation <= scenario.stored.as_ref().unwrap().generation, "{}", save.record.generation);
    late.handle_saved(&mut scenario.session, scenario.now, Saved::Superseded);
    late.abandon(&mut scenario.session);
    let mut call = scenario.call("GET", "/x");
    assert!(body_of(&mut scenario, &mut call).contains("refresh-3"));
}

#[test]
fn xero_a_refusal_to_slow_down_after_a_lost_answer_does_not_prove_that_nothing_was_spent() {
    let mut scenario = at("xero", "production");
    let mut call = scenario.call("GET", "/x");
    scenario.to_fetch(&mut call);
    scenario.lose(&mut call, false);
    next_fetch(&mut scenario, &mut call).unwrap();
    scenario.respond(&mut call, 429, &[("retry-after", "7200")], "");
    while !matches!(scenario.next(&mut call), Step::Done(_)) {}
    call.abandon(&mut scenario.session);
    assert!(scenario.stored.as_ref().unwrap().spending.is_some(), "the entry stays");
    scenario.advance(MINUTE * 121);
    let mut next = scenario.call("GET", "/x");
    scenario.to_fetch(&mut next);
    assert_eq!(scenario.stored.as_ref().unwrap().spending.unwrap().attempt, 3, "it was sent twice before");
}

/// Exact's answer: ten minutes, said as text.
const EXACT: &str = r#"{"access_token":"token-2","token_type":"bearer","expires_in":"600","refresh_token":"refresh-2"}"#;

fn with_exact_token() -> Scenario {
    let mut scenario = at("exact", "nl");
    let mut call = scenario.call("GET", "/x");
    scenario.grant(&mut call, EXACT);
    scenario.to_send(&mut call);
    scenario.respond(&mut call, 200, &[], "");
    scenario.to_done(&mut call);
    call.abandon(&mut scenario.session);
    scenario
}

#[test]
fn exact_a_token_is_renewed_in_its_last_30_seconds_and_not_before() {
    let mut scenario = with_exact_token();
    scenario.advance(Duration::from_secs(569));
    assert!(scenario.session.begin_renewal(scenario.now, 7).is_none());
    assert_eq!(scenario.session.state(scenario.now), SessionState::Fresh);
    scenario.advance(Duration::from_secs(12));
    let mut renewal = scenario.session.begin_renewal(scenario.now, 7).expect("a renewal");
    assert!(body_of(&mut scenario, &mut renewal).contains("refresh-2"));
}

#[test]
fn exact_a_token_refused_before_its_last_30_seconds_is_not_renewed_too_early() {
    let mut scenario = with_exact_token();
    scenario.advance(MINUTE);
    let mut call = scenario.call("GET", "/x");
    scenario.to_send(&mut call);
    scenario.respond(&mut call, 401, &[], "");
    let outcome = scenario.to_done(&mut call);
    let failure = failure(&outcome);
    assert_eq!(failure.come_back_at(), Some(START.after(Duration::from_secs(570))), "{failure}");
    assert!(failure.what().contains("only in the last 30 seconds") && matches!(outcome, Outcome::Answered(_)), "{failure}");
    assert!(scenario.stored.as_ref().unwrap().spending.is_none(), "nothing was spent");
    call.abandon(&mut scenario.session);
    scenario.now = START.after(Duration::from_secs(570));
    let mut next = scenario.call("GET", "/x");
    assert!(body_of(&mut scenario, &mut next).contains("refresh-2"));
}

/// Drives a refresh to the server's `invalid_grant`, then hands the store's answers to the second look at it.
fn refused_then(scenario: &mut Scenario, answers: Vec<Claimed>) -> (Exchange, Step) {
    let mut call = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut call);
    scenario.respond(&mut call, 400, &[], r#"{"error":"invalid_grant"}"#);
    let mut answers = answers.into_iter();
    loop {
        match scenario.poll(&mut call) {
            Step::Claim(_) => {
                let answer = answers.next().expect("one look too many");
                call.handle_claimed(&mut scenario.session, scenario.now, answer);
            }
            Step::Save(save) => {
                scenario.stored = Some(save.record);
                call.handle_saved(&mut scenario.session, scenario.now, Saved::Durable);
            }
            Step::Release(_) => {}
            Step::Wait(until) => scenario.now = until,
            step => return (call, step),
        }
    }
}

/// What a sibling that was faster left in the store.
fn newer(scenario: &Scenario, generation: u64, lives: Duration) -> Record {
    let grant = scenario.stored.as_ref().map_or(0, |record| record.grant);
    Record {
        generation,
        grant,
        access_token: Some("token-sibling".into()),
        expires_at: scenario.now.after(lives),
        minted_at: scenario.now,
        refresh_token: Some("refresh-sibling".into()),
        ..Record::default()
    }
}

#[test]
fn an_invalid_grant_is_believed_only_after_the_store_was_read_once_more() {
    let mut scenario = Scenario::refresh_token();
    let mut probe = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut probe);
    let record = newer(&scenario, 1, MINUTE * 60);
    let mut scenario = Scenario::refresh_token();
    let (_, step) = refused_then(&mut scenario, vec![Claimed::Busy, Claimed::Granted(Some(record))]);
    let Step::Send(send) = step else { panic!("{step:?}") };
    assert_eq!(sent_value(&send), "Bearer token-sibling", "the sibling's token is adopted");
}

#[test]
fn an_invalid_grant_with_an_expired_sibling_goes_on_with_the_siblings_refresh_token() {
    let mut probe = Scenario::refresh_token();
    let mut call = probe.call("GET", "/v1/health");
    probe.to_fetch(&mut call);
    let record = newer(&probe, 1, Duration::ZERO);
    let mut scenario = Scenario::refresh_token();
    let (_, step) = refused_then(&mut scenario, vec![Claimed::Granted(Some(record))]);
    let Step::Fetch(request) = step else { panic!("{step:?}") };
    assert!(request.body.unwrap().expose().contains("refresh-sibling"));
}

#[test]
fn an_invalid_grant_that_stands_keeps_the_record_and_takes_the_journal_back() {
    let mut probe = Scenario::refresh_token();
    let mut call = probe.call("GET", "/v1/health");
    probe.to_fetch(&mut call);
    let journaled = probe.stored.clone();
    for answer in [Claimed::Granted(journaled), Claimed::Down("away".into())] {
        let mut scenario = Scenario::refresh_token();
        let (_, step) = refused_then(&mut scenario, vec![answer]);
        let Step::Done(outcome) = step else { panic!("{step:?}") };
        assert_eq!((failure(&outcome).kind(), failure(&outcome).code()), (FailureKind::ConsentRequired, Some("invalid_grant")));
        let kept = scenario.stored.unwrap();
        assert_eq!((kept.refresh_token.unwrap().expose(), kept.spending, kept.generation), ("refresh-1", None, 0));
    }
}

#[test]
fn quickbooks_the_announced_end_is_kept_and_the_value_may_stay_the_same() {
    let mut scenario = at("quickbooks", "production");
    let mut call = scenario.call("GET", "/v3/company/1");
    scenario.to_fetch(&mut call);
    let body = r#"{"access_token":"t","expires_in":3600,"refresh_token":"refresh-1","x_refresh_token_expires_in":8726400}"#;
    scenario.respond(&mut call, 200, &[], body);
    scenario.to_send(&mut call);
    let record = scenario.stored.clone().unwrap();
    assert_eq!(record.refresh_ends_at, Some(START.after(Duration::from_hours(2_424))));
    let forecast = scenario.session.refresh_forecast(scenario.now).unwrap();
    assert_eq!((forecast.days_left, forecast.is_moved_by_use, forecast.is_near()), (101, true, false));

    let mut old = at("quickbooks", "production");
    let mut first = old.call("GET", "/x");
    old.stored =
        Some(Record { consented_at: Some(START.before(Duration::from_hours(24 * 1_815))), expires_at: UnixTime::default(), ..record });
    old.to_fetch(&mut first);
    let mut audited = old.call("GET", "/x").audited();
    first.abandon(&mut old.session);
    old.stored.as_mut().unwrap().spending = None;
    old.to_fetch(&mut audited);
    old.respond(&mut audited, 200, &[], body);
    old.to_send(&mut audited);
    let events = audited.take_events();
    let warning = events.iter().find(|event| event.what == Audited::RefreshTokenEnding).expect("a warning");
    assert!(warning.decision.contains("ends in 10 days") && warning.decision.contains("a person has to connect"), "{warning}");
}

#[test]
fn a_stored_grant_uses_what_a_login_left_in_the_store_and_asks_for_a_login_where_nothing_is() {
    let stored = || Scenario::new("xero", "production", |provider| Credential::Grant(Grant::stored(client(provider))));
    let mut empty = stored();
    let mut call = empty.call("GET", "/x");
    let outcome = empty.to_done(&mut call);
    assert_eq!(failure(&outcome).kind(), FailureKind::ConsentRequired);
    assert!(failure(&outcome).advice().contains("log in once"), "{outcome:?}");

    let mut scenario = stored();
    let spending: Option<Spending> = None;
    scenario.stored =
        Some(Record { generation: 1, grant: 77, refresh_token: Some("refresh-of-login".into()), spending, ..Record::default() });
    let mut call = scenario.call("GET", "/x");
    assert!(body_of(&mut scenario, &mut call).contains("refresh-of-login"));
    scenario.respond(&mut call, 200, &[], &rotated("token-2", "refresh-2"));
    assert_eq!(sent_value(&scenario.to_send(&mut call)), "Bearer token-2");
    let kept = scenario.stored.as_ref().unwrap();
    assert_eq!((kept.grant, kept.generation, kept.refresh_token.as_ref().unwrap().expose()), (77, 2, "refresh-2"));
}

//! Limits that are shared through a store, and what an explanation says.

mod support;

use auth_core::{Call, Exchange, FailureKind, Held, Outcome, Record, SessionState, SharedPause, Step, UnixTime};
use std::time::Duration;
use support::{START, Scenario, failure, rotated};

const SECOND: Duration = Duration::from_secs(1);

/// Two keys at a store that shares limits.
fn sharing() -> Scenario {
    let mut scenario = Scenario::keys();
    scenario.session = scenario.session.sharing_pauses();
    scenario
}

fn pause(seconds: u64) -> SharedPause {
    SharedPause {
        until: START.after(SECOND * u32::try_from(seconds).unwrap()),
        why: "finora asks to slow down (the limit is \"minute\")".into(),
    }
}

/// The store's answer to a look, which took its time.
fn looked(scenario: &mut Scenario, call: &mut Exchange, pause: Option<SharedPause>) {
    scenario.advance(scenario.step_takes);
    call.handle_looked(&mut scenario.session, scenario.now, pause);
}

/// What steps take: nothing, just less and just more than the time between two looks, and long.
const SPANS: [u64; 6] = [0, 99, 100, 101, 1_000, 70_000];

#[test]
fn a_slow_look_is_asked_for_once_a_call_and_again_only_after_its_end() {
    for span in SPANS.map(Duration::from_millis) {
        let mut scenario = sharing();
        scenario.step_takes = span;
        for _ in 0..3 {
            let mut call = scenario.call("GET", "/v1/invoices");
            assert!(matches!(scenario.poll(&mut call), Step::Look), "{span:?}");
            looked(&mut scenario, &mut call, None);
            assert!(matches!(scenario.poll(&mut call), Step::Send(_)), "{span:?}");
            let mut next = scenario.call("GET", "/v1/invoices");
            assert!(matches!(scenario.poll(&mut next), Step::Send(_)), "{span:?}: counted from the end");
            scenario.advance(Duration::from_millis(100));
        }
    }
}

#[test]
fn no_look_begins_after_the_deadline() {
    let mut scenario = sharing();
    let call = Call::new(&scenario.connection, "GET", "/v1/invoices").unwrap().deadline(scenario.now);
    let mut exchange = scenario.exchange(call);
    assert!(matches!(scenario.poll(&mut exchange), Step::Done(Outcome::Failed(_))));
}

#[test]
fn a_look_beside_the_calls_is_waited_for_by_none() {
    let mut scenario = sharing();
    assert!(!scenario.session.begin_look(scenario.now), "the first one is an exchange's");
    let mut first = scenario.call("GET", "/v1/invoices");
    assert!(matches!(scenario.poll(&mut first), Step::Look));
    first.handle_look_elsewhere(&mut scenario.session, scenario.now);
    assert!(matches!(scenario.poll(&mut first), Step::Send(_)));
    scenario.advance(SECOND * 30);
    let mut meanwhile = scenario.call("GET", "/v1/invoices");
    assert!(matches!(scenario.poll(&mut meanwhile), Step::Send(_)), "the first look is still under way");
    scenario.session.end_look(scenario.now, None);

    scenario.advance(Duration::from_millis(100));
    assert!(scenario.session.begin_look(scenario.now) && !scenario.session.begin_look(scenario.now));
    assert!(scenario.session.fresh().is_some_and(|fresh| fresh.until > scenario.now), "unasked meanwhile");
    let mut beside = scenario.call("GET", "/v1/invoices");
    assert!(matches!(scenario.poll(&mut beside), Step::Send(_)));
    scenario.advance(SECOND * 20);
    scenario.session.end_look(scenario.now, Some(pause(25)));
    let mut late = scenario.call("GET", "/v1/invoices");
    assert!(matches!(scenario.poll(&mut late), Step::Send(_)), "the pause that came was over by then");
    scenario.session.end_look(scenario.now, Some(pause(60)));
    let mut later = scenario.call("GET", "/v1/invoices");
    assert!(matches!(scenario.poll(&mut later), Step::Wait(_)));
}

#[test]
fn a_moment_within_a_day_is_kept_in_full_and_one_without_use_for_an_hour() {
    let hour = 3_600;
    for (said, pauses_for, probes) in [
        ("3600", hour, false),
        ("18000", 5 * hour, false),
        ("86400", 24 * hour, false),
        ("86401", hour, true),
        ("99999999999999999999", hour, true),
        ("inf", hour, true),
        ("1e3", hour, true),
        ("soon", hour, true),
    ] {
        let mut scenario = Scenario::keys();
        let mut call = scenario.call("GET", "/v1/invoices");
        scenario.to_send(&mut call);
        scenario.respond(&mut call, 429, &[("retry-after", said)], "");
        let until = START.after(SECOND * pauses_for);
        assert_eq!(scenario.session.explain(scenario.now, Ok(None), None).pause.map(|(until, _)| until), Some(until), "{said}");
        let mut other = scenario.call("GET", "/v1/invoices");
        let refused = failure(&scenario.to_done(&mut other)).clone();
        assert_eq!((refused.kind(), refused.come_back_at()), (FailureKind::RateLimited, Some(until)), "{said}");

        scenario.now = until;
        let mut first = scenario.call("GET", "/v1/invoices");
        scenario.to_send(&mut first);
        let mut second = scenario.call("GET", "/v1/invoices");
        assert_eq!(matches!(scenario.poll(&mut second), Step::Wait(_)), probes, "{said}: one probe");
        if probes {
            assert!(!first.finish_fresh(scenario.now, 200), "the session has to hear of it");
            scenario.respond(&mut first, 200, &[], "");
            scenario.now = scenario.to_wait(&mut second);
            scenario.to_send(&mut second);
            assert!(scenario.session.fresh().is_some(), "{said}");
        }
    }
}

#[test]
fn the_call_that_met_an_unreadable_moment_goes_on_by_its_own_backoff_and_its_success_counts_for_all() {
    let mut scenario = Scenario::keys();
    let mut call = scenario.call("GET", "/v1/invoices");
    scenario.to_send(&mut call);
    scenario.respond(&mut call, 429, &[("retry-after", "inf")], "");
    scenario.now = scenario.to_wait(&mut call);
    let least = START.after(SECOND);
    assert!((least..least.after(SECOND)).contains(&scenario.now), "a second and the first backoff");
    scenario.to_send(&mut call);
    scenario.respond(&mut call, 200, &[], "");
    assert!(matches!(scenario.to_done(&mut call), Outcome::Answered(None)));
    let mut other = scenario.call("GET", "/v1/invoices");
    scenario.to_send(&mut other);
}

#[test]
fn a_session_without_a_shared_store_never_looks() {
    let mut scenario = Scenario::keys();
    let mut call = scenario.call("GET", "/v1/invoices");
    assert!(matches!(scenario.poll(&mut call), Step::Send(_)));
}

#[test]
fn a_limit_that_another_process_met_is_kept_without_a_request() {
    let mut scenario = sharing();
    let mut call = scenario.call("GET", "/v1/invoices");
    assert!(matches!(scenario.poll(&mut call), Step::Look));
    looked(&mut scenario, &mut call, Some(pause(5)));
    let until = scenario.to_wait(&mut call);
    assert!((START.after(SECOND * 5)..START.after(SECOND * 6)).contains(&until), "{until}");
    scenario.now = until;
    assert!(matches!(scenario.poll(&mut call), Step::Send(_)), "one look a call");
}

#[test]
fn a_limit_beyond_the_deadline_comes_back_as_a_value() {
    let mut scenario = sharing();
    let mut call = scenario.call("GET", "/v1/invoices");
    assert!(matches!(scenario.poll(&mut call), Step::Look));
    call.handle_looked(&mut scenario.session, scenario.now, Some(pause(1_800)));
    let outcome = scenario.to_done(&mut call);
    let failure = failure(&outcome);
    assert_eq!((failure.kind(), failure.come_back_at()), (FailureKind::RateLimited, Some(START.after(SECOND * 1_800))), "{failure}");
    assert!(failure.what().contains("another process was told to slow down"), "{failure}");
}

#[test]
fn one_look_serves_all_calls_of_a_tenth_of_a_second() {
    let mut scenario = sharing();
    let mut first = scenario.call("GET", "/v1/invoices");
    assert!(matches!(scenario.poll(&mut first), Step::Look));
    let mut second = scenario.call("GET", "/v1/invoices");
    assert!(matches!(scenario.poll(&mut second), Step::Send(_)), "the first one looks for both");
    first.handle_looked(&mut scenario.session, scenario.now, None);
    let fresh = scenario.session.fresh().expect("something fresh");
    assert_eq!(fresh.until, START.after(Duration::from_millis(100)), "the way without the lock ends when it is time to look");
    scenario.advance(Duration::from_millis(99));
    let mut third = scenario.call("GET", "/v1/invoices");
    assert!(matches!(scenario.poll(&mut third), Step::Send(_)));
    scenario.advance(Duration::from_millis(1));
    let mut fourth = scenario.call("GET", "/v1/invoices");
    assert!(matches!(scenario.poll(&mut fourth), Step::Look));
}

#[test]
fn a_limit_that_is_met_is_told_once() {
    let mut scenario = sharing();
    let mut call = scenario.call("GET", "/v1/invoices");
    assert!(matches!(scenario.poll(&mut call), Step::Look));
    call.handle_looked(&mut scenario.session, scenario.now, None);
    let mut beside = scenario.call("GET", "/v1/invoices");
    scenario.to_send(&mut call);
    scenario.to_send(&mut beside);
    scenario.respond(&mut call, 429, &[("retry-after", "5")], "");
    let Step::Pause(told) = scenario.poll(&mut call) else { panic!("it was not told") };
    assert_eq!(told.until, START.after(SECOND * 5));
    assert!(matches!(scenario.poll(&mut call), Step::Wait(_)));
    scenario.respond(&mut beside, 429, &[("retry-after", "5")], "");
    assert!(matches!(scenario.poll(&mut beside), Step::Wait(_)), "the same limit is no news");
}

#[test]
fn a_pause_that_is_over_or_hostile_does_no_harm() {
    for until in [UnixTime::default(), START, UnixTime::NEVER] {
        let mut scenario = sharing();
        let mut call = scenario.call("GET", "/v1/invoices");
        assert!(matches!(scenario.poll(&mut call), Step::Look));
        let why = "x".repeat(100_000);
        call.handle_looked(&mut scenario.session, scenario.now, Some(SharedPause { until, why }));
        match scenario.poll(&mut call) {
            Step::Send(_) => assert_ne!(until, UnixTime::NEVER),
            Step::Done(Outcome::Failed(failure)) => {
                assert_eq!(until, UnixTime::NEVER);
                assert!(failure.to_string().len() < 1_000);
                assert!(
                    scenario.session.explain(scenario.now, Ok(None), None).pause.unwrap().0 <= START.after(SECOND * 3_600),
                    "an hour at most"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_explanation_says_how_things_stand_and_what_to_do() {
    let mut scenario = Scenario::refresh_token();
    let empty = scenario.session.explain(scenario.now, Ok(None), None);
    assert!(
        empty.to_string().contains("refresh token of the client \"client-1\"") && empty.to_string().contains("the next call gets one"),
        "{empty}"
    );

    assert!(empty.is_well() && !empty.needs_consent && empty.advice().is_none(), "{empty}");

    let mut call = scenario.call("GET", "/v1/health");
    scenario.grant(&mut call, &rotated("token-1", "refresh-2"));
    scenario.to_send(&mut call);
    let well = scenario.session.explain(scenario.now, Ok(scenario.stored.as_ref()), None);
    assert_eq!((well.state, well.generation, well.stored_generation, well.advice()), (SessionState::Fresh, 1, Some(1), None));
    assert!(well.token_ends.is_some() && well.next_renewal < well.token_ends, "{well}");
    assert!(well.to_string().ends_with("advice: nothing to do"), "{well}");
    assert!(!well.to_string().contains("token-1") && !well.to_string().contains("refresh-2") && !format!("{well:?}").contains("refresh-2"));

    let ahead = Record { generation: 7, ..scenario.stored.clone().unwrap() };
    let lease = Held { owner: 0xab, until: scenario.now };
    let text = scenario.session.explain(scenario.now, Ok(Some(&ahead)), Some(lease)).to_string();
    assert!(text.contains("1 here, 7 in the store: another process is ahead") && text.contains("held by 00000000000000ab"), "{text}");
    let foreign = Record { grant: 1, ..ahead };
    assert_eq!(scenario.session.explain(scenario.now, Ok(Some(&foreign)), None).stored_generation, None);

    scenario.advance(SECOND * 3_600);
    let mut next = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut next);
    scenario.lose(&mut next, false);
    scenario.now = scenario.to_wait(&mut next);
    let doubtful = scenario.session.explain(scenario.now, Ok(scenario.stored.as_ref()), None).to_string();
    assert!(doubtful.contains("sent 1 time, and no answer was stored; it is sent again when nothing can be lost by it"), "{doubtful}");
    scenario.to_fetch(&mut next);
    scenario.respond(&mut next, 400, &[], r#"{"error":"invalid_grant"}"#);
    scenario.to_done(&mut next);
    let dead = scenario.session.explain(scenario.now, Ok(scenario.stored.as_ref()), None);
    // The server's word ends the doubt.
    assert!(matches!(dead.state, SessionState::Dead { .. }) && dead.spending_since.is_none() && dead.refusal.is_some(), "{dead}");
    assert!(dead.advice().unwrap().contains("a person has to connect the account again"), "{dead}");
    assert!(dead.to_string().contains("refused: 400 invalid_grant, since") && dead.to_string().contains("last error"), "{dead}");
}

#[test]
fn an_explanation_of_keys_names_them_and_the_limit() {
    let mut scenario = Scenario::keys();
    let mut call = scenario.call("GET", "/v1/invoices");
    scenario.to_send(&mut call);
    scenario.respond(&mut call, 429, &[("retry-after", "60")], "");
    let text = scenario.session.explain(scenario.now, Ok(None), None);
    assert!(
        text.to_string().contains("2 keys") && text.to_string().contains("test_sk_…") && text.to_string().contains("pause: until"),
        "{text}"
    );
    assert!(text.advice().is_some() && !text.to_string().contains("1111111"), "{text}");
}

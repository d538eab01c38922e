//! Where a login leaves its tokens: the store, and the sessions that go by it.

use crate::support::START;
use crate::support::consents::{Story, stored};
use crate::{TOKENS, save, saved_by_a_login};
use auth_core::{
    Call, Claimed, ConnectOutcome, ConsentStep, Exchange, FailureKind, Outcome, Record, Save, Saved, Secret, Session, Step, UnixTime,
};
use std::time::Duration;

#[test]
fn the_session_goes_on_with_what_a_login_left_in_the_store() {
    let mut session = stored();
    let mut story = Story::with_code(&session);
    story.to_fetch();
    story.respond(200, &[], TOKENS);
    let saved = save(&mut story, None);
    let mut exchange = Exchange::new(Call::new(session.connection(), "GET", "/v1/x").unwrap(), 1);
    let now = story.now;
    loop {
        match exchange.poll(&mut session, now) {
            Step::Claim(_) => exchange.handle_claimed(&mut session, now, Claimed::Granted(Some(saved.record.clone()))),
            Step::Look => exchange.handle_looked(&mut session, now, None),
            Step::Release(_) => {}
            Step::Send(send) => break assert_eq!(send.authorization.unwrap().value().expose(), "Bearer access-1"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_session_that_nobody_has_consented_to_asks_the_store_again_soon_and_the_server_never() {
    let mut session = stored();
    for round in 0..3 {
        let now = START.after(Duration::from_secs(3) * round);
        let mut exchange = Exchange::new(Call::new(session.connection(), "GET", "/v1/x").unwrap(), 1);
        let mut claims = 0;
        let failure = loop {
            match exchange.poll(&mut session, now) {
                Step::Claim(_) => {
                    claims += 1;
                    exchange.handle_claimed(&mut session, now, Claimed::Granted(None));
                }
                Step::Look => exchange.handle_looked(&mut session, now, None),
                Step::Release(_) => {}
                Step::Done(Outcome::Failed(failure)) => break failure,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((failure.kind(), claims), (FailureKind::ConsentRequired, 1), "{failure}");
    }
}

#[test]
fn a_refresh_token_of_the_store_that_was_refused_is_not_sent_again_and_a_new_login_is_noticed_at_once() {
    let mut session = stored();
    let mut saved = saved_by_a_login(&session);
    saved.expires_at = saved.minted_at;
    let fetches = |session: &mut Session, saved: &mut Record, now: UnixTime| {
        let mut exchange = Exchange::new(Call::new(session.connection(), "GET", "/v1/x").unwrap(), 1);
        let mut fetches = 0;
        loop {
            match exchange.poll(session, now) {
                Step::Claim(_) => exchange.handle_claimed(session, now, Claimed::Granted(Some(saved.clone()))),
                Step::Look => exchange.handle_looked(session, now, None),
                Step::Connect(_) => exchange.handle_connected(session, now, ConnectOutcome::NotSupported),
                Step::Save(save) => {
                    *saved = save.record;
                    exchange.handle_saved(session, now, Saved::Durable);
                }
                Step::Release(_) => {}
                Step::Fetch(_) => {
                    fetches += 1;
                    let body = br#"{"error":"invalid_grant"}"#;
                    let response = auth_core::Response { status: 400, headers: &&[("x", "y")][..], body };
                    exchange.handle_response(session, now, &response);
                }
                Step::Send(send) => return (fetches, Ok(send.authorization.unwrap().value().expose().to_owned())),
                Step::Done(Outcome::Failed(failure)) => return (fetches, Err(failure)),
                other => panic!("{other:?}"),
            }
        }
    };
    let (sent, result) = fetches(&mut session, &mut saved, START);
    assert_eq!((sent, result.unwrap_err().code()), (1, Some("invalid_grant")));
    for seconds in [3, 6, 600] {
        let (sent, result) = fetches(&mut session, &mut saved, START.after(Duration::from_secs(seconds)));
        assert_eq!((sent, result.unwrap_err().code()), (0, Some("invalid_grant")), "{seconds}");
    }
    let logged_in = START.after(Duration::from_secs(603));
    let mut renewed =
        Record { generation: saved.generation + 1, expires_at: logged_in.after(Duration::from_hours(1)), refusal: None, ..saved.clone() };
    assert_eq!(fetches(&mut session, &mut renewed, logged_in).1.unwrap(), "Bearer access-1");
    // Without one, the server is asked once an hour, because it may have been wrong.
    // Any session reads that in the record.
    for (hours_and_seconds, sent) in [((0, 3_599), 0), ((1, 2), 1), ((1, 9), 0), ((2, 1), 0), ((2, 2), 1)] {
        let (hours, seconds) = hours_and_seconds;
        let now = START.after(Duration::from_secs(hours * 3_600 + seconds));
        assert_eq!(fetches(&mut stored(), &mut saved, now).0, sent, "{hours_and_seconds:?}");
    }
}

#[test]
fn a_store_that_is_busy_down_or_ahead_is_tried_for_a_minute() {
    for answer in [Claimed::Busy, Claimed::Down("disk full".into())] {
        let mut story = Story::with_code(&stored());
        story.to_fetch();
        story.respond(200, &[], TOKENS);
        let mut claims = 0;
        let failure = loop {
            match story.poll() {
                ConsentStep::Claim(_) => {
                    claims += 1;
                    story.consent.handle_claimed(story.now, answer.clone());
                }
                ConsentStep::Wait(until) => story.now = until,
                ConsentStep::Done(result) => break result.unwrap_err(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(failure.kind(), FailureKind::Store, "{failure}");
        assert!(claims > 100 && story.now.since(START) <= Duration::from_mins(1), "{claims}");
    }
    let mut story = Story::with_code(&stored());
    story.to_fetch();
    story.respond(200, &[], TOKENS);
    for generation in [3, 8] {
        while let ConsentStep::Wait(until) = story.poll() {
            story.now = until;
        }
        story.consent.handle_claimed(story.now, Claimed::Granted(Some(Record { generation, ..Record::default() })));
        let ConsentStep::Save(save) = story.poll() else { panic!("a save") };
        assert_eq!((save.replaces, save.record.generation), (generation, generation + 1));
        story.consent.handle_saved(story.now, if generation == 3 { Saved::Superseded } else { Saved::Durable });
        assert!(matches!(story.poll(), ConsentStep::Release(_)));
    }
    assert!(story.to_done().is_ok());
}

#[test]
fn a_save_that_nobody_heard_of_is_not_repeated_over_what_came_after_it() {
    for (found, is_repeated) in
        [("nothing", true), ("what was there", true), ("it", false), ("its refresh", false), ("a later consent", false)]
    {
        let session = stored();
        let mut story = Story::with_code(&session);
        story.to_fetch();
        story.respond(200, &[], TOKENS);
        let ConsentStep::Claim(_) = story.poll() else { panic!("a claim") };
        let old = Record {
            generation: 4,
            grant: saved_by_a_login(&session).grant,
            consented_at: Some(START.before(Duration::from_hours(9))),
            ..Record::default()
        };
        story.consent.handle_claimed(story.now, Claimed::Granted(Some(old.clone())));
        let ConsentStep::Save(Save { record, .. }) = story.poll() else { panic!("a save") };
        story.consent.handle_saved(story.now, Saved::Down("no answer".into()));
        assert!(matches!(story.poll(), ConsentStep::Release(_)));
        while let ConsentStep::Wait(until) = story.poll() {
            story.now = until;
        }
        let refreshed = Record { generation: 6, refresh_token: Some(Secret::new("refresh-2")), ..record.clone() };
        let later = Record { generation: 6, consented_at: Some(START.after(Duration::from_secs(9))), ..record.clone() };
        let now_there = match found {
            "nothing" => None,
            "what was there" => Some(old),
            "it" => Some(record),
            "its refresh" => Some(refreshed),
            _ => Some(later),
        };
        story.consent.handle_claimed(story.now, Claimed::Granted(now_there));
        let step = story.poll();
        assert_eq!(matches!(step, ConsentStep::Save(_)), is_repeated, "{found}: {step:?}");
        assert_eq!(matches!(step, ConsentStep::Release(_)), !is_repeated, "{found}: {step:?}");
        assert!(is_repeated || story.to_done().is_ok(), "{found}");
    }
}

#[test]
fn an_explanation_says_that_a_person_has_to_log_in_first() {
    let session = stored();
    let without = session.explain(START, Ok(None), None);
    assert!(without.needs_consent && !without.is_well(), "{without}");
    assert!(without.to_string().contains("no consent to get one by"), "{without}");
    assert_eq!(without.advice().as_deref(), Some("a person has to connect the account: log in once, with this store"));
    let consented = Record { refresh_ends_at: None, ..saved_by_a_login(&session) };
    let with = session.explain(START, Ok(Some(&consented)), None);
    assert!(!with.needs_consent && with.is_well() && with.advice().is_none(), "{with}");
    let ended = Record { refresh_token: None, ..consented };
    assert!(session.explain(START, Ok(Some(&ended)), None).needs_consent);
}

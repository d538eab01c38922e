//! A login by device: how often the server is asked, and until when.

use crate::support::START;
use crate::support::consents::{Story, form, stored};
use crate::{TOKENS, field, save};
use auth_core::{ConsentStep, FailureKind, Transport, Unanswered};
use std::time::Duration;

#[test]
fn a_device_asks_as_often_as_it_may_and_no_oftener() {
    // RFC 8628 section 3.5: five seconds, five more for each slow_down, for good.
    let mut story = Story::with_device_code(&stored(), "");
    let mut last = story.now;
    let mut pauses = Vec::new();
    for answer in ["authorization_pending", "slow_down", "authorization_pending", "slow_down", "authorization_pending"] {
        let fields = form(&story.to_fetch());
        assert_eq!(field(&fields, "grant_type").as_deref(), Some("urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"));
        assert_eq!(field(&fields, "device_code").as_deref(), Some("device-1"));
        pauses.push(story.now.since(last).as_secs());
        last = story.now;
        story.respond(400, &[], &format!("{{\"error\":\"{answer}\"}}"));
    }
    assert_eq!(pauses, [5, 5, 10, 10, 15]);
    story.to_fetch();
    story.respond(200, &[], TOKENS);
    save(&mut story, None);
    assert!(story.to_done().is_ok());
}

#[test]
fn a_device_keeps_the_servers_interval_and_backs_off_where_it_is_not_reached() {
    let mut story = Story::with_device_code(&stored(), r#","interval":2"#);
    let mut last = story.now;
    let mut pauses = Vec::new();
    for round in 0..5 {
        story.to_fetch();
        pauses.push(story.now.since(last).as_secs());
        last = story.now;
        match round {
            0 => story.lose(false),
            1 => story.lose(true),
            2 => story.respond(503, &[], ""),
            3 => story.respond(429, &[("retry-after", "60")], ""),
            _ => story.respond(200, &[], "<html>"),
        }
    }
    assert_eq!(pauses, [2, 4, 8, 16, 60]);
}

#[test]
fn a_device_stops_when_its_code_has_ended() {
    for interval in ["0", "-1", "\"x\"", "1e300", "4"] {
        let mut story = Story::with_device_code(&stored(), &format!(r#","interval":{interval}"#));
        let mut questions = 0;
        let failure = loop {
            match story.poll() {
                ConsentStep::Wait(until) => {
                    assert!(until > story.now);
                    story.now = until;
                }
                ConsentStep::Fetch(_) => {
                    questions += 1;
                    story.respond(400, &[], r#"{"error":"authorization_pending"}"#);
                }
                ConsentStep::Done(result) => break result.unwrap_err(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(failure.kind(), FailureKind::ConsentRequired, "{failure}");
        // Ten minutes: at most once a second, whatever the server says.
        assert!(questions <= 600 && story.now < START.after(Duration::from_mins(10)), "{interval}: {questions}");
    }
}

#[test]
fn a_device_answer_that_cannot_be_shown_is_refused() {
    for (body, words) in [
        ("[]", "is not a JSON object"),
        (r#"{"user_code":"A","verification_uri":"https://x.test/"}"#, "no device_code"),
        (r#"{"device_code":"d","verification_uri":"https://x.test/"}"#, "no user_code"),
        (r#"{"device_code":"d","user_code":"A"}"#, "no verification_uri"),
        (r#"{"device_code":"d","user_code":"A\u001b[2J","verification_uri":"https://x.test/"}"#, "nobody can enter"),
        (r#"{"device_code":"d","user_code":"A","verification_uri":"http://x.test/"}"#, "no https address"),
        (r#"{"device_code":"d","user_code":"A","verification_uri":"javascript:alert(1)"}"#, "no https address"),
    ] {
        let mut story = Story::by_device(&stored());
        story.to_fetch();
        story.respond(200, &[], body);
        let failure = story.to_done().unwrap_err();
        assert!(failure.what().contains(words), "{body}: {failure}");
    }
    let mut story = Story::by_device(&stored());
    story.to_fetch();
    story.respond(
        200,
        &[],
        r#"{"device_code":"d","user_code":"A","verification_url":"https://x.test/","verification_uri_complete":"http://evil.test/"}"#,
    );
    let prompt = story.to_show();
    assert_eq!((prompt.url.as_str(), prompt.url_with_code), ("https://x.test/", None));
}

#[test]
fn a_device_gives_up_where_the_server_is_not_trusted() {
    let mut story = Story::with_device_code(&stored(), "");
    story.to_fetch();
    let lost = Transport { how: Unanswered::Untrusted, what: "of an unknown authority".into(), advice: String::new() };
    story.consent.handle_failure(story.now, lost);
    assert_eq!(story.to_done().unwrap_err().kind(), FailureKind::Untrusted);
}

//! Replays the vectors of OAuth's errors (`tests/vectors/oauth_errors.json`).

mod support;

use auth_core::{
    Assertion, Call, Claimed, ClientCredentials, ConnectOutcome, ConsentStep, Exchange, Failure, Grant, Outcome, Redirected, Response,
    Saved, Session, Step,
};
use serde_json::Value;
use std::sync::Arc;
use support::consents::{Fake, Story, parameter, provider, session, stored};
use support::vectors::{text, vectors};

#[test]
fn every_error_has_its_kind_and_its_advice() {
    for vector in &vectors("oauth_errors", 93) {
        let failure = match text(vector, "place") {
            "token" => match text(vector, "grant") {
                "authorization_code" => at_the_end_of(Story::with_code(&stored()), vector),
                "device_code" => at_the_end_of(Story::with_device_code(&stored(), ""), vector),
                grant => Some(refused(&mut of(grant), vector)),
            },
            "device_authorization" => at_the_end_of(Story::by_device(&stored()), vector),
            "redirect" => redirected(vector),
            other => panic!("{other}"),
        };
        let name = text(vector, "name");
        let Some(failure) = failure else { continue };
        assert_eq!(Some(failure.kind().name()), vector["kind"].as_str(), "{name}: {failure}");
        assert_eq!(failure.code(), vector["code"].as_str(), "{name}: {failure}");
        assert!(failure.advice().contains(text(vector, "advice")), "{name}: {failure}");
        if let Some(message) = vector["message"].as_str() {
            assert_eq!(failure.message(), Some(message), "{name}");
        }
        let line = failure.to_string();
        assert!(!line.contains('\n') && !line.ends_with('.') && line.starts_with(char::is_lowercase), "{name}: {line}");
    }
}

fn of(grant: &str) -> Session {
    let (provider, key) = (provider(), Arc::new(Fake("signature")));
    let client = ClientCredentials::parse(&provider, "app", "client-secret-1").unwrap();
    match grant {
        "client_credentials" => session(client, Grant::client_credentials),
        "refresh_token" => session(client, |client| Grant::refresh_token(client, "refresh-1")),
        "jwt_bearer" => session(client, |client| Grant::jwt_bearer(client, Assertion::new("robot", key))),
        other => panic!("{other}"),
    }
}

/// What a session's call comes to when its token endpoint answers so.
fn refused(session: &mut Session, vector: &Value) -> Failure {
    let mut exchange = Exchange::new(Call::new(session.connection(), "GET", "/v1/x").unwrap(), 1);
    let now = support::START;
    loop {
        match exchange.poll(session, now) {
            Step::Claim(_) => exchange.handle_claimed(session, now, Claimed::Granted(None)),
            Step::Save(_) => exchange.handle_saved(session, now, Saved::Durable),
            Step::Look => exchange.handle_looked(session, now, None),
            Step::Connect(_) => exchange.handle_connected(session, now, ConnectOutcome::Connected),
            Step::Release(_) | Step::Pause(_) => {}
            Step::Fetch(_) => {
                let none: &[(&str, &str)] = &[];
                let status = u16::try_from(vector["status"].as_u64().unwrap()).unwrap();
                exchange.handle_response(session, now, &Response { status, headers: &none, body: text(vector, "body").as_bytes() });
            }
            Step::Done(Outcome::Failed(failure)) => return failure,
            other => panic!("{}: {other:?}", vector["name"]),
        }
    }
}

/// What a login comes to when its next request is answered so; `None` if it goes on, as it should.
fn at_the_end_of(mut story: Story, vector: &Value) -> Option<Failure> {
    story.to_fetch();
    story.respond(u16::try_from(vector["status"].as_u64().unwrap()).unwrap(), &[], text(vector, "body"));
    if vector["asks_again"] == true {
        story.to_fetch();
        return None;
    }
    // What was granted is stored before anything is said of it.
    loop {
        match story.poll() {
            ConsentStep::Claim(_) => story.consent.handle_claimed(story.now, Claimed::Granted(None)),
            ConsentStep::Save(save) => {
                assert!(save.record.refresh_token.is_some() && save.record.access_token.is_none(), "{}", vector["name"]);
                story.consent.handle_saved(story.now, Saved::Durable);
            }
            ConsentStep::Release(_) => {}
            ConsentStep::Done(result) => return Some(result.expect_err("an error")),
            other => panic!("{}: {other:?}", vector["name"]),
        }
    }
}

fn redirected(vector: &Value) -> Option<Failure> {
    let mut story = Story::by_code(&stored());
    let state = parameter(&story.to_begin(), "state");
    let redirected = story.redirect(&text(vector, "query").replace("STATE", &state));
    let name = text(vector, "name");
    if vector["foreign"] == true {
        assert!(matches!(redirected, Redirected::Foreign(_)), "{name}");
        assert!(matches!(story.poll(), ConsentStep::Redirect(_)), "{name}");
        return None;
    }
    assert_eq!(redirected, Redirected::Taken, "{name}");
    if vector["taken"] == true {
        story.to_fetch();
        return None;
    }
    Some(story.to_done().expect_err("an error"))
}

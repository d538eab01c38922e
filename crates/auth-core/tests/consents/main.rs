//! Consents as stories: what is asked, how often, what goes into the store, and what is never done twice.

mod by_code;
mod by_device;
mod ended;
mod kept;
#[path = "../support/mod.rs"]
mod support;

use auth_core::{
    Claimed, ClientCredentials, CodeLogin, Connection, Consent, ConsentStep, Credential, FailureKind, Grant, Lease, Record, Save, Saved,
    Session,
};
use std::sync::Arc;
use std::time::Duration;
use support::START;
use support::consents::{Story, stored};

const TOKENS: &str =
    r#"{"access_token":"access-1","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh-1","refresh_token_expires_in":86400}"#;

fn field(fields: &[(String, String)], name: &str) -> Option<String> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

/// Claims and saves, with this in the store; what was saved.
fn save(story: &mut Story, stored: Option<Record>) -> Save {
    let ConsentStep::Claim(_) = story.poll() else { panic!("a claim") };
    story.consent.handle_claimed(story.now, Claimed::Granted(stored));
    let ConsentStep::Save(save) = story.poll() else { panic!("a save") };
    story.consent.handle_saved(story.now, Saved::Durable);
    let ConsentStep::Release(Lease { owner }) = story.poll() else { panic!("a release") };
    assert_eq!(save.lease.as_ref().map(|lease| lease.owner), Some(owner));
    save
}

/// What a login leaves in the store.
fn saved_by_a_login(session: &Session) -> Record {
    let mut story = Story::with_code(session);
    story.to_fetch();
    story.respond(200, &[], TOKENS);
    save(&mut story, None).record
}

#[test]
fn a_step_that_is_not_reported_ends_in_a_misuse() {
    let mut story = Story::with_code(&stored());
    story.to_fetch();
    let ConsentStep::Done(Err(failure)) = story.poll() else { panic!("an end") };
    assert_eq!(failure.kind(), FailureKind::Misuse);
    let mut story = Story::by_code(&stored());
    story.consent.handle_saved(START, Saved::Durable);
    assert!(matches!(story.poll(), ConsentStep::Done(Err(_))));
}

#[test]
fn an_endpoint_that_nobody_named_is_missed_by_name() {
    let numeric = auth_core::Provider::builtin("numeric").unwrap();
    let credential = Credential::Grant(Grant::stored(ClientCredentials::parse(&numeric, "c", "client-secret-1").unwrap()));
    let connection = Arc::new(Connection::builder(numeric).environment("production").build(&credential).unwrap());
    let session = Session::new(connection, credential, false);
    let login = CodeLogin { redirect_uri: "http://127.0.0.1:1/", parameters: &[], patience: Duration::from_mins(5), random: &[7; 96] };
    for (failure, words) in [
        (Consent::by_code(&session, &login, 1, START).unwrap_err(), "authorization_url"),
        (Consent::by_device(&session, 1, START).unwrap_err(), "device_authorization_url"),
        (Consent::end(&session, 1, START).unwrap_err(), "revocation_url"),
    ] {
        assert!(failure.advice().contains(words) && failure.kind() == FailureKind::Misuse, "{failure}");
    }
}

//! A credential that the program hands over: the next call uses it, and nothing of the one before is used or refused any more.

mod support;

use auth_core::{ClientCredentials, Credential, FailureKind, Grant, HandedOver, Outcome, Provider, Step};
use std::time::Duration;
use support::{Scenario, key, sent_value, token};

fn numeric(secret: &str) -> Credential {
    let client = ClientCredentials::parse(&Provider::builtin("numeric").unwrap(), "client-1", secret).unwrap();
    Credential::Grant(Grant::client_credentials(client))
}

fn keys(digits: &[char]) -> Credential {
    let finora = Provider::builtin("finora").unwrap();
    Credential::Keys(digits.iter().map(|digit| key(&finora, *digit)).collect())
}

fn hand_over(scenario: &mut Scenario, credential: &Credential) -> Result<HandedOver, auth_core::Failure> {
    scenario.session.hand_over(credential, false, scenario.now)
}

#[test]
fn the_next_call_sends_the_key_that_was_handed_over_although_it_was_refused_before() {
    let mut scenario = Scenario::keys();
    let mut call = scenario.call("GET", "/v1/invoices");
    for _ in 0..2 {
        assert!(matches!(scenario.next(&mut call), Step::Send(_)));
        scenario.respond(&mut call, 401, &[], "");
    }
    assert!(matches!(scenario.next(&mut call), Step::Done(_)));
    call.abandon(&mut scenario.session);
    assert_eq!(hand_over(&mut scenario, &keys(&['2', '3'])).unwrap(), HandedOver::Taken);
    let mut next = scenario.call("GET", "/v1/invoices");
    let Step::Send(send) = scenario.next(&mut next) else { panic!("it sends at once") };
    assert!(sent_value(&send).contains("22222222"), "{}", sent_value(&send));
}

#[test]
fn a_new_secret_is_exchanged_at_once_and_no_token_of_the_old_one_is_used_or_taken_from_the_store() {
    let mut scenario = Scenario::client_credentials().with_token("first");
    let changes = scenario.session.changes();
    assert_eq!(hand_over(&mut scenario, &numeric("client-secret-2")).unwrap(), HandedOver::Taken);
    assert!(scenario.session.changes() != changes && scenario.session.fresh().is_none(), "what is kept beside the session is out of date");
    assert!(scenario.stored.is_some(), "the store still has the old token");
    let mut call = scenario.call("GET", "/v1/health");
    let Step::Fetch(request) = scenario.next(&mut call) else { panic!("it asks for a token") };
    assert!(
        request.body.as_ref().is_some_and(|body| body.expose().contains("client-secret-2")) || format!("{request:?}").contains("Basic")
    );
    scenario.respond(&mut call, 200, &[], &token("second", 3_600));
    let Step::Send(send) = scenario.next(&mut call) else { panic!("it sends") };
    assert_eq!(sent_value(&send), "Bearer second");
    // The same again changes nothing.
    scenario.respond(&mut call, 200, &[], "");
    assert!(matches!(scenario.next(&mut call), Step::Done(Outcome::Answered(None))));
    assert_eq!(hand_over(&mut scenario, &numeric("client-secret-2")).unwrap(), HandedOver::Taken);
    let mut next = scenario.call("GET", "/v1/health");
    assert!(matches!(scenario.next(&mut next), Step::Send(send) if sent_value(&send) == "Bearer second"));
}

#[test]
fn while_a_token_is_fetched_with_the_old_one_it_is_busy() {
    let mut scenario = Scenario::client_credentials();
    let mut call = scenario.call("GET", "/v1/health");
    assert!(matches!(scenario.next(&mut call), Step::Fetch(_)));
    let Ok(HandedOver::Busy(until)) = hand_over(&mut scenario, &numeric("client-secret-2")) else { panic!("it is busy") };
    assert!(until > scenario.now && until < scenario.now.after(Duration::from_mins(2)));
    scenario.respond(&mut call, 200, &[], &token("first", 3_600));
    assert!(matches!(scenario.next(&mut call), Step::Send(_)));
    assert_eq!(hand_over(&mut scenario, &numeric("client-secret-2")).unwrap(), HandedOver::Taken);
}

#[test]
fn a_source_that_answers_late_does_not_undo_it() {
    let mut scenario = Scenario::keys().reloadable();
    let mut call = scenario.call("GET", "/v1/invoices");
    for _ in 0..2 {
        assert!(matches!(scenario.next(&mut call), Step::Send(_)));
        scenario.respond(&mut call, 401, &[], "");
    }
    assert!(matches!(scenario.next(&mut call), Step::Load));
    assert_eq!(hand_over(&mut scenario, &keys(&['3'])).unwrap(), HandedOver::Taken);
    call.handle_loaded(&mut scenario.session, scenario.now, Some(keys(&['4'])));
    let Step::Send(send) = scenario.next(&mut call) else { panic!("it goes on with what was handed over") };
    assert!(sent_value(&send).contains("33333333"), "{}", sent_value(&send));
}

#[test]
fn what_is_not_of_the_same_kind_or_environment_is_refused_and_changes_nothing() {
    let finora = Provider::builtin("finora").unwrap();
    let live = auth_core::ApiKey::parse(&finora, format!("live_sk_{}", "5".repeat(48))).unwrap();
    let client = ClientCredentials::parse(&Provider::builtin("numeric").unwrap(), "client-1", "client-secret-1").unwrap();
    let refresh = Credential::Grant(Grant::refresh_token(client, "refresh-9"));
    for (mut scenario, given, kind) in [
        (Scenario::keys(), Credential::Keys(vec![live]), FailureKind::EnvironmentMismatch),
        (Scenario::keys(), Credential::Keys(Vec::new()), FailureKind::Misuse),
        (Scenario::keys(), numeric("client-secret-1"), FailureKind::Misuse),
        (Scenario::client_credentials(), keys(&['1']), FailureKind::Misuse),
        (Scenario::client_credentials(), refresh, FailureKind::Misuse),
        (Scenario::refresh_token(), numeric("client-secret-1"), FailureKind::Misuse),
    ] {
        let changes = scenario.session.changes();
        let failure = hand_over(&mut scenario, &given).unwrap_err();
        assert_eq!(failure.kind(), kind, "{failure}");
        assert_eq!(scenario.session.changes(), changes);
    }
}

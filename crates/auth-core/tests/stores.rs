//! What the machine makes of a store that is down, went back to an older state, or is shared with other accounts.

mod support;

use auth_core::{
    ApiKey, Claimed, ClientCredentials, Connection, Credential, FailureKind, Grant, Outcome, Provider, Record, Saved, Session, Step,
};
use std::sync::Arc;
use support::{Scenario, failure, rotated, sent_value};

fn provider() -> Provider {
    Provider::builtin("numeric").unwrap()
}

fn client(id: &str) -> ClientCredentials {
    ClientCredentials::parse(&provider(), id, "client-secret-1").unwrap()
}

fn store_id(credential: Credential, name: Option<&str>) -> String {
    let connection = Connection::builder(provider()).environment("production").build(&credential).unwrap();
    Session::new(Arc::new(connection), credential, false).store_id(name)
}

#[test]
fn accounts_never_meet_under_one_id() {
    let grants = || {
        [
            Grant::client_credentials(client("client-1")),
            Grant::client_credentials(client("client-2")),
            Grant::client_credentials(client("client-1")).with_scopes(["read"]),
            Grant::client_credentials(client("client-1")).with_scopes(["read", "write"]),
            Grant::refresh_token(client("client-1"), "refresh-1"),
            Grant::refresh_token(client("client-1"), "refresh-2"),
        ]
    };
    let unnamed: Vec<String> = grants().into_iter().map(|grant| store_id(Credential::Grant(grant), None)).collect();
    assert_eq!(unnamed[0], "numeric/production/client-1");
    for (index, id) in unnamed.iter().enumerate() {
        assert!(!unnamed[..index].contains(id), "{id}");
        assert!(!id.contains("refresh") && !id.contains("secret"), "{id}");
    }
    // The same every time, in every process.
    assert_eq!(unnamed[4], "numeric/production/client-1/b7a802da2b3d1cfd");
    let named: Vec<String> = grants().into_iter().map(|grant| store_id(Credential::Grant(grant), Some("books of ACME"))).collect();
    assert_eq!(named[..4], ["books of ACME"; 4]);
    assert_ne!(named[4], named[5]);
    assert!(named[4].starts_with("books of ACME/"));

    let finora = Provider::builtin("finora").unwrap();
    let id_of = |digit: char, name| {
        let credential = Credential::Keys(vec![support::key(&finora, digit)]);
        let connection = Connection::builder(Provider::builtin("finora").unwrap()).environment("staging").build(&credential).unwrap();
        Session::new(Arc::new(connection), credential, false).store_id(name)
    };
    assert_ne!(id_of('1', None), id_of('2', None));
    assert_eq!(id_of('1', Some("ours")), "ours");
    assert!(ApiKey::parse(&finora, id_of('1', None)).is_err());
}

/// The record that an exchange journals, which is then polled no further.
fn journalled(scenario: &mut Scenario, exchange: &mut auth_core::Exchange) -> Record {
    match scenario.poll(exchange) {
        Step::Claim(_) => exchange.handle_claimed(&mut scenario.session, scenario.now, Claimed::Granted(scenario.stored.clone())),
        other => panic!("{other:?}"),
    }
    match scenario.poll(exchange) {
        Step::Save(save) => save.record,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_journal_whose_answer_was_lost_holds_nobody_up() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    let entry = journalled(&mut scenario, &mut exchange);
    exchange.handle_saved(&mut scenario.session, scenario.now, Saved::Down("no answer".into()));
    // It was written all the same. Nothing was sent, and this session knows it.
    scenario.stored = Some(entry);
    let outcome = scenario.to_done(&mut exchange);
    assert_eq!(failure(&outcome).kind(), FailureKind::Store);
    assert!(failure(&outcome).to_string().contains("was not spent"), "{}", failure(&outcome));
    exchange.abandon(&mut scenario.session);
    scenario.advance(std::time::Duration::from_mins(1));
    let mut next = scenario.call("GET", "/v1/health");
    assert!(scenario.to_fetch(&mut next).body.unwrap().expose().contains("refresh-1"));
}

#[test]
fn a_store_that_went_back_to_an_older_state_does_not_cost_the_connection() {
    let mut scenario = Scenario::refresh_token();
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.grant(&mut exchange, &rotated("token-1", "refresh-2"));
    let older = Record { generation: 0, refresh_token: Some("refresh-1".into()), access_token: None, ..scenario.stored.clone().unwrap() };
    let older = Record { spending: Some(auth_core::Spending { mark: 4, since: scenario.now, attempt: 1 }), ..older };
    scenario.to_send(&mut exchange);
    scenario.respond(&mut exchange, 200, &[], "");
    assert!(matches!(scenario.to_done(&mut exchange), Outcome::Answered(None)));
    exchange.abandon(&mut scenario.session);
    // A replica took over that had missed the end of the refresh: it still has the journal's entry about the first refresh token.
    scenario.stored = Some(older);
    scenario.advance(std::time::Duration::from_hours(1));
    let mut next = scenario.call("GET", "/v1/health");
    assert!(scenario.to_fetch(&mut next).body.unwrap().expose().contains("refresh-2"));
    assert!(
        scenario.stored.as_ref().unwrap().refresh_token.as_ref().unwrap().same_as(&"refresh-2".into()),
        "stored again before it is sent"
    );
    scenario.respond(&mut next, 200, &[], &rotated("token-2", "refresh-3"));
    assert_eq!(sent_value(&scenario.to_send(&mut next)), "Bearer token-2");
    assert_eq!(scenario.stored.as_ref().unwrap().generation, 2);
}

#[test]
fn a_source_that_gives_another_grant_waits_for_who_is_getting_a_token() {
    let mut scenario = Scenario::refresh_token();
    scenario.session = {
        let credential = Credential::Grant(Grant::refresh_token(client("client-1"), "refresh-1"));
        Session::new(scenario.connection.clone(), credential, true)
    };
    // The first is refused and asks the source, which takes its time.
    let mut slow = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut slow);
    scenario.respond(&mut slow, 400, &[], r#"{"error":"invalid_client"}"#);
    assert!(matches!(scenario.next(&mut slow), Step::Load));
    // Meanwhile the rest is over, and another gets a token.
    scenario.advance(std::time::Duration::from_mins(6));
    let mut other = scenario.call("GET", "/v1/health");
    assert!(scenario.to_fetch(&mut other).body.unwrap().expose().contains("refresh-1"));
    let replaced = Credential::Grant(Grant::refresh_token(client("client-1"), "refresh-of-a-new-consent"));
    let before = scenario.session.store_id(None);
    slow.handle_loaded(&mut scenario.session, scenario.now, Some(replaced));
    assert_eq!(scenario.session.store_id(None), before, "the record would be saved as another grant's");
    scenario.respond(&mut other, 200, &[], &rotated("token-1", "refresh-2"));
    assert_eq!(sent_value(&scenario.to_send(&mut other)), "Bearer token-1");
    assert_eq!(scenario.session.store_id(None), before);
}

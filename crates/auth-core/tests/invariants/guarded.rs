//! Invariant 7: where a credential does not go.

use crate::support::{Scenario, failure, sent_value};
use auth_core::{ApiKey, Credential, FailureKind, Step};

#[test]
fn invariant_7_a_credential_stays_behind_on_a_foreign_host_for_good() {
    let mut scenario = Scenario::keys();
    let mut exchange = scenario.call("GET", "/v1/invoices");
    scenario.to_send(&mut exchange);
    scenario.respond(&mut exchange, 302, &[("location", "https://cdn.example/file")], "");
    let send = scenario.to_send(&mut exchange);
    assert!(send.foreign && send.authorization.is_none());
    // Also when it leads back.
    scenario.respond(&mut exchange, 302, &[("location", "https://api.finorabusiness.com/v1/invoices")], "");
    let send = scenario.to_send(&mut exchange);
    assert!(send.foreign && send.authorization.is_none());
    // What a foreign host says about credentials says nothing about ours.
    scenario.respond(&mut exchange, 401, &[], "");
    assert_eq!(failure(&scenario.to_done(&mut exchange)).kind(), FailureKind::RedirectedElsewhere);
    let mut exchange = scenario.call("GET", "/v1/invoices");
    assert_eq!(sent_value(&scenario.to_send(&mut exchange)), format!("Bearer test_sk_{}", "1".repeat(48)));
}

#[test]
fn invariant_7_a_token_endpoint_that_redirects_is_refused() {
    let mut scenario = Scenario::client_credentials();
    let mut exchange = scenario.call("GET", "/v1/health");
    scenario.to_fetch(&mut exchange);
    scenario.respond(&mut exchange, 307, &[("location", "https://evil.example/")], "");
    assert!(failure(&scenario.to_done(&mut exchange)).what().contains("redirects"));
}

#[test]
fn invariant_7_a_source_cannot_bring_a_key_of_another_environment() {
    let mut scenario = Scenario::keys().reloadable();
    let mut exchange = scenario.call("GET", "/v1/invoices");
    for _ in 0..2 {
        scenario.to_send(&mut exchange);
        scenario.respond(&mut exchange, 401, &[], r#"{"error":{"code":"INVALID_API_KEY"}}"#);
    }
    assert!(matches!(scenario.next(&mut exchange), Step::Load));
    let live = ApiKey::parse(scenario.connection.provider(), format!("live_sk_{}", "3".repeat(48))).unwrap();
    assert!(!scenario.connection.is_for(&Credential::Keys(vec![live.clone()])));
    exchange.handle_loaded(&mut scenario.session, scenario.now, Some(Credential::Keys(vec![live])));
    assert_eq!(failure(&scenario.to_done(&mut exchange)).kind(), FailureKind::KeyRefused);
}

//! The end of a consent at a real server (RFC 7009).

mod support;

use auth_http::{Credential, FailureKind, MemoryStore};
use serde_json::json;
use std::sync::Arc;
use support::oidc::{Oidc, SECRET};
use support::{finora, sandbox};

#[test]
fn a_revoked_connection_is_over_at_the_server_in_the_store_and_for_every_client() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let store = Arc::new(MemoryStore::new());
    let seed = oidc.seed("web", 1).remove(0);
    let build = || {
        let credential = Credential::refresh_token("web", SECRET, seed.as_str());
        let builder = oidc.client().issuer(oidc.issuer()).store(store.clone()).credential(credential);
        builder.discover().unwrap().build().unwrap()
    };
    let (client, other) = (build(), build());
    for client in [&client, &other] {
        assert_eq!(client.get("/api/ledger").send().unwrap().status(), 200);
    }
    client.revoke().unwrap();
    let stats = oidc.stats();
    let hints: Vec<_> =
        stats["revocations"].as_array().unwrap().iter().map(|seen| (seen["hint"].as_str(), seen["auth"].as_str())).collect();
    assert_eq!(hints, [(Some("refresh_token"), Some("header")), (Some("access_token"), Some("header"))]);
    // The one that revoked knows; the other learns it from the store, and neither sends the dead token.
    let error = client.get("/api/ledger").send().unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::ConsentRequired), "{error}");
    let answer = other.get("/api/ledger").send().unwrap();
    assert_eq!((answer.status(), answer.failure().unwrap().kind()), (401, FailureKind::ConsentRequired));
    assert_eq!((oidc.count("refreshes"), oidc.count("refused_refreshes")), (1, 0));
    // A client that begins with the old token, over the same store, does not send it either.
    assert_eq!(build().get("/api/ledger").send().unwrap_err().kind(), Some(FailureKind::ConsentRequired));
    assert_eq!(oidc.count("refused_refreshes"), 0);
}

#[test]
fn tokens_that_the_server_does_not_know_are_revoked_all_the_same() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let credential = Credential::refresh_token("web", SECRET, "never-issued");
    let client = oidc.client().revocation_url(format!("{}/token/revocation", oidc.issuer())).credential(credential).build().unwrap();
    client.revoke().unwrap();
    assert_eq!(oidc.stats()["revocations"].as_array().unwrap().len(), 1);
}

#[test]
fn client_credentials_go_on_with_a_new_token() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let credential = Credential::client("basic", SECRET);
    let client = oidc.client().issuer(oidc.issuer()).credential(credential).discover().unwrap().build().unwrap();
    for _ in 0..3 {
        assert_eq!(client.get("/api/ledger").send().unwrap().status(), 200);
        client.revoke().unwrap();
    }
    assert_eq!(oidc.stats()["requests"].as_array().unwrap().len(), 3);
    assert_eq!(oidc.stats()["api"]["refused"], 0);
}

#[test]
fn a_server_that_fails_is_asked_again_and_then_reported_with_nothing_changed() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let seed = oidc.seed("web", 1).remove(0);
    let credential = Credential::refresh_token("web", SECRET, seed);
    let builder = oidc.client().issuer(oidc.issuer()).max_attempts(2).credential(credential);
    let client = builder.discover().unwrap().build().unwrap();
    assert_eq!(client.get("/api/ledger").send().unwrap().status(), 200);
    oidc.fail("/token/revocation", 2, 503, &json!({}), "");
    let error = client.revoke().unwrap_err();
    assert_eq!((error.kind(), error.failure().unwrap().status()), (Some(FailureKind::ServerError), Some(503)), "{error}");
    assert_eq!(client.get("/api/ledger").send().unwrap().status(), 200);
    oidc.fail("/token/revocation", 1, 503, &json!({"retry-after": "1"}), "");
    client.revoke().unwrap();
    assert_eq!(oidc.stats()["failures"]["/token/revocation"], 3);
}

#[test]
fn what_cannot_be_revoked_here_says_where_it_can() {
    let sandbox = sandbox();
    let error = finora(&sandbox).build().unwrap().revoke().unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::Misuse), "{error}");
    assert!(error.to_string().contains("has no revocation endpoint"), "{error}");
    let error = finora(&sandbox).revocation_url("https://127.0.0.1/revoke").build().unwrap().revoke().unwrap_err();
    assert!(error.advice().unwrap().contains("where it was issued"), "{error}");
}

//! Endpoints from what a real server says of itself.

mod support;

use auth_http::{Client, Credential, FailureKind, Provider};
use serde_json::json;
use support::oidc::{Oidc, PROFILE, SECRET};

#[test]
fn a_profile_with_an_issuer_alone_finds_every_endpoint() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let profile = PROFILE.replace("token_url = \"https://login.ledger.example/token\"", "issuer = \"https://login.ledger.example\"");
    found_at_the_issuer(&oidc, &profile);
}

#[test]
fn an_issuer_that_the_caller_names_has_its_own_endpoints_and_not_the_profiles() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    found_at_the_issuer(&oidc, PROFILE);
}

fn found_at_the_issuer(oidc: &Oidc, profile: &str) {
    let client = Client::builder(Provider::from_toml(profile).unwrap())
        .environment("test")
        .base_url(oidc.issuer())
        .issuer(oidc.issuer())
        .insecure_loopback(true)
        .no_proxy()
        .credential(Credential::client("basic", SECRET))
        .discover()
        .unwrap()
        .build()
        .unwrap();
    assert_eq!(client.get("/api/ledger").send().unwrap().status(), 200);
    client.revoke().unwrap();
}

#[test]
fn a_client_that_was_not_told_where_tokens_are_says_how_to_find_out() {
    let profile = PROFILE.replace("token_url = \"https://login.ledger.example/token\"", "issuer = \"https://login.ledger.example\"");
    let builder = Client::builder(Provider::from_toml(&profile).unwrap()).credential(Credential::client("basic", SECRET));
    let error = builder.build().unwrap_err().to_string();
    assert!(error.contains("has no token endpoint") && error.contains("set token_url, or an issuer to discover it from"), "{error}");
}

#[test]
fn an_issuer_is_compared_byte_for_byte() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    for other in [format!("{}/", oidc.issuer()), oidc.issuer().replace("127.0.0.1", "localhost"), oidc.issuer().replace("http", "HTTP")] {
        let error = oidc.client().issuer(&other).discover().err().expect("refused").to_string();
        assert!(error.contains("not byte for byte the one asked for"), "{other}: {error}");
    }
}

#[test]
fn what_is_no_metadata_is_refused_with_the_place_and_the_reason() {
    let Some(oidc) = Oidc::start(&json!({})) else { return };
    let issuer = oidc.issuer();
    let places = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];
    let metadata = |more: &str| format!("{{\"issuer\": {issuer:?}, \"token_endpoint\": {:?} {more}}}", format!("{issuer}/token"));
    for (status, body, words) in [
        (404, String::new(), "could not be had from"),
        (302, String::new(), "could not be had from"),
        (200, "<html>".to_owned(), "is not the JSON object of RFC 8414"),
        (200, "[]".to_owned(), "is not the JSON object of RFC 8414"),
        (200, metadata(", \"revocation_endpoint\": \"https://evil.test/revoke\""), "which is not the issuer's host"),
        (200, metadata(", \"revocation_endpoint\": \"http://login.test/revoke\""), "is not https"),
        (200, metadata(", \"revocation_endpoint\": \"https://user@127.0.0.1/\""), "user name"),
    ] {
        for place in places {
            oidc.fail(place, 1, status, &json!({"location": format!("{issuer}/elsewhere")}), &body);
        }
        let error = oidc.client().issuer(issuer).discover().err().expect("refused");
        assert!(error.to_string().contains(words), "{words}: {error}");
        // What is left of the failures does not reach into the next round.
        while oidc.client().issuer(issuer).discover().is_err() {}
    }
}

#[test]
fn an_issuer_that_cannot_be_one_is_refused_before_anything_is_sent() {
    let builder = || Client::builder(Provider::from_toml(PROFILE).unwrap());
    for (issuer, kind) in [
        ("http://login.ledger.example", FailureKind::InsecureTransport),
        ("https://login.ledger.example?x=1", FailureKind::Misuse),
        ("https://login.ledger.example#x", FailureKind::Misuse),
        ("login.ledger.example", FailureKind::Misuse),
    ] {
        let error = builder().issuer(issuer).discover().err().expect("refused");
        assert_eq!(error.kind(), Some(kind), "{issuer}: {error}");
    }
    assert_eq!(builder().discover().err().expect("refused").kind(), Some(FailureKind::Misuse));
}

//! The same server over TLS: clients that prove themselves by a certificate, and profiles made of what the server says.

mod support;

use auth_http::core::{Connection, Response};
use auth_http::{Client, ClientAuth, Credential, FailureKind, Provider};
use serde_json::{Value, json};
use support::certificates::Certificates;
use support::oidc::{Oidc, SECRET};

fn start(certificates: &Certificates) -> Option<Oidc> {
    let (cert, key) = &certificates.server;
    Oidc::start(&json!({"tls": {"cert": cert, "key": key, "client_ca": certificates.ca}}))
}

#[test]
fn a_certificate_proves_a_client() {
    let certificates = Certificates::make();
    let Some(oidc) = start(&certificates) else { return };
    let builder =
        || oidc.client().ca(certificates.ca.as_str()).credential(Credential::public_client("mtls")).client_auth(ClientAuth::TlsClientAuth);
    let (chain, key) = &certificates.client;
    let client = builder().identity(chain.as_str(), key.as_str()).build().unwrap();
    assert_eq!(client.get("/api/ledger").send().unwrap().status(), 200);
    let seen = oidc.stats()["requests"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((seen["client"].as_str(), seen["auth"].as_str()), (Some("mtls"), Some("certificate")));
    let error = builder().build().unwrap().get("/api/ledger").send().unwrap_err();
    assert_eq!((error.kind(), error.failure().unwrap().code()), (Some(FailureKind::GrantRefused), Some("invalid_client")), "{error}");
    // Node answers a stranger, or drops the connection over the error that checking its certificate left behind.
    let (chain, key) = &certificates.stranger;
    let error = builder().identity(chain.as_str(), key.as_str()).build().unwrap().get("/api/ledger").send().unwrap_err();
    assert!(matches!(error.kind(), Some(FailureKind::GrantRefused | FailureKind::TokenEndpoint)), "{error}");
    assert!(oidc.stats()["requests"].as_array().unwrap().iter().filter(|seen| seen["error"].is_null()).count() == 1);
}

#[test]
fn a_profile_made_of_what_the_server_says_is_read_again_and_works() {
    let certificates = Certificates::make();
    let Some(oidc) = start(&certificates) else { return };
    let document = oidc.metadata();
    // Driven by hand, as a program with its own HTTP does.
    let seed = Provider::from_toml(support::oidc::PROFILE).unwrap();
    let mut discovery = Connection::builder(seed).environment("test").issuer(oidc.issuer()).discovery().unwrap();
    let none: &[(&str, &str)] = &[];
    assert!(discovery.request().unwrap().url.as_str().ends_with("/.well-known/oauth-authorization-server"));
    assert!(discovery.handle_response(&Response { status: 404, headers: &none, body: b"" }).unwrap().is_none());
    assert!(discovery.request().unwrap().url.as_str().ends_with("/.well-known/openid-configuration"));
    let answer = document.to_string();
    let metadata = discovery.handle_response(&Response { status: 200, headers: &none, body: answer.as_bytes() }).unwrap().unwrap();
    assert!(metadata.names_itself_in_redirects());

    let text = metadata.profile("found", oidc.issuer());
    let provider = Provider::from_toml(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert!(provider.takes_grant(auth_http::core::GrantKind::DeviceCode), "{text}");
    let client =
        Client::builder(provider).ca(certificates.ca.as_str()).no_proxy().credential(Credential::client("basic", SECRET)).build().unwrap();
    let facts: Value = client.get("/api/ledger").send().unwrap().json().unwrap();
    assert_eq!(facts["client"], "basic");
    client.revoke().unwrap();
}

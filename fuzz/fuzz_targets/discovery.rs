//! Metadata is read or refused; what is taken is the issuer's own, all https and on its own hosts, and a profile made of it is read again.
#![no_main]

use auth_core::{Connection, Provider, Response};
use libfuzzer_sys::fuzz_target;

const PROFILE: &str = r#"
name = "ledger"
title = "Ledger"
[[environment]]
name = "production"
base_url = "https://api.ledger.example"
issuer = "https://login.ledger.example/tenant"
endpoint_hosts = ["also.ledger.example"]
[token]
grants = ["refresh_token"]
request = "form"
client_auth = "none"
"#;

fuzz_target!(|input: (Vec<u16>, &str)| {
    let (statuses, body) = input;
    let builder = Connection::builder(Provider::from_toml(PROFILE).unwrap());
    let mut discovery = builder.discovery().unwrap();
    let none: &[(&str, &str)] = &[];
    // Mostly a document of the right issuer, so that what follows is reached.
    let document = body.replacen('{', "{\"issuer\":\"https://login.ledger.example/tenant\",\"token_endpoint\":\"https://also.ledger.example/t\",", 1);
    for status in statuses.into_iter().map(Some).chain([None; 4]) {
        let Some(request) = discovery.request() else { return };
        assert!(request.method == "GET" && request.url.origin().host() == "login.ledger.example");
        let response = Response { status: status.unwrap_or(200), headers: &none, body: document.as_bytes() };
        match discovery.handle_response(&response) {
            Ok(None) => {}
            Ok(Some(metadata)) => {
                let endpoints =
                    [metadata.token_endpoint(), metadata.authorization_endpoint(), metadata.device_authorization_endpoint(), metadata.revocation_endpoint()];
                for endpoint in endpoints.into_iter().flatten() {
                    assert!(endpoint.origin().is_secure());
                    assert!(["login.ledger.example", "also.ledger.example"].contains(&endpoint.origin().host()));
                }
                if metadata.token_endpoint().is_some() {
                    let text = metadata.profile("found", "https://api.ledger.example");
                    Provider::from_toml(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
                }
                return;
            }
            Err(failure) => {
                let _ = failure.to_string();
                return;
            }
        }
    }
});

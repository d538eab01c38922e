//! What the tests share: a sandbox and clients that trust it.

#![allow(dead_code, unreachable_pub, reason = "each test program uses its own part of this")]

pub mod browser;
pub mod certificates;
pub mod django;
pub mod oidc;
pub mod server;

use auth_http::{Client, ClientBuilder, Credential, Provider};
use auth_sandbox::{Entry, Kind, Options, Sandbox, Service};

/// A sandbox without request limits.
pub fn sandbox() -> Sandbox {
    Sandbox::start(Options { limits: false, ..Options::default() }).expect("the sandbox starts")
}

/// A builder for a provider's client at the sandbox.
pub fn at(sandbox: &Sandbox, provider: &str, api: Service) -> ClientBuilder {
    Client::builder(Provider::builtin(provider).expect("a shipped profile")).base_url(sandbox.url(api)).ca(sandbox.ca_pem()).no_proxy()
}

pub fn finora(sandbox: &Sandbox) -> ClientBuilder {
    at(sandbox, "finora", Service::Finora).environment("staging").credential(Credential::key(sandbox.keys().finora_test.as_str()))
}

pub fn numora(sandbox: &Sandbox) -> ClientBuilder {
    at(sandbox, "numora", Service::Numora).credential(Credential::key(sandbox.keys().numora.as_str()))
}

pub fn numeric(sandbox: &Sandbox) -> ClientBuilder {
    let keys = sandbox.keys();
    at(sandbox, "numeric", Service::NumericApi)
        .environment("production")
        .token_url(format!("{}/oauth/token", sandbox.url(Service::NumericAuth)))
        .credential(Credential::client(&keys.numeric.client_id, keys.numeric.client_secret.as_str()))
}

/// Numeric with a refresh token.
pub fn refreshing(sandbox: &Sandbox) -> ClientBuilder {
    let keys = sandbox.keys();
    let token = sandbox.issue_refresh_token(&keys.numeric.client_id).expect("the client is known");
    numeric(sandbox).credential(Credential::refresh_token(&keys.numeric.client_id, keys.numeric.client_secret.as_str(), token))
}

pub fn adaas(sandbox: &Sandbox) -> ClientBuilder {
    let keys = sandbox.keys();
    at(sandbox, "adaas", Service::AdaasApi)
        .environment("production")
        .token_url(format!("{}/getAccess", sandbox.url(Service::AdaasAuth)))
        .credential(Credential::client(&keys.adaas.client_id, keys.adaas.secret.as_str()))
}

/// How many token requests the sandbox has seen.
pub fn token_requests(sandbox: &Sandbox) -> usize {
    sandbox.count(|entry| entry.kind == Kind::Token)
}

/// The requests to one service, oldest first.
pub fn requests(sandbox: &Sandbox, service: Service) -> Vec<Entry> {
    sandbox.log().into_iter().filter(|entry| entry.service == service).collect()
}

/// The values of a header in an entry of the log.
pub fn header<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
    entry.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

//! A service account: no person, no secret on the wire, a key that signs (RFC 7523).
//!
//! ```text
//! cargo run -p auth-http --example service_account -- --token-url https://login.example/token --account ACCOUNT --key key.pem --call https://api.example/v1/invoices
//! ```

use auth_http::{Assertion, Client, Credential, PrivateKey, Provider, SigningAlgorithm};
use clap::Parser;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    token_url: String,
    /// The service account, or the client that was registered for it.
    #[arg(long)]
    account: String,
    /// The client to name beside the assertion, where the server wants one.
    #[arg(long, default_value = "")]
    client_id: String,
    /// On whose behalf, if not the account's own.
    #[arg(long)]
    subject: Option<String>,
    /// A PEM file with an ECDSA key on P-256.
    #[arg(long)]
    key: PathBuf,
    #[arg(long)]
    key_id: Option<String>,
    #[arg(long)]
    scope: Vec<String>,
    #[arg(long)]
    call: String,
    /// For a server on this very machine.
    #[arg(long)]
    insecure_loopback: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut key = PrivateKey::from_file(SigningAlgorithm::Es256, &arguments.key)?;
    if let Some(id) = arguments.key_id {
        key = key.key_id(id);
    }
    let mut assertion = Assertion::new(&arguments.account, Arc::new(key));
    if let Some(subject) = arguments.subject {
        assertion = assertion.subject(subject);
    }
    let client = Client::builder(Provider::from_toml(PROFILE)?)
        .base_url(&arguments.call)
        .environment("production")
        .token_url(&arguments.token_url)
        .insecure_loopback(arguments.insecure_loopback)
        .credential(Credential::public_client(&arguments.client_id).with_assertion(assertion).scopes(arguments.scope))
        .build()?;
    let answer = client.get(&arguments.call).send()?.error_for_status()?;
    println!("{}: {}", answer.status(), answer.text()?);
    Ok(())
}

/// An API of which nothing is known but that it takes access tokens.
const PROFILE: &str = r#"
name = "some-api"
title = "Some API"

[[environment]]
name = "production"
base_url = "https://api.example"
token_url = "https://login.example/token"

[token]
grants = ["jwt_bearer"]
request = "form"
client_auth = "none"
"#;

//! A program without a browser of its own: a person confirms a code on a phone or another computer.
//!
//! ```text
//! cargo run -p auth-http --example device -- --issuer https://login.example --client-id ID --call https://api.example/v1/invoices
//! ```

use auth_http::{Client, Credential, Provider};
use clap::Parser;
use std::error::Error;

#[derive(Parser)]
struct Arguments {
    /// The authorization server's name for itself, as its documentation writes it.
    #[arg(long)]
    issuer: String,
    #[arg(long)]
    client_id: String,
    /// What to call when the person has consented.
    #[arg(long)]
    call: String,
    #[arg(long, default_value = "offline_access")]
    scope: Vec<String>,
    /// For a server on this very machine.
    #[arg(long)]
    insecure_loopback: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let client = Client::builder(Provider::from_toml(PROFILE)?)
        .base_url(&arguments.call)
        .environment("production")
        .issuer(&arguments.issuer)
        .insecure_loopback(arguments.insecure_loopback)
        .credential(Credential::public_client(&arguments.client_id).stored().scopes(arguments.scope))
        .discover()?
        .build()?;

    client.login_on_device(|prompt| {
        println!("open {} and enter {}", prompt.url, prompt.user_code.as_deref().unwrap_or_default());
        if let Some(direct) = &prompt.url_with_code {
            println!("or open {direct}");
        }
    })?;
    println!("connected");

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
issuer = "https://login.example"

[token]
grants = ["device_code", "refresh_token"]
request = "form"
client_auth = "none"
"#;

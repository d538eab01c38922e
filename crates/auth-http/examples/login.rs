//! A person logs in; the tokens are in the store, and the next call just works.
//!
//! ```text
//! cargo run -p auth-http --features login --example login -- --issuer https://login.example --client-id ID --call https://api.example/v1/invoices
//! ```
//!
//! The client has to be registered as a public one with the redirect address `http://127.0.0.1/callback` (any port, RFC 8252 section 7.3), or with the one that
//! `--redirect-uri` names. With `--on-device`, for a program without a browser of its own, the person confirms a code on a phone or another computer.

use auth_http::{Client, Credential, Login, Provider};
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
    #[arg(long, default_value = "http://127.0.0.1:0/callback")]
    redirect_uri: String,
    /// Shows a code to be confirmed elsewhere, instead of opening a browser.
    #[arg(long)]
    on_device: bool,
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

    // A program that keeps its tokens in a file or in Redis does this once, and not at every start.
    if arguments.on_device {
        client.login_on_device(|prompt| {
            println!("open {} and enter {}", prompt.url, prompt.user_code.as_deref().unwrap_or_default());
            if let Some(direct) = &prompt.url_with_code {
                println!("or open {direct}");
            }
        })?;
    } else {
        let login = Login::new(|prompt| println!("open this address if no browser opens by itself: {}", prompt.url))
            .redirect_uri(arguments.redirect_uri)
            .parameter("prompt", "consent");
        #[cfg(feature = "login")]
        let login = login.open_browser();
        client.login(login)?;
    }
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
grants = ["authorization_code", "device_code", "refresh_token"]
request = "form"
client_auth = "none"
"#;

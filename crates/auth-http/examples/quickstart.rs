//! Quickstart: a key, a client, a call.
//!
//! ```text
//! cargo run -p auth-http --example quickstart
//! ```
//!
//! The program talks to a sandbox that it starts itself, on this machine. Against Finora you leave out `environment`, `base_url`, `ca` and `no_proxy`:
//! the key's prefix tells the environment, and the profile knows the host.

use auth_http::{Client, Credential, Provider};
use auth_sandbox::{Options, Sandbox, Service};
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start(Options::default())?;

    // In your program the key does not stand in the source: Credential::from_env("FINORA_API_KEY")?
    let credential = Credential::key(sandbox.keys().finora_test.as_str());
    let client = Client::builder(Provider::builtin("finora")?)
        .credential(credential)
        .environment("staging")
        .base_url(sandbox.url(Service::Finora))
        .ca(sandbox.ca_pem())
        .no_proxy()
        .build()?;
    let invoices: Value = client.get("/v1/invoices").send()?.json()?;

    println!("{client:?}");
    println!("GET /v1/invoices says: {invoices}");
    Ok(())
}

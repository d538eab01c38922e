//! An API that the library does not ship: its profile is a few lines of TOML, and no code.
//!
//! ```text
//! cargo run -p auth-http --example own_profile
//! ```
//!
//! First a profile that works, then two that are refused, each with line, field and reason. The server is a service of the sandbox that answers anything and logs
//! what it was sent.

use auth_http::{Client, Credential, Provider};
use auth_sandbox::{Options, Sandbox, Service};

/// Every field is a fact from the vendor's documentation.
const PROFILE: &str = r#"name = "cashbook"
title = "Cashbook Pro"

[[environment]]
name = "production"
base_url = "https://api.cashbook.example"

[[environment]]
name = "demo"
base_url = "https://demo.cashbook.example"

[attach]
header = "X-Cashbook-Key"
scheme = ""

[[key.format]]
prefix = "cb_live_"
environment = "production"
alphabet = "lower-hex"
length = 16

[[key.format]]
prefix = "cb_demo_"
environment = "demo"
alphabet = "lower-hex"
length = 16

[check]
path = "/v3/whoami"
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start(Options::default())?;
    let client = Client::builder(Provider::from_toml(PROFILE)?)
        .credential(Credential::key("cb_demo_0123456789abcdef"))
        .environment("demo")
        .base_url(sandbox.url(Service::Stranger))
        .ca(sandbox.ca_pem())
        .no_proxy()
        .build()?;
    println!("{}", client.check());
    for entry in sandbox.log() {
        println!("what arrived: {} {}, X-Cashbook-Key: {}", entry.method, entry.path, entry.header("x-cashbook-key").unwrap_or("(none)"));
    }

    println!();
    refused("a field that does not exist", &PROFILE.replace("scheme = \"\"", "schema = \"\""));
    refused("a key for an environment that does not exist", &PROFILE.replace("environment = \"demo\"", "environment = \"staging\""));

    // The same guard as for shipped profiles: the key's prefix says demo, the host is production's.
    let mixed = Client::builder(Provider::from_toml(PROFILE)?)
        .credential(Credential::key("cb_demo_0123456789abcdef"))
        .environment("production")
        .build();
    if let Err(error) = mixed {
        println!("a demo key for production\n  {error}");
    }
    Ok(())
}

/// Prints why a profile is refused.
fn refused(case: &str, text: &str) {
    println!("{case}");
    match Provider::from_toml(text) {
        Ok(provider) => println!("  accepted as {}", provider.title()),
        Err(error) => println!("  {error}"),
    }
}

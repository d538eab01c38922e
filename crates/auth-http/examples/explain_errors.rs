//! What the library says when something is wrong: what happened, whose fault it is, what to do about it.
//!
//! ```text
//! cargo run -p auth-http --example explain_errors
//! ```
//!
//! Each case is provoked at a sandbox that the program starts itself. `kind` is what a program branches on, the text is for a person.

use auth_http::{Client, ClientBuilder, Credential, Error, Provider, Response};
use auth_sandbox::{Environment, Fault, FaultKind, FinoraKey, LimitStyle, Options, Sandbox, Service};
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start(Options { limits: false, ..Options::default() })?;
    let finora = || at(&sandbox, "finora", Service::Finora).map(|builder| builder.environment("staging"));
    let key = || Credential::key(sandbox.keys().finora_test.as_str());

    let client = finora()?.credential(key()).build()?;
    explain("a module that the account's plan does not include", get(&client, "/v1/business-intelligence/summary"));

    let expired = sandbox.issue_finora_key(FinoraKey { environment: Environment::Test, age_days: 91, ..FinoraKey::default() });
    let client = finora()?.credential(Credential::key(expired)).build()?;
    explain("a key older than 90 days", get(&client, "/v1/invoices"));

    let client = at(&sandbox, "numeric", Service::NumericApi)?
        .environment("production")
        .token_url(format!("{}/oauth/token", sandbox.url(Service::NumericAuth)))
        .credential(Credential::client(&sandbox.keys().numeric.client_id, "not-the-secret"))
        .build()?;
    explain("a wrong client secret", get(&client, "/v1/reports"));

    let live_key = Credential::key(sandbox.keys().finora_live.as_str());
    explain("a live key where staging was declared", finora()?.credential(live_key).build());

    let client = finora()?.credential(key()).deadline(Duration::from_secs(5)).build()?;
    sandbox.inject(Fault::new(FaultKind::TooManyRequests { style: LimitStyle::InBody(3_600) }).on(Service::Finora));
    explain("a limit that lasts longer than the call may take", get(&client, "/v1/invoices"));
    explain("the next call of the same client, which was not even sent", get(&client, "/v1/customers"));

    explain("a key that was cut off when it was pasted", finora()?.credential(Credential::key("test_sk_0123456789abcdef")).build());
    Ok(())
}

/// A call whose answer has to be a success.
fn get(client: &Client, path: &str) -> Result<Response, Error> {
    client.get(path).send()?.error_for_status()
}

/// Prints what the library says of a case.
fn explain<T>(case: &str, result: Result<T, Error>) {
    println!("{case}");
    match result {
        Ok(_) => println!("  nothing: it went well"),
        Err(error) => {
            println!("  kind: {}", error.kind().map_or("not a verdict of the machine", auth_http::FailureKind::name));
            println!("  {error}");
        }
    }
    println!();
}

/// A client's beginning: the shipped profile, pointed at the sandbox and trusting its certificate authority.
fn at(sandbox: &Sandbox, provider: &str, service: Service) -> Result<ClientBuilder, Error> {
    Ok(Client::builder(Provider::builtin(provider)?).base_url(sandbox.url(service)).ca(sandbox.ca_pem()).no_proxy())
}

//! The examples of the README, in its order. The lines between the marks stand there exactly so.

use crate::seen as auth_http;
use std::sync::Arc;

#[rustfmt::skip]
pub(crate) fn first() -> Result<usize, auth_http::Error> {
    use auth_http::{Client, Credential, Provider};
// README
let client = Client::builder(Provider::builtin("finora")?)
    .credential(Credential::from_env("FINORA_API_KEY")?)
    .build()?;
let invoices: serde_json::Value = client.get("/v1/invoices").send()?.json()?;
// END
    Ok(invoices["data"].as_array().map_or(0, Vec::len))
}

#[rustfmt::skip]
pub(crate) fn each_system() -> Result<serde_json::Value, auth_http::Error> {
// README
use auth_http::{Client, Credential, Provider};
use serde_json::{Value, json};

// Numeric: client id and secret become a token, once for all threads.
let client = Client::builder(Provider::builtin("numeric")?)
    .environment("production")
    .credential(Credential::client_from_env("NUMERIC_CLIENT_ID", "NUMERIC_CLIENT_SECRET")?)
    .build()?;
client.post("/v1/tasks").json(&json!({"name": "close March"})).send()?.error_for_status()?;

// Numora: create a document, wait until it is read, take the result. `external_id` makes a repeat harmless.
let numora = Client::builder(Provider::builtin("numora")?)
    .base_url("https://YOUR-WORKSPACE.example")
    .credential(Credential::from_env("NUMORA_API_KEY")?)
    .build()?;
let body = json!({"schema": "invoice_v2", "file_url": "https://example.com/invoice-001.pdf", "external_id": "ap-100024"});
let document: Value = numora.post("/v1/documents").json(&body).send()?.json()?;
numora.poll(document["status_url"].as_str().unwrap_or_default()).wait()?;
let result: Value = numora.get(document["result_url"].as_str().unwrap_or_default()).send()?.json()?;

// Is the credential good, and if not, what to do?
println!("{}", client.check());
// END
    Ok(result)
}

#[rustfmt::skip]
pub(crate) mod on_tokio {
    use ::auth_http;

    pub(crate) async fn call(client: &Client, http: &reqwest::Client, path: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        get(client, http, path).await
    }

// README
use auth_http::core::{Outcome, Response, Transport, Unanswered};
use auth_http::{Client, Fields, Next};

/// One call, sent by a `reqwest::Client` with `redirect::Policy::none()`: what to follow is the client's to judge.
async fn get(client: &Client, http: &reqwest::Client, path: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut delivery = client.deliver("GET", path, None)?;
    let mut body = Vec::new();
    loop {
        match delivery.step_async(tokio::time::sleep).await {
            Next::Send(send) => {
                let request = send.fields().fold(http.get(send.url.as_str()), |request, (name, value)| request.header(name, value));
                let sent = async {
                    let answer = request.send().await?;
                    Ok::<_, reqwest::Error>((answer.status().as_u16(), answer.headers().clone(), answer.bytes().await?))
                };
                match sent.await {
                    Ok((status, headers, bytes)) => {
                        delivery.answered(&Response { status, headers: &Fields(&headers), body: &bytes });
                        body = bytes.into();
                    }
                    Err(error) => {
                        let how = if error.is_connect() { Unanswered::NotSent } else { Unanswered::Lost };
                        delivery.lost(Transport { how, what: error.to_string(), advice: String::new() });
                    }
                }
            }
            Next::Done(Outcome::Answered(Some(failure)) | Outcome::Failed(failure)) => return Err(failure.into()),
            Next::Done(_) | Next::Wait(_) => return Ok(body),
        }
    }
}
// END
}

#[rustfmt::skip]
pub(crate) fn sealed(client_id: &str, client_secret: &str, first_refresh_token: &str) -> Result<::auth_http::Client, auth_http::Error> {
    use auth_http::{Client, Credential, FileStore, Provider, SealKey};
// README
let store = FileStore::open("/var/lib/my-pipeline/tokens")?.sealed(SealKey::from_env("LEDGERAUTH_SEAL_KEY")?);
let client = Client::builder(Provider::builtin("numeric")?)
    .environment("production")
    .credential(Credential::refresh_token(client_id, client_secret, first_refresh_token))
    .store(Arc::new(store))                             // or RedisStore, for several hosts; or your own
    .build()?;
// END
    Ok(client)
}

#[rustfmt::skip]
pub(crate) fn shared(client_id: &str, client_secret: &str, refresh_token: &str) -> Result<::auth_http::Client, auth_http::Error> {
    use auth_http::{Client, Credential, FileStore, Provider};
// README
let client = Client::builder(Provider::builtin("xero")?)
    .credential(Credential::refresh_token(client_id, client_secret, refresh_token))
    .store(Arc::new(FileStore::open("/var/lib/month-end/tokens")?))    // one host; RedisStore (feature `redis`) for several
    .build()?;
println!("{}", client.explain());    // state, generation, lease, days left, last error, advice: fit for a ticket
// END
    Ok(client)
}

/// Compiled only: a person has to be there.
#[cfg(feature = "login")]
#[rustfmt::skip]
#[expect(dead_code, reason = "as above")]
fn login(client_id: &str) -> Result<(), ::auth_http::Error> {
    use ::auth_http::{Client, Credential, FileStore, Login, Provider};
// README
let client = Client::builder(Provider::builtin("xero")?)
    .credential(Credential::public_client(client_id).stored().scopes(["offline_access", "accounting.transactions"]))
    .store(Arc::new(FileStore::open("/var/lib/month-end/tokens")?))
    .build()?;
client.login(Login::new(|prompt| println!("open {}", prompt.url)).open_browser())?;    // feature `login`; PKCE, a loopback redirect
client.login_on_device(|prompt| println!("open {} and enter {:?}", prompt.url, prompt.user_code))?;    // or this, where the server has it
client.revoke()?;                                                                      // and the end of it, there and in the store
// END
    Ok(())
}

#[rustfmt::skip]
pub(crate) fn sandbox() -> Result<u16, Box<dyn std::error::Error>> {
    use ::auth_http::{Client, Credential, Provider};
    use auth_sandbox::{Options, Sandbox, Service};
// README
let sandbox = Sandbox::start(Options::default())?;
let client = Client::builder(Provider::builtin("finora")?)
    .base_url(sandbox.url(Service::Finora))
    .ca(sandbox.ca_pem())
    .no_proxy()
    .environment("staging")
    .credential(Credential::key(sandbox.keys().finora_test.as_str()))
    .build()?;
// END
    Ok(client.get("/v1/invoices").send()?.status())
}

//! Numora: submit a document, ask until it has been read, fetch what was read.
//!
//! ```text
//! cargo run -p auth-http --example poll_document
//! ```
//!
//! `external_id` is Numora's own convention for "this is the same document": a submission that has one is sent again when the connection breaks, and makes no second
//! document. Runs against a sandbox that it starts itself.

use auth_http::{Client, Credential, Provider};
use auth_sandbox::{Options, Sandbox, Service};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// What Numora says of a document.
#[derive(Deserialize)]
struct Document {
    id: String,
    status: String,
    status_url: String,
    result_url: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start(Options::default())?;
    sandbox.documents_ready_after(3);
    let client = Client::builder(Provider::builtin("numora")?)
        .credential(Credential::key(sandbox.keys().numora.as_str()))
        .base_url(sandbox.url(Service::Numora))
        .ca(sandbox.ca_pem())
        .no_proxy()
        .build()?;

    let submission = json!({"schema": "invoice_v2", "file_url": "https://example.com/invoice-001.pdf", "external_id": "ap-100024"});
    let created: Document = client.post("/v1/documents").json(&submission).send()?.json()?;
    println!("submitted: {} is {}", created.id, created.status);

    // Pauses grow by half each time; the deadline is for all of them together.
    let poll = client.poll(&created.status_url).first_pause(Duration::from_millis(100)).deadline(Duration::from_secs(30));
    let ready: Document = poll.wait()?.json()?;
    let questions = sandbox.count(|entry| entry.method == "GET" && entry.path == created.status_url);
    println!("asked {questions} times: {} is {}", ready.id, ready.status);

    let result: Value = client.get(&ready.result_url).send()?.json()?;
    println!("read: {}", result["result"]);
    Ok(())
}

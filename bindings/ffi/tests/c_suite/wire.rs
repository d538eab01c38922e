//! What C sends is, byte for byte, what Rust sends: the same list of calls from both, compared in the sandbox's log.

use crate::build::{Program, no_c};
use crate::stage::{Stage, World};
use auth_http::{Client, ClientBuilder, Credential, Provider};
use auth_sandbox::{Entry, Fault, FaultKind, Kind, Sandbox, Service};

const BODY: &str = r#"{"customerName":"Wire","dueDate":"2026-12-31","items":[{"description":"x","quantity":1,"unitPrice":5}]}"#;

#[test]
fn what_c_sends_is_what_rust_sends() {
    if no_c() {
        return;
    }
    let stage = Stage::start(World::Tls);
    from_rust(&stage.sandbox);
    let rust = stage.sandbox.log();
    stage.sandbox.clear_log();
    Program::test("wire").build().run(&stage.env(), &[]);
    let c = stage.sandbox.log();
    assert_eq!(c.len(), rust.len());
    assert!(rust.len() >= 13, "{}", rust.len());
    for (ours, theirs) in c.iter().zip(&rust) {
        assert_eq!(whole(ours), whole(theirs));
    }
}

#[test]
fn with_another_http_library_everything_that_authenticates_is_the_same() {
    if no_c() {
        return;
    }
    let mut stage = Stage::start(World::Tls);
    from_rust(&stage.sandbox);
    let rust = stage.sandbox.log();
    stage.sandbox.clear_log();
    stage.add("LEDGERAUTH_OWN_HTTP", "1");
    Program::test("wire").build().run(&stage.env(), &[]);
    let c = stage.sandbox.log();
    assert_eq!(c.len(), rust.len());
    for (ours, theirs) in c.iter().zip(&rust) {
        assert_eq!(essence(ours), essence(theirs));
    }
}

fn finora(sandbox: &Sandbox) -> ClientBuilder {
    Client::builder(Provider::builtin("finora").unwrap())
        .environment("staging")
        .base_url(sandbox.url(Service::Finora))
        .ca(sandbox.ca_pem())
        .no_proxy()
        .credential(Credential::key(sandbox.keys().finora_test.as_str()))
}

/// The list of `tests/c/wire.c`.
fn from_rust(sandbox: &Sandbox) {
    let client = finora(sandbox).build().unwrap();
    let (keys, invoices) = (sandbox.keys(), "/v1/invoices");
    let numeric = Client::builder(Provider::builtin("numeric").unwrap())
        .environment("production")
        .base_url(sandbox.url(Service::NumericApi))
        .token_url(format!("{}/oauth/token", sandbox.url(Service::NumericAuth)))
        .ca(sandbox.ca_pem())
        .no_proxy()
        .credential(Credential::client(&keys.numeric.client_id, keys.numeric.client_secret.as_str()))
        .build()
        .unwrap();
    client.get(invoices).request_id("wire-1").send().unwrap().bytes().unwrap();
    let asked = client.get(invoices).query("q", "a b&cé").header("X-Mine", "yes").header("Accept", "text/csv");
    asked.request_id("wire-2").send().unwrap().bytes().unwrap();
    let json = || client.post(invoices).header("content-type", "application/json");
    json().body(BODY).request_id("wire-3").send().unwrap().bytes().unwrap();
    client.put("/v1/nothing-here").body(&b"a\0b\xff"[..]).request_id("wire-4").send().unwrap().bytes().unwrap();
    json().stream(BODY.as_bytes()).request_id("wire-5").send().unwrap().bytes().unwrap();
    client.head(invoices).request_id("wire-6").send().unwrap().bytes().unwrap();
    client.delete("/v1/nothing-here").request_id("wire-7").send().unwrap().bytes().unwrap();
    numeric.get("/v1/health").request_id("wire-8").send().unwrap().bytes().unwrap();
    let unknown = "test_sk_0123456789abcdef0123456789abcdef0123456789abcdef";
    let ring = finora(sandbox).credential(Credential::keys([unknown, keys.finora_test.as_str()])).build().unwrap();
    ring.get(invoices).request_id("wire-9").send().unwrap().bytes().unwrap();
    let location = format!("{}/elsewhere", sandbox.url(Service::Stranger));
    sandbox.inject(Fault::new(FaultKind::Redirect { code: 302, location }).on(Service::Finora));
    let led_away = client.get(invoices).header("X-Mine", "yes").header("Accept", "text/csv").request_id("wire-10");
    led_away.send().unwrap().bytes().unwrap();
}

/// A request as it was on the wire, but for the token, which is another one each time.
fn whole(entry: &Entry) -> Vec<String> {
    let fields = entry.headers.iter().map(|(name, value)| format!("{name}: {}", without_token(entry, name, value)));
    [first_line(entry)].into_iter().chain(fields).chain([format!("{:?}", entry.body)]).collect()
}

fn first_line(entry: &Entry) -> String {
    format!("{} {}?{}", entry.method, entry.path, entry.query)
}

/// What has to be the same whatever library sends.
fn essence(entry: &Entry) -> Vec<String> {
    let mut lines = vec![first_line(entry), format!("{:?}", entry.body)];
    for name in ["authorization", "x-request-id", "x-mine", "accept", "content-type"] {
        let values = entry.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        // Each library has a word of its own for "anything".
        let said = values.filter(|value| name != "accept" || *value == "text/csv");
        lines.extend(said.map(|value| format!("{name}: {}", without_token(entry, name, value))));
    }
    lines
}

fn without_token(entry: &Entry, name: &str, value: &str) -> String {
    let is_token = entry.service == Service::NumericApi && name.eq_ignore_ascii_case("authorization");
    assert!(!is_token || value.starts_with("Bearer ") && entry.kind == Kind::Api);
    if is_token { "Bearer *".into() } else { value.into() }
}

//! The main job at all four systems, over TLS.

mod support;

use auth_http::{Client, Credential, FailureKind, Provider};
use auth_sandbox::{Environment, FinoraKey, Service, Tier};
use serde_json::{Value, json};
use std::time::Duration;
use support::{adaas, at, finora, header, numeric, numora, requests, sandbox, token_requests};

#[test]
fn finora_gets_its_key_as_a_bearer() {
    let sandbox = sandbox();
    let client = finora(&sandbox).build().unwrap();
    let invoices: Value = client.get("/v1/invoices").send().unwrap().json().unwrap();
    assert_eq!(invoices["success"], json!(true));
    let seen = &requests(&sandbox, Service::Finora)[0];
    assert_eq!(header(seen, "authorization"), Some(format!("Bearer {}", sandbox.keys().finora_test).as_str()));
    assert_eq!(header(seen, "user-agent"), Some(concat!("ledgerauth/", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn numora_creates_a_document_polls_it_and_reads_its_result() {
    let sandbox = sandbox();
    sandbox.documents_ready_after(3);
    let client = numora(&sandbox).build().unwrap();
    let document = json!({"schema": "invoice_v2", "file_url": "https://example.com/invoice-001.pdf", "external_id": "ap-100024"});
    let created: Value = client.post("/v1/documents").json(&document).request_id("create-document-001").send().unwrap().json().unwrap();
    assert_eq!(created["status"], "processing");
    let ready: Value =
        client.poll(created["status_url"].as_str().unwrap()).first_pause(Duration::from_millis(5)).wait().unwrap().json().unwrap();
    assert_ne!(ready["status"], "processing");
    let result: Value = client.get(created["result_url"].as_str().unwrap()).send().unwrap().json().unwrap();
    assert!(result.is_object());
    let seen = requests(&sandbox, Service::Numora);
    assert_eq!(header(&seen[0], "x-request-id"), Some("create-document-001"));
    assert_eq!(header(&seen[0], "content-type"), Some("application/json"));
    assert!(seen.len() >= 5, "{}", seen.len());
}

#[test]
fn a_document_that_is_never_ready_is_given_up_at_the_deadline() {
    let sandbox = sandbox();
    sandbox.documents_ready_after(1_000);
    let client = numora(&sandbox).build().unwrap();
    let created: Value = client
        .post("/v1/documents")
        .json(&json!({"schema": "invoice_v2", "file_url": "https://example.com/i.pdf", "external_id": "a"}))
        .send()
        .unwrap()
        .json()
        .unwrap();
    let error = client
        .poll(created["status_url"].as_str().unwrap())
        .first_pause(Duration::from_millis(20))
        .deadline(Duration::from_millis(200))
        .wait()
        .unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::DeadlineExceeded), "{error}");
}

#[test]
fn adaas_exchanges_id_and_secret_by_get_and_sends_the_token() {
    let sandbox = sandbox();
    let client = adaas(&sandbox).build().unwrap();
    for path in ["/v2/invoices", "/v2/bills", "/v2/accounts"] {
        assert_eq!(client.get(path).send().unwrap().status(), 200, "{path}");
    }
    let token = &requests(&sandbox, Service::AdaasAuth)[0];
    assert_eq!((token.method.as_str(), token.path.as_str(), token.body.len()), ("GET", "/getAccess", 0));
    assert!(header(token, "authorization").unwrap().starts_with("Basic "));
    assert_eq!(token_requests(&sandbox), 1);
}

#[test]
fn numeric_takes_client_credentials_in_the_form_or_by_basic_and_static_tokens() {
    let sandbox = sandbox();
    assert_eq!(numeric(&sandbox).build().unwrap().get("/v1/health").send().unwrap().status(), 200);
    let form = String::from_utf8(requests(&sandbox, Service::NumericAuth)[0].body.clone()).unwrap();
    assert!(form.starts_with("grant_type=client_credentials&client_id="), "{form}");

    let basic = numeric(&sandbox).client_auth(auth_http::ClientAuth::ClientSecretBasic).build().unwrap();
    assert_eq!(basic.get("/v1/health").send().unwrap().status(), 200);
    let seen = &requests(&sandbox, Service::NumericAuth)[1];
    assert_eq!(String::from_utf8(seen.body.clone()).unwrap(), "grant_type=client_credentials");

    let fixed = at(&sandbox, "numeric", Service::NumericApi)
        .environment("production")
        .credential(Credential::key(sandbox.keys().numeric_static.as_str()));
    assert_eq!(fixed.build().unwrap().get("/v1/health").send().unwrap().status(), 200);
}

#[test]
fn another_header_and_scheme_are_sent_as_the_user_says() {
    let sandbox = sandbox();
    let client = at(&sandbox, "numeric", Service::NumericApi)
        .environment("production")
        .header("X-Numeric-Token")
        .scheme("")
        .credential(Credential::key("opaque-1234"))
        .build()
        .unwrap();
    assert_eq!(client.get("/v1/health").send().unwrap().status(), 401);
    let seen = &requests(&sandbox, Service::NumericApi)[0];
    assert_eq!((header(seen, "x-numeric-token"), header(seen, "authorization")), (Some("opaque-1234"), None));
}

#[test]
fn every_method_and_a_streamed_body_arrive_as_sent() {
    let sandbox = sandbox();
    let client =
        at(&sandbox, "numeric", Service::Stranger).environment("production").credential(Credential::key("opaque-1234")).build().unwrap();
    client.get("/a").query("q", "ä b&c").send().unwrap();
    client.head("/a").send().unwrap();
    client.post("/a").body("one").send().unwrap();
    client.put("/a").json(&json!([1])).send().unwrap();
    client.patch("/a").stream(&b"streamed"[..]).send().unwrap();
    client.delete("/a").send().unwrap();
    let seen = requests(&sandbox, Service::Stranger);
    let methods: Vec<&str> = seen.iter().map(|entry| entry.method.as_str()).collect();
    assert_eq!(methods, ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);
    assert_eq!(seen[0].query, "q=%C3%A4+b%26c");
    assert_eq!((seen[2].body.as_slice(), seen[3].body.as_slice(), seen[4].body.as_slice()), (&b"one"[..], &b"[1]"[..], &b"streamed"[..]));
}

#[test]
fn a_403_says_what_to_do() {
    let sandbox = sandbox();
    let client = finora(&sandbox).build().unwrap();
    let response = client.get("/v1/officers/off_1/profile").send().unwrap();
    let failure = response.failure().unwrap();
    assert_eq!((failure.kind(), failure.code()), (FailureKind::EnterpriseOnly, Some("ENTERPRISE_ONLY")));
    assert!(failure.advice().contains("enterprise provisioning") && failure.server_request_id().is_some(), "{failure}");
    // The body is still the caller's, whole.
    let body: Value = serde_json::from_slice(&response.bytes().unwrap()).unwrap();
    assert_eq!(body["error"]["code"], "ENTERPRISE_ONLY");
}

#[test]
fn check_gives_a_verdict_with_advice() {
    let sandbox = sandbox();
    for builder in [finora(&sandbox), numora(&sandbox), numeric(&sandbox), adaas(&sandbox)] {
        let check = builder.build().unwrap().check();
        assert!(check.is_ok(), "{check}");
    }
    let free = sandbox.issue_finora_key(FinoraKey { environment: Environment::Test, tier: Tier::Free, ..FinoraKey::default() });
    let check = finora(&sandbox).credential(Credential::key(free)).build().unwrap().check();
    assert_eq!((check.is_ok(), check.status()), (false, Some(403)), "{check}");
    let wrong = adaas(&sandbox).credential(Credential::client("nobody", "ID_0123456789")).build().unwrap().check();
    assert!(!wrong.is_ok() && wrong.advice().unwrap().contains("client id and secret"), "{wrong}");
}

#[test]
fn authorize_gives_the_header_alone() {
    let sandbox = sandbox();
    let client = numeric(&sandbox).build().unwrap();
    let first = client.authorize("/v1/health").unwrap();
    assert_eq!(first.header(), "Authorization");
    assert!(first.value().expose().starts_with("Bearer "));
    assert_eq!(client.authorize("/v1/reports").unwrap().generation(), first.generation());
    assert!(client.authorize("https://evil.example/").is_err());
    assert_eq!((token_requests(&sandbox), requests(&sandbox, Service::NumericApi).len()), (1, 0));
}

#[test]
fn a_header_that_is_kept_stays_what_it_was() {
    let sandbox = sandbox();
    let client = numeric(&sandbox).build().unwrap();
    // More at once than a thread can borrow without counting.
    let kept: Vec<_> = (0..20).map(|_| client.authorize("/v1/health").unwrap()).collect();
    let shared = client.authorize("/v1/health").unwrap().into_shared();
    assert_eq!(sandbox.revoke_tokens(Service::NumericAuth), 1);
    assert_eq!(client.get("/v1/health").send().unwrap().status(), 200);
    let renewed = client.authorize("/v1/health").unwrap();
    assert_eq!((shared.generation(), renewed.generation()), (1, 2));
    // It may go to another thread, and outlive its client.
    drop(client);
    let of_another_thread = std::thread::spawn(move || kept.iter().all(|held| held.value().same_as(shared.value()))).join();
    assert!(of_another_thread.unwrap() && renewed.value().expose().starts_with("Bearer "));
}

#[test]
fn a_profile_of_ones_own_works_like_a_shipped_one() {
    let sandbox = sandbox();
    let text = "name = \"own\"\ntitle = \"Own\"\n[[environment]]\nname = \"production\"\n[attach]\nheader = \"X-Api-Key\"\nscheme = \"\"\n[key]\n[[key.format]]\nprefix = \"own_\"\nalphabet = \"hex\"\nlength = 4\n";
    let provider = Provider::from_toml(text).unwrap();
    let client = Client::builder(provider)
        .base_url(sandbox.url(Service::Stranger))
        .ca(sandbox.ca_pem())
        .no_proxy()
        .credential(Credential::key("own_12ab"))
        .build()
        .unwrap();
    assert_eq!(client.get("/x").send().unwrap().status(), 200);
    assert_eq!(header(&requests(&sandbox, Service::Stranger)[0], "x-api-key"), Some("own_12ab"));
}

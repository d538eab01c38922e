//! An answer of another host is not the API's, unless the caller named that host.

mod support;

use auth_http::{Client, FailureKind, Processed};
use auth_sandbox::{Fault, FaultKind, Sandbox, Service};
use std::time::Duration;
use support::{finora, numora, sandbox};

/// Where the next call of a service is redirected to.
fn redirect(sandbox: &Sandbox, service: Service, location: &str) {
    sandbox.inject(Fault::new(FaultKind::Redirect { code: 302, location: location.into() }).on(service));
}

fn login_page(sandbox: &Sandbox) -> String {
    format!("{}/login?from=api", sandbox.url(Service::Stranger))
}

fn told(client: &Client) -> auth_http::Response {
    client.get("/v1/invoices").send().unwrap()
}

#[test]
fn a_login_page_is_not_taken_for_the_apis_answer() {
    let sandbox = sandbox();
    let client = finora(&sandbox).build().unwrap();
    let page = login_page(&sandbox);
    for _ in 0..3 {
        redirect(&sandbox, Service::Finora, &page);
    }
    let response = told(&client);
    let failure = response.failure().unwrap();
    assert_eq!((response.status(), failure.kind()), (200, FailureKind::RedirectedElsewhere));
    assert_eq!((failure.processed(), failure.is_retryable(), failure.status()), (Processed::Unknown, false, Some(200)));
    let host = sandbox.url(Service::Stranger);
    assert!(failure.what().contains(&*host) && failure.advice().contains("login page"), "{failure}");
    assert_eq!(response.url(), page);
    let seen: Vec<(u16, &str)> = response.history().iter().map(|hop| (hop.status(), hop.url())).collect();
    let asked = format!("{}/v1/invoices", sandbox.url(Service::Finora));
    assert_eq!(seen, [(302, asked.as_str())]);
    assert!(!format!("{:?}", response.history()).contains('?'));
    assert_eq!(response.bytes().unwrap(), br#"{"stranger":true}"#);
    assert_eq!(told(&client).json::<serde_json::Value>().unwrap_err().kind(), Some(FailureKind::RedirectedElsewhere));
    assert_eq!(told(&client).error_for_status().unwrap_err().kind(), Some(FailureKind::RedirectedElsewhere));
}

#[test]
fn a_refused_key_is_not_accepted_by_a_redirect() {
    let sandbox = sandbox();
    let client = finora(&sandbox).build().unwrap();
    sandbox.revoke(&sandbox.keys().finora_test);
    redirect(&sandbox, Service::Finora, &login_page(&sandbox));
    let check = client.check();
    assert!(!check.is_ok() && !check.to_string().contains("accepted"), "{check}");
    assert_eq!(check.error().unwrap().kind(), Some(FailureKind::RedirectedElsewhere));
    assert!(check.advice().unwrap().contains("proxy"), "{check}");
}

#[test]
fn a_page_is_not_the_document_that_was_waited_for() {
    let sandbox = sandbox();
    let client = numora(&sandbox).build().unwrap();
    redirect(&sandbox, Service::Numora, &login_page(&sandbox));
    let error = client.poll("/v1/documents/d1").deadline(Duration::from_secs(5)).wait().unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::RedirectedElsewhere), "{error}");
}

#[test]
fn a_host_that_the_caller_named_may_answer() {
    let sandbox = sandbox();
    let (client, host) = (finora(&sandbox).build().unwrap(), sandbox.url(Service::Stranger));
    let named = finora(&sandbox).allow_redirect_to([&*host]).build().unwrap();
    let by_host = host.trim_start_matches("https://");
    for _ in 0..4 {
        redirect(&sandbox, Service::Finora, &login_page(&sandbox));
    }
    assert!(told(&named).failure().is_none());
    assert!(client.get("/v1/invoices").allow_redirect_to(by_host).send().unwrap().failure().is_none());
    assert!(client.get("/v1/invoices").allow_redirect_to("127.0.0.1").send().unwrap().failure().is_some());
    assert!(told(&client).failure().is_some(), "it was named for that call alone");
    let strangers = support::requests(&sandbox, Service::Stranger);
    assert_eq!(strangers.len(), 4);
    assert!(strangers.iter().all(|entry| support::header(entry, "authorization").is_none()));
}

#[test]
fn what_is_no_host_is_refused_and_not_shown() {
    let sandbox = sandbox();
    let key = sandbox.keys().finora_test.clone();
    for wrong in [key.as_str(), "files.example/path", "user:secret-word@files.example", ""] {
        let error = finora(&sandbox).allow_redirect_to(["files.example", wrong]).build().map(drop);
        let Err(error) = error else {
            assert_eq!(wrong, key, "what could be a host");
            continue;
        };
        assert_eq!(error.kind(), Some(FailureKind::Misuse));
        assert!(error.to_string().contains("entry 2 of allow_redirect_to"), "{error}");
        assert!(wrong.is_empty() || !error.to_string().contains(wrong), "{error}");
    }
    assert!(sandbox.log().is_empty());
}

#[test]
fn the_way_to_an_answer_is_told_on_the_own_host_too() {
    let sandbox = sandbox();
    let client = finora(&sandbox).build().unwrap();
    redirect(&sandbox, Service::Finora, "/v1/customers?page=2");
    let response = told(&client);
    assert!(response.failure().is_none());
    let base = sandbox.url(Service::Finora);
    assert_eq!(response.url(), format!("{base}/v1/customers?page=2"));
    assert_eq!(response.history().len(), 1);
    let plain = client.get("/v1/invoices").query("page", "3").send().unwrap();
    assert_eq!((plain.url(), plain.history().len()), (&*format!("{base}/v1/invoices?page=3"), 0));
}

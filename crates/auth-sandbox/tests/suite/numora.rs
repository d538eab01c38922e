use std::time::Duration;

use auth_sandbox::{NumoraKey, Service};
use serde_json::{Value, json};

use crate::client::{Answer, Client, plain};

fn create(client: &Client<'_>, external_id: &str) -> Answer {
    let body = json!({
        "schema": "invoice_v2",
        "file_url": "https://example.com/invoice-001.pdf",
        "external_id": external_id,
        "metadata": {"source": "email-import"},
    });
    client.post(Service::Numora, "/v1/documents", &client.sandbox.keys().numora, &body.to_string())
}

fn get(client: &Client<'_>, path: &str) -> Answer {
    client.get(Service::Numora, path, &client.sandbox.keys().numora)
}

#[test]
fn creating_a_document_answers_as_the_example_does() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let answer = create(&client, "ap-100024");
    assert_eq!(answer.status, 201);
    let body = answer.json();
    let id = body["id"].as_str().unwrap();
    assert!(id.starts_with("doc_01") && id.len() == "doc_01jpwq4q9m7q4q2k8dax1x1q5n".len());
    let expected = json!({
        "id": id,
        "status": "processing",
        "schema": "invoice_v2",
        "status_url": format!("/v1/documents/{id}"),
        "result_url": format!("/v1/documents/{id}/result"),
    });
    assert_eq!(body, expected);
}

#[test]
fn the_same_external_id_returns_the_same_document() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let first = create(&client, "ap-1");
    let again = create(&client, "ap-1");
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(first.json()["id"], again.json()["id"]);
    assert_eq!(sandbox.numora_documents().len(), 1);
    let log = sandbox.log();
    assert!(log[0].acted && !log[1].acted);
    assert!(log[1].decision.contains("nothing created"));
    create(&client, "ap-2");
    assert_eq!(sandbox.numora_documents().len(), 2);
}

#[test]
fn a_known_external_id_with_another_file_is_a_conflict() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    create(&client, "ap-1");
    let body = r#"{"schema":"invoice_v2","file_url":"https://example.com/other.pdf","external_id":"ap-1"}"#;
    let answer = client.post(Service::Numora, "/v1/documents", &sandbox.keys().numora, body);
    assert_eq!((answer.status, answer.code().as_str()), (409, "conflict"));
}

#[test]
fn a_document_is_processing_for_the_polls_that_were_set() {
    let sandbox = plain();
    sandbox.documents_ready_after(2);
    let client = Client::new(&sandbox);
    let id = create(&client, "ap-1").json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/documents/{id}");
    let result = format!("{path}/result");
    let early = get(&client, &result);
    assert_eq!((early.status, early.code().as_str()), (409, "conflict"));
    for status in ["processing", "processing", "ready", "ready"] {
        assert_eq!(get(&client, &path).json()["status"], status);
    }
    assert_eq!(get(&client, &result).status, 200);
}

#[test]
fn a_result_is_there_at_once_when_no_polls_are_needed() {
    let sandbox = plain();
    sandbox.documents_ready_after(0);
    let client = Client::new(&sandbox);
    let url = create(&client, "ap-1").json()["result_url"].as_str().unwrap().to_owned();
    assert_eq!(get(&client, &url).status, 200);
}

#[test]
fn lists_are_paged_by_cursor() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    for number in 0..5 {
        create(&client, &format!("ap-{number}"));
    }
    let mut path = "/v1/documents?limit=2".to_owned();
    let mut sizes = Vec::new();
    loop {
        let page = get(&client, &path).json();
        sizes.push(page["data"].as_array().unwrap().len());
        let Value::String(cursor) = &page["next_cursor"] else {
            break;
        };
        path = format!("/v1/documents?limit=2&cursor={cursor}");
    }
    assert_eq!(sizes, [2, 2, 1]);
    assert_eq!(get(&client, "/v1/documents?limit=x").code(), "invalid_payload");
    assert_eq!(get(&client, "/v1/documents?cursor=x").code(), "invalid_payload");
}

#[test]
fn the_request_id_is_echoed_in_header_and_error() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let headers = [("x-request-id", "create-document-001")];
    let answer = client.send(Service::Numora, "GET", "/v1/documents", &headers, "").unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"));
    assert_eq!(answer.header("x-request-id"), Some("create-document-001"));
    assert_eq!(answer.json()["error"]["request_id"], "create-document-001");
    let entry = sandbox.log().pop().unwrap();
    assert_eq!(entry.request_id.as_deref(), Some("create-document-001"));
    let made_up = get(&client, "/v1/documents");
    assert!(made_up.header("x-request-id").unwrap().starts_with("req_"));
}

#[test]
fn unknown_and_revoked_keys_are_unauthorized() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let revoked = sandbox.issue_numora_key(NumoraKey { revoked: true, ..NumoraKey::default() });
    assert!(revoked.starts_with("sk_live_"));
    let later = sandbox.issue_numora_key(NumoraKey::default());
    assert_eq!(client.get(Service::Numora, "/v1/documents", &later).status, 200);
    assert!(sandbox.revoke(&later));
    for key in ["sk_live_unknown", &revoked, &later] {
        let answer = client.get(Service::Numora, "/v1/documents", key);
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"));
    }
}

#[test]
fn a_key_without_permission_is_forbidden() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let reader = sandbox.issue_numora_key(NumoraKey { scopes: vec!["documents:read".to_owned()], revoked: false });
    let answer = client.post(Service::Numora, "/v1/documents", &reader, "{}");
    assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"));
    assert_eq!(client.get(Service::Numora, "/v1/documents", &reader).status, 200);
}

#[test]
fn bad_documents_have_the_code_for_their_fault() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    for (body, code) in [
        ("not json", "invalid_payload"),
        ("[]", "invalid_payload"),
        ("{}", "invalid_schema"),
        (r#"{"schema":"invoice_v2"}"#, "invalid_payload"),
    ] {
        let key = &sandbox.keys().numora;
        let answer = client.post(Service::Numora, "/v1/documents", key, body);
        assert_eq!((answer.status, answer.code().as_str()), (422, code), "{body}");
    }
    assert!(sandbox.numora_documents().is_empty());
}

#[test]
fn unknown_documents_and_routes_are_not_found() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    for path in ["/v1/documents/doc_x", "/v1/documents/doc_x/result", "/v1/documentsx", "/v2/x"] {
        let answer = get(&client, path);
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
    }
}

#[test]
fn a_limit_that_is_set_shows_in_headers_and_ends_after_its_window() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    assert_eq!(get(&client, "/v1/documents").header("x-rate-limit-limit"), None);
    sandbox.set_limit(Service::Numora, Some(2));
    assert_eq!(get(&client, "/v1/documents").header("x-rate-limit-remaining"), Some("1"));
    get(&client, "/v1/documents");
    let refused = get(&client, "/v1/documents");
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate_limited"));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(refused.header("x-rate-limit-remaining"), Some("0"));
    sandbox.clock().advance(Duration::from_secs(wait));
    assert_eq!(get(&client, "/v1/documents").status, 200);
}

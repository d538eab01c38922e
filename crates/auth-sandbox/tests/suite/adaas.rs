use std::time::Duration;

use auth_sandbox::{AdaasKey, AdaasScope, Environment, Service};
use serde_json::json;

use crate::client::{Answer, Client, basic, plain};

fn assert_error(answer: &Answer, status: u16, message: &str, error: &str) {
    assert_eq!(answer.status, status);
    let body = json!({
        "error": {"statusCode": status, "message": [message], "error": error},
        "payload": {},
    });
    assert_eq!(answer.json(), body);
}

#[test]
fn get_access_answers_with_an_access_token_and_nothing_else() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let key = &sandbox.keys().adaas;
    let answer = client.get_access(&key.client_id, &key.secret);
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body.as_object().unwrap().len(), 1);
    assert_eq!(body["access_token"].as_str().unwrap().split('.').count(), 3);
}

#[test]
fn get_access_by_post_is_not_allowed() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let key = &sandbox.keys().adaas;
    let header = basic(&key.client_id, &key.secret);
    let headers = [("Authorization", header.as_str())];
    let answer = client.send(Service::AdaasAuth, "POST", "/getAccess", &headers, "").unwrap();
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET")));
    assert_eq!(sandbox.count(|entry| entry.acted), 0);
}

#[test]
fn wrong_credentials_and_tokens_are_unauthorized() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let key = &sandbox.keys().adaas;
    let wrong_secret = client.get_access(&key.client_id, "ID_wrong");
    assert_error(&wrong_secret, 401, "Unauthorized", "Unauthorized");
    assert_error(&client.get_access("x", "y"), 401, "Unauthorized", "Unauthorized");
    let answer = client.get(Service::AdaasApi, "/v2/invoices", "nonsense");
    assert_error(&answer, 401, "Unauthorized", "Unauthorized");
    let none = client.send(Service::AdaasApi, "GET", "/v2/invoices", &[], "").unwrap();
    assert_error(&none, 401, "Unauthorized", "Unauthorized");
}

#[test]
fn a_token_lives_sixty_minutes() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let token = client.adaas_token();
    sandbox.clock().advance(Duration::from_secs(3590));
    assert_eq!(client.get(Service::AdaasApi, "/v2/invoices", &token).status, 200);
    sandbox.clock().advance(Duration::from_secs(10));
    assert_eq!(client.get(Service::AdaasApi, "/v2/invoices", &token).status, 401);
}

#[test]
fn one_host_serves_both_environments_by_the_prefix_of_the_secret() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let keys = sandbox.keys();
    assert!(keys.adaas.secret.starts_with("ID_") && keys.adaas_sandbox.secret.starts_with("SB_"));
    let answer = client.get_access(&keys.adaas_sandbox.client_id, &keys.adaas_sandbox.secret);
    let test = answer.json()["access_token"].as_str().unwrap().to_owned();
    let live = client.adaas_token();
    let first = |token: &str| {
        let page = client.get(Service::AdaasApi, "/v2/invoices", token).json();
        page["data"][0]["id"].clone()
    };
    assert_eq!(first(&live), "production-invoice-1");
    assert_eq!(first(&test), "sandbox-invoice-1");
    let made = client.post(Service::AdaasApi, "/v2/invoices", &test, r#"{"total":5}"#);
    assert_eq!(made.status, 201);
    assert_eq!(sandbox.adaas_invoices(Environment::Test).len(), 1);
    assert!(sandbox.adaas_invoices(Environment::Live).is_empty());
}

#[test]
fn every_documented_route_answers() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let token = client.adaas_token();
    for path in ["invoices", "bills", "accounts", "customers", "reports/balanceSheet?businessName=x"] {
        let answer = client.get(Service::AdaasApi, &format!("/v2/{path}"), &token);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("x-ratelimit-limit"), Some("1000"));
    }
    let answer = client.get(Service::AdaasApi, "/v2/nothing", &token);
    assert_error(&answer, 404, "Cannot GET /v2/nothing", "Not Found");
}

#[test]
fn data_being_extracted_is_202_and_no_data_is_204() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let token = client.adaas_token();
    let status = |state: &str| {
        let path = format!("/v2/reports/balanceSheet?state={state}");
        client.get(Service::AdaasApi, &path, &token).status
    };
    assert_eq!((status("pending"), status("empty")), (202, 204));
}

#[test]
fn scopes_part_the_api_from_visualization_reports() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let key = sandbox.issue_adaas_key(AdaasKey { scopes: vec![AdaasScope::VisualizationSdk], ..AdaasKey::default() }).unwrap();
    let answer = client.get_access(&key.client_id, &key.secret);
    let visual = answer.json()["access_token"].as_str().unwrap().to_owned();
    let full = client.adaas_token();
    let get = |path: &str, token: &str| client.get(Service::AdaasApi, path, token);
    assert_eq!(get("/v2/visualizations/income", &visual).status, 200);
    assert_eq!((get("/v2/reports/income", &visual).status, get("/v2/reports/income", &full).status), (200, 200));
    assert_error(&get("/v2/invoices", &visual), 403, "Forbidden resource", "Forbidden");
    let refused = get("/v2/visualizations/income", &full);
    assert_error(&refused, 403, "Forbidden resource", "Forbidden");
}

#[test]
fn an_account_has_at_most_five_keys() {
    let sandbox = plain();
    for _ in 0..3 {
        sandbox.issue_adaas_key(AdaasKey::default()).unwrap();
    }
    let refused = sandbox.issue_adaas_key(AdaasKey::default()).unwrap_err();
    assert_eq!(refused.limit, 5);
    assert_eq!(refused.to_string(), "You can create up to 5 API keys per team/account");
    assert!(sandbox.delete(&sandbox.keys().adaas.client_id));
    sandbox.issue_adaas_key(AdaasKey::default()).unwrap();
    assert_eq!(sandbox.adaas_keys().len(), 5);
}

#[test]
fn a_deleted_key_and_its_tokens_open_nothing() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let token = client.adaas_token();
    let key = sandbox.keys().adaas.clone();
    assert!(sandbox.delete(&key.client_id));
    assert!(!sandbox.delete(&key.client_id));
    assert_eq!(client.get(Service::AdaasApi, "/v2/invoices", &token).status, 401);
    assert_eq!(client.get_access(&key.client_id, &key.secret).status, 401);
}

#[test]
fn the_list_of_keys_shows_what_the_dashboard_shows() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    client.adaas_token();
    let list = sandbox.adaas_keys();
    assert_eq!(list.len(), 2);
    let used = list.iter().find(|key| key["identifier"] == json!(sandbox.keys().adaas.client_id)).unwrap();
    assert!(used["last_used"].is_string());
    assert_eq!(used["permissions"], json!(["api"]));
    assert!(!json!(list).to_string().contains("ID_"));
}

#[test]
fn a_thousand_requests_a_minute_are_admitted_for_each_environment() {
    let sandbox = plain();
    sandbox.set_limit(Service::AdaasApi, Some(3));
    let client = Client::new(&sandbox);
    let token = client.adaas_token();
    let get = || client.get(Service::AdaasApi, "/v2/bills", &token);
    assert_eq!(get().header("x-ratelimit-remaining"), Some("2"));
    get();
    get();
    let refused = get();
    assert_error(&refused, 429, "Too many requests", "Too Many Requests");
    let left: u64 = refused.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert!((50..=60).contains(&left));
    assert_eq!(refused.header("retry-after"), None);
    let key = &sandbox.keys().adaas_sandbox;
    let answer = client.get_access(&key.client_id, &key.secret);
    let other = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(client.get(Service::AdaasApi, "/v2/bills", &other).status, 200);
    sandbox.clock().advance(Duration::from_secs(left));
    assert_eq!(get().status, 200);
}

#[test]
fn pages_have_at_most_five_hundred_records() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let token = client.adaas_token();
    let page = client.get(Service::AdaasApi, "/v2/invoices", &token).json();
    assert_eq!(page["meta"], json!({"count": 1, "offset": 0, "limit": 100}));
    let refused = client.get(Service::AdaasApi, "/v2/invoices?limit=501", &token);
    assert_error(&refused, 400, "limit must not be greater than 500", "Bad Request");
    let refused = client.get(Service::AdaasApi, "/v2/invoices?offset=x", &token);
    assert_eq!(refused.status, 400);
}

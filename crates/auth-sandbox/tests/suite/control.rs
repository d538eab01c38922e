use auth_sandbox::{Options, Sandbox, Service};
use serde_json::{Value, json};

use crate::client::Client;

fn start() -> Sandbox {
    Sandbox::start(Options { tls: false, control: true, ..Options::default() }).unwrap()
}

fn ask(client: &Client<'_>, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}{path}", client.sandbox.control_url().unwrap());
    let request = ureq::http::Request::builder().method(method).uri(url);
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let mut answer = client.agent.run(request.body(text).unwrap()).unwrap();
    let status = answer.status().as_u16();
    let bytes = answer.body_mut().read_to_vec().unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

#[test]
fn the_root_says_what_it_is() {
    let sandbox = start();
    let client = Client::new(&sandbox);
    let (status, body) = ask(&client, "GET", "/", &Value::Null);
    assert_eq!(status, 200);
    assert_eq!(body["urls"]["finora"], json!(sandbox.url(Service::Finora)));
    assert!(body["endpoints"].is_object());
    assert_eq!(ask(&client, "GET", "/nothing", &Value::Null).0, 404);
}

#[test]
fn the_log_can_be_read_and_cleared() {
    let sandbox = start();
    let client = Client::new(&sandbox);
    client.send(Service::Stranger, "POST", "/a", &[], "body").unwrap();
    client.send(Service::Stranger, "GET", "/b", &[], "").unwrap();
    let (_, body) = ask(&client, "GET", "/log?since=0", &Value::Null);
    assert_eq!(body["entries"][0]["body"], "body");
    assert_eq!(body["entries"][0]["service"], "stranger");
    let (_, body) = ask(&client, "GET", "/log?since=1", &Value::Null);
    assert_eq!(body["entries"].as_array().unwrap().len(), 1);
    assert_eq!(ask(&client, "GET", "/log?since=x", &Value::Null).0, 400);
    ask(&client, "DELETE", "/log", &Value::Null);
    assert!(sandbox.log().is_empty());
}

#[test]
fn the_clock_can_be_moved() {
    let sandbox = start();
    let client = Client::new(&sandbox);
    let (_, body) = ask(&client, "POST", "/clock", &json!({"advance_seconds": 90.5}));
    assert_eq!(body["offset_millis"], 90_500);
    ask(&client, "POST", "/clock", &json!({"advance_seconds": -90}));
    assert_eq!(sandbox.clock().offset_millis(), 500);
    assert_eq!(ask(&client, "POST", "/clock", &json!({"advance_seconds": 1e300})).0, 400);
}

#[test]
fn faults_can_be_injected_and_taken_back() {
    let sandbox = start();
    let client = Client::new(&sandbox);
    let fault = json!({"service": "stranger", "kind": {"status": {"code": 503}}});
    assert_eq!(ask(&client, "POST", "/faults", &fault).0, 200);
    assert_eq!(client.send(Service::Stranger, "GET", "/", &[], "").unwrap().status, 503);
    ask(&client, "POST", "/faults", &fault);
    ask(&client, "DELETE", "/faults", &Value::Null);
    assert_eq!(ask(&client, "GET", "/faults", &Value::Null).1["left"], 0);
    assert_eq!(ask(&client, "POST", "/faults", &json!({"kind": "typo"})).0, 400);
}

#[test]
fn settings_can_be_changed() {
    let sandbox = start();
    let client = Client::new(&sandbox);
    let changes = json!({
        "numeric_token_lifetime": 2, "adaas_token_lifetime": 2, "token_delay_ms": 1,
        "rotate_refresh_tokens": true, "reuse_grace_seconds": 1, "documents_ready_after": 0,
        "require_business_id": true, "numeric_scheme": "Token", "date_skew_seconds": 1,
        "limits": [["numora", {"per_minute": 5}]],
        "suspend_business": sandbox.keys().finora_live, "resume_business": sandbox.keys().finora_live,
    });
    assert_eq!(ask(&client, "POST", "/settings", &changes).0, 200);
    assert_eq!(sandbox.limits(Service::Numora).per_minute, Some(5));
    let business = json!({"suspend_business": "nobody"});
    assert_eq!(ask(&client, "POST", "/settings", &business).0, 404);
    assert_eq!(ask(&client, "POST", "/settings", &json!({"typo": 1})).0, 400);
}

#[test]
fn keys_can_be_read_issued_revoked_and_deleted() {
    let sandbox = start();
    let client = Client::new(&sandbox);
    let (_, keys) = ask(&client, "GET", "/keys", &Value::Null);
    assert_eq!(keys["finora_live"], json!(sandbox.keys().finora_live));
    let new = |body: Value| ask(&client, "POST", "/keys", &body);
    let (_, finora) = new(json!({"finora": {"environment": "test", "age_days": 1, "tier": "premium"}}));
    let finora = finora["key"].as_str().unwrap().to_owned();
    assert_eq!(client.get(Service::Finora, "/v1/usage", &finora).status, 200);
    assert_eq!(new(json!({"revoke": {"key": finora}})).1["revoked"], true);
    assert_eq!(client.get(Service::Finora, "/v1/usage", &finora).status, 401);
    assert!(new(json!({"numora": {}})).1["key"].is_string());
    let (_, adaas) = new(json!({"adaas": {"environment": "test"}}));
    assert!(adaas["secret"].as_str().unwrap().starts_with("SB_"));
    assert_eq!(new(json!({"delete": {"key": adaas["client_id"]}})).1["deleted"], true);
    assert!(new(json!({"numeric": {}})).1["client_secret"].is_string());
    assert!(new(json!({"numeric_token": {}})).1["key"].is_string());
    let client_id = &sandbox.keys().numeric.client_id;
    assert!(new(json!({"refresh_token": {"client_id": client_id}})).1["refresh_token"].is_string());
    assert_eq!(new(json!({"refresh_token": {"client_id": "x"}})).0, 404);
    for _ in 0..3 {
        assert_eq!(new(json!({"adaas": {}})).0, 200);
    }
    let (status, refused) = new(json!({"adaas": {}}));
    assert_eq!(status, 409);
    assert!(refused["error"].as_str().unwrap().contains("up to 5"));
    let (_, identity) = ask(&client, "GET", "/client-identity", &Value::Null);
    assert!(identity["private_key_pem"].as_str().unwrap().contains("PRIVATE KEY"));
}

#[test]
fn web_pages_are_kept_out() {
    let sandbox = start();
    let client = Client::new(&sandbox);
    for (name, value) in [("Origin", "https://evil.example"), ("Host", "evil.example")] {
        let request = client.agent.get(sandbox.control_url().unwrap()).header(name, value);
        assert_eq!(request.call().unwrap().status(), 403, "{name}");
    }
}

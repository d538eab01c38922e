use std::time::Duration;

use auth_sandbox::{Environment, NumericClient, NumericToken, Service};
use serde_json::json;

use crate::client::{Answer, Client, basic, plain};

fn oauth_error(answer: &Answer) -> String {
    answer.json()["error"].as_str().unwrap_or("").to_owned()
}

fn post_form(client: &Client<'_>, more: &str) -> Answer {
    let key = &client.sandbox.keys().numeric;
    let form = format!("client_id={}&client_secret={}&{more}", key.client_id, key.client_secret);
    client.form("/oauth/token", None, &form)
}

#[test]
fn client_credentials_in_the_body_give_a_bearer_token_for_an_hour() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let answer = post_form(&client, "grant_type=client_credentials");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["token_type"], "Bearer");
    assert_eq!(answer.json()["expires_in"], 3600);
    assert!(answer.json()["refresh_token"].is_null());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn the_published_path_and_the_basic_scheme_work_as_well() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let key = &sandbox.keys().numeric;
    let header = basic(&key.client_id, &key.client_secret);
    let answer = client.form("/oauth2/token", Some(&header), "grant_type=client_credentials");
    assert_eq!(answer.status, 200);
}

#[test]
fn basic_credentials_are_form_decoded() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let odd = NumericClient {
        client_id: Some("cc:odd id".to_owned()),
        client_secret: Some("a:b%c+d/e=f &g".to_owned()),
        ..NumericClient::default()
    };
    sandbox.issue_numeric_client(odd);
    let form = "grant_type=client_credentials";
    let encoded = basic("cc%3Aodd+id", "a%3Ab%25c%2Bd%2Fe%3Df+%26g");
    assert_eq!(client.form("/oauth/token", Some(&encoded), form).status, 200);
    let unencoded = basic("cc:odd id", "a:b%c+d/e=f &g");
    assert_eq!(client.form("/oauth/token", Some(&unencoded), form).status, 401);
}

#[test]
fn a_wrong_secret_is_invalid_client_and_basic_is_challenged() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let id = &sandbox.keys().numeric.client_id;
    let form = "grant_type=client_credentials";
    let by_header = client.form("/oauth/token", Some(&basic(id, "wrong")), form);
    assert_eq!((by_header.status, oauth_error(&by_header).as_str()), (401, "invalid_client"));
    assert!(by_header.header("www-authenticate").unwrap().starts_with("Basic"));
    let by_body = format!("{form}&client_id={id}&client_secret=wrong");
    let by_body = client.form("/oauth/token", None, &by_body);
    assert_eq!((by_body.status, oauth_error(&by_body).as_str()), (401, "invalid_client"));
    assert_eq!(by_body.header("www-authenticate"), None);
    assert_eq!(sandbox.count(|entry| entry.acted), 0);
}

#[test]
fn malformed_token_requests_have_the_oauth_error_for_their_fault() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    for (form, error) in [
        ("", "invalid_request"),
        ("grant_type=password", "unsupported_grant_type"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=refresh_token&refresh_token=nope", "invalid_grant"),
        ("grant_type=client_credentials&scope=admin", "invalid_scope"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=%zz", "invalid_request"),
    ] {
        let answer = post_form(&client, form);
        assert_eq!((answer.status, oauth_error(&answer).as_str()), (400, error), "{form}");
    }
    let key = &sandbox.keys().numeric;
    let twice = basic(&key.client_id, &key.client_secret);
    let form = format!("grant_type=client_credentials&client_secret={}", key.client_secret);
    let answer = client.form("/oauth/token", Some(&twice), &form);
    assert_eq!((answer.status, oauth_error(&answer).as_str()), (400, "invalid_request"));
    let json = [("Content-Type", "application/json")];
    let answer = client.send(Service::NumericAuth, "POST", "/oauth/token", &json, "{}").unwrap();
    assert_eq!(oauth_error(&answer), "invalid_request");
    let answer = client.send(Service::NumericAuth, "GET", "/oauth/token", &[], "").unwrap();
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
}

#[test]
fn a_scope_asked_for_is_told_in_the_answer() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let answer = post_form(&client, "grant_type=client_credentials&scope=read");
    assert_eq!(answer.json()["scope"], "read");
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let task = client.post(Service::NumericApi, "/v1/tasks", &token, "{}");
    assert_eq!(task.status, 403);
}

#[test]
fn a_token_opens_the_api_of_its_own_environment_only() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let token = client.numeric_token();
    let health = client.get(Service::NumericApi, "/v1/health", &token);
    assert_eq!(health.status, 200);
    let wrong = client.get(Service::NumericSandboxApi, "/v1/health", &token);
    assert_eq!(wrong.status, 401);
    assert!(wrong.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    let test_token = sandbox.issue_numeric_token(NumericToken { environment: Environment::Test, ..NumericToken::default() });
    assert_eq!(client.get(Service::NumericSandboxApi, "/v1/health", &test_token).status, 200);
    assert_eq!(client.get(Service::NumericApi, "/v1/health", &test_token).status, 401);
}

#[test]
fn a_missing_header_is_401_without_an_error_code() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let answer = client.send(Service::NumericApi, "GET", "/v1/health", &[], "").unwrap();
    assert_eq!(answer.status, 401);
    assert!(!answer.header("www-authenticate").unwrap().contains("error"));
}

#[test]
fn a_static_token_never_expires_and_can_be_revoked() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let token = &sandbox.keys().numeric_static;
    sandbox.clock().advance(Duration::from_hours(24 * 3650));
    assert_eq!(client.get(Service::NumericApi, "/v1/reports", token).status, 200);
    assert!(sandbox.revoke(token));
    assert_eq!(client.get(Service::NumericApi, "/v1/reports", token).status, 401);
}

#[test]
fn admin_needs_its_scope() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let answer = client.get(Service::NumericApi, "/v1/admin", &client.numeric_token());
    assert_eq!(answer.status, 403);
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.contains("insufficient_scope") && challenge.contains("scope=\"admin\""));
    let admin = sandbox.issue_numeric_token(NumericToken { scopes: vec!["admin".to_owned()], ..NumericToken::default() });
    assert_eq!(client.get(Service::NumericApi, "/v1/admin", &admin).status, 200);
}

#[test]
fn tasks_are_created_and_kept_apart_by_environment() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let token = client.numeric_token();
    let body = json!({"title": "Close March"}).to_string();
    let made = client.post(Service::NumericApi, "/v1/tasks", &token, &body);
    assert_eq!(made.status, 201);
    assert_eq!(sandbox.numeric_tasks(Environment::Live), [made.json()]);
    assert!(sandbox.numeric_tasks(Environment::Test).is_empty());
    assert!(sandbox.log().last().unwrap().acted);
    let listed = client.get(Service::NumericApi, "/v1/tasks", &token);
    assert_eq!(listed.json()["data"], json!([made.json()]));
}

#[test]
fn unknown_routes_and_methods_are_json_errors() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let token = client.numeric_token();
    let answer = client.get(Service::NumericApi, "/v1/nothing", &token);
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
    let answer = client.post(Service::NumericApi, "/v1/reports", &token, "{}");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET")));
}

#[test]
fn another_authorization_scheme_can_be_in_force() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    sandbox.numeric_scheme("Token");
    let key = &sandbox.keys().numeric_static;
    let with = format!("Token {key}");
    let headers = [("Authorization", with.as_str())];
    let answer = client.send(Service::NumericApi, "GET", "/v1/health", &headers, "");
    assert_eq!(answer.unwrap().status, 200);
    assert_eq!(client.get(Service::NumericApi, "/v1/health", key).status, 401);
}

#[test]
fn refresh_tokens_stay_good_while_they_are_not_rotated() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let token = sandbox.issue_refresh_token(&sandbox.keys().numeric.client_id).unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    for _ in 0..3 {
        let answer = post_form(&client, &form);
        assert_eq!(answer.status, 200);
        assert!(answer.json().get("refresh_token").is_none());
    }
    assert_eq!(sandbox.issue_refresh_token("nobody"), None);
}

#[test]
fn reuse_of_a_rotated_refresh_token_revokes_the_family() {
    let sandbox = plain();
    sandbox.rotate_refresh_tokens(true);
    let client = Client::new(&sandbox);
    let first = sandbox.issue_refresh_token(&sandbox.keys().numeric.client_id).unwrap();
    let refresh = |token: &str| post_form(&client, &format!("grant_type=refresh_token&refresh_token={token}"));
    let answer = refresh(&first);
    let second = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    let access = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!(oauth_error(&refresh(&first)), "invalid_grant");
    assert_eq!(oauth_error(&refresh(&second)), "invalid_grant");
    assert_eq!(client.get(Service::NumericApi, "/v1/health", &access).status, 401);
}

#[test]
fn within_the_grace_time_a_used_refresh_token_still_works() {
    let sandbox = plain();
    sandbox.rotate_refresh_tokens(true);
    sandbox.reuse_grace(10);
    let client = Client::new(&sandbox);
    let token = sandbox.issue_refresh_token(&sandbox.keys().numeric.client_id).unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    assert_eq!(post_form(&client, &form).status, 200);
    sandbox.clock().advance(Duration::from_secs(9));
    assert_eq!(post_form(&client, &form).status, 200);
    sandbox.clock().advance(Duration::from_secs(2));
    assert_eq!(oauth_error(&post_form(&client, &form)), "invalid_grant");
}

#[test]
fn a_refresh_token_belongs_to_its_client() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let token = sandbox.issue_refresh_token(&sandbox.keys().numeric_sandbox.client_id).unwrap();
    let answer = post_form(&client, &format!("grant_type=refresh_token&refresh_token={token}"));
    assert_eq!(oauth_error(&answer), "invalid_grant");
}

#[test]
fn the_published_metadata_names_this_issuer() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let issuer = sandbox.url(Service::NumericAuth);
    for (path, has_client_credentials) in [("/.well-known/oauth-authorization-server", false), ("/.well-known/openid-configuration", true)]
    {
        let answer = client.send(Service::NumericAuth, "GET", path, &[], "").unwrap();
        assert_eq!(answer.json()["issuer"], json!(issuer));
        assert_eq!(answer.json()["token_endpoint"], json!(format!("{issuer}/oauth2/token")));
        let grants = answer.json()["grant_types_supported"].to_string();
        assert_eq!(grants.contains("client_credentials"), has_client_credentials);
    }
}

#[test]
fn a_429_of_numeric_gives_no_hint_how_long() {
    let sandbox = plain();
    sandbox.set_limit(Service::NumericApi, Some(1));
    let client = Client::new(&sandbox);
    let token = client.numeric_token();
    assert_eq!(client.get(Service::NumericApi, "/v1/health", &token).status, 200);
    let answer = client.get(Service::NumericApi, "/v1/health", &token);
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("retry-after"), None);
    assert_eq!(answer.header("x-ratelimit-reset"), None);
}

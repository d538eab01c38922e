use std::time::Duration;

use auth_sandbox::{Environment, FinoraKey, RateLimits, Service, Tier};
use serde_json::json;

use crate::client::{Answer, Client, plain};

fn get(client: &Client<'_>, path: &str, key: &str) -> Answer {
    client.get(Service::Finora, path, key)
}

fn is(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code));
    assert_eq!(answer.json()["success"], false);
    assert!(answer.json()["error"]["requestId"].is_string());
}

#[test]
fn keys_are_a_prefix_and_48_hex_characters() {
    let sandbox = plain();
    let keys = sandbox.keys();
    for (key, prefix) in [(&keys.finora_live, "live_sk_"), (&keys.finora_test, "test_sk_")] {
        let hex = key.strip_prefix(prefix).unwrap();
        assert_eq!(hex.len(), 48);
        assert!(hex.chars().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase()));
    }
}

#[test]
fn success_carries_data_and_meta() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let answer = get(&client, "/v1/invoices", &sandbox.keys().finora_live);
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!((&body["success"], &body["data"]), (&json!(true), &json!([])));
    assert!(body["meta"]["requestId"].is_string() && body["meta"]["timestamp"].is_string());
    assert_eq!(body["meta"]["rateLimit"]["limit"], 60);
    assert_eq!(body["meta"]["rateLimit"]["remaining"], 59);
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("59"));
    let reset = answer.header("x-ratelimit-reset").unwrap();
    assert_eq!(body["meta"]["rateLimit"]["reset"], json!(reset));
    assert!(reset.ends_with('Z') && reset.contains('T'));
}

#[test]
fn a_missing_or_malformed_header_is_unauthorized() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let key = &sandbox.keys().finora_live;
    let none = client.send(Service::Finora, "GET", "/v1/invoices", &[], "");
    is(&none.unwrap(), 401, "UNAUTHORIZED");
    for value in [key.clone(), format!("Token {key}"), "Bearer ".to_owned(), "Bearer sk_1".to_owned()] {
        let headers = [("Authorization", value.as_str())];
        let answer = client.send(Service::Finora, "GET", "/v1/invoices", &headers, "");
        is(&answer.unwrap(), 401, "UNAUTHORIZED");
    }
}

#[test]
fn unknown_and_revoked_keys_are_invalid_at_once() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    is(&get(&client, "/v1/invoices", "live_sk_0123"), 401, "INVALID_API_KEY");
    let old = &sandbox.keys().finora_live;
    let new = sandbox.issue_finora_key(FinoraKey::default());
    assert_eq!(get(&client, "/v1/invoices", old).status, 200);
    assert_eq!(get(&client, "/v1/invoices", &new).status, 200);
    assert!(sandbox.revoke(old));
    is(&get(&client, "/v1/invoices", old), 401, "INVALID_API_KEY");
    assert_eq!(get(&client, "/v1/invoices", &new).status, 200);
}

#[test]
fn a_key_ends_on_day_ninety() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let key = sandbox.issue_finora_key(FinoraKey { age_days: 89, ..FinoraKey::default() });
    assert_eq!(get(&client, "/v1/invoices", &key).status, 200);
    sandbox.clock().advance(Duration::from_hours(23));
    assert_eq!(get(&client, "/v1/invoices", &key).status, 200);
    sandbox.clock().advance(Duration::from_hours(1));
    is(&get(&client, "/v1/invoices", &key), 401, "INVALID_API_KEY");
    sandbox.clock().rewind(Duration::from_hours(1));
    assert_eq!(get(&client, "/v1/invoices", &key).status, 200);
}

#[test]
fn a_free_tier_key_gets_a_clear_403() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let key = sandbox.issue_finora_key(FinoraKey { tier: Tier::Free, ..FinoraKey::default() });
    is(&get(&client, "/v1/invoices", &key), 403, "PREMIUM_REQUIRED");
    assert_eq!(get(&client, "/v1/invoices", &sandbox.keys().finora_live).status, 200);
}

#[test]
fn enterprise_modules_are_closed_to_retail_keys() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let enterprise = sandbox.issue_finora_key(FinoraKey { tier: Tier::Enterprise, ..FinoraKey::default() });
    for path in [
        "/v1/businesses/biz_1/intelligence/health-score",
        "/v1/businesses/biz_1/payments/generate-link",
        "/v1/businesses/biz_1/ai/query",
        "/v1/lending/products",
        "/v1/officers/off_1/profile",
        "/v1/enterprise/businesses",
        "/v1/branch-analytics",
    ] {
        is(&get(&client, path, &sandbox.keys().finora_live), 403, "ENTERPRISE_ONLY");
        assert_eq!(get(&client, path, &enterprise).status, 200);
    }
    assert_eq!(get(&client, "/v1/invoices", &enterprise).status, 200);
}

#[test]
fn a_suspended_business_is_told_so() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let key = &sandbox.keys().finora_live;
    assert!(sandbox.suspend_business(&sandbox.finora_business(key).unwrap()));
    is(&get(&client, "/v1/invoices", key), 403, "BUSINESS_SUSPENDED");
    assert!(sandbox.resume_business(key));
    assert_eq!(get(&client, "/v1/invoices", key).status, 200);
    assert!(!sandbox.suspend_business("nobody"));
}

#[test]
fn live_and_test_records_are_apart() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let keys = sandbox.keys();
    let made = client.post(Service::Finora, "/v1/invoices", &keys.finora_live, r#"{"customerId":"c"}"#);
    assert_eq!(made.status, 201);
    assert_eq!(sandbox.finora_invoices(Environment::Live).len(), 1);
    let live = get(&client, "/v1/invoices", &keys.finora_live).json();
    let test = get(&client, "/v1/invoices", &keys.finora_test).json();
    assert_eq!(live["data"], json!([made.json()["data"]]));
    assert_eq!(test["data"], json!([]));
}

#[test]
fn live_calls_cost_credit_and_test_calls_do_not() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let keys = sandbox.keys();
    let balance = || {
        let usage = get(&client, "/v1/usage", &keys.finora_test).json();
        usage["data"]["balanceKobo"].as_i64().unwrap()
    };
    let before = balance();
    get(&client, "/v1/customers", &keys.finora_test);
    assert_eq!(balance(), before);
    get(&client, "/v1/customers", &keys.finora_live);
    assert_eq!(balance(), before - 1);
}

#[test]
fn keys_are_listed_without_their_secret_and_deleted_for_good() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let keys = sandbox.keys();
    let answer = get(&client, "/v1/api-keys", &keys.finora_live).json();
    let list = answer["data"].as_array().unwrap().clone();
    assert_eq!(list.len(), 2);
    assert_eq!(list[0]["keyPrefix"], json!(&keys.finora_live[..12]));
    assert_eq!(list[0]["keyLastFour"], json!(&keys.finora_live[52..]));
    assert_eq!((&list[0]["environment"], &list[0]["isActive"]), (&json!("live"), &json!(true)));
    assert!(list[0]["expiresAt"].is_string() && list[1]["lastUsedAt"].is_null());
    assert!(!answer.to_string().contains(&keys.finora_live));
    let path = format!("/v1/api-keys/{}", list[1]["keyId"].as_str().unwrap());
    let delete = || client.bearer(Service::Finora, "DELETE", &path, &keys.finora_live, "");
    assert_eq!(delete().status, 200);
    is(&delete(), 404, "NOT_FOUND");
    is(&get(&client, "/v1/invoices", &keys.finora_test), 401, "INVALID_API_KEY");
}

#[test]
fn the_minute_is_a_rolling_one_and_429_tells_the_wait_in_the_body() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let key = &sandbox.keys().finora_test;
    for _ in 0..30 {
        assert_eq!(get(&client, "/v1/customers", key).status, 200);
    }
    sandbox.clock().advance(Duration::from_secs(30));
    for _ in 0..30 {
        assert_eq!(get(&client, "/v1/customers", key).status, 200);
    }
    let refused = get(&client, "/v1/customers", key);
    is(&refused, 429, "RATE_LIMIT");
    let wait = refused.json()["error"]["retryAfter"].as_u64().unwrap();
    assert!((20..=30).contains(&wait), "{wait}");
    assert_eq!(refused.header("retry-after"), None);
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    // The other key has its own count.
    assert_eq!(get(&client, "/v1/customers", &sandbox.keys().finora_live).status, 200);
    sandbox.clock().advance(Duration::from_secs(wait));
    assert_eq!(get(&client, "/v1/customers", key).status, 200);
    // Thirty of the last minute still count.
    let answer = get(&client, "/v1/customers", key);
    let left: u32 = answer.header("x-ratelimit-remaining").unwrap().parse().unwrap();
    assert!(left < 30, "{left}");
}

#[test]
fn the_hour_and_the_day_are_limited_too() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let key = &sandbox.keys().finora_test;
    assert_eq!(sandbox.limits(Service::Finora).per_hour, Some(1000));
    sandbox.set_limits(Service::Finora, RateLimits { per_hour: Some(2), per_day: Some(3), ..RateLimits::default() });
    get(&client, "/v1/usage", key);
    get(&client, "/v1/usage", key);
    let refused = get(&client, "/v1/usage", key);
    is(&refused, 429, "RATE_LIMIT");
    let wait = refused.json()["error"]["retryAfter"].as_u64().unwrap();
    assert!(wait <= 3600);
    sandbox.set_limits(Service::Finora, RateLimits { per_day: Some(1), ..RateLimits::default() });
    assert_eq!(get(&client, "/v1/usage", key).status, 200);
    let wait = get(&client, "/v1/usage", key).json()["error"]["retryAfter"].as_u64().unwrap();
    assert!((1..=86_400).contains(&wait));
    sandbox.clock().advance(Duration::from_secs(wait));
    assert_eq!(get(&client, "/v1/usage", key).status, 200);
}

#[test]
fn other_businesses_are_forbidden_and_the_parameter_can_be_required() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let key = &sandbox.keys().finora_live;
    let own = sandbox.finora_business(key).unwrap();
    is(&get(&client, "/v1/invoices?businessId=biz_other", key), 403, "FORBIDDEN");
    assert_eq!(get(&client, &format!("/v1/invoices?businessId={own}"), key).status, 200);
    sandbox.require_business_id(true);
    is(&get(&client, "/v1/invoices", key), 400, "MISSING_BUSINESS_ID");
}

#[test]
fn wrong_requests_have_documented_codes() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let key = &sandbox.keys().finora_live;
    is(&get(&client, "/v1/nothing", key), 404, "NOT_FOUND");
    is(&get(&client, "/v2/invoices", key), 400, "INVALID_VERSION");
    is(&get(&client, "/", key), 404, "NOT_FOUND");
    let answer = client.bearer(Service::Finora, "PATCH", "/v1/invoices", key, "{}");
    is(&answer, 405, "METHOD_NOT_ALLOWED");
    let post = |body: &str| client.post(Service::Finora, "/v1/invoices", key, body);
    is(&post("nonsense"), 400, "INVALID_REQUEST");
    is(&post("{}"), 400, "VALIDATION_ERROR");
    assert_eq!(post("{}").json()["error"]["details"][0]["field"], "customerId");
}

use auth_sandbox::{Fault, FaultKind, Sandbox, Service, TokenReply};
use serde_json::{Value, json};

use crate::client::{Answer, Client, plain};

/// One Numeric token request (a refresh with rotation) that meets the fault.
fn numeric(sandbox: &Sandbox, kind: TokenReply) -> Answer {
    let client = Client::new(sandbox);
    let key = sandbox.keys().numeric.clone();
    sandbox.rotate_refresh_tokens(true);
    let refresh = sandbox.issue_refresh_token(&key.client_id).unwrap();
    sandbox.inject(Fault::new(FaultKind::TokenReply(kind)));
    let form = format!("grant_type=refresh_token&refresh_token={refresh}&client_id={}&client_secret={}", key.client_id, key.client_secret);
    client.form("/oauth/token", None, &form)
}

#[test]
fn token_faults_leave_other_requests_alone() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    sandbox.inject(Fault::new(FaultKind::TokenReply(TokenReply::Html502)));
    assert_eq!(client.send(Service::Stranger, "GET", "/", &[], "").unwrap().status, 200);
    assert_eq!(sandbox.faults_left(), 1);
}

#[test]
fn one_field_is_wrong_and_the_rest_is_good() {
    let sandbox = plain();
    for (kind, field, value) in [
        (TokenReply::LifetimeAsText, "expires_in", json!("3600")),
        (TokenReply::LifetimeFractional, "expires_in", json!(3599.5)),
        (TokenReply::LifetimeNegative, "expires_in", json!(-3600)),
        (TokenReply::LifetimeHuge, "expires_in", json!(u64::MAX)),
        (TokenReply::TokenTypeLower, "token_type", json!("bearer")),
        (TokenReply::TokenTypeUpper, "token_type", json!("BEARER")),
        (TokenReply::TokenTypeMac, "token_type", json!("mac")),
        (TokenReply::AccessTokenEmpty, "access_token", json!("")),
        (TokenReply::AccessTokenNotText, "access_token", json!(12345)),
    ] {
        let answer = numeric(&sandbox, kind.clone());
        assert_eq!((answer.status, &answer.json()[field]), (200, &value), "{kind:?}");
        assert_eq!(answer.json().as_object().unwrap().len(), 4, "{kind:?}");
        assert!(sandbox.log().pop().unwrap().acted);
    }
    let answer = numeric(&sandbox, TokenReply::AccessTokenWithNewline);
    assert!(answer.json()["access_token"].as_str().unwrap().contains("\r\n"));
    let answer = numeric(&sandbox, TokenReply::RefreshTokenNull);
    assert_eq!(answer.json().get("refresh_token"), Some(&Value::Null));
}

#[test]
fn one_field_is_missing_and_the_rest_is_good() {
    let sandbox = plain();
    for (kind, field) in [
        (TokenReply::LifetimeMissing, "expires_in"),
        (TokenReply::TokenTypeMissing, "token_type"),
        (TokenReply::AccessTokenMissing, "access_token"),
        (TokenReply::OmitRefreshToken, "refresh_token"),
    ] {
        let body = numeric(&sandbox, kind).json();
        assert!(body.get(field).is_none() && body.as_object().unwrap().len() == 3, "{field}");
    }
}

#[test]
fn the_body_as_a_whole_is_wrong() {
    let sandbox = plain();
    let answer = numeric(&sandbox, TokenReply::TruncatedJson);
    assert!(answer.status == 200 && answer.json().is_null() && !answer.body.is_empty());
    let answer = numeric(&sandbox, TokenReply::OverOneMebibyte);
    assert!(answer.body.len() > 1024 * 1024 && answer.json()["access_token"].is_string());
    let answer = numeric(&sandbox, TokenReply::Latin1Bytes);
    assert!(String::from_utf8(answer.body.clone()).is_err() && answer.body.contains(&0xE9));
    let answer = numeric(&sandbox, TokenReply::Array);
    assert!(answer.json()[0]["access_token"].is_string());
}

#[test]
fn something_else_is_answered_and_nothing_is_minted() {
    let sandbox = plain();
    for (kind, status, content_type) in [
        (TokenReply::ErrorInside200, 200, "application/json"),
        (TokenReply::Html200, 200, "text/html; charset=utf-8"),
        (TokenReply::Html502, 502, "text/html; charset=utf-8"),
        (TokenReply::EmptyBody, 200, "application/json"),
    ] {
        let answer = numeric(&sandbox, kind.clone());
        assert_eq!((answer.status, answer.header("content-type")), (status, Some(content_type)));
        assert!(!sandbox.log().pop().unwrap().acted, "{kind:?}");
    }
    let raw = TokenReply::Raw { status: 418, content_type: "text/tea".to_owned(), body: "short".to_owned() };
    let answer = numeric(&sandbox, raw);
    assert_eq!((answer.status, answer.body.as_slice()), (418, b"short".as_slice()));
}

#[test]
fn refusals_stay_as_they_are() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    sandbox.inject(Fault::new(FaultKind::TokenReply(TokenReply::LifetimeAsText)));
    let form = "grant_type=client_credentials&client_id=x&client_secret=y";
    let answer = client.form("/oauth/token", None, form);
    assert_eq!((answer.status, &answer.json()["error"]), (401, &json!("invalid_client")));
    assert!(answer.json().get("expires_in").is_none());
}

#[test]
fn the_same_kinds_spoil_the_answer_of_get_access() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let key = &sandbox.keys().adaas;
    let get = |kind| {
        sandbox.inject(Fault::new(FaultKind::TokenReply(kind)).on(Service::AdaasAuth));
        client.get_access(&key.client_id, &key.secret)
    };
    assert_eq!(get(TokenReply::LifetimeAsText).json()["expires_in"], "3600");
    assert_eq!(get(TokenReply::AccessTokenMissing).json(), json!({}));
    assert_eq!(get(TokenReply::Html502).status, 502);
}

//! What a token endpoint says, and what the machine makes of it over several requests.

mod support;

use auth_core::{ClientCredentials, Credential, FailureKind, Grant, Provider, Step};
use serde_json::Value;
use std::time::Duration;
use support::vectors::{text, vectors};
use support::{START, Scenario, failure, sent_value};

fn exact() -> Scenario {
    Scenario::new("exact", "nl", |provider| {
        Credential::Grant(Grant::refresh_token(ClientCredentials::parse(provider, "client-1", "client-secret-1").unwrap(), "refresh-1"))
    })
}

#[test]
fn a_refresh_token_in_doubt_keeps_what_the_server_said() {
    let mut scenario = exact();
    let mut call = scenario.call("GET", "/x");
    scenario.to_fetch(&mut call);
    let body = r#"{"error":"maintenance","error_description":"until four"}"#;
    scenario.respond(&mut call, 503, &[("Retry-After", "600")], body);
    let outcome = scenario.to_done(&mut call);
    let failure = failure(&outcome);
    assert_eq!((failure.status(), failure.code(), failure.message()), (Some(503), Some("maintenance"), Some("until four")));
    assert_eq!(failure.come_back_at(), Some(scenario.now.after(Duration::from_mins(10))));
    let explanation = scenario.session.explain(scenario.now, Ok(scenario.stored.as_ref()), None);
    let (_, told) = explanation.last_error.unwrap();
    assert_eq!((told.status(), told.kind()), (Some(503), FailureKind::TokenEndpoint));
}

#[test]
fn calls_after_calls() {
    for vector in &vectors("refreshes", 22) {
        replay(vector);
    }
}

/// Makes the calls of a vector one after the other, and compares what was sent and what came of it.
fn replay(vector: &Value) {
    let name = text(vector, "name");
    let provider = match vector["profile"].as_str() {
        Some(profile) => Provider::from_toml(profile).unwrap_or_else(|error| panic!("{name}: {error}")),
        None => Provider::builtin(text(vector, "provider")).unwrap(),
    };
    let mut scenario = Scenario::at(provider, text(vector, "environment"), |provider| {
        Credential::Grant(Grant::refresh_token(ClientCredentials::parse(provider, "client-1", "client-secret-1").unwrap(), "refresh-1"))
    });
    let answers = vector["answers"].as_array().unwrap();
    let mut sent = Vec::new();
    for expected in vector["calls"].as_array().unwrap() {
        scenario.now = scenario.now.max(START.after(Duration::from_secs(expected["at_s"].as_u64().unwrap_or(0))));
        let begun = scenario.now;
        let mut call = scenario.call("GET", "/v1/x");
        let came = loop {
            match scenario.next(&mut call) {
                Step::Look => call.handle_looked(&mut scenario.session, scenario.now, None),
                Step::Pause(_) => {}
                Step::Wait(until) => scenario.now = until,
                Step::Fetch(request) => {
                    let form = request.body.unwrap();
                    let token = form.expose().split('&').find_map(|pair| pair.strip_prefix("refresh_token="));
                    sent.push(token.unwrap().to_owned());
                    let answer = answers.get(sent.len() - 1).or(answers.last()).unwrap();
                    scenario.tell(&mut call, answer);
                }
                Step::Send(send) => {
                    scenario.respond(&mut call, 200, &[], "");
                    break Ok(sent_value(&send).to_owned());
                }
                Step::Done(outcome) => break Err(failure(&outcome).clone()),
                other => panic!("{name}: {other:?}"),
            }
        };
        call.abandon(&mut scenario.session);
        let wanted: Vec<&str> = expected["sent"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(sent, wanted, "{name}: {came:?}");
        match came {
            Ok(authorization) => assert_eq!(Some(authorization.as_str()), expected["authorization"].as_str(), "{name}"),
            Err(failure) => {
                assert_eq!(Some(failure.kind().name()), expected["kind"].as_str(), "{name}: {failure}");
                for (field, said) in [("code", failure.code()), ("message", failure.message())] {
                    assert!(expected[field].is_null() || expected[field].as_str() == said, "{name}: {failure}");
                }
                assert!(
                    expected["status"].is_null() || expected["status"].as_u64() == failure.status().map(u64::from),
                    "{name}: {failure}"
                );
                if let Some(seconds) = expected["come_back_s"].as_u64() {
                    assert_eq!(failure.come_back_at(), Some(begun.after(Duration::from_secs(seconds))), "{name}: {failure}");
                }
            }
        }
    }
}

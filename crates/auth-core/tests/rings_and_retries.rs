//! Replays the transcripts of key rings and the retry decisions.

mod support;

use auth_core::retry::{Budget, Cause, Decision, Policy, Situation, decide};
use auth_core::{ApiKey, Call, Connection, Credential, Exchange, KeyNotes, Provider, Response, Session, Step, UnixTime};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use support::vectors::vectors;
use support::{START, sent_value};

#[test]
fn retries() {
    let list = vectors("retries", 25);
    for vector in &list {
        let name = vector["name"].as_str().unwrap();
        let millis = |field: &str| vector[field].as_u64().map(Duration::from_millis);
        let situation = Situation {
            cause: match vector["cause"].as_str().unwrap() {
                "not_sent" => Cause::NotSent,
                "untrusted" => Cause::Untrusted,
                "lost" => Cause::Lost,
                "rate_limited" => Cause::RateLimited,
                "server_error" => Cause::ServerError,
                "unprocessed" => Cause::Unprocessed,
                "not_understood" => Cause::NotUnderstood,
                other => panic!("{other}"),
            },
            attempt: u32::try_from(vector["attempt"].as_u64().unwrap()).unwrap(),
            repeatable: vector["repeatable"].as_bool().unwrap(),
            come_back_at: millis("come_back_in_ms").map(|span| START.after(span)),
            now: START,
            deadline: START.after(millis("deadline_in_ms").unwrap()),
        };
        let decision = decide(&situation, &Policy::default(), Some(&mut Budget::default()), vector["random"].as_f64().unwrap());
        let expect = &vector["expect"];
        let since = |at: UnixTime| u64::try_from(at.since(START).as_millis()).unwrap();
        match decision {
            Decision::Again(at) => {
                let (from, to) = (expect["again_in_ms"][0].as_u64(), expect["again_in_ms"][1].as_u64());
                // The ceiling itself is never reached: the dice go up to 1, and not to it.
                let late = since(at);
                assert!(from.is_some_and(|from| late + 1 >= from) && to.is_some_and(|to| late <= to), "{name}: again in {late} ms");
            }
            Decision::ComeBack(at) => assert_eq!(Some(since(at)), expect["come_back_in_ms"].as_u64(), "{name}"),
            Decision::Stop => assert_eq!(expect, "stop", "{name}"),
            Decision::TooLate => assert_eq!(expect, "too_late", "{name}"),
        }
    }
}

#[test]
fn rings() {
    let list = vectors("rings", 12);
    for vector in &list {
        let name = vector["name"].as_str().unwrap();
        let provider = Provider::builtin(vector["provider"].as_str().unwrap()).unwrap();
        let key = |given: &Value| {
            let created = given["age_days"].as_u64().map(|days| START.before(Duration::from_hours(24 * days)));
            let integration = given["integration"].as_str().map(Into::into);
            ApiKey::parse(&provider, given["key"].as_str().unwrap()).unwrap().with_notes(KeyNotes {
                created,
                integration,
                ..KeyNotes::default()
            })
        };
        let credential = Credential::Keys(vector["keys"].as_array().unwrap().iter().map(key).collect());
        let connection = Arc::new(Connection::builder(provider.clone()).environment("staging").build(&credential).unwrap());
        let mut session = Session::new(Arc::clone(&connection), credential, false);
        let mut now = START;
        for (number, call) in vector["calls"].as_array().unwrap().iter().enumerate() {
            now = now.after(Duration::from_secs(call["after_s"].as_u64().unwrap_or(0)));
            let mut exchange = Exchange::new(Call::new(&connection, "GET", "/v1/invoices").unwrap(), 7);
            let mut sent = Vec::new();
            loop {
                match exchange.poll(&mut session, now) {
                    Step::Send(send) => {
                        let digit = sent_value(&send).chars().last().unwrap().to_string();
                        let accepted = call["accepted"].as_array().unwrap().iter().any(|accepted| accepted == digit.as_str());
                        let (status, body) = if accepted { (200, "") } else { (401, r#"{"error":{"code":"INVALID_API_KEY"}}"#) };
                        sent.push(Value::from(digit));
                        let none: &[(&str, &str)] = &[];
                        exchange.handle_response(&mut session, now, &Response { status, headers: &none, body: body.as_bytes() });
                    }
                    Step::Done(_) => break,
                    other => panic!("{name}: {other:?}"),
                }
            }
            exchange.abandon(&mut session);
            assert_eq!(Value::from(sent), call["sent"], "{name}, call {}", number + 1);
        }
    }
}

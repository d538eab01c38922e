//! Replays the test vectors that all languages share (`tests/vectors/*.json`).

mod support;

use auth_core::{
    ApiKey, Audited, Call, Claimed, ClientCredentials, ConnectOutcome, Connection, Credential, Exchange, Grant, KeyError, Outcome,
    Provider, Response, Saved, Session, Step, Transport, UnixTime,
};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use support::vectors::{file, headers, text, vectors};
use support::{Scenario, how};

#[test]
fn keys() {
    let list = vectors("keys", 35);
    for vector in &list {
        let name = text(vector, "name");
        let provider = Provider::builtin(text(vector, "provider")).unwrap();
        let key = text(vector, "text");
        let result: Result<Option<String>, KeyError> = match text(vector, "kind") {
            "key" => ApiKey::parse(&provider, key).map(|key| key.environment().map(Into::into)),
            "client_secret" => ClientCredentials::parse(&provider, "client-1", key)
                .map(|client| Grant::client_credentials(client).environment().map(Into::into)),
            other => panic!("{other}"),
        };
        match result {
            Ok(environment) => {
                assert!(vector.get("fault").is_none(), "{name}: taken, but {} was expected", vector["fault"]);
                assert_eq!(environment.as_deref(), vector["environment"].as_str(), "{name}");
            }
            Err(error) => {
                assert_eq!(error.fault().name(), vector["fault"].as_str().unwrap_or("a good key"), "{name}: {error}");
                if let Some(position) = vector["position"].as_u64() {
                    assert_eq!(error.fault().position().map(|p| p as u64), Some(position), "{name}: {error}");
                }
                // Whatever the fault, the key is not shown: no ten characters of it in a row.
                let shown = format!("{error} {error:?}");
                let body: Vec<char> = key.chars().collect();
                for window in body.windows(12).map(|window| window.iter().collect::<String>()) {
                    assert!(!shown.contains(&window), "{name}: {shown}");
                }
            }
        }
    }
}

#[test]
fn token_answers() {
    let list = vectors("token_answers", 103);
    for vector in &list {
        let name = text(vector, "name");
        let mut scenario = match text(vector, "provider") {
            "numeric" => Scenario::client_credentials(),
            provider => Scenario::new(provider, "production", |provider| {
                Credential::Grant(Grant::client_credentials(ClientCredentials::parse(provider, "client-1", "ID_0123456789abcdef").unwrap()))
            }),
        };
        let mut exchange = scenario.call("GET", "/v1/health").audited();
        scenario.to_fetch(&mut exchange);
        scenario.tell(&mut exchange, vector);
        let mut warnings = exchange.take_events();
        warnings.retain(|event| event.what == Audited::TokenUnusual);
        match vector["warning"].as_str() {
            Some(words) => assert!(warnings.len() == 1 && warnings[0].decision.contains(words), "{name}: {warnings:?}"),
            None => assert!(warnings.is_empty(), "{name}: {warnings:?}"),
        }
        match scenario.poll(&mut exchange) {
            Step::Save(save) => {
                let lifetime = save.record.expires_at.since(save.record.minted_at).as_secs_f64();
                assert_eq!(Some(lifetime), vector["granted"]["lifetime_seconds"].as_f64(), "{name}");
                assert_eq!(
                    save.record.refresh_token.as_ref().map(auth_core::Secret::expose),
                    vector["granted"]["refresh_token"].as_str(),
                    "{name}"
                );
            }
            Step::Wait(until) => {
                assert!(vector["unclear"].is_string(), "{name}: asked again");
                let Some(then) = vector["then"].as_str() else { continue };
                scenario.now = until;
                scenario.to_fetch(&mut exchange);
                scenario.tell(&mut exchange, vector);
                let outcome = scenario.to_done(&mut exchange);
                assert_eq!(support::failure(&outcome).kind().name(), then, "{name}");
            }
            Step::Release(_) => {
                let outcome = scenario.to_done(&mut exchange);
                let failure = support::failure(&outcome);
                assert_eq!(Some(failure.kind().name()), vector["refused"].as_str(), "{name}: {failure}");
                assert_eq!(failure.code(), vector["code"].as_str(), "{name}");
                if let Some(words) = vector["message"].as_str() {
                    assert!(failure.message().is_some_and(|message| message.contains(words)), "{name}: {failure}");
                }
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn exchanges() {
    let (file, list) = (file("exchanges"), vectors("exchanges", 29));
    for vector in &list {
        let start = UnixTime::from_millis(file["start_ms"].as_u64().unwrap());
        Replay::new(vector, start, file["seed"].as_u64().unwrap()).run(vector);
    }
}

struct Replay {
    name: String,
    session: Session,
    exchange: Exchange,
    now: UnixTime,
}

impl Replay {
    fn new(vector: &Value, now: UnixTime, seed: u64) -> Self {
        let provider = Provider::builtin(text(vector, "provider")).unwrap();
        let given = &vector["credential"];
        let credential = if let Some(keys) = given["keys"].as_array() {
            Credential::Keys(keys.iter().map(|key| ApiKey::parse(&provider, key.as_str().unwrap()).unwrap()).collect())
        } else {
            let client = ClientCredentials::parse(&provider, text(given, "client_id"), text(given, "client_secret")).unwrap();
            Credential::Grant(match given["refresh_token"].as_str() {
                Some(token) => Grant::refresh_token(client, token),
                None => Grant::client_credentials(client),
            })
        };
        let mut builder = Connection::builder(provider).environment(text(vector, "environment"));
        if let Some(url) = vector["base_url"].as_str() {
            builder = builder.base_url(url);
        }
        let hosts = vector["allow_redirect_to"].as_array().into_iter().flatten();
        let builder = builder.allow_redirect_to(hosts.map(|host| host.as_str().unwrap()));
        let connection = Arc::new(builder.build(&credential).unwrap());
        let mut call = Call::new(&connection, text(&vector["call"], "method"), text(&vector["call"], "path")).unwrap();
        if let Some(body) = vector["call"]["body"].as_str() {
            call = call.body(body.as_bytes());
        }
        let session = Session::new(connection, credential, false);
        Self { name: text(vector, "name").into(), session, exchange: Exchange::new(call, seed), now }
    }

    fn run(mut self, vector: &Value) {
        for turn in vector["steps"].as_array().unwrap() {
            let step = self.exchange.poll(&mut self.session, self.now);
            self.check(&turn["expect"], &step);
            if let Step::Wait(until) = step {
                self.now = until;
            }
            self.tell(&turn["then"]);
        }
        self.exchange.abandon(&mut self.session);
    }

    fn check(&self, expect: &Value, step: &Step) {
        let name = &self.name;
        let kind = match step {
            Step::Claim(_) => "claim",
            Step::Save(_) => "save",
            Step::Release(_) => "release",
            Step::Load => "load",
            Step::Look => "look",
            Step::Connect(_) => "connect",
            Step::Pause(_) => "pause",
            Step::Fetch(_) => "fetch",
            Step::Send(_) => "send",
            Step::Wait(_) => "wait",
            Step::Done(_) => "done",
        };
        assert_eq!(kind, text(expect, "step"), "{name}: {step:?}");
        match step {
            Step::Fetch(request) => {
                assert_eq!((request.method, request.url.as_str()), (text(expect, "method"), text(expect, "url")), "{name}");
                assert_eq!(request.body.as_ref().map(auth_core::Secret::expose), expect["body"].as_str(), "{name}");
                for (header, value) in expect["headers"].as_object().into_iter().flatten() {
                    let sent =
                        request.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(header)).map(|(_, value)| value.expose());
                    assert_eq!(sent, value.as_str(), "{name}: {header}");
                }
            }
            Step::Send(send) => {
                assert_eq!(
                    (send.url.as_str(), u64::from(send.attempt)),
                    (text(expect, "url"), expect["attempt"].as_u64().unwrap()),
                    "{name}"
                );
                let sent = send.authorization.as_ref().map(|authorization| (authorization.header(), authorization.value().expose()));
                let wanted = expect["authorization"].as_array().map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()));
                assert_eq!((sent, send.foreign), (wanted, expect["foreign"].as_bool().unwrap_or(false)), "{name}");
            }
            Step::Save(save) => {
                if let Some(spending) = expect["spending"].as_bool() {
                    assert_eq!(save.record.spending.is_some(), spending, "{name}");
                }
                if let Some(token) = expect["refresh_token"].as_str() {
                    assert_eq!(save.record.refresh_token.as_ref().unwrap().expose(), token, "{name}");
                }
            }
            Step::Wait(until) => {
                let millis = u64::try_from(until.since(self.now).as_millis()).unwrap();
                assert!(
                    millis >= expect["at_least_ms"].as_u64().unwrap_or(0) && millis <= expect["at_most_ms"].as_u64().unwrap_or(u64::MAX),
                    "{name}: {millis} ms"
                );
            }
            Step::Done(outcome) => {
                let (kind, failure) = match outcome {
                    Outcome::Answered(failure) => ("answered", failure.as_ref()),
                    Outcome::Failed(failure) => ("failed", Some(failure)),
                    Outcome::Renewed => ("renewed", None),
                };
                assert_eq!(
                    (kind, failure.map(|failure| failure.kind().name())),
                    (text(expect, "outcome"), expect["kind"].as_str()),
                    "{name}"
                );
                if let Some(processed) = expect["processed"].as_str() {
                    let told = failure.map(|failure| (failure.processed().name(), failure.is_retryable()));
                    assert_eq!(told, Some((processed, expect["retryable"].as_bool().unwrap())), "{name}");
                }
                if let Some(millis) = expect["come_back_in_ms"].as_u64() {
                    assert_eq!(failure.unwrap().come_back_at(), Some(self.now.after(Duration::from_millis(millis))), "{name}");
                }
            }
            Step::Connect(connect) => {
                let millis = u64::try_from(connect.timeout.as_millis()).unwrap();
                assert_eq!((connect.url.as_str(), millis), (text(expect, "url"), expect["timeout_ms"].as_u64().unwrap()), "{name}");
            }
            Step::Claim(_) | Step::Release(_) | Step::Load | Step::Look | Step::Pause(_) => {}
        }
    }

    fn tell(&mut self, then: &Value) {
        let Self { session, exchange, now, .. } = self;
        *now = now.after(Duration::from_millis(then["advance_ms"].as_u64().unwrap_or(0)));
        if let Some(claimed) = then["claimed"].as_str() {
            let claimed = match claimed {
                "granted" => Claimed::Granted(None),
                "busy" => Claimed::Busy,
                _ => Claimed::Down("down".into()),
            };
            exchange.handle_claimed(session, *now, claimed);
        } else if let Some(connected) = then["connected"].as_str() {
            let outcome = match connected {
                "connected" => ConnectOutcome::Connected,
                "not_supported" => ConnectOutcome::NotSupported,
                _ => ConnectOutcome::Failed(Transport { how: how(true), what: "no connection".into(), advice: String::new() }),
            };
            exchange.handle_connected(session, *now, outcome);
        } else if let Some(saved) = then["saved"].as_str() {
            let saved = match saved {
                "durable" => Saved::Durable,
                "superseded" => Saved::Superseded,
                _ => Saved::Down("down".into()),
            };
            exchange.handle_saved(session, *now, saved);
        } else if then["response"].is_object() {
            let response = &then["response"];
            let headers = headers(response);
            let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
            let body = response["body"].as_str().unwrap_or_default().as_bytes();
            exchange.handle_response(session, *now, &Response { status, headers: &headers.as_slice(), body });
        } else if then["failure"].is_object() {
            let not_sent = then["failure"]["not_sent"].as_bool().unwrap();
            exchange.handle_failure(session, *now, Transport { how: how(not_sent), what: "lost".into(), advice: String::new() });
        }
    }
}

//! A refresh token that the server refused stays refused for everybody who shares the record, but for one probe an hour, for three days.

mod support;

use auth_core::{
    Call, Claimed, ClientCredentials, ConnectOutcome, Connection, Credential, Exchange, Failure, FailureKind, Grant, Outcome, Provider,
    Record, Response, Saved, Session, Step, Transport, Unanswered, UnixTime,
};
use std::sync::Arc;
use std::time::Duration;
use support::{START, rotated};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// A provider whose refresh tokens never change.
const LASTING: &str = r#"
name = "lasting"
title = "Lasting"
[[environment]]
name = "production"
base_url = "https://api.lasting.example"
token_url = "https://login.lasting.example/token"
[token]
grants = ["refresh_token"]
request = "form"
client_auth = "client_secret_basic"
[token.refresh]
rotation = "never"
"#;

/// What the token endpoint does with the refresh token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Refuses,
    Grants,
    Fails,
    Loses,
    Unreachable,
    DoesNotKnowTheClient,
}

/// Processes that share one record.
struct Fleet {
    sessions: Vec<Session>,
    record: Option<Record>,
    now: UnixTime,
    endpoint: Endpoint,
    asked: Vec<UnixTime>,
    store_takes_refusals: bool,
}

impl Fleet {
    /// Of a provider whose refresh tokens are spent by their first use (Numeric), or may be used again (`quickbooks`).
    fn new(provider: &str, processes: usize, grant: fn(ClientCredentials) -> Grant) -> Self {
        let session = || {
            let provider = Provider::builtin(provider).or_else(|_| Provider::from_toml(LASTING)).unwrap();
            let client = ClientCredentials::parse(&provider, "client-1", "client-secret-1").unwrap();
            let credential = Credential::Grant(grant(client));
            let connection = Connection::builder(provider).environment("production").build(&credential).unwrap();
            Session::new(Arc::new(connection), credential, false)
        };
        let sessions = (0..processes).map(|_| session()).collect();
        Self { sessions, record: None, now: START, endpoint: Endpoint::Refuses, asked: Vec::new(), store_takes_refusals: true }
    }

    /// One call of one process: what it sends with, or why it does not.
    fn call(&mut self, process: usize) -> Result<String, Failure> {
        let session = &mut self.sessions[process];
        let call = Call::new(session.connection(), "GET", "/v1/x").unwrap();
        let mut exchange = Exchange::new(call, self.now.as_millis() + process as u64);
        let result = loop {
            match exchange.poll(session, self.now) {
                Step::Claim(_) => exchange.handle_claimed_by_id(session, self.now, Claimed::Granted(self.record.clone())),
                Step::Save(save) if save.record.refusal.is_some() && !self.store_takes_refusals => {
                    exchange.handle_saved(session, self.now, Saved::Down("disk full".into()));
                }
                Step::Save(save) => {
                    // As a store keeps it.
                    self.record = Some(Record::from_bytes(&save.record.to_bytes()).unwrap());
                    exchange.handle_saved(session, self.now, Saved::Durable);
                }
                Step::Release(_) => {}
                Step::Connect(_) => exchange.handle_connected(session, self.now, ConnectOutcome::Connected),
                Step::Fetch(_) => {
                    self.asked.push(self.now);
                    let lost = |how| Transport { how, what: "gone".into(), advice: String::new() };
                    let (status, body) = match self.endpoint {
                        Endpoint::Refuses => (400, r#"{"error":"invalid_grant","error_description":"Token is gone"}"#.to_owned()),
                        Endpoint::DoesNotKnowTheClient => (401, r#"{"error":"invalid_client"}"#.to_owned()),
                        Endpoint::Grants => (200, rotated("access", "refresh-2")),
                        Endpoint::Fails => (503, String::new()),
                        Endpoint::Loses => {
                            exchange.handle_failure(session, self.now, lost(Unanswered::Lost));
                            continue;
                        }
                        Endpoint::Unreachable => {
                            exchange.handle_failure(session, self.now, lost(Unanswered::NotSent));
                            continue;
                        }
                    };
                    let headers = &&[("x", "y")][..];
                    exchange.handle_response(session, self.now, &Response { status, headers, body: body.as_bytes() });
                }
                Step::Wait(until) => self.now = until,
                Step::Send(send) => break Ok(send.authorization.unwrap().value().expose().to_owned()),
                Step::Done(Outcome::Failed(failure)) => break Err(failure),
                other => panic!("{other:?}"),
            }
        };
        exchange.abandon(session);
        result
    }

    /// One call of each process; whether all failed with the server's refusal.
    fn all_are_refused(&mut self) -> bool {
        (0..self.sessions.len()).all(|process| {
            let failure = self.call(process).unwrap_err();
            let said = (failure.kind(), failure.status(), failure.code(), failure.message());
            said == (FailureKind::ConsentRequired, Some(400), Some("invalid_grant"), Some("Token is gone"))
        })
    }
}

fn given(client: ClientCredentials) -> Grant {
    Grant::refresh_token(client, "refresh-1")
}

#[test]
fn one_process_probes_once_an_hour_for_three_days() {
    for provider in ["numeric", "quickbooks"] {
        let mut fleet = Fleet::new(provider, 32, given);
        assert!(fleet.all_are_refused());
        assert_eq!(fleet.asked.len(), 1, "{provider}");
        for _ in 0..(5 * 24 * 6) {
            fleet.now = fleet.now.after(MINUTE * 10);
            assert!(fleet.all_are_refused());
        }
        let pauses: Vec<Duration> = fleet.asked.windows(2).map(|pair| pair[1].since(pair[0])).collect();
        assert!(pauses.iter().all(|pause| *pause >= HOUR && *pause < HOUR + MINUTE * 11), "{provider}: {pauses:?}");
        let last = fleet.asked.last().unwrap().since(START);
        assert!(last < HOUR * 72 && fleet.asked.len() > 60, "{provider}: {} probes, the last after {last:?}", fleet.asked.len());
    }
}

#[test]
fn who_comes_back_after_three_days_probes_no_more() {
    for provider in ["numeric", "quickbooks"] {
        let mut fleet = Fleet::new(provider, 3, given);
        assert!(fleet.all_are_refused());
        // The probe of an hour ago was never made, because nobody called.
        for days in [3, 4, 30] {
            fleet.now = START.after(HOUR * 24 * days);
            assert!(fleet.all_are_refused());
            assert_eq!(fleet.asked.len(), 1, "{provider}: {days} days");
        }
    }
}

#[test]
fn a_probe_that_is_granted_ends_the_refusal_for_everybody() {
    let mut fleet = Fleet::new("numeric", 4, given);
    assert!(fleet.all_are_refused());
    fleet.endpoint = Endpoint::Grants;
    fleet.now = fleet.now.after(MINUTE * 59);
    assert!(fleet.all_are_refused());
    fleet.now = fleet.now.after(MINUTE * 2);
    for process in 0..4 {
        assert_eq!(fleet.call(process).unwrap(), "Bearer access");
    }
    assert_eq!(fleet.asked.len(), 2);
    assert!(fleet.record.unwrap().refusal.is_none());
}

#[test]
fn a_probe_without_an_answer_is_not_repeated_within_the_hour() {
    for provider in ["numeric", "quickbooks"] {
        for endpoint in [Endpoint::Fails, Endpoint::Loses, Endpoint::Unreachable] {
            let mut fleet = Fleet::new(provider, 3, given);
            assert!(fleet.all_are_refused());
            fleet.endpoint = endpoint;
            for hours in 1..4 {
                fleet.now = START.after(HOUR * hours + MINUTE * hours);
                assert!(fleet.all_are_refused(), "{provider}: what the server said first is what everybody is told");
                fleet.now = fleet.now.after(MINUTE * 30);
                assert!(fleet.all_are_refused());
                assert_eq!(fleet.asked.len(), 1 + hours as usize, "{provider}");
            }
            // Whatever became of the probe, what was refused first has nothing to lose.
            fleet.endpoint = Endpoint::Grants;
            fleet.now = fleet.now.after(HOUR);
            assert_eq!(fleet.call(0).unwrap(), "Bearer access");
        }
    }
}

#[test]
fn a_login_takes_its_place_at_once() {
    let mut fleet = Fleet::new("numeric", 3, Grant::stored);
    // What a login left; its number is that of version 1.
    let consented = |refresh: &str, generation| Record {
        generation,
        grant: 0xb9d5_698e_15a1_5281,
        refresh_token: Some(refresh.into()),
        ..Record::default()
    };
    fleet.record = Some(consented("refresh-1", 1));
    assert!(fleet.all_are_refused());
    fleet.now = fleet.now.after(MINUTE);
    assert!(fleet.all_are_refused());
    assert_eq!(fleet.asked.len(), 1);
    fleet.record = Some(consented("refresh-of-login", 2));
    fleet.endpoint = Endpoint::Grants;
    fleet.now = fleet.now.after(MINUTE);
    assert_eq!(fleet.call(2).unwrap(), "Bearer access");
}

#[test]
fn a_refusal_that_could_not_be_stored_is_kept_in_mind_and_stored_later() {
    for provider in ["numeric", "quickbooks"] {
        let mut fleet = Fleet::new(provider, 2, given);
        fleet.store_takes_refusals = false;
        assert_eq!(fleet.call(0).unwrap_err().code(), Some("invalid_grant"));
        fleet.now = fleet.now.after(MINUTE * 2);
        fleet.store_takes_refusals = true;
        assert_eq!(fleet.call(0).unwrap_err().code(), Some("invalid_grant"));
        assert!(fleet.record.as_ref().unwrap().refusal.is_some(), "{provider}");
        assert!(fleet.all_are_refused());
        assert_eq!(fleet.asked.len(), 1, "{provider}");
    }
}

#[test]
fn everybody_is_told_since_when_and_until_when() {
    let mut fleet = Fleet::new("numeric", 2, given);
    let first = fleet.call(0).unwrap_err();
    let second = fleet.call(1).unwrap_err();
    assert_eq!((first.kind(), first.advice()), (second.kind(), second.advice()));
    let words = second.to_string();
    assert!(words.contains("since 2025-11-24T16:00:00Z; the refresh token is not sent again before 2025-11-24T17:00:00Z"), "{words}");
    assert!(words.contains("(400 invalid_grant), the server says \"Token is gone\""), "{words}");
    for session in &fleet.sessions {
        let explained = session.explain(fleet.now, Ok(fleet.record.as_ref()), None);
        let refusal = explained.refusal.as_ref().unwrap();
        assert_eq!((refusal.since, refusal.next_probe()), (START, Some(START.after(HOUR))));
        let text = explained.to_string();
        assert!(text.contains("refused: 400 invalid_grant, since 2025-11-24T16:00:00Z; the refresh token"), "{text}");
        assert!(explained.spending_since.is_none() && text.contains("advice: ") && text.contains("connect the account again"), "{text}");
    }
}

#[test]
fn what_is_no_refusal_of_the_refresh_token_is_not_kept() {
    let mut fleet = Fleet::new("quickbooks", 1, given);
    fleet.endpoint = Endpoint::Loses;
    assert_eq!(fleet.call(0).unwrap_err().code(), None);
    assert!(fleet.record.is_none_or(|record| record.refusal.is_none()));
}

#[test]
fn a_probe_that_is_answered_with_another_refusal_was_the_probe_of_its_hour() {
    for provider in ["numeric", "quickbooks", "lasting"] {
        let mut fleet = Fleet::new(provider, 3, given);
        assert!(fleet.all_are_refused());
        fleet.now = fleet.now.after(HOUR);
        fleet.endpoint = Endpoint::DoesNotKnowTheClient;
        for process in [0, 1, 2, 0, 1, 2] {
            fleet.call(process).unwrap_err();
            fleet.now = fleet.now.after(MINUTE * 8);
        }
        assert_eq!(fleet.asked.len(), 2, "{provider}: one refusal, and one probe an hour later");
    }
}

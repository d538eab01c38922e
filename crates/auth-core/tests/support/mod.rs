//! What the tests share: a session at any state in one line, and a clock that only moves when it is told to.

#![allow(clippy::wrong_self_convention, reason = "a scenario is brought to a step")]
#![allow(dead_code, unreachable_pub, reason = "each test program uses its own part of this")]

pub mod consents;
pub mod cpu;
pub mod vectors;

use auth_core::{
    ApiKey, Call, Claimed, ClientCredentials, ConnectOutcome, Connection, Credential, Exchange, Failure, Grant, Outcome, Provider, Record,
    Response, Saved, Send, Session, Step, TokenRequest, Transport, Unanswered, UnixTime,
};
use std::sync::Arc;
use std::time::Duration;

pub const START: UnixTime = UnixTime::from_secs(1_764_000_000);

/// One session, its clock, and a store with one record.
pub struct Scenario {
    pub session: Session,
    pub connection: Arc<Connection>,
    credential: Credential,
    pub now: UnixTime,
    pub stored: Option<Record>,
    /// How long each step of the store and each answer takes by the clock.
    pub step_takes: Duration,
    seed: u64,
}

impl Scenario {
    /// A session at a provider with a credential.
    pub fn new(provider: &str, environment: &str, credential: impl FnOnce(&Provider) -> Credential) -> Self {
        Self::at(Provider::builtin(provider).expect("a shipped profile"), environment, credential)
    }

    /// The same at a provider of a profile of one's own.
    pub fn at(provider: Provider, environment: &str, credential: impl FnOnce(&Provider) -> Credential) -> Self {
        let credential = credential(&provider);
        let mut builder = Connection::builder(provider).environment(environment);
        if builder.provider().name() == "numora" {
            builder = builder.base_url("https://acme.numora.test");
        }
        let connection = Arc::new(builder.build(&credential).expect("a connection"));
        let session = Session::new(Arc::clone(&connection), credential.clone(), false);
        Self { session, connection, credential, now: START, stored: None, step_takes: Duration::ZERO, seed: 1 }
    }

    /// The same, at its beginning, with a source that can be asked again.
    pub fn reloadable(mut self) -> Self {
        self.session = Session::new(Arc::clone(&self.connection), self.credential.clone(), true);
        self
    }

    /// Numeric with client credentials.
    pub fn client_credentials() -> Self {
        Self::new("numeric", "production", |provider| Credential::Grant(Grant::client_credentials(client(provider))))
    }

    /// Numeric with a refresh token that must be taken to be spent by its first use.
    pub fn refresh_token() -> Self {
        Self::new("numeric", "production", |provider| Credential::Grant(Grant::refresh_token(client(provider), "refresh-1")))
    }

    /// Finora with two keys.
    pub fn keys() -> Self {
        Self::new("finora", "staging", |provider| Credential::Keys(vec![key(provider, '1'), key(provider, '2')]))
    }

    /// Numora.
    pub fn numora() -> Self {
        Self::new("numora", "production", |provider| {
            Credential::Keys(vec![ApiKey::parse(provider, "sk_live_0123456789abcdef").expect("a key")])
        })
    }

    /// An exchange for a call without a body.
    pub fn call(&mut self, method: &str, path: &str) -> Exchange {
        let call = Call::new(&self.connection, method, path).expect("an admitted call");
        self.exchange(call)
    }

    pub fn exchange(&mut self, call: Call) -> Exchange {
        let seed = self.seed();
        Exchange::new(call, seed)
    }

    /// A seed of its own for each exchange.
    pub fn seed(&mut self) -> u64 {
        self.seed += 1;
        self.seed
    }

    pub fn advance(&mut self, span: Duration) {
        self.now = self.now.after(span);
    }

    /// The next step but `Connect`: every connection is made at once.
    pub fn poll(&mut self, exchange: &mut Exchange) -> Step {
        match exchange.poll(&mut self.session, self.now) {
            Step::Connect(_) => {
                exchange.handle_connected(&mut self.session, self.now, ConnectOutcome::Connected);
                exchange.poll(&mut self.session, self.now)
            }
            step => step,
        }
    }

    /// Obeys every step that is the store's, until the exchange wants something else.
    pub fn next(&mut self, exchange: &mut Exchange) -> Step {
        loop {
            let step = self.poll(exchange);
            if let Step::Claim(_) | Step::Save(_) | Step::Release(_) | Step::Pause(_) = step {
                self.advance(self.step_takes);
            }
            match step {
                Step::Claim(_) => exchange.handle_claimed(&mut self.session, self.now, Claimed::Granted(self.stored.clone())),
                Step::Save(save) => {
                    self.stored = Some(save.record);
                    exchange.handle_saved(&mut self.session, self.now, Saved::Durable);
                }
                Step::Release(_) => {}
                step => return step,
            }
        }
    }

    pub fn to_fetch(&mut self, exchange: &mut Exchange) -> TokenRequest {
        match self.next(exchange) {
            Step::Fetch(request) => request,
            other => panic!("expected Fetch, got {other:?}"),
        }
    }

    pub fn to_send(&mut self, exchange: &mut Exchange) -> Send {
        match self.next(exchange) {
            Step::Send(send) => send,
            other => panic!("expected Send, got {other:?}"),
        }
    }

    pub fn to_done(&mut self, exchange: &mut Exchange) -> Outcome {
        match self.next(exchange) {
            Step::Done(outcome) => outcome,
            other => panic!("expected Done, got {other:?}"),
        }
    }

    pub fn to_wait(&mut self, exchange: &mut Exchange) -> UnixTime {
        match self.next(exchange) {
            Step::Wait(until) => until,
            other => panic!("expected Wait, got {other:?}"),
        }
    }

    pub fn respond(&mut self, exchange: &mut Exchange, status: u16, headers: &[(&str, &str)], body: &str) {
        self.advance(self.step_takes);
        exchange.handle_response(&mut self.session, self.now, &Response { status, headers: &headers, body: body.as_bytes() });
    }

    /// The answer of a vector.
    pub fn tell(&mut self, exchange: &mut Exchange, vector: &serde_json::Value) {
        let (headers, body) = (vectors::headers(vector), vectors::body(vector));
        let status = u16::try_from(vector["status"].as_u64().unwrap()).unwrap();
        exchange.handle_response(&mut self.session, self.now, &Response { status, headers: &headers.as_slice(), body: &body });
    }

    pub fn lose(&mut self, exchange: &mut Exchange, not_sent: bool) {
        exchange.handle_failure(&mut self.session, self.now, Transport { how: how(not_sent), what: "lost".into(), advice: String::new() });
    }

    /// The server's certificate is not trusted.
    pub fn distrust(&mut self, exchange: &mut Exchange) {
        let lost = Transport { how: Unanswered::Untrusted, what: "of an unknown authority".into(), advice: String::new() };
        exchange.handle_failure(&mut self.session, self.now, lost);
    }

    pub fn grant(&mut self, exchange: &mut Exchange, body: &str) {
        self.to_fetch(exchange);
        self.respond(exchange, 200, &[], body);
    }

    /// A session that holds a token of an hour, named `token-N`.
    pub fn with_token(mut self, name: &str) -> Self {
        let mut exchange = self.call("GET", "/v1/health");
        self.grant(&mut exchange, &token(name, 3_600));
        self.to_send(&mut exchange);
        self.respond(&mut exchange, 200, &[], "");
        assert!(matches!(self.to_done(&mut exchange), Outcome::Answered(None)));
        exchange.abandon(&mut self.session);
        self
    }
}

fn client(provider: &Provider) -> ClientCredentials {
    ClientCredentials::parse(provider, "client-1", "client-secret-1").expect("client credentials")
}

/// A made-up Finora test key of one digit.
pub fn key(provider: &Provider, digit: char) -> ApiKey {
    ApiKey::parse(provider, format!("test_sk_{}", digit.to_string().repeat(48))).expect("a key")
}

/// A token answer.
pub fn token(name: &str, seconds: u64) -> String {
    format!("{{\"access_token\":\"{name}\",\"token_type\":\"Bearer\",\"expires_in\":{seconds}}}")
}

/// A token answer with a new refresh token.
pub fn rotated(name: &str, refresh_token: &str) -> String {
    format!("{{\"access_token\":\"{name}\",\"expires_in\":3600,\"refresh_token\":\"{refresh_token}\"}}")
}

/// What is put on the request.
pub fn sent_value(send: &Send) -> &str {
    send.authorization.as_ref().expect("an authorization").value().expose()
}

/// How far a request got without an answer.
pub fn how(not_sent: bool) -> Unanswered {
    if not_sent { Unanswered::NotSent } else { Unanswered::Lost }
}

pub fn failure(outcome: &Outcome) -> &Failure {
    match outcome {
        Outcome::Answered(Some(failure)) | Outcome::Failed(failure) => failure,
        other => panic!("expected a failure, got {other:?}"),
    }
}

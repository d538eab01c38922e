//! The machine by hand: no sockets, no clock, no threads, only the loop that every shell around it runs.
//!
//! ```text
//! cargo run -p auth-http --example drive_it_yourself
//! ```
//!
//! `auth_http::core` decides what to do next and hands it out as a [`Step`]; whoever drives it does exactly that and reports what came of it. This is what the client
//! of `auth-http` does with real sockets. Here the answers are a short script and the time is a number, so an hour passes at once.

use auth_http::core::{
    Call, Claimed, ClientCredentials, ConnectOutcome, Connection, Credential, Exchange, Failure, Grant, Outcome, Provider, Record,
    Response, Saved, Session, Step, Transport, Unanswered, UnixTime,
};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// An answer of the script: status, header fields, body.
type Answer = (u16, &'static [(&'static str, &'static str)], &'static str);

/// What the token endpoint and the API answer, in this order.
const SCRIPT: [Answer; 7] = [
    (200, &[], r#"{"access_token":"first-token","token_type":"Bearer","expires_in":3600}"#),
    (429, &[("Retry-After", "7")], r#"{"error":"slow down"}"#),
    (200, &[], r#"{"data":"trial balance"}"#),
    (200, &[], r#"{"data":"reports"}"#),
    (401, &[], r#"{"error":"the token was revoked"}"#),
    (200, &[], r#"{"access_token":"second-token","token_type":"Bearer","expires_in":3600}"#),
    (200, &[], r#"{"data":"reports, with the new token"}"#),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let provider = Provider::builtin("numeric")?;
    let client = ClientCredentials::parse(&provider, "close-robot", "made-up-secret")?;
    let credential = Credential::Grant(Grant::client_credentials(client));
    let connection = Arc::new(Connection::builder(provider).environment("production").build(&credential)?);
    let mut session = Session::new(Arc::clone(&connection), credential, false);
    let start = UnixTime::from_secs(1_767_225_600);
    let mut shell = Shell { start, now: start, script: SCRIPT.into(), store: None };

    shell.call(&mut session, "no token yet, and then a limit", "/v1/trial-balance")?;
    shell.call(&mut session, "the token is there", "/v1/reports")?;
    shell.pass(Duration::from_mins(10));
    shell.call(&mut session, "ten minutes later the API no longer accepts the token", "/v1/reports")?;
    println!("\nin the end the session is {:?}, and {} answers of the script are left", session.state(shell.now), shell.script.len());
    Ok(())
}

/// Everything that the machine does not have: time, a network, a place to keep tokens.
struct Shell {
    start: UnixTime,
    now: UnixTime,
    script: VecDeque<Answer>,
    store: Option<Record>,
}

impl Shell {
    /// One call from beginning to end: poll, do what the step says, report it, poll again.
    fn call(&mut self, session: &mut Session, why: &str, path: &str) -> Result<(), Failure> {
        println!("\nGET {path}: {why}");
        let call = Call::new(session.connection(), "GET", path)?;
        let mut exchange = Exchange::new(call, 1);
        let outcome = self.run(session, &mut exchange);
        // Always, finished or not: others may be waiting for what this exchange was doing.
        if let Some(_lease) = exchange.abandon(session) {
            self.say("the lease is given back to the store");
        }
        outcome
    }

    fn run(&mut self, session: &mut Session, exchange: &mut Exchange) -> Result<(), Failure> {
        let mut held = "";
        loop {
            match exchange.poll(session, self.now) {
                Step::Claim(claim) => {
                    self.say(&format!("Claim    the right to fetch a token, for {} s", claim.span.as_secs()));
                    exchange.handle_claimed(session, self.now, Claimed::Granted(self.store.clone()));
                }
                Step::Fetch(mut request) => {
                    // Nothing to be signed here: the client has a secret. One with a key has, and it may be elsewhere.
                    if let Err(not_sent) = request.sign() {
                        exchange.handle_failure(session, self.now, not_sent);
                        continue;
                    }
                    self.say(&format!("Fetch    {} {} (the body is a secret: {:?})", request.method, request.url.as_str(), request.body));
                    self.answer(session, exchange);
                }
                Step::Save(save) => {
                    self.say(&format!("Save     token number {}", save.record.generation));
                    self.store = Some(save.record);
                    exchange.handle_saved(session, self.now, Saved::Durable);
                }
                Step::Release(_) => self.say("Release  the right to fetch a token"),
                Step::Look => {
                    self.say("Look     for a limit that another process met (never asked for here: nothing is shared)");
                    exchange.handle_looked(session, self.now, None);
                }
                Step::Pause(_) => self.say("Pause    all processes (never asked for here either)"),
                Step::Connect(_) => {
                    self.say("Connect  ahead of the token request (never asked for here: the refresh token is no single-use one)");
                    exchange.handle_connected(session, self.now, ConnectOutcome::NotSupported);
                }
                Step::Load => {
                    self.say("Load     the credential again (never asked for here: it came from no source)");
                    exchange.handle_loaded(session, self.now, None);
                }
                Step::Send(send) => {
                    let with = send
                        .authorization
                        .as_ref()
                        .map_or_else(|| "no credential".to_owned(), |authorization| format!("{authorization:?}"));
                    self.say(&format!("Send     attempt {} to {} with {with}", send.attempt, send.url.as_str()));
                    held = self.answer(session, exchange);
                }
                Step::Wait(until) => {
                    self.say(&format!("Wait     {:.1} s", until.since(self.now).as_secs_f64()));
                    self.now = until;
                }
                Step::Done(Outcome::Answered(None)) => {
                    self.say(&format!("Done     the caller gets {held}"));
                    return Ok(());
                }
                Step::Done(Outcome::Answered(Some(failure)) | Outcome::Failed(failure)) => return Err(failure),
                Step::Done(Outcome::Renewed) => return Ok(()),
            }
        }
    }

    /// Takes the next answer from the script, a fifth of a second after it was asked for, and reports it.
    fn answer(&mut self, session: &mut Session, exchange: &mut Exchange) -> &'static str {
        self.now = self.now.after(Duration::from_millis(200));
        let Some((status, headers, body)) = self.script.pop_front() else {
            let lost = Transport { how: Unanswered::NotSent, what: "the script is over".into(), advice: String::new() };
            exchange.handle_failure(session, self.now, lost);
            return "";
        };
        self.say(&format!("         answered {status} {headers:?}"));
        exchange.handle_response(session, self.now, &Response { status, headers: &headers, body: body.as_bytes() });
        body
    }

    /// Lets time pass.
    fn pass(&mut self, span: Duration) {
        self.now = self.now.after(span);
    }

    fn say(&self, text: &str) {
        println!("  {:>8.3} s  {text}", self.now.since(self.start).as_secs_f64());
    }
}

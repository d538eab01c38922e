//! The run loop: does what the machine says, and reports what came of it.

use crate::clock;
use crate::response::{Answer, Fields, TOKEN_READ_LIMIT};
use crate::shared::Shared;
use crate::transport::transport;
use auth_core::{Authorization, Exchange, Failure, FailureKind, Outcome, Response, Send, Step, TokenRequest, Transport, UnixTime};
use std::io::Read as _;
use std::sync::Arc;
use ureq::http;
use zeroize::Zeroizing;

/// How the loop ended, when it did not fail.
pub(crate) enum Ended {
    /// With an answer to the caller's request, and what is wrong with it if it is not a success.
    Answered(Box<Answer>, Option<Failure>),
    /// With the authorization that was asked for.
    Authorized(Arc<Authorization>),
    /// With a renewed token.
    Renewed,
}

/// What came of sending the caller's request once.
pub(crate) type Delivered = Result<Box<Answer>, Transport>;

/// What to do when the machine says `Send`.
pub(crate) enum Deliver<'a> {
    /// Send the caller's request.
    Request(&'a mut dyn FnMut(&Send, UnixTime) -> Delivered),
    /// Nothing: the caller sends by itself and wants the authorization only.
    Nothing,
}

/// Runs an exchange to its end. However it is left, whoever waits for it is let go on.
pub(crate) fn run(shared: &Arc<Shared>, exchange: Exchange, mut deliver: Deliver<'_>) -> Result<Ended, Failure> {
    let exchange = if shared.audit.is_wanted() { exchange.audited() } else { exchange };
    let mut running = Running { shared, exchange };
    let mut answer: Option<Box<Answer>> = None;
    let mut step = running.first_step();
    loop {
        let (now_step, seen) = match step.take() {
            Some(step) => (step, 0),
            None => running.poll(),
        };
        running.report();
        match now_step {
            Step::Claim(claim) => {
                let claimed = shared.store.claim(&shared.store_id, &claim);
                shared.with(|session, now| running.exchange.handle_claimed(session, now, claimed));
            }
            Step::Save(save) => {
                let saved = shared.store.save(&shared.store_id, &save);
                shared.with(|session, now| running.exchange.handle_saved(session, now, saved));
            }
            Step::Release(lease) => shared.store.release(&shared.store_id, &lease),
            Step::Load => {
                let credential = load(shared);
                shared.with(|session, now| running.exchange.handle_loaded(session, now, credential));
            }
            Step::Fetch(request) => match fetch(shared, &request) {
                Ok(answer) => {
                    let response = Response { status: answer.status, headers: &answer.fields, body: &answer.body };
                    shared.with(|session, now| running.exchange.handle_response(session, now, &response));
                }
                Err(lost) => {
                    shared.with(|session, now| running.exchange.handle_failure(session, now, lost));
                }
            },
            Step::Send(send) => match &mut deliver {
                Deliver::Nothing => return send.authorization.map(Ended::Authorized).ok_or_else(not_authorized),
                Deliver::Request(request) => match request(&send, clock::now()) {
                    Ok(mut received) => {
                        if running.exchange.finish_fresh(clock::now(), received.status()) {
                            running.report();
                            return Ok(Ended::Answered(received, None));
                        }
                        received.read_ahead();
                        shared.with(|session, now| running.exchange.handle_response(session, now, &received.for_machine()));
                        answer = Some(received);
                    }
                    Err(lost) => {
                        answer = None;
                        shared.with(|session, now| running.exchange.handle_failure(session, now, lost));
                    }
                },
            },
            Step::Wait(until) => shared.wait(until, seen),
            Step::Done(Outcome::Answered(failure)) => {
                return answer.map(|answer| Ended::Answered(answer, failure)).ok_or_else(not_authorized);
            }
            Step::Done(Outcome::Failed(failure)) => return Err(failure),
            Step::Done(Outcome::Renewed) => return Ok(Ended::Renewed),
        }
    }
}

/// An exchange that is abandoned when it goes out of scope, by whatever way.
struct Running<'a> {
    shared: &'a Arc<Shared>,
    exchange: Exchange,
}

impl Running<'_> {
    /// The first step without the lock, while there is something fresh to send with.
    fn first_step(&mut self) -> Option<Step> {
        let fresh = self.shared.fresh();
        self.exchange.poll_fresh(&fresh, clock::now())
    }

    /// The next step, and the session's change number at that moment. If a token is wanted, getting it begins on a thread of its own.
    fn poll(&mut self) -> (Step, u64) {
        let ((step, renewal), seen) = self.shared.with(|session, now| {
            let renewal = session.begin_renewal(now, fastrand::u64(..));
            (self.exchange.poll(session, now), renewal)
        });
        if let Some(renewal) = renewal {
            crate::renewal::spawn(self.shared, renewal);
        }
        (step, seen)
    }
}

impl Running<'_> {
    /// Delivers the audit events since the last time.
    fn report(&mut self) {
        let events = self.exchange.take_events();
        if !events.is_empty() {
            self.shared.audit.deliver(&events);
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.exchange.has_entered() {
            return;
        }
        let (lease, _) = self.shared.with(|session, _| self.exchange.abandon(session));
        if let Some(lease) = lease {
            self.shared.store.release(&self.shared.store_id, &lease);
        }
    }
}

/// Asks the credential's source again. What it gives now is kept only if it can be read.
fn load(shared: &Shared) -> Option<auth_core::Credential> {
    let source = shared.credential.lock().clone();
    let credential = source.reload().ok()?;
    let parsed = credential.parse(shared.connection.provider()).ok()?;
    let environment_fits = parsed.environments().all(|environment| environment == shared.connection.environment());
    environment_fits.then(|| {
        *shared.credential.lock() = credential;
        parsed
    })
}

/// A token endpoint's answer, whose body is wiped when it is dropped.
struct TokenAnswer {
    status: u16,
    fields: Fields<http::HeaderMap>,
    body: Zeroizing<Vec<u8>>,
}

/// Sends a token request as it is and reads the whole answer, up to the length that is understood.
fn fetch(shared: &Shared, request: &TokenRequest) -> Result<TokenAnswer, Transport> {
    let unsendable = |what: &str| Transport { not_sent: true, what: what.into(), advice: String::new() };
    let mut builder = http::Request::builder().method(request.method).uri(request.url.as_str());
    for (name, value) in &request.headers {
        let mut value =
            http::HeaderValue::from_str(value.expose()).map_err(|_| unsendable("the token request has a header that cannot be sent"))?;
        value.set_sensitive(true);
        builder = builder.header(*name, value);
    }
    let response = if let Some(body) = &request.body {
        let request_with_body = builder.body(body.expose()).map_err(|_| unsendable("the token request cannot be sent"))?;
        shared.agent.run(shared.agent.configure_request(request_with_body).timeout_global(Some(request.timeout)).build())
    } else {
        let request_alone = builder.body(()).map_err(|_| unsendable("the token request cannot be sent"))?;
        shared.agent.run(shared.agent.configure_request(request_alone).timeout_global(Some(request.timeout)).build())
    };
    let (head, body) = response.map_err(|error| transport(&error))?.into_parts();
    // Room for the usual answer at once: a growing buffer leaves copies of the token behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1_024));
    let cut_off =
        |error: std::io::Error| Transport { not_sent: false, what: format!("the answer was cut off: {error}"), advice: String::new() };
    body.into_with_config().limit(u64::MAX).reader().take(TOKEN_READ_LIMIT).read_to_end(&mut bytes).map_err(cut_off)?;
    Ok(TokenAnswer { status: head.status.as_u16(), fields: Fields(head.headers), body: bytes })
}

fn not_authorized() -> Failure {
    Failure::new(FailureKind::Misuse, "the machine ended without an answer", "report this as a bug of ledgerauth")
}

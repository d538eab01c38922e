//! The run loop: does what the machine says, and reports what came of it.

use crate::fetch::fetch;
use crate::response::Answer;
use crate::shared::Shared;
use auth_core::{Authorization, Exchange, Failure, FailureKind, Outcome, Send, Step, Transport, UnixTime};
use std::sync::Arc;

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
    let mut running = Running { shared, exchange: shared.audited(exchange) };
    let mut answer: Option<Box<Answer>> = None;
    let mut step = running.first_step();
    loop {
        let (now_step, seen) = match step.take() {
            Some(step) => (step, 0),
            None => running.poll(),
        };
        report(shared, &mut running.exchange);
        match obey(shared, &mut running.exchange, now_step) {
            // Obeyed.
            None | Some(Step::Claim(_) | Step::Save(_) | Step::Release(_) | Step::Look | Step::Pause(_) | Step::Load) => {}
            Some(Step::Fetch(request)) => match fetch(&*shared.transport, request) {
                Ok(answer) => {
                    shared.with(|session, now| running.exchange.handle_response(session, now, &answer.for_machine()));
                }
                Err(lost) => {
                    shared.with(|session, now| running.exchange.handle_failure(session, now, lost));
                }
            },
            Some(Step::Send(send)) => match &mut deliver {
                Deliver::Nothing => return send.authorization.map(Ended::Authorized).ok_or_else(not_authorized),
                Deliver::Request(request) => match request(&send, shared.now()) {
                    Ok(mut received) => {
                        if running.exchange.finish_fresh(shared.now(), received.status()) {
                            report(shared, &mut running.exchange);
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
            Some(Step::Wait(until)) => shared.wait(until, seen)?,
            Some(Step::Done(Outcome::Answered(failure))) => {
                return answer.map(|answer| Ended::Answered(answer, failure)).ok_or_else(not_authorized);
            }
            Some(Step::Done(Outcome::Failed(failure))) => return Err(failure),
            Some(Step::Done(Outcome::Renewed)) => return Ok(Ended::Renewed),
        }
    }
}

/// Does what the client's store and credential source are asked for, and signs what is to be signed; any other step comes back.
pub(crate) fn obey(shared: &Shared, exchange: &mut Exchange, step: Step) -> Option<Step> {
    match step {
        Step::Claim(claim) => {
            let claimed = shared.store.claim(&shared.store_id, &claim);
            shared.with(|session, now| exchange.handle_claimed(session, now, claimed));
        }
        Step::Save(save) => {
            let saved = shared.store.save(&shared.store_id, &save);
            shared.with(|session, now| exchange.handle_saved(session, now, saved));
        }
        Step::Release(lease) => shared.store.release(&shared.store_id, &lease),
        Step::Look => {
            let pause = shared.store.paused(&shared.store_id);
            shared.with(|session, now| exchange.handle_looked(session, now, pause));
        }
        Step::Pause(pause) => shared.store.pause(&shared.store_id, &pause),
        Step::Load => {
            let credential = load(shared);
            shared.with(|session, now| exchange.handle_loaded(session, now, credential));
        }
        Step::Fetch(mut request) => match request.sign() {
            Ok(()) => return Some(Step::Fetch(request)),
            Err(lost) => {
                shared.with(|session, now| exchange.handle_failure(session, now, lost));
            }
        },
        other => return Some(other),
    }
    None
}

/// Delivers the audit events since the last time.
pub(crate) fn report(shared: &Shared, exchange: &mut Exchange) {
    let events = exchange.take_events();
    if !events.is_empty() {
        shared.audit.deliver(&events);
    }
}

/// Leaves an exchange, finished or not.
pub(crate) fn leave(shared: &Shared, exchange: &mut Exchange) {
    if !exchange.has_entered() {
        return;
    }
    let (lease, _) = shared.with(|session, _| exchange.abandon(session));
    if let Some(lease) = lease {
        shared.store.release(&shared.store_id, &lease);
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
        self.exchange.poll_fresh(fresh.as_deref()?, self.shared.now())
    }

    /// The next step, and the session's change number at that moment. If a token is wanted, getting it begins, on a thread of its own if the client may have one.
    fn poll(&mut self) -> (Step, u64) {
        let ((step, renewal), seen) = self.shared.with(|session, now| {
            let renewal = session.begin_renewal(now, self.shared.seed());
            (self.exchange.poll(session, now), renewal)
        });
        match renewal {
            Some(renewal) if self.shared.renews_beside => crate::renewal::spawn(self.shared, renewal),
            Some(renewal) => crate::renewal::drive(self.shared, renewal),
            None => {}
        }
        (step, seen)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        leave(self.shared, &mut self.exchange);
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

fn not_authorized() -> Failure {
    Failure::new(FailureKind::Misuse, "the machine ended without an answer", "report this as a bug of ledgerauth")
}

//! The run loop: does what the machine says, and reports what came of it.

use crate::beside::{Away, Waited, look, spawn_or_here};
use crate::credential::Credential;
use crate::error::Error;
use crate::fetch::{fetch_over, unsendable};
use crate::response::Answer;
use crate::shared::Shared;
use crate::transport::OpenConnection;
use auth_core::{
    Authorization, Connect, ConnectOutcome, Exchange, Failure, FailureKind, Outcome, Processed, Response, Send, Step, Transport, UnixTime,
};
use std::sync::Arc;
use std::sync::atomic::Ordering;

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
pub(crate) fn run(shared: &Arc<Shared>, exchange: Exchange, deliver: Deliver<'_>) -> Result<Ended, Error> {
    run_on(shared, Running::new(shared, exchange), deliver)
}

/// Renews to its end, in this thread. The result is the session's.
pub(crate) fn renew(shared: &Arc<Shared>, renewal: Exchange) {
    let mut running = Running::new(shared, renewal);
    running.waits_here = true;
    // A failure is the session's to remember: the token in use is still valid.
    let _ = run_on(shared, running, Deliver::Nothing);
}

fn run_on(shared: &Arc<Shared>, mut running: Running, mut deliver: Deliver<'_>) -> Result<Ended, Error> {
    let mut answer: Option<Box<Answer>> = None;
    loop {
        match running.next() {
            Step::Send(send) => match &mut deliver {
                Deliver::Nothing => return send.authorization.map(Ended::Authorized).ok_or_else(not_authorized),
                Deliver::Request(request) => match request(&send, shared.now()) {
                    Ok(mut received) => {
                        if running.finish_fresh(received.status()) {
                            return Ok(Ended::Answered(received, None));
                        }
                        received.read_ahead();
                        running.answered(&received.for_machine());
                        answer = Some(received);
                    }
                    Err(lost) => {
                        answer = None;
                        running.lost(lost);
                        shared.go_on().map_err(|error| running.told(error))?;
                    }
                },
            },
            Step::Wait(until) => shared.wait(until, running.seen).map_err(|error| running.told(error))?,
            Step::Done(Outcome::Answered(failure)) => {
                return answer.map(|answer| Ended::Answered(answer, failure)).ok_or_else(not_authorized);
            }
            Step::Done(Outcome::Failed(failure)) => return Err(failure.into()),
            Step::Done(Outcome::Renewed) => return Ok(Ended::Renewed),
            chore if running.waits_here => running.oblige(chore),
            chore => match Away::send(running, chore).wait(shared)? {
                Waited::Back(back) => running = *back,
                // An answer that is here is the caller's, whatever happened afterwards.
                Waited::Overdue(failure) => {
                    return match answer {
                        Some(answer) => Ok(Ended::Answered(answer, Some(failure))),
                        None => Err(failure.into()),
                    };
                }
                Waited::Gone => return Err(lost_for_good().into()),
            },
        }
    }
}

/// The thread that had the exchange did not bring it back.
pub(crate) fn lost_for_good() -> Failure {
    let what = "the thread that waited for a store, a source or a token endpoint is gone";
    Failure::new(FailureKind::Misuse, what, "start the call again")
}

/// An exchange that is abandoned when it goes out of scope, by whatever way.
pub(crate) struct Running {
    shared: Arc<Shared>,
    exchange: Exchange,
    /// Whether steps that may block are done in this thread.
    waits_here: bool,
    /// Whether something fresh, if there is any, may be sent without the lock: at first, and after a wait.
    looks_for_fresh: bool,
    /// The connection for the next token request.
    standing: Option<Box<dyn OpenConnection>>,
    /// The session's change number at the last step.
    pub(crate) seen: u64,
}

impl Running {
    pub(crate) fn new(shared: &Arc<Shared>, exchange: Exchange) -> Self {
        let mut running = Self::begun(shared, shared.audited(exchange));
        running.looks_for_fresh = true;
        running
    }

    /// Of an exchange whose request was sent already.
    pub(crate) fn begun(shared: &Arc<Shared>, exchange: Exchange) -> Self {
        let waits_here = !shared.renews_beside;
        Self { shared: Arc::clone(shared), exchange, waits_here, looks_for_fresh: false, standing: None, seen: 0 }
    }

    /// The next step: without the lock, where there is something fresh to send with.
    pub(crate) fn next(&mut self) -> Step {
        let unasked = if self.looks_for_fresh { self.poll_fresh() } else { None };
        let step = unasked.unwrap_or_else(|| self.poll());
        self.looks_for_fresh = matches!(step, Step::Wait(_));
        report(&self.shared, &mut self.exchange);
        step
    }

    fn poll_fresh(&mut self) -> Option<Step> {
        let fresh = self.shared.fresh();
        self.exchange.poll_fresh(&fresh, self.shared.now())
    }

    /// If a token is wanted, getting it begins, on a thread of its own if the client may have one.
    fn poll(&mut self) -> Step {
        let may_look = !self.waits_here && !self.shared.looking.load(Ordering::Relaxed);
        let ((step, renewal, looks), seen) = self.shared.with(|session, now| {
            let renewal = session.begin_renewal(now, self.shared.seed());
            let looks = may_look && session.begin_look(now);
            (self.exchange.poll(session, now), renewal, looks)
        });
        self.seen = seen;
        if looks {
            look(&self.shared);
        }
        match renewal {
            Some(renewal) if self.shared.renews_beside => crate::renewal::spawn(&self.shared, renewal, self.deadline()),
            Some(mut renewal) => {
                renewal.end_by(self.deadline());
                renew(&self.shared, renewal);
            }
            None => {}
        }
        step
    }

    /// Does what may not be left half-done: the steps that follow without a wait.
    pub(crate) fn finish_chores(mut self) {
        loop {
            match self.next() {
                Step::Send(_) | Step::Wait(_) | Step::Done(_) => return,
                chore => self.oblige(chore),
            }
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn deadline(&self) -> UnixTime {
        self.exchange.deadline()
    }

    /// Goes on without the look, whose result the session gets from elsewhere.
    pub(crate) fn look_elsewhere(&mut self) {
        let Self { shared, exchange, .. } = self;
        shared.with(|session, now| exchange.handle_look_elsewhere(session, now));
    }

    /// Does what concerns store, source and token endpoint, and reports it. May block.
    pub(crate) fn oblige(&mut self, chore: Step) {
        match obey(&self.shared, &mut self.exchange, chore) {
            Some(Step::Connect(connect)) => {
                let outcome = self.connect(&connect);
                let Self { shared, exchange, .. } = self;
                shared.with(|session, now| exchange.handle_connected(session, now, outcome));
            }
            Some(Step::Fetch(request)) => match fetch_over(&*self.shared.transport, self.standing.take(), request) {
                Ok(answer) => self.answered(&answer.for_machine()),
                Err(lost) => self.lost(lost),
            },
            _ => {}
        }
    }

    /// Opens the connection for the next token request, in place of an earlier one.
    fn connect(&mut self, to: &Connect) -> ConnectOutcome {
        self.standing = None;
        let url = http::Uri::try_from(to.url.as_str()).map_err(|_| unsendable("the URL of the token endpoint cannot be sent"));
        match url.and_then(|url| self.shared.transport.connect(&url, to.timeout)) {
            Ok(Some(connection)) => {
                self.standing = Some(connection);
                ConnectOutcome::Connected
            }
            Ok(None) => ConnectOutcome::NotSupported,
            Err(failed) => ConnectOutcome::Failed(failed),
        }
    }

    /// Reports an answer.
    pub(crate) fn answered(&mut self, response: &Response<'_>) {
        let Self { shared, exchange, .. } = self;
        shared.with(|session, now| exchange.handle_response(session, now, response));
    }

    /// Reports that there is none.
    pub(crate) fn lost(&mut self, lost: Transport) {
        let Self { shared, exchange, .. } = self;
        shared.with(|session, now| exchange.handle_failure(session, now, lost));
    }

    /// An error that ends the call from outside, told with what became of its request so far.
    pub(crate) fn told(&self, error: Error) -> Error {
        match error {
            Error::Failure(failure) => self.told_to_call(failure).into(),
            other => other.of_call(self.processed()),
        }
    }

    /// What became of the call's request so far.
    pub(crate) fn processed(&self) -> Processed {
        self.exchange.processed()
    }

    /// The same of a failure.
    pub(crate) fn told_to_call(&self, failure: Failure) -> Failure {
        self.exchange.told_to_call(failure)
    }

    /// Reports a success without the lock; `false` if the answer has to be reported in full.
    pub(crate) fn finish_fresh(&mut self, status: u16) -> bool {
        let over = self.exchange.finish_fresh(self.shared.now(), status);
        if over {
            report(&self.shared, &mut self.exchange);
        }
        over
    }

    pub(crate) fn request_id(&self) -> &str {
        self.exchange.request_id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        leave(&self.shared, &mut self.exchange, self.waits_here);
    }
}

/// Does what the client's store and credential source are asked for, and signs what is to be signed; any other step comes back.
pub(crate) fn obey(shared: &Shared, exchange: &mut Exchange, step: Step) -> Option<Step> {
    match step {
        Step::Claim(claim) => {
            let claimed = shared.claim(&claim, false);
            shared.with(|session, now| exchange.handle_claimed_by_id(session, now, claimed));
        }
        Step::Save(save) => {
            let saved = shared.save(&save);
            shared.with(|session, now| exchange.handle_saved(session, now, saved));
        }
        Step::Release(lease) => shared.release(&lease),
        Step::Look => {
            let pause = shared.paused();
            shared.with(|session, now| exchange.handle_looked(session, now, pause));
        }
        Step::Pause(pause) => shared.pause(&pause),
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

/// Leaves an exchange, finished or not. What the store has to be told of it is done here, or beside the caller.
pub(crate) fn leave(shared: &Arc<Shared>, exchange: &mut Exchange, here: bool) {
    if !exchange.has_entered() {
        return;
    }
    let ((ids, save, lease), _) = shared.with(|session, _| (shared.ids_of(session), exchange.settle(session), exchange.abandon(session)));
    if save.is_none() && lease.is_none() {
        return;
    }
    let (theirs, counted) = (Arc::clone(shared), crate::renewal::Running::begin(shared));
    let tell = move || {
        if let Some(save) = save {
            // If it does not succeed, this session still knows that nothing was sent.
            let _ = theirs.save_at(&ids, &save);
        }
        if let Some(lease) = lease {
            theirs.release_at(&ids, &lease);
        }
        drop(counted);
    };
    if here { tell() } else { spawn_or_here("ledgerauth-chore", tell) }
}

/// Asks the credential's source again.
fn load(shared: &Shared) -> Option<auth_core::Credential> {
    let source = shared.credential.lock().clone();
    // Unless the program has handed another one over meanwhile.
    keep(shared, source.reload().ok()?, |held| held.has_source_of(&source))
}

/// Takes what a source gave, if it can be read and is for the client's environment; it is kept in the place of one for which that holds.
pub(crate) fn keep(shared: &Shared, credential: Credential, replaces: impl FnOnce(&Credential) -> bool) -> Option<auth_core::Credential> {
    let parsed = credential.parse(shared.connection.provider()).ok()?;
    shared.connection.is_for(&parsed).then(|| {
        let mut held = shared.credential.lock();
        if replaces(&held) {
            *held = credential;
        }
        parsed
    })
}

fn not_authorized() -> Error {
    Failure::new(FailureKind::Misuse, "the machine ended without an answer", "report this as a bug of ledgerauth").into()
}

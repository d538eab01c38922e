//! `Exchange`: one authenticated request, as a machine.
//!
//! States are named by what they wait for. `poll` says what to do; the one matching `handle_*` takes what came of it. Getting a token
//! (claim, fetch, save, release) is in `obtain`, the connection for it in `connect`, what is written before a single-use refresh token is spent in `journal`, when one in doubt is sent again in `doubt`, sending the caller's request in `deliver`; the states are in `at`, what a shell reports in `report`, what
//! is noted for the audit in `note`, what an exchange leaves behind in `leave`; this file is the frame around them.

mod at;
mod connect;
mod deliver;
mod doubt;
mod journal;
mod leave;
mod note;
mod obtain;
mod report;

use crate::audit::{AuditEvent, Audited};
use crate::call::Call;
use crate::credential::Authorization;
use crate::session::{Fresh, Session};
use crate::step::{Outcome, Send, Step, Transport};
use crate::time::UnixTime;
use crate::token::life::{Event, Ready};
use crate::token::record::{Claim, Claimed, Lease, Record, Save, Saved, Spending};
use crate::token::refused::Refusal;
use crate::token::request::{self, TokenRequest};
use crate::verdict::answer::{Response, is_success};
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::processed::Processed;
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use at::{At, Deliveries, Then};
use core::fmt;
use core::time::Duration;

/// How much longer than a token request's own timeout the right to it lasts, so that a late answer is still the holder's.
const LEASE_SLACK: Duration = Duration::from_secs(15);

/// `Exchange` runs one request from the first look at the session to the answer, as a machine that says what to do next.
///
/// Poll once, do exactly what the [`Step`] says, report it with the one matching `handle_*`, poll again, until [`Step::Done`]. Leave it by [`Exchange::abandon`],
/// always, finished or not. A report that does not match the step, or a second poll without the report, ends the exchange with a `Misuse`.
#[expect(clippy::struct_excessive_bools, reason = "each notes that one thing has happened once; none depends on another")]
pub struct Exchange {
    call: Option<Call>,
    at: At,
    id: u64,
    dice: fastrand::Rng,
    deadline: UnixTime,
    owner: u64,
    leased_until: Option<UnixTime>,
    stored: u64,
    /// The grant for which the store was asked.
    grant: u64,
    /// The entry that this exchange made.
    journal: Option<Spending>,
    /// Since when the refresh token may be spent, by this exchange or by somebody before.
    spent_since: Option<UnixTime>,
    /// How many times it was sent since then.
    sent_before: u32,
    /// Whether that refresh token is sent again although no reuse is granted, because nothing can be lost by it.
    is_in_doubt: bool,
    /// The server's word on the refresh token, until the store is read once more.
    refusal: Option<Box<Failure>>,
    /// The refusal of the refresh token that is sent once more, as the probe of the hour.
    probing: Option<Box<Refusal>>,
    fetches: u32,
    /// The generation whose refresh token was sent last.
    sent: u64,
    /// How many token requests of the session had got no answer when this exchange began.
    unanswered_before: u32,
    /// Whether a signed request was repeated because the clocks differed.
    clock_was_wrong: bool,
    /// Whether the store was asked for limits of other processes: once a call.
    has_looked: bool,
    /// Whether a refusal of a server in trouble was asked for once more.
    doubted: bool,
    saves: u32,
    deliveries: Deliveries,
    audit: Option<Vec<AuditEvent>>,
    /// Whether each request and answer is an event, too.
    audits_calls: bool,
}

impl Exchange {
    /// An exchange for a call. `seed` is the source of all dice: random in production, any number in a test.
    pub fn new(call: Call, seed: u64) -> Self {
        let mut exchange = Self::idle(seed);
        let id = call.request_id.clone().unwrap_or_else(|| str::from_utf8(&digits(&mut exchange.dice)).unwrap_or_default().into());
        exchange.deliveries.name(id);
        exchange.deliveries.url = Some(call.url.clone());
        exchange.call = Some(call);
        exchange
    }

    /// An exchange that only renews the session's token; it holds the right to do so from the start.
    pub(crate) fn renewal(session: &mut Session, now: UnixTime, seed: u64) -> Self {
        let mut exchange = Self::idle(seed);
        exchange.enter(session, now);
        exchange.hold(session, now, now.after(Self::lease_span(session)));
        exchange.at = At::Resting(now, Then::Claim);
        exchange
    }

    fn idle(seed: u64) -> Self {
        let deliveries = Deliveries {
            sends: 0,
            redirects: 0,
            refusals: 0,
            foreign: false,
            answered: false,
            probe: false,
            processed: Processed::No,
            url: None,
            sent_id: Arc::default(),
            request_id: Arc::default(),
        };
        let dice = fastrand::Rng::with_seed(seed);
        Self {
            call: None,
            at: At::Start,
            id: 0,
            owner: 0,
            dice,
            deadline: UnixTime::NEVER,
            leased_until: None,
            stored: 0,
            grant: 0,
            journal: None,
            spent_since: None,
            sent_before: 0,
            is_in_doubt: false,
            refusal: None,
            probing: None,
            fetches: 0,
            sent: 0,
            unanswered_before: 0,
            clock_was_wrong: false,
            has_looked: false,
            doubted: false,
            saves: 0,
            deliveries,
            audit: None,
            audits_calls: false,
        }
    }

    /// What to do next. Call it again after the report, or, after a [`Step::Wait`], when the time has come or the session has changed; more often does no harm then.
    pub fn poll(&mut self, session: &mut Session, now: UnixTime) -> Step {
        let now = self.attend(session, now);
        loop {
            match core::mem::replace(&mut self.at, At::Start) {
                At::Start => {
                    if let Some(until) = self.start(session, now) {
                        return Step::Wait(until);
                    }
                }
                At::Resting(until, then) if now < until => {
                    self.at = At::Resting(until, then);
                    return Step::Wait(until);
                }
                At::Resting(_, then) => match then {
                    Then::Start => {}
                    Then::Claim if now >= self.deadline && self.refusal.is_none() && !has_unsaved(session) => {
                        session.take(Event::Abandoned { by: self.id });
                        self.fail(self.too_late(session, now));
                    }
                    // Another exchange's answer was heard late, because the process was stopped.
                    Then::Claim if session.is_fresh(now) && self.refusal.is_none() && !has_unsaved(session) => {
                        session.take(Event::Abandoned { by: self.id });
                        self.at = At::Release(Box::new(At::Start));
                    }
                    // What is here and only has to be stored needs no token request.
                    Then::Claim if now < session.next_token_request() && self.refusal.is_none() && !has_unsaved(session) => {
                        self.at = At::Resting(session.next_token_request().min(self.deadline), Then::Claim);
                    }
                    Then::Claim if !self.hold(session, now, now.after(Self::lease_span(session))) => {}
                    Then::Claim => {
                        // Another number for each lease: one that is given back late must not end the next.
                        if self.leased_until.is_none() {
                            self.owner = self.dice.u64(1..);
                        }
                        self.at = At::ExpectClaimed(now);
                        return Step::Claim(Claim { owner: self.owner, span: Self::lease_span(session) });
                    }
                    Then::Fetch => self.at = At::Connect,
                    Then::Save(unsaved) => self.at = At::Save(unsaved),
                    Then::DeliverForeign => self.at = At::DeliverForeign,
                },
                At::Look => {
                    self.at = At::ExpectLooked;
                    return Step::Look;
                }
                At::Announce(pause, next) => {
                    self.at = *next;
                    return Step::Pause(pause);
                }
                At::Load => {
                    self.at = At::ExpectLoaded;
                    return Step::Load;
                }
                At::Connect => {
                    if let Some(connect) = self.connect(session, now) {
                        return Step::Connect(connect);
                    }
                }
                At::Journal => {
                    if let Some(save) = self.journal(session, now) {
                        return Step::Save(save);
                    }
                }
                At::Fetch => {
                    if let Some(request) = self.fetch(session, now) {
                        return Step::Fetch(request);
                    }
                }
                At::ClearJournal(next) => {
                    if let Some(save) = self.clear_journal(session, next) {
                        return Step::Save(save);
                    }
                }
                At::Save(unsaved) => {
                    let save = Save { record: session.labelled(unsaved.record.clone()), replaces: self.stored, lease: self.lease() };
                    self.hold(session, now, now.after(Self::lease_span(session)));
                    self.at = At::ExpectSaved(unsaved);
                    return Step::Save(save);
                }
                At::Release(then) => {
                    self.at = *then;
                    let lease = self.lease();
                    self.leased_until = None;
                    if let Some(lease) = lease {
                        return Step::Release(lease);
                    }
                }
                At::GiveUp(failure) => self.given_up(session, now, *failure),
                At::Deliver(authorization) => return self.deliver(now, Some(authorization)),
                At::DeliverForeign => return self.deliver(now, None),
                At::Finished(outcome) => {
                    self.at = At::Finished(outcome.clone());
                    return Step::Done(if self.call.is_some() { outcome.with(|failure| self.told_to_call(failure)) } else { outcome });
                }
                expecting => {
                    self.at = expecting;
                    self.misuse(session, "poll was called before the last step was reported");
                }
            }
        }
    }

    /// The step that sends the caller's request first, without the session, while `fresh` lasts: the same that `poll` would give, also after a
    /// [`Step::Wait`]; `None` if the session has to be asked.
    pub fn poll_fresh(&mut self, fresh: &Fresh, now: UnixTime) -> Option<Step> {
        let unsent = matches!(self.at, At::Start) && self.deliveries.sends == 0;
        let own_deadline = self.call.as_ref()?.deadline;
        let deadline = if self.has_entered() { Some(self.deadline) } else { own_deadline };
        if !unsent || now >= fresh.until || deadline.is_some_and(|deadline| deadline <= now) {
            return None;
        }
        Some(self.deliver(now, Some(Arc::clone(&fresh.authorization))))
    }

    /// Takes a success without the session: `true` if the exchange is over and the response is the caller's, `false` if it has to be reported by
    /// [`Exchange::handle_response`].
    pub fn finish_fresh(&mut self, now: UnixTime, status: u16) -> bool {
        // Where the credential did not go, a success is none before it was looked at.
        let fine = matches!(self.at, At::ExpectAnswer(Some(_))) && is_success(status) && !self.deliveries.probe;
        if !fine {
            return false;
        }
        let was = core::mem::replace(&mut self.at, At::Finished(Outcome::Answered(None)));
        let connection = self.audit.as_ref().and(self.call.as_ref()).map(|call| Arc::clone(&call.connection));
        if let (At::ExpectAnswer(sent), Some(connection)) = (was, connection) {
            self.note_answer(&connection, now, sent.as_deref(), status, || None);
        }
        true
    }

    /// Whether the session knows of this exchange, so that it has to be abandoned: not if it went the fast way only.
    pub fn has_entered(&self) -> bool {
        self.id != 0
    }

    /// When the caller no longer waits; never for one without a deadline that has not been polled.
    pub fn deadline(&self) -> UnixTime {
        let own = self.call.as_ref().and_then(|call| call.deadline);
        if self.has_entered() { self.deadline } else { own.unwrap_or(UnixTime::NEVER) }
    }

    /// Ends a renewal's waits at this moment, where a call waits for it in the same thread. A token request
    /// that spends a refresh token is heard out all the same. A later moment than its own changes nothing.
    pub fn end_by(&mut self, deadline: UnixTime) {
        self.deadline = self.deadline.min(deadline);
    }

    /// The same failure, told to the call: with its id, and with what became of its request so far. For a shell that gives the exchange up.
    #[must_use]
    pub fn told_to_call(&self, failure: Failure) -> Failure {
        let repeatable = self.call.as_ref().is_some_and(Call::is_repeatable);
        failure.of_call(&self.deliveries.request_id, self.deliveries.processed, repeatable)
    }

    /// What became of the caller's request so far, on all of its attempts; [`Processed::No`] while nothing of it was sent. An attempt that is under way
    /// counts once its answer, or its loss, was reported.
    pub const fn processed(&self) -> Processed {
        self.deliveries.processed
    }

    /// The id under which the call is known to both sides; told by its length if it was given and could be
    /// a secret that was put there by mistake.
    pub fn request_id(&self) -> &str {
        &self.deliveries.request_id
    }

    /// The session's time; registers with the session first, if that has not been done.
    fn attend(&mut self, session: &mut Session, now: UnixTime) -> UnixTime {
        let now = session.clock(now);
        if self.id == 0 {
            self.enter(session, now);
        }
        now
    }

    fn enter(&mut self, session: &mut Session, now: UnixTime) {
        self.id = session.enter();
        self.unanswered_before = session.unanswered();
        let usual = now.after(session.connection().policy().deadline);
        self.deadline = self.call.as_ref().and_then(|call| call.deadline).unwrap_or(usual);
    }

    /// Asks the session what can be done now, and does it. If another exchange has to finish something first, it stays at the start, and
    /// the moment to look again at the latest comes back.
    fn start(&mut self, session: &mut Session, now: UnixTime) -> Option<UnixTime> {
        if self.call.is_none() {
            self.at = At::Finished(Outcome::Renewed);
            return None;
        }
        if let Some((until, why)) = session.pause(self.id, now) {
            self.at = if until > self.deadline {
                self.answer_or_failure(why.for_a_call_not_sent())
            } else {
                // A little after, so that those who paused together do not come back in one millisecond.
                let connection = Arc::clone(session.connection());
                self.note(&connection, now, Audited::Pausing, None, || format!("{}; until {until}", why.what()));
                At::Resting(until.after(Duration::from_millis(self.dice.u64(..250))), Then::Start)
            };
            return None;
        }
        self.deliveries.probe = session.is_probe(self.id);
        if !self.has_looked && now < self.deadline && session.begin_first_look(now) {
            (self.has_looked, self.at) = (true, At::Look);
            return None;
        }
        match session.ready(now, self.id) {
            Ready::Fail(failure) if session.next_grant(&failure) => {
                let connection = Arc::clone(session.connection());
                self.note(&connection, now, Audited::Replaced, None, || format!("{}; the next client is used", failure.what()));
            }
            Ready::Fail(_) if session.second_chance(now) => {}
            Ready::Fail(failure) if now >= self.deadline => self.fail(failure),
            _ if now >= self.deadline => self.fail(self.too_late(session, now)),
            Ready::Wait(_) if self.was_tried_enough(session) => self.fail(self.too_late(session, now)),
            Ready::Use(authorization) => self.at = At::Deliver(authorization),
            Ready::Wait(until) => return Some(until.min(self.deadline)),
            Ready::Fetch => self.at = At::Resting(now, Then::Claim),
            Ready::Fail(failure) if session.source_is_ready(now) && is_about_the_credential(&failure) => {
                match session.ask_source(self.id, now) {
                    None => {
                        let connection = Arc::clone(session.connection());
                        self.note(&connection, now, Audited::SourceAsked, None, || failure.what().to_owned());
                        self.at = At::Load;
                    }
                    Some(until) => return Some(until.min(self.deadline)),
                }
            }
            // Somebody else was told when to come back, and this caller can wait that long.
            Ready::Fail(failure) => match failure.come_back_at().filter(|at| self.may_wait_for(session, *at, now)) {
                Some(at) => return Some(at),
                None => self.fail(failure),
            },
        }
        None
    }

    fn fail(&mut self, failure: Failure) {
        self.at = At::Release(Box::new(self.answer_or_failure(failure)));
    }

    /// The end: if the caller's request was answered, the caller gets that answer with what is wrong, else what is wrong alone.
    fn answer_or_failure(&self, failure: Failure) -> At {
        At::Finished(if self.deliveries.answered { Outcome::Answered(Some(failure)) } else { Outcome::Failed(failure) })
    }

    /// Whether as many token requests got no answer since this exchange began as one call may have, whoever made them.
    fn was_tried_enough(&self, session: &Session) -> bool {
        self.call.is_some() && session.unanswered().wrapping_sub(self.unanswered_before) >= session.connection().policy().max_attempts
    }

    /// Whether a caller that made no token request itself waits for the moment that another was told.
    fn may_wait_for(&self, session: &Session, at: UnixTime, now: UnixTime) -> bool {
        self.fetches == 0 && !self.was_tried_enough(session) && now < at && at < self.deadline
    }

    /// The end of a caller's time: what went wrong at the token endpoint meanwhile, if anything did.
    fn too_late(&self, session: &Session, now: UnixTime) -> Failure {
        let has_token = session.life().is_some_and(|life| life.usable(now).is_some());
        let happened = session.last_unanswered().filter(|_| !has_token && session.unanswered() != self.unanswered_before);
        if let Some(failure) = happened {
            return failure.clone();
        }
        let what = format!("the deadline passed before {} could be asked", session.connection().provider().name());
        Failure::new(FailureKind::DeadlineExceeded, what, "give the call more time, or look why the token endpoint is slow")
    }

    /// The lease, while it is held.
    fn lease(&self) -> Option<Lease> {
        self.leased_until.map(|_| Lease { owner: self.owner })
    }

    /// Takes, or keeps, the right to get the next token until `until`; `false` if another exchange has it by now, because this one came too late.
    fn hold(&mut self, session: &mut Session, now: UnixTime, until: UnixTime) -> bool {
        let held_by_another = session.life().is_some_and(|life| life.is_held_by_another(self.id, now));
        if held_by_another {
            return false;
        }
        session.take(Event::Begin { by: self.id, until });
        true
    }

    /// Leaves the getting of the token to the exchange that has the right to it.
    fn yield_to_the_holder(&mut self, session: &mut Session) {
        let next = At::Release(Box::new(At::Start));
        self.at = self.after_clearing_the_journal(session, next);
    }

    /// How long the right to the next token lasts: longer than a token request may take.
    fn lease_span(session: &Session) -> Duration {
        session.connection().policy().fetch_timeout + LEASE_SLACK
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("id", &self.id).field("request_id", &self.deliveries.request_id).finish_non_exhaustive()
    }
}

/// The id of a call that is sent before its exchange begins ([`Call::request_id`]), as ASCII: 32 hexadecimal digits, by the dice of this seed.
pub fn request_id(seed: u64) -> [u8; 32] {
    digits(&mut fastrand::Rng::with_seed(seed))
}

fn digits(dice: &mut fastrand::Rng) -> [u8; 32] {
    let mut digits = [0; 32];
    let bytes = dice.u64(..).to_be_bytes().into_iter().chain(dice.u64(..).to_be_bytes());
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
    }
    digits
}

/// Whether a token that was granted waits to be stored.
fn has_unsaved(session: &Session) -> bool {
    session.life().is_some_and(|life| life.unsaved().is_some())
}

/// Whether another credential from the source could make a difference.
fn is_about_the_credential(failure: &Failure) -> bool {
    matches!(
        failure.kind(),
        FailureKind::KeyRefused
            | FailureKind::KeyExpired
            | FailureKind::KeyRevoked
            | FailureKind::CredentialMalformed
            | FailureKind::CredentialMissing
            | FailureKind::GrantRefused
            | FailureKind::ConsentRequired
            | FailureKind::SourceUnavailable
    )
}

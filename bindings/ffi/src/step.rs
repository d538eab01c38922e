//! Steps
//!
//! A step is what an exchange wants done next.

use crate::error::Fault;
use crate::input::sized;
use crate::response::ledgerauth_header;
use crate::store::seen;
use crate::text::ledgerauth_str;
use auth_http::UnixTime;
use auth_http::core::{Outcome, Step};
use std::time::Duration;
use zeroize::Zeroizing;

/// Send this to the token endpoint exactly as it is: handle_response or handle_failure.
pub const LEDGERAUTH_STEP_FETCH: i32 = 1;
/// Send the request with these header fields: handle_response or handle_failure.
pub const LEDGERAUTH_STEP_SEND: i32 = 2;
/// Poll again later.
pub const LEDGERAUTH_STEP_WAIT: i32 = 3;
/// The end.
pub const LEDGERAUTH_STEP_DONE: i32 = 4;
/// Take the store's lease: handle_claimed. With own_store only, as all that follow.
pub const LEDGERAUTH_STEP_CLAIM: i32 = 5;
/// Make the record durable: handle_saved.
pub const LEDGERAUTH_STEP_SAVE: i32 = 6;
/// Give the store's lease back, then poll.
pub const LEDGERAUTH_STEP_RELEASE: i32 = 7;
/// Ask the store for a limit that is in force: handle_looked.
pub const LEDGERAUTH_STEP_LOOK: i32 = 8;
/// Tell the store of a limit, then poll.
pub const LEDGERAUTH_STEP_PAUSE: i32 = 9;
/// Ask the credential's source again: handle_loaded.
pub const LEDGERAUTH_STEP_LOAD: i32 = 10;
/// Open a new connection to the URL's host for the FETCH that may follow, and keep it until then:
/// handle_connected. With or without own_store. A program that cannot says so.
pub const LEDGERAUTH_STEP_CONNECT: i32 = 11;

/// How a CONNECT ended: the connection stands, and the next FETCH uses it.
pub const LEDGERAUTH_CONNECTED: i32 = 1;
/// How a CONNECT ended: the connection was not made.
pub const LEDGERAUTH_CONNECT_FAILED: i32 = 2;
/// How a CONNECT ended: this program cannot open a connection ahead of a request. The exchange goes
/// on without.
pub const LEDGERAUTH_CONNECT_NOT_SUPPORTED: i32 = 3;

/// How an exchange ended: the answer that was reported last is the caller's; if it is not a
/// success, step.error says what is wrong.
pub const LEDGERAUTH_OUTCOME_ANSWERED: i32 = 1;
/// How an exchange ended: there is no answer; step.error says why.
pub const LEDGERAUTH_OUTCOME_FAILED: i32 = 2;
/// How an exchange ended: a renewal is over, and there is a new token.
pub const LEDGERAUTH_OUTCOME_RENEWED: i32 = 3;

/// What an exchange wants done next. What does not belong to its kind is zero.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_step {
    /// sizeof(ledgerauth_step).
    pub size: usize,
    /// One of LEDGERAUTH_STEP_*.
    pub kind: i32,
    /// DONE: one of LEDGERAUTH_OUTCOME_*.
    pub outcome: i32,
    /// FETCH, SEND: the method.
    pub method: ledgerauth_str,
    /// FETCH, SEND, CONNECT: the absolute URL.
    pub url: ledgerauth_str,
    /// FETCH: all header fields. SEND: those to put on the request instead of any of that name.
    pub headers: *const ledgerauth_header,
    /// How many of them.
    pub header_count: usize,
    /// FETCH: the body; none if its data is NULL.
    pub body: ledgerauth_str,
    /// FETCH: how long the whole request may take. CONNECT: how long connecting may take. In
    /// milliseconds.
    pub timeout_ms: u64,
    /// SEND: not 0 if a redirect led to another host.
    pub foreign: i32,
    /// SEND: how often the request is sent, this time included.
    pub attempt: u32,
    /// WAIT: for how many milliseconds from now.
    pub wait_ms: u64,
    /// DONE: what is wrong, or NULL. It belongs to the exchange.
    pub error: *const crate::error::ledgerauth_error,
    /// CLAIM, SAVE, RELEASE: who asks for the lease, or holds it; 0 in a SAVE without one.
    pub owner: u64,
    /// CLAIM: for how long, in milliseconds.
    pub span_ms: u64,
    /// SAVE: the record.
    pub record: ledgerauth_str,
    /// SAVE: its generation.
    pub generation: u64,
    /// SAVE: the generation that the store must hold; 0 if it holds none.
    pub replaces: u64,
    /// PAUSE: until when, in milliseconds since 1970 UTC.
    pub until: u64,
    /// PAUSE: why.
    pub why: ledgerauth_str,
}
sized!(ledgerauth_step, why: ledgerauth_str);

/// The step that is shown to the program, with what it points to.
#[derive(Default)]
pub(crate) struct Shown {
    step: Option<Box<Step>>,
    headers: Vec<ledgerauth_header>,
    record: Zeroizing<Vec<u8>>,
    error: Option<Fault>,
}

// SAFETY: the raw pointers in `headers` point into `step`, which goes wherever they go.
unsafe impl Send for Shown {}

impl ledgerauth_step {
    /// A step that wants nothing.
    pub(crate) fn nothing() -> Self {
        Self {
            size: 0,
            kind: 0,
            outcome: 0,
            method: ledgerauth_str::NONE,
            url: ledgerauth_str::NONE,
            headers: std::ptr::null(),
            header_count: 0,
            body: ledgerauth_str::NONE,
            timeout_ms: 0,
            foreign: 0,
            attempt: 0,
            wait_ms: 0,
            error: std::ptr::null(),
            owner: 0,
            span_ms: 0,
            record: ledgerauth_str::NONE,
            generation: 0,
            replaces: 0,
            until: 0,
            why: ledgerauth_str::NONE,
        }
    }
}

impl Shown {
    /// Keeps a step, and shows it.
    pub(crate) fn show(&mut self, step: Step, method: &str, now: UnixTime) -> ledgerauth_step {
        *self = Self { step: Some(Box::new(step)), ..Self::default() };
        let mut shown = ledgerauth_step::nothing();
        let Some(step) = self.step.as_deref() else { return shown };
        match step {
            Step::Fetch(request) => {
                let field =
                    |name: &str, value: &str| ledgerauth_header { name: ledgerauth_str::of(name), value: ledgerauth_str::of(value) };
                self.headers = request.headers.iter().map(|(name, value)| field(name, value.expose())).collect();
                shown.kind = LEDGERAUTH_STEP_FETCH;
                shown.method = ledgerauth_str::of(request.method);
                shown.url = ledgerauth_str::of(request.url.as_str());
                shown.body = request.body.as_ref().map_or(ledgerauth_str::NONE, |body| ledgerauth_str::of(body.expose()));
                shown.timeout_ms = millis(request.timeout);
            }
            Step::Send(send) => {
                let field =
                    |name: &str, value: &str| ledgerauth_header { name: ledgerauth_str::of(name), value: ledgerauth_str::of(value) };
                let authorization = send.authorization.iter().map(|with| field(with.header(), with.value().expose()));
                self.headers = authorization.chain([field(&send.request_id.0, &send.request_id.1)]).collect();
                shown.kind = LEDGERAUTH_STEP_SEND;
                shown.method = ledgerauth_str::of(method);
                shown.url = ledgerauth_str::of(send.url.as_str());
                (shown.foreign, shown.attempt) = (i32::from(send.foreign), send.attempt);
            }
            Step::Wait(until) => {
                shown.kind = LEDGERAUTH_STEP_WAIT;
                shown.wait_ms = millis(until.since(now));
            }
            Step::Done(outcome) => {
                let (kind, failure) = match outcome {
                    Outcome::Answered(failure) => (LEDGERAUTH_OUTCOME_ANSWERED, failure.as_ref()),
                    Outcome::Failed(failure) => (LEDGERAUTH_OUTCOME_FAILED, Some(failure)),
                    Outcome::Renewed => (LEDGERAUTH_OUTCOME_RENEWED, None),
                };
                (shown.kind, shown.outcome) = (LEDGERAUTH_STEP_DONE, kind);
                self.error = failure.map(|failure| failure.clone().into());
                shown.error = self.error.as_deref().map_or(std::ptr::null(), std::ptr::from_ref);
            }
            Step::Claim(claim) => {
                shown.kind = LEDGERAUTH_STEP_CLAIM;
                (shown.owner, shown.span_ms) = (claim.owner, millis(claim.span));
            }
            Step::Save(save) => {
                self.record = save.record.to_bytes();
                let seen = seen(save, &self.record);
                shown.kind = LEDGERAUTH_STEP_SAVE;
                (shown.owner, shown.record) = (seen.owner, seen.record);
                (shown.generation, shown.replaces) = (seen.generation, seen.replaces);
            }
            Step::Release(lease) => (shown.kind, shown.owner) = (LEDGERAUTH_STEP_RELEASE, lease.owner),
            Step::Look => shown.kind = LEDGERAUTH_STEP_LOOK,
            Step::Pause(pause) => {
                shown.kind = LEDGERAUTH_STEP_PAUSE;
                (shown.until, shown.why) = (pause.until.as_millis(), ledgerauth_str::of(&pause.why));
            }
            Step::Load => shown.kind = LEDGERAUTH_STEP_LOAD,
            Step::Connect(connect) => {
                shown.kind = LEDGERAUTH_STEP_CONNECT;
                shown.url = ledgerauth_str::of(connect.url.as_str());
                shown.timeout_ms = millis(connect.timeout);
            }
        }
        (shown.headers, shown.header_count) = (self.headers.as_ptr(), self.headers.len());
        shown
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

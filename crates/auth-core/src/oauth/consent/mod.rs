//! `Consent`: what a person allows, from the first address that is shown to the tokens in the store, and its end.
//!
//! ```text
//!   by code:     Show ─► Redirect ─► Fetch ───────┐
//!                                                 ├─► Claim ─► Save ─► Release ─► Done
//!   by device:   Fetch ─► Show ─► Wait ⇄ Fetch ───┘
//!   end:         Claim ─► Fetch ─► Fetch ─► Save ─► Release ─► Done
//! ```
//!
//! States are named by what they wait for. Questions and answers on the way to a token are in `ask`, the store in `keep`, revocation in `end`; this file is the
//! frame around them.

mod ask;
mod end;
mod keep;

use self::end::Tokens;
use super::assertion::clocks_differ;
use super::authorization::{Asking, Brought, CodeLogin};
use super::browser::StartVisit;
use super::device::{Code, Prompt};
use super::endpoints::missing;
use crate::audit::{AuditEvent, Audited};
use crate::connection::Connection;
use crate::credential::{Grant, Secret};
use crate::origin::Url;
use crate::session::Session;
use crate::step::Transport;
use crate::time::UnixTime;
use crate::token::life::TokenLife;
use crate::token::record::{Claim, Claimed, Lease, Record, Save, Saved};
use crate::token::request::{self, Moment, TokenRequest};
use crate::verdict::answer::Response;
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::retry::{self, Cause, Decision, Situation};
use crate::verdict::wait;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// `ConsentStep` is what a shell has to do next for a [`Consent`].
#[derive(Debug)]
#[must_use]
pub enum ConsentStep {
    /// Show this to the person, then poll again: there is nothing to report.
    Show(Prompt),
    /// Listen at the redirect address and the start page: [`Consent::handle_redirect`] and
    /// [`Consent::handle_start`] for each request; poll when that took one, or at this moment.
    Redirect(UnixTime),
    /// Sign this, send it exactly as it is, follow no redirect: [`Consent::handle_response`] with the whole body, or [`Consent::handle_failure`].
    Fetch(TokenRequest),
    /// Take the store's lease and hand over its record: [`Consent::handle_claimed`].
    Claim(Claim),
    /// Make this record durable: [`Consent::handle_saved`].
    Save(Save),
    /// Give the lease back, then poll again.
    Release(Lease),
    /// Sleep until then, then poll.
    Wait(UnixTime),
    /// The end: what was wanted is done and in the store, or why not.
    Done(Result<Connected, Failure>),
}

/// `Connected` is what a server says of a connection when a person has consented; nothing of it is secret. After the end of one it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connected {
    /// The scopes that were granted, if the server says so: it has to where they are not those that were asked for (RFC 6749 section 5.1).
    pub scope: Option<String>,
    /// What the redirect brought beside what the RFCs name, such as the `realmId` of the company at Intuit.
    pub parameters: Vec<(String, String)>,
}

/// `Redirected` is what a request to the redirect address was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirected {
    /// The answer to this login, good or bad: poll, and tell the person how it ends.
    Taken,
    /// Nothing of this login, for this reason: go on listening.
    Foreign(&'static str),
}

/// `Consent` turns what a person allows into tokens in the store, or ends it there and at the server, as a machine that says what to do next.
///
/// Poll, do what the [`ConsentStep`] says, report it, poll again, until [`ConsentStep::Done`]; then let the session [`Session::forget`] what it knew, so that it looks
/// into the store. Other sessions of a [`Grant::stored`] over the same store and name find the tokens too. A code that may have been spent is never sent twice.
pub struct Consent {
    connection: Arc<Connection>,
    grant: Grant,
    way: Way,
    at: At,
    dice: fastrand::Rng,
    owner: u64,
    skew_millis: i64,
    clock_was_wrong: bool,
    attempts: u32,
    /// The generation that the store holds.
    stored: u64,
    /// Whether the last save got no answer.
    unheard: bool,
    /// What goes into the store, or is ended there.
    record: Record,
    /// When to give up on a store that is busy or down.
    store_until: UnixTime,
    connected: Connected,
    /// Whether a refusal of a server in trouble was asked for once more.
    doubted: bool,
    /// Why no call can be sent with what was granted.
    unusable: Option<Failure>,
    /// What is odd about it and changes nothing.
    oddity: Option<String>,
}

/// How a person consents, or that it ends.
enum Way {
    Code(Box<Asking>),
    Device(Option<Box<Code>>),
    End(Tokens),
}

enum At {
    /// The next poll shows this.
    Show(Prompt),
    ExpectRedirect(UnixTime),
    /// The next poll after that moment goes on with this.
    Resting(UnixTime, Then),
    ExpectDeviceCode(UnixTime),
    ExpectToken {
        at: UnixTime,
        code: Secret,
        signed: Vec<Secret>,
    },
    ExpectRevoked,
    ExpectClaimed,
    /// The next poll saves.
    Save,
    ExpectSaved,
    /// The next poll gives the lease back, then goes on with this.
    Release(Box<At>),
    Finished(Result<(), Failure>),
}

/// What follows a rest.
enum Then {
    AskForDeviceCode,
    AskForToken(Secret),
    Revoke,
    Claim,
}

impl Consent {
    /// A login by authorization code with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 8252). `seed` is for dice that need not be unpredictable.
    ///
    /// # Errors
    /// A [`Failure`] of kind `Misuse` if the session does not go by the store's refresh token, its connection has no authorization endpoint, or the redirect
    /// address leads elsewhere than to this machine.
    pub fn by_code(session: &Session, login: &CodeLogin<'_>, seed: u64, now: UnixTime) -> Result<Self, Failure> {
        let asking = Asking::new(session.connection(), of_the_store(session)?, login)?;
        let prompt =
            Prompt { url: asking.browser.start_url().into(), user_code: None, url_with_code: None, until: now.after(login.patience) };
        Self::new(session, Way::Code(Box::new(asking)), At::Show(prompt), seed)
    }

    /// A login on another device (RFC 8628).
    ///
    /// # Errors
    /// A [`Failure`] of kind `Misuse` if the session does not go by the store's refresh token, or its connection has no device authorization endpoint.
    pub fn by_device(session: &Session, seed: u64, now: UnixTime) -> Result<Self, Failure> {
        of_the_store(session)?;
        let connection = session.connection();
        if connection.endpoints().device.is_none() {
            return Err(missing(connection.provider(), "device authorization endpoint", "device_authorization_url"));
        }
        Self::new(session, Way::Device(None), At::Resting(now, Then::AskForDeviceCode), seed)
    }

    /// The end of what a session was granted: its refresh token and its access token are revoked at the server (RFC 7009) and taken out of the store.
    ///
    /// # Errors
    /// A [`Failure`] of kind `Misuse` if the connection has no revocation endpoint, or the session goes by keys, which only their issuer ends.
    pub fn end(session: &Session, seed: u64, now: UnixTime) -> Result<Self, Failure> {
        let connection = session.connection();
        if connection.endpoints().revocation.is_none() {
            return Err(missing(connection.provider(), "revocation endpoint", "revocation_url"));
        }
        let mut consent = Self::new(session, Way::End(Tokens::default()), At::Resting(now, Then::Claim), seed)?;
        let known = session.life().map(TokenLife::latest_record).unwrap_or_default();
        consent.record = Record { grant: session.fingerprint(), ..known };
        consent.store_until = now.after(keep::PATIENCE);
        Ok(consent)
    }

    fn new(session: &Session, way: Way, at: At, seed: u64) -> Result<Self, Failure> {
        let connection = Arc::clone(session.connection());
        let Some(life) = session.life() else {
            let what = format!("a key of {} is no token", connection.provider().title());
            return Err(Failure::new(FailureKind::Misuse, what, "revoke it where it was issued"));
        };
        let mut dice = fastrand::Rng::with_seed(seed);
        Ok(Self {
            connection,
            grant: life.grant.clone(),
            way,
            at,
            owner: dice.u64(1..),
            dice,
            skew_millis: session.skew_millis().unwrap_or(0),
            clock_was_wrong: false,
            attempts: 0,
            stored: 0,
            unheard: false,
            record: Record::default(),
            store_until: UnixTime::default(),
            connected: Connected::default(),
            doubted: false,
            unusable: None,
            oddity: None,
        })
    }

    /// What to do next.
    pub fn poll(&mut self, now: UnixTime) -> ConsentStep {
        loop {
            match self.take() {
                At::Show(prompt) => {
                    self.at = match &self.way {
                        Way::Device(Some(code)) => self.next_question(code, now),
                        _ => At::ExpectRedirect(prompt.until),
                    };
                    return ConsentStep::Show(prompt);
                }
                At::ExpectRedirect(until) if now < until => {
                    self.at = At::ExpectRedirect(until);
                    return ConsentStep::Redirect(until);
                }
                At::ExpectRedirect(_) => {
                    let what = format!("nobody came back from {} in time", self.connection.provider().name());
                    self.fail(Failure::new(FailureKind::DeadlineExceeded, what, "log in again, and finish in the browser"));
                }
                At::Resting(until, then) if now < until => {
                    self.at = At::Resting(until, then);
                    return ConsentStep::Wait(until);
                }
                At::Resting(_, then) => {
                    let request = match then {
                        Then::AskForDeviceCode => self.ask_for_device_code(now),
                        Then::AskForToken(code) => self.ask_for_token(now, code),
                        Then::Revoke => self.revoke(now),
                        Then::Claim => {
                            self.at = At::ExpectClaimed;
                            return ConsentStep::Claim(self.claim());
                        }
                    };
                    if let Some(request) = request {
                        self.attempts += 1;
                        return ConsentStep::Fetch(request);
                    }
                }
                At::Save => {
                    self.at = At::ExpectSaved;
                    return ConsentStep::Save(self.save());
                }
                At::Release(next) => {
                    self.at = *next;
                    return ConsentStep::Release(self.lease());
                }
                At::Finished(result) => {
                    self.at = At::Finished(result.clone());
                    // A login books nothing, so that another one never does harm.
                    let again = |failure: Failure| failure.repeatable(true);
                    return ConsentStep::Done(result.map(|()| self.connected.clone()).map_err(again));
                }
                At::ExpectDeviceCode(_) | At::ExpectToken { .. } | At::ExpectRevoked | At::ExpectClaimed | At::ExpectSaved => {
                    self.misuse("poll was called before the last step was reported");
                }
            }
        }
    }

    /// The path of the page at which a login by code begins: the address in its [`Prompt`]. `None` for any
    /// other consent.
    pub fn start_path(&self) -> Option<&str> {
        match &self.way {
            Way::Code(asking) => Some(asking.browser.start_path()),
            Way::Device(_) | Way::End(_) => None,
        }
    }

    /// Takes a GET of the start page, with the values of its `Cookie` fields joined by `;`.
    ///
    /// The first browser is sent on to the server. A second one ends the login, because one of the two is
    /// a stranger's.
    pub fn handle_start(&mut self, cookies: &str) -> StartVisit {
        let (At::ExpectRedirect(_), Way::Code(asking)) = (&self.at, &mut self.way) else {
            return StartVisit::Foreign("no login is waiting for a browser");
        };
        if let Some(set_cookie) = asking.browser.visit(cookies) {
            return StartVisit::Redirect { location: asking.url.clone(), set_cookie };
        }
        let what = "two browsers opened the address of one login, so one of them may be a stranger's";
        let advice = "nothing was exchanged: log in again, and show the address to nobody else";
        self.fail(Failure::new(FailureKind::GrantRefused, what, advice));
        StartVisit::Ended
    }

    /// Takes the query of a request to the redirect address, without its `?`, and the values of its
    /// `Cookie` fields joined by `;`.
    pub fn handle_redirect(&mut self, now: UnixTime, query: &str, cookies: &str) -> Redirected {
        let (At::ExpectRedirect(_), Way::Code(asking)) = (&self.at, &self.way) else {
            return Redirected::Foreign("no redirect is expected");
        };
        match asking.read(&self.connection, query, cookies) {
            Brought::Foreign(why) => return Redirected::Foreign(why),
            Brought::Code(code, parameters) => {
                self.connected.parameters = parameters;
                self.at = At::Resting(now, Then::AskForToken(code));
            }
            Brought::Refusal(failure) => self.fail(failure),
        }
        Redirected::Taken
    }

    /// Takes the response to [`ConsentStep::Fetch`].
    pub fn handle_response(&mut self, now: UnixTime, response: &Response<'_>) {
        let assumed = self.servers(now);
        if let Some(skew) = wait::skew_millis(response.headers, now) {
            self.skew_millis = skew;
        }
        let dated_wrong = clocks_differ(assumed, self.servers(now)) && !self.clock_was_wrong;
        self.clock_was_wrong |= dated_wrong;
        match self.take() {
            At::ExpectDeviceCode(asked_at) => self.device_code_answer(now, asked_at, response, dated_wrong),
            At::ExpectToken { at, code, signed } => self.token_answer(now, at, code, &signed, response, dated_wrong),
            At::ExpectRevoked => self.revoked(now, response),
            _ => self.misuse("handle_response was called without a Fetch"),
        }
    }

    /// Takes the news that [`ConsentStep::Fetch`] got no response.
    pub fn handle_failure(&mut self, now: UnixTime, transport: Transport) {
        let cause = transport.cause();
        let failure = transport.failure(self.connection.provider().name(), FailureKind::Transport);
        match self.take() {
            At::ExpectDeviceCode(_) => self.again(now, cause, failure, Then::AskForDeviceCode),
            At::ExpectToken { code, .. } => self.no_token(now, cause, code, failure),
            At::ExpectRevoked => self.again(now, cause, failure, Then::Revoke),
            _ => self.misuse("handle_failure was called without a Fetch"),
        }
    }

    /// Takes what a store answered to [`ConsentStep::Claim`].
    pub fn handle_claimed(&mut self, now: UnixTime, claimed: Claimed) {
        match self.take() {
            At::ExpectClaimed => self.claimed(now, claimed),
            _ => self.misuse("handle_claimed was called without a Claim"),
        }
    }

    /// Takes what a store answered to [`ConsentStep::Save`].
    pub fn handle_saved(&mut self, now: UnixTime, saved: Saved) {
        match self.take() {
            At::ExpectSaved => self.saved(now, saved),
            _ => self.misuse("handle_saved was called without a Save"),
        }
    }

    /// What happened, for the audit; `None` before [`ConsentStep::Done`].
    pub fn event(&self, now: UnixTime) -> Option<AuditEvent> {
        let At::Finished(result) = &self.at else { return None };
        let client = self.grant.client.id();
        let (what, decision) = match (result, &self.way) {
            (Ok(()), Way::Code(_)) => (Audited::Connected, format!("a person consented in a browser, for the client {client:?}")),
            (Ok(()), Way::Device(_)) => (Audited::Connected, format!("a person consented on another device, for the client {client:?}")),
            (Ok(()), Way::End(_)) => (Audited::Disconnected, format!("what was granted to the client {client:?} was revoked")),
            (Err(failure), _) => (Audited::ConsentFailed, format!("{}: {}", failure.kind().name(), failure.what())),
        };
        Some(AuditEvent::new(&self.connection, now, what, decision))
    }

    /// What was odd about the answer that granted the tokens, for the audit.
    pub fn warning(&self, now: UnixTime) -> Option<AuditEvent> {
        let oddity = self.oddity.clone()?;
        Some(AuditEvent::new(&self.connection, now, Audited::TokenUnusual, oddity))
    }

    /// A request with which the client authenticates.
    fn request(&mut self, now: UnixTime, url: &Url, parameters: &[(&str, &str)]) -> TokenRequest {
        let mut moment = Moment { servers: now.shifted(self.skew_millis), dice: &mut self.dice };
        request::post(&self.connection, &self.grant.client, url, parameters, &mut moment)
    }

    /// The same request again, if the rules of every request allow it; whoever comes here may repeat it without harm, or has proof that it was not processed.
    fn again(&mut self, now: UnixTime, cause: Cause, failure: Failure, then: Then) {
        let policy = *self.connection.policy();
        let come_back_at = failure.come_back_at();
        let deadline = now.after(policy.deadline);
        let situation = Situation { cause, attempt: self.attempts, repeatable: true, come_back_at, now, deadline };
        match retry::decide(&situation, &policy, None, self.dice.f64()) {
            Decision::Again(at) => self.at = At::Resting(at, then),
            Decision::ComeBack(_) | Decision::Stop | Decision::TooLate => self.fail(failure),
        }
    }

    /// The end, with the lease given back if it is held.
    fn fail(&mut self, failure: Failure) {
        let end = At::Finished(Err(failure));
        self.at = if matches!(self.way, Way::End(ref tokens) if tokens.is_claimed()) { At::Release(Box::new(end)) } else { end };
    }

    fn misuse(&mut self, what: &'static str) {
        self.at = At::Finished(Err(Failure::new(FailureKind::Misuse, what, "poll once, do exactly that, report it, poll again")));
    }

    fn take(&mut self) -> At {
        core::mem::replace(&mut self.at, At::Finished(Ok(())))
    }

    fn servers(&self, now: UnixTime) -> UnixTime {
        now.shifted(self.skew_millis)
    }
}

/// The grant of a session, which has to be the store's: whatever else a session goes by, a login would change nothing about it.
fn of_the_store(session: &Session) -> Result<&Grant, Failure> {
    let grant = session.life().map(|life| &life.grant).filter(|grant| grant.is_stored());
    grant.ok_or_else(|| {
        let what = format!("the credential for {} is not one that a login gives", session.connection().provider().title());
        Failure::new(FailureKind::Misuse, what, "make the client with a stored grant, so that it goes by what persons consent to")
    })
}

impl fmt::Debug for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            Way::Code(_) => "by code",
            Way::Device(_) => "by device",
            Way::End(_) => "its end",
        };
        write!(f, "Consent({way}, {:?}, client {:?})", self.connection, self.grant.client.id())
    }
}

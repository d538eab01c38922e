//! Getting a token: claim, re-read, journal, fetch, save, publish, release.

use super::{At, Claimed, Exchange, Outcome, Record, Response, Save, Saved, Then, TokenRequest, Transport, Unsaved, request};
use crate::credential::Secret;
use crate::session::Session;
use crate::time::UnixTime;
use crate::token::answer::{self, Denied, Granted};
use crate::token::life::Event;
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::retry::{self, Cause, Decision, Situation};
use crate::verdict::wait;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// How often a busy lease is looked at again: 100 ms, because its holder is another process whose release wakes nobody here.
const BUSY_REST: Duration = Duration::from_millis(100);
/// How often a token that has to be stored is offered to the store before the call gives up (the session keeps the token).
const SAVES: u32 = 3;

impl Exchange {
    /// The lease is here, or is not: re-read, then journal.
    pub(super) fn claimed(&mut self, session: &mut Session, now: UnixTime, claimed: Claimed) {
        match claimed {
            Claimed::Granted(lease, record) => {
                self.lease = Some(lease);
                if self.adopt(session, now, record) {
                    return;
                }
                let unsaved = session.life().and_then(|life| life.unsaved()).map(|(token, record)| (token.clone(), record.clone()));
                self.at = match unsaved {
                    Some((token, record)) => At::Save(Box::new(Unsaved { token, replaces: record.generation - 1, record })),
                    None => At::Journal,
                };
            }
            Claimed::Busy(until) => {
                let rest = now.after(BUSY_REST.mul_f64(0.5 + self.dice.f64()));
                if now >= self.deadline {
                    let failure = self.too_late(session);
                    return self.give_up(session, now, failure);
                }
                self.at = At::Resting(rest.min(until.max(now)).min(self.deadline), Then::Claim);
            }
            Claimed::Down(why) => match session.life() {
                Some(life) if life.is_single_use(session.connection().provider().rotates()) => {
                    let failure = store_down("read", &why, "the refresh token was not spent: bring the store back, then call again");
                    self.give_up(session, now, failure);
                }
                _ => self.at = At::Fetch,
            },
        }
    }

    /// Takes over what the store knows and the session does not; `true` if the exchange goes on from there.
    fn adopt(&mut self, session: &mut Session, now: UnixTime, record: Option<Record>) -> bool {
        let Some(record) = record else { return false };
        let Some(life) = session.life() else { return false };
        if record.generation > life.generation() {
            let random = self.dice.f64();
            if let Some(token) = session.token_of(&record, random).filter(|token| now < token.valid_until) {
                session.take(Event::Granted { token, record: Box::new(record) });
                self.at = At::Release(Box::new(At::Start));
                return true;
            }
            session.take_over(record.clone());
        }
        let ours = session.life().is_some_and(|life| life.generation() == record.generation && life.unsaved().is_none());
        if ours && record.spending_since.is_some() {
            self.give_up(session, now, possibly_spent(session.connection().provider().name()));
            return true;
        }
        false
    }

    /// The record that says durably that a single-use refresh token is being spent; `None` if there is none to be spent.
    pub(super) fn journal(&mut self, session: &mut Session, now: UnixTime) -> Option<Save> {
        let life = session.life()?;
        if !life.is_single_use(session.connection().provider().rotates()) {
            return None;
        }
        let replaces = life.generation();
        let record = Record { spending_since: Some(session.servers(now)), ..life.record.clone() };
        self.hold(session, now);
        self.at = At::ExpectJournaled(Box::new(record.clone()));
        Some(Save { record, replaces, lease: self.lease.clone() })
    }

    pub(super) fn journaled(&mut self, session: &mut Session, now: UnixTime, record: Record, saved: Saved) {
        match saved {
            Saved::Durable => {
                session.take_over(record);
                self.at = At::Fetch;
            }
            Saved::Superseded => self.at = At::Release(Box::new(At::Resting(now, Then::Claim))),
            Saved::Down(why) => {
                let failure = store_down("written", &why, "the refresh token was not spent: bring the store back, then call again");
                self.give_up(session, now, failure);
            }
        }
    }

    /// The token request.
    pub(super) fn fetch(&mut self, session: &mut Session, now: UnixTime) -> Option<TokenRequest> {
        let request = session.life().and_then(|life| request::build(session.connection(), &life.grant, life.record.refresh_token.as_ref()));
        match request {
            Some(request) => {
                self.hold(session, now);
                self.fetches += 1;
                self.at = At::ExpectToken { asked_at: now };
                Some(request)
            }
            None => {
                self.fail(Failure::new(FailureKind::Misuse, "the profile does not say how to ask for a token", "give it a [token] table"));
                None
            }
        }
    }

    pub(super) fn token_answer(&mut self, session: &mut Session, now: UnixTime, asked_at: UnixTime, response: &Response<'_>) {
        if let Some(server) = wait::server_date(response.headers) {
            session.learn_skew(server, now);
        }
        let secrets = session.secrets();
        let secrets: Vec<&Secret> = secrets.iter().collect();
        match answer::read(session.connection().provider(), response, now, &secrets) {
            Ok(granted) => self.granted(session, asked_at, granted),
            Err(Denied::Refused(failure)) => self.give_up(session, now, failure),
            Err(Denied::Unclear(cause, failure)) => self.no_token(session, now, cause, failure),
        }
    }

    pub(super) fn token_lost(&mut self, session: &mut Session, now: UnixTime, transport: Transport) {
        let cause = if transport.not_sent { Cause::NotSent } else { Cause::Lost };
        let what = format!("the token endpoint of {} was not reached: {}", session.connection().provider().name(), transport.what);
        self.no_token(session, now, cause, Failure::new(FailureKind::TokenEndpoint, what, transport.advice));
    }

    /// There is a token: to the store with it, before anybody uses it.
    fn granted(&mut self, session: &mut Session, asked_at: UnixTime, granted: Granted) {
        let Some(life) = session.life() else { return };
        let replaces = life.generation();
        let refresh_token = granted.refresh_token.or_else(|| life.record.refresh_token.clone());
        let record = Record {
            generation: replaces + 1,
            minted_at: session.servers(asked_at),
            expires_at: session.servers(asked_at).after(granted.lifetime),
            refresh_token,
            spending_since: None,
            access_token: Some(granted.access_token),
        };
        let random = self.dice.f64();
        if let Some(token) = session.token_of(&record, random) {
            self.at = At::Save(Box::new(Unsaved { token, record, replaces }));
        }
    }

    pub(super) fn saved(&mut self, session: &mut Session, now: UnixTime, unsaved: Box<Unsaved>, saved: Saved) {
        let must_be_durable = session.connection().provider().rotates() && unsaved.record.refresh_token.is_some();
        match saved {
            Saved::Superseded => self.at = At::Release(Box::new(At::Resting(now, Then::Claim))),
            Saved::Down(why) if must_be_durable => {
                self.saves += 1;
                let random = self.dice.f64();
                let policy = *session.connection().policy();
                let again = now.after(retry::backoff(self.saves, &policy, random));
                if self.saves < SAVES && again < self.deadline {
                    self.at = At::Resting(again, Then::Save(unsaved));
                    return;
                }
                let failure = store_down("written", &why, "nothing is lost: the new token is kept in memory and stored as soon as the store is back; do not end the process before");
                let until = session.rest_after(&failure, now);
                session.take(Event::NotSaved { unsaved: Box::new((unsaved.token, unsaved.record)), failure: failure.clone(), until });
                self.fail(failure);
            }
            Saved::Durable | Saved::Down(_) => {
                session.take(Event::Granted { token: unsaved.token, record: Box::new(unsaved.record) });
                self.at = At::Release(Box::new(At::Start));
            }
        }
    }

    /// No token came: again, or not.
    fn no_token(&mut self, session: &mut Session, now: UnixTime, cause: Cause, failure: Failure) {
        let provider = session.connection().provider();
        let single_use = session.life().is_some_and(|life| life.is_single_use(provider.rotates()));
        if single_use && !cause.proves_unprocessed() {
            let lost = possibly_spent(provider.name());
            return self.give_up(session, now, lost);
        }
        let policy = *session.connection().policy();
        let situation = Situation { cause, attempt: self.fetches, repeatable: !single_use, come_back_at: failure.come_back_at(), now, deadline: self.deadline };
        let random = self.dice.f64();
        match retry::decide(&situation, &policy, &mut session.budget, random) {
            Decision::Again(at) => {
                // The right to the token is kept for the whole rest, so that nobody else begins meanwhile.
                let until = self.lease_end(session, at);
                session.take(Event::Begin { by: self.id, until });
                self.at = At::Resting(at, Then::Fetch);
            }
            Decision::ComeBack(_) | Decision::Stop => self.give_up(session, now, failure),
        }
    }

    /// No token will come: remember why, so that nobody asks again too soon, and tell the caller, unless another credential may help.
    fn give_up(&mut self, session: &mut Session, now: UnixTime, failure: Failure) {
        let until = session.rest_after(&failure, now);
        session.take(Event::Failed { by: self.id, failure: failure.clone(), until });
        // A renewal ahead of time that failed is nobody's failure yet. A caller asks the session once more: its source may have another credential.
        let next = if self.call.is_some() { At::Start } else { At::Finished(Outcome::Failed(failure)) };
        self.at = At::Release(Box::new(next));
    }
}

fn store_down(done: &str, why: &str, advice: &'static str) -> Failure {
    let why: String = why.chars().filter(|c| !c.is_control()).take(200).collect();
    Failure::new(FailureKind::Store, format!("the token store could not be {done}: {why}"), advice)
}

fn possibly_spent(provider: &str) -> Failure {
    let what = format!("the answer to a refresh at {provider} was lost, and its single-use refresh token may be spent");
    Failure::new(FailureKind::ConsentRequired, what, "it is not sent again, because a second use can end the whole grant: a person has to connect the account again")
}

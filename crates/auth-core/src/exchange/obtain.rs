//! Getting a token: claim, re-read, fetch, save, publish, release; `connect` and `journal` have what comes before the fetch.

use super::at::{Asked, At, Then, Unsaved};
use super::journal::grant_of;
use super::{Claimed, Exchange, Outcome, Record, Response, Saved, TokenRequest, Transport, request};
use crate::audit::Audited;
use crate::credential::Secret;
use crate::oauth::assertion::clocks_differ;
use crate::provider::GrantKind;
use crate::session::{CONNECT_FIRST, REFUSED_REST, Session};
use crate::time::UnixTime;
use crate::token::access::Token;
use crate::token::answer::{self, Granted};
use crate::token::denied::Denied;
use crate::token::life::{Event, TokenLife};
use crate::token::refresh::RefreshForecast;
use crate::token::refused::Refusal;
use crate::token::request::Moment;
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::retry::{self, Cause, Decision, Situation};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// How often a busy lease is looked at again: 100 ms, because its holder is another process whose release wakes nobody here.
const BUSY_REST: Duration = Duration::from_millis(100);
/// How often a token that has to be stored is offered to the store before the call gives up (the session keeps the token).
const SAVES: u32 = 3;

impl Exchange {
    /// The lease is here, or is not: re-read, then journal.
    pub(super) fn claimed(&mut self, session: &mut Session, now: UnixTime, asked: UnixTime, claimed: Claimed, is_by_id: bool) {
        let asked_for = core::mem::replace(&mut self.grant, grant_of(session));
        self.refusal.take_if(|_| asked_for != self.grant);
        let has_died = matches!(claimed, Claimed::TakenOver(_));
        match claimed {
            // Heard so late that the lease is over: what the store said then says nothing about now.
            Claimed::Granted(_) | Claimed::TakenOver(_) if asked.after(Self::lease_span(session)) <= now => {
                self.leased_until = Some(now);
                self.at = At::Release(Box::new(self.look_again(now)));
            }
            Claimed::Granted(record) | Claimed::TakenOver(record) => {
                self.leased_until = Some(asked.after(Self::lease_span(session)));
                let before = core::mem::replace(&mut self.stored, record.as_ref().map_or(0, |record| record.generation));
                let mark = record.as_ref().and_then(|record| record.spending).map(|spending| spending.mark);
                session.journal_was_read(mark, has_died, now);
                if let Some(refusal) = self.refusal.take().filter(|_| self.stored <= before) {
                    return self.give_up_unspent(session, now, *refusal);
                }
                (self.spent_since, self.sent_before, self.journal, self.is_in_doubt, self.probing) = (None, 0, None, false, None);
                // A record that is not ours is neither used nor overwritten.
                let belonging = record.and_then(|record| session.belonging(record));
                let record = match belonging.map_or(Ok(None), |belonging| belonging.record(is_by_id)) {
                    Ok(record) => record,
                    Err(failure) => return self.give_up(session, now, failure),
                };
                if self.adopt(session, now, record) {
                    return;
                }
                let unsaved = session.life().and_then(|life| life.unsaved()).cloned();
                self.at = match (unsaved, session.too_early(now)) {
                    (Some((token, record)), _) => At::Save(Box::new(Unsaved { token, record })),
                    (None, None) => At::Connect,
                    (None, Some(failure)) => return self.give_up(session, now, failure),
                };
            }
            Claimed::Busy if self.refusal.is_some() && now >= self.deadline => self.give_up_refused(session, now),
            Claimed::Busy if now >= self.deadline => {
                session.take(Event::Abandoned { by: self.id });
                self.fail(self.too_late(session, now));
            }
            Claimed::Busy => self.at = self.look_again(now),
            Claimed::Down(_) if self.refusal.is_some() => self.give_up_refused(session, now),
            Claimed::Down(why) if session.is_single_use() || session.lacks_consent() => {
                let failure = Failure::store("read", &why, "the refresh token was not spent: bring the store back, then call again");
                self.give_up(session, now, failure);
            }
            Claimed::Down(_) => match session.refusal().map(|refusal| refusal.failure(session.connection().provider())) {
                Some(failure) => self.give_up(session, now, failure),
                None => self.at = At::Fetch,
            },
        }
    }

    /// The store once more, after a short rest.
    pub(super) fn look_again(&mut self, now: UnixTime) -> At {
        let rest = now.after(BUSY_REST.mul_f64(0.5 + self.dice.f64()));
        At::Resting(rest.min(self.deadline), Then::Claim)
    }

    /// Takes over what the store knows and the session does not; `true` if the exchange goes on from there.
    fn adopt(&mut self, session: &mut Session, now: UnixTime, record: Option<Record>) -> bool {
        let (Some(record), Some(life)) = (record, session.life()) else { return false };
        if record.generation > life.generation() {
            let random = self.dice.f64();
            // What this session got itself is here already, where the store has it and could not say so.
            let own = life.unsaved().filter(|(_, kept)| is_the_same(kept, &record)).and_then(|(token, _)| token.clone().ok());
            let why = if own.is_some() { "the store has it, and could not say so" } else { "another process had renewed it" };
            let token = own.or_else(|| session.token_of(&record, random).map(Token::adopted));
            if let Some(token) = token.filter(|token| now < token.valid_until) {
                let connection = Arc::clone(session.connection());
                self.note(&connection, now, Audited::TokenAdopted, Some(&token.authorization), || why.into());
                session.take(Event::Granted { by: self.id, token, record: Box::new(record) });
                self.at = At::Release(Box::new(At::Start));
                return true;
            }
            session.take_over(record.clone());
        }
        // What was bought with that refresh token is here: not stored yet, or lost by a store that went back to an older state.
        let has_newer = session.life().is_some_and(|life| life.unsaved().is_some() || record.generation < life.generation());
        if !has_newer && self.is_refused(session, now, record.refusal.as_deref()) {
            return true;
        }
        if self.probing.is_some() {
            return false;
        }
        let Some(spent) = record.spending.filter(|spending| !has_newer && !session.is_proven_unspent(spending.mark)) else {
            return false;
        };
        let is_granted_again = session.rules().may_send_again(spent.since, session.servers(now));
        // This session's own request is on its way, held up with the process: its answer will be heard, and stored under this lease.
        if !is_granted_again && session.life().is_some_and(|life| life.awaits_answer(spent.mark)) {
            self.at = At::Release(Box::new(self.look_again(now)));
            return true;
        }
        self.leaves_in_doubt(session, now, spent)
    }

    /// Whether the server refused the refresh token, by what the store or this session knows, so that the exchange ends with it. One that may be probed is
    /// not: it is sent once, and only a token or another refusal comes of it.
    fn is_refused(&mut self, session: &mut Session, now: UnixTime, stored: Option<&Refusal>) -> bool {
        let Some(refusal) = stored.or(session.refusal()).cloned() else { return false };
        let is_told = stored.is_some();
        session.know_refusal(refusal.clone());
        if refusal.may_be_probed(session.servers(now)) {
            self.probing = Some(Box::new(refusal));
            return false;
        }
        let failure = refusal.failure(session.connection().provider());
        self.give_up(session, now, failure);
        if !is_told {
            // The store was down when it was to be told.
            let next = core::mem::replace(&mut self.at, At::Start);
            self.at = At::ClearJournal(Box::new(next));
        }
        true
    }

    /// Goes back to the store, if what it said was about before: the session was given another grant since, or forgot, because a person has logged in anew,
    /// or another call got a token, because this one slept. One that could not be stored yet is stored then, and nothing is sent for it again.
    pub(super) fn begins_anew(&mut self, session: &mut Session, now: UnixTime) -> bool {
        if self.is_for_another_grant(session, now) {
            return true;
        }
        let only_stores = session.is_single_use() && session.life().is_some_and(|life| life.unsaved().is_some());
        let asks_no_more = only_stores || session.is_fresh(now) || session.life().is_some_and(TokenLife::is_quiet);
        if asks_no_more {
            if let Some(journal) = self.journal.take() {
                self.was_not_sent(session, journal);
            }
            self.at = At::Resting(now, Then::Claim);
        }
        asks_no_more
    }

    /// Goes back to the store, if the session was given another grant since it was asked: what it said was about the former.
    fn is_for_another_grant(&mut self, session: &Session, now: UnixTime) -> bool {
        let given_another = self.grant != grant_of(session);
        if given_another {
            self.journal = None;
            self.at = At::Release(Box::new(At::Resting(now, Then::Claim)));
        }
        given_another
    }

    /// Whether a token request that is sent now can be answered before the lease is over.
    pub(super) fn lease_holds(&self, session: &Session, now: UnixTime) -> bool {
        let answered = now.after(session.connection().policy().fetch_timeout);
        self.leased_until.is_none_or(|until| answered <= until)
    }

    /// The token request.
    pub(super) fn fetch(&mut self, session: &mut Session, now: UnixTime) -> Option<TokenRequest> {
        if self.begins_anew(session, now) {
            return None;
        }
        // Before anything is said of the session: whoever has the right to the token now may know more.
        if !self.hold(session, now, now.after(Self::lease_span(session))) {
            self.yield_to_the_holder(session);
            return None;
        }
        if let Some(life) = session.life().filter(|_| session.lacks_consent()) {
            let what = format!("the store holds no connection of the client {:?}", life.grant.client.id());
            self.give_up(session, now, Failure::new(FailureKind::ConsentRequired, what, CONNECT_FIRST));
            return None;
        }
        let mut moment = Moment { servers: session.servers(now), dice: &mut self.dice };
        let build = |life: &TokenLife| request::build(session.connection(), &life.grant, life.refresh_token(), &mut moment);
        let Some((kind, mut request)) = session.life().and_then(build) else {
            self.fail(Failure::new(FailureKind::Misuse, "the profile does not say how to ask for a token", "give it a [token] table"));
            return None;
        };
        // A machine that slept, or a store that was slow: somebody else may be at it by now.
        if !self.lease_holds(session, now) {
            self.at = self.after_clearing_the_journal(session, At::Release(Box::new(At::Resting(now, Then::Claim))));
            return None;
        }
        self.fetches += 1;
        self.sent = session.life().map_or(0, TokenLife::generation).max(self.stored);
        let generation = self.sent.saturating_add(1);
        let connection = Arc::clone(session.connection());
        if let Some(journal) = self.journal.filter(|_| self.is_in_doubt) {
            session.answer_is_awaited(journal.mark);
            self.note(&connection, now, Audited::RefreshTokenResent, None, || {
                let why = "its answer was lost, no access token is valid, and nobody has stored a newer one";
                format!("sending {} of one refresh token: {why}", journal.attempt)
            });
        }
        let fetches = self.fetches;
        self.note(&connection, now, Audited::TokenAsked, None, || format!("attempt {fetches} at {}", request.url));
        self.at = At::ExpectToken(Asked { at: now, generation, kind, signed: request.to_sign().cloned().collect() });
        if let Some(journal) = self.journal {
            session.await_answer(Some(journal.mark));
        }
        // The answer to a single-use refresh token has to be heard, whatever the caller's deadline.
        if !session.is_single_use() {
            request.timeout = request.timeout.min(self.deadline.since(now).max(Duration::from_millis(1)));
        }
        Some(request)
    }

    pub(super) fn token_answer(&mut self, session: &mut Session, now: UnixTime, asked: &Asked, response: &Response<'_>) {
        let assumed = session.servers(now);
        session.learn_skew(response.headers, now);
        let secrets = session.secrets();
        let secrets: Vec<&Secret> = secrets.iter().chain(&asked.signed).collect();
        match answer::read(session.connection().provider(), asked.kind, response, now, &secrets) {
            Ok(granted) => self.granted(session, now, asked, granted),
            // An assertion is dated; the refusal of one that was dated by a wrong clock says nothing yet, and nothing was spent by it.
            Err(denied @ (Denied::Refused(_) | Denied::Dead(_)))
                if !asked.signed.is_empty()
                    && !self.clock_was_wrong
                    && clocks_differ(assumed, session.servers(now))
                    && (asked.kind != GrantKind::RefreshToken || matches!(denied, Denied::Refused(_))) =>
            {
                self.clock_was_wrong = true;
                self.at = At::Connect;
            }
            // A server in trouble said it: it is asked once more before it is believed.
            Err(Denied::Doubtful { cause, trouble, .. }) if !self.doubted => {
                self.doubted = true;
                self.ask_again(session, now, cause, trouble);
            }
            // The store is read once more: if somebody else was faster, the grant lives on in what they saved.
            Err(Denied::Dead(failure) | Denied::Doubtful { refusal: failure, .. }) if session.is_single_use() => {
                self.refusal = Some(Box::new(self.told_why(failure)));
                self.at = At::Resting(now, Then::Claim);
            }
            Err(Denied::Refused(failure) | Denied::Dead(failure) | Denied::Doubtful { refusal: failure, .. }) => {
                self.give_up_unspent(session, now, failure);
            }
            Err(Denied::Unclear(cause, failure)) => self.no_token(session, now, cause, failure),
        }
    }

    pub(super) fn token_lost(&mut self, session: &mut Session, now: UnixTime, transport: Transport) {
        let whom = format!("the token endpoint of {}", session.connection().provider().name());
        self.no_token(session, now, transport.cause(), transport.failure(&whom, FailureKind::TokenEndpoint));
    }

    /// There is a grant: to the store with it, before anybody uses it or judges it.
    fn granted(&mut self, session: &mut Session, now: UnixTime, asked: &Asked, granted: Granted) {
        // A person has connected the account again while the answer was on its way: the session goes by the newer consent.
        if self.is_for_another_grant(session, now) {
            return;
        }
        let Some(life) = session.life() else { return };
        let before = life.known_record();
        let minted_at = session.servers(asked.at);
        // An end that was announced is the end of that one refresh token.
        let same = granted.refresh_token.as_ref().zip(before.refresh_token.as_ref()).is_none_or(|(new, old)| new.same_as(old));
        let announced = granted.refresh_lifetime.map(|lifetime| minted_at.after(lifetime));
        let refresh_token = granted.refresh_token.or(before.refresh_token);
        let record = Record {
            generation: asked.generation,
            grant: grant_of(session),
            minted_at,
            expires_at: minted_at.after(granted.lifetime),
            refresh_ends_at: announced.or(before.refresh_ends_at.filter(|_| same)),
            consented_at: before.consented_at.or(refresh_token.as_ref().map(|_| minted_at)),
            refresh_token,
            spending: None,
            access_token: granted.access_token,
            place: None,
            refusal: None,
        };
        if let Some(failure) = granted.unusable.map(|failure| failure.with_come_back_at(now.after(REFUSED_REST))) {
            // Without a refresh token there is nothing to be kept.
            if record.refresh_token.is_none() {
                return self.give_up_unspent(session, now, failure);
            }
            self.at = At::Save(Box::new(Unsaved { token: Err(failure), record }));
            return;
        }
        let random = self.dice.f64();
        if let Some(token) = session.token_of(&record, random) {
            let connection = Arc::clone(session.connection());
            let lifetime = record.expires_at.since(record.minted_at).as_secs();
            self.note(&connection, now, Audited::TokenGranted, Some(&token.authorization), || {
                format!("generation {}, for {lifetime} seconds", record.generation)
            });
            if let Some(oddity) = granted.oddity.filter(|oddity| session.is_new_oddity(oddity)) {
                self.note(&connection, now, Audited::TokenUnusual, Some(&token.authorization), || oddity);
            }
            self.at = At::Save(Box::new(Unsaved { token: Ok(token.usable_from(now)), record }));
        }
    }

    pub(super) fn saved(&mut self, session: &mut Session, now: UnixTime, unsaved: Box<Unsaved>, saved: Saved) {
        let must_be_durable = session.rules().spends() && unsaved.record.refresh_token.is_some();
        match saved {
            Saved::Durable => self.publish(session, now, *unsaved),
            // A fetched token that nobody else needs is right all the same.
            Saved::Down(_) if !must_be_durable => self.publish(session, now, *unsaved),
            // The lease ran out, perhaps because the process was stopped: under another one the token is saved, unless somebody was
            // faster.
            Saved::Superseded if must_be_durable && self.saves < SAVES => {
                self.saves += 1;
                session.take(Event::Kept { unsaved: Box::new((unsaved.token, unsaved.record)) });
                self.at = At::Release(Box::new(At::Resting(now, Then::Claim)));
            }
            // A refresh token is kept until the store shows a newer one.
            Saved::Superseded => {
                if must_be_durable {
                    session.take(Event::Kept { unsaved: Box::new((unsaved.token, unsaved.record)) });
                }
                session.take(Event::Abandoned { by: self.id });
                self.at = At::Release(Box::new(At::Start));
            }
            Saved::Down(why) => {
                self.saves += 1;
                let again = now.after(retry::backoff(self.saves, session.connection().policy(), self.dice.f64()));
                if self.saves < SAVES && again < self.deadline {
                    self.at = At::Resting(again, Then::Save(unsaved));
                    return;
                }
                let advice = "nothing is lost: the new token is kept in memory and stored as soon as the store is back; do not end the process before";
                session.take(Event::Kept { unsaved: Box::new((unsaved.token, unsaved.record)) });
                self.give_up(session, now, Failure::store("written", &why, advice));
            }
        }
    }

    fn publish(&mut self, session: &mut Session, now: UnixTime, unsaved: Unsaved) {
        if let Some(forecast) = session.rules().forecast(&unsaved.record, session.servers(now)).filter(RefreshForecast::is_near) {
            let connection = Arc::clone(session.connection());
            self.note(&connection, now, Audited::RefreshTokenEnding, None, || forecast.to_string());
        }
        (self.journal, self.spent_since) = (None, None);
        let token = match unsaved.token {
            Ok(token) => token,
            // What was granted is durable. It is told why no call can be sent with it, and the next try goes on from it.
            Err(failure) => {
                session.take_over(unsaved.record);
                return self.give_up(session, now, failure);
            }
        };
        session.take(Event::Granted { by: self.id, token, record: Box::new(unsaved.record) });
        self.at = At::Release(Box::new(At::Start));
    }

    /// No token came: again, or not.
    fn no_token(&mut self, session: &mut Session, now: UnixTime, cause: Cause, failure: Failure) {
        // The probe of the hour is sent once, whatever comes of it.
        if let Some(refusal) = self.probing.take() {
            let failure = refusal.probed(session.servers(now)).failure(session.connection().provider());
            if cause.proves_unprocessed() {
                self.give_up_unspent(session, now, failure);
            } else {
                self.give_up(session, now, failure);
            }
            return;
        }
        if session.is_single_use()
            && !cause.proves_unprocessed()
            && let Some(failure) = self.ends_in_doubt(session, now, &failure)
        {
            return self.give_up(session, now, failure);
        }
        self.ask_again(session, now, cause, failure);
    }

    /// The token request once more, if the rules of every request allow it.
    fn ask_again(&mut self, session: &mut Session, now: UnixTime, cause: Cause, failure: Failure) {
        let not_before = session.note_unanswered(&failure, now);
        let policy = *session.connection().policy();
        let situation = Situation {
            cause,
            attempt: self.fetches,
            // A single-use refresh token got this far only where sending it again does no harm.
            repeatable: true,
            come_back_at: failure.come_back_at(),
            now,
            deadline: self.deadline,
        };
        let random = self.dice.f64();
        match retry::decide(&situation, &policy, None, random) {
            Decision::Again(at) if at.max(not_before) <= self.deadline => {
                let at = at.max(not_before);
                // The right to the token is kept for the whole rest, so that nobody else in this process begins meanwhile.
                if !self.hold(session, now, at.after(Self::lease_span(session))) {
                    return self.yield_to_the_holder(session);
                }
                self.at = if self.lease_holds(session, at) {
                    At::Resting(at, Then::Fetch)
                } else {
                    self.after_clearing_the_journal(session, At::Release(Box::new(At::Resting(at, Then::Claim))))
                };
            }
            // It was this caller who had no time left; the next may have it.
            Decision::TooLate | Decision::Again(_) => {
                session.take(Event::Abandoned { by: self.id });
                // Where the process was stopped meanwhile, another call may have a token by now.
                let has_token = session.life().is_some_and(|life| life.usable(now).is_some());
                let next = if self.call.is_some() && has_token { At::Start } else { self.answer_or_failure(failure) };
                self.at = self.after_clearing_the_journal(session, At::Release(Box::new(next)));
            }
            Decision::ComeBack(_) | Decision::Stop => self.give_up_unspent(session, now, failure),
        }
    }

    /// No token will come: the server's word on the refresh token stands, because nobody else saved another.
    fn give_up_refused(&mut self, session: &mut Session, now: UnixTime) {
        if let Some(refusal) = self.refusal.take() {
            self.give_up_unspent(session, now, *refusal);
        }
    }

    /// No token will come, and the refresh token was certainly not spent by this exchange.
    fn give_up_unspent(&mut self, session: &mut Session, now: UnixTime, failure: Failure) {
        // The process was stopped meanwhile, and another call has taken over a newer token: the refusal is not of that one.
        let is_of_before = self.fetches > 0 && session.life().is_some_and(|life| life.generation() > self.sent);
        if is_of_before && failure.kind() == FailureKind::ConsentRequired {
            session.take(Event::Abandoned { by: self.id });
            self.journal = None;
            self.at = At::Release(Box::new(At::Start));
            return;
        }
        let is_refused = session.note_refusal(&failure, now);
        self.give_up(session, now, failure);
        let next = core::mem::replace(&mut self.at, At::Start);
        let cleared = self.after_clearing_the_journal(session, next);
        // The refusal is in the record that clears the journal; without an entry, it is written all the same.
        self.at = match cleared {
            At::Release(next) if is_refused => At::ClearJournal(Box::new(At::Release(next))),
            other => other,
        };
    }

    /// No token will come. The lease is given back first: as soon as the failure is told, the program may end.
    pub(super) fn give_up(&mut self, session: &mut Session, now: UnixTime, failure: Failure) {
        session.note_error(&failure, now);
        self.at = At::Release(Box::new(At::GiveUp(Box::new(failure))));
    }

    /// No token will come: remember why, so that nobody asks again too soon, and tell the caller, unless another credential may help.
    pub(super) fn given_up(&mut self, session: &mut Session, now: UnixTime, failure: Failure) {
        let until = session.rest_after(&failure, now);
        let connection = Arc::clone(session.connection());
        self.note(&connection, now, Audited::TokenDenied, None, || format!("{}; nobody asks again before {until}", failure.what()));
        session.take(Event::Failed { by: self.id, failure: failure.clone(), until });
        // A renewal ahead of time that failed is nobody's failure yet. A caller asks the session once more: its source may have another credential.
        self.at = if self.call.is_some() { At::Start } else { At::Finished(Outcome::Failed(failure)) };
    }
}

/// Whether two records hold the same access token of the same generation.
fn is_the_same(one: &Record, other: &Record) -> bool {
    let tokens = one.access_token.as_ref().zip(other.access_token.as_ref());
    one.generation == other.generation && tokens.is_some_and(|(one, other)| one.same_as(other))
}

//! The journal: what is written before a single-use refresh token is sent, and when it is taken back.

use super::at::{At, Then};
use super::{Exchange, Outcome, Record, Save, Saved};
use crate::session::Session;
use crate::time::UnixTime;
use crate::token::life::TokenLife;
use crate::token::record::Spending;
use crate::token::refresh::RefreshRules;
use crate::verdict::failure::{Failure, FailureKind};
use alloc::boxed::Box;
use alloc::format;

impl Exchange {
    /// The record that says durably that a single-use refresh token is being spent; `None` if there is none to be spent.
    pub(super) fn journal(&mut self, session: &mut Session, now: UnixTime) -> Option<Save> {
        if self.begins_anew(session, now) {
            return None;
        }
        if !session.is_single_use() && self.probing.is_none() {
            self.at = At::Fetch;
            return None;
        }
        if !self.keeps_the_right(session, now) {
            return None;
        }
        // One entry for one lease, written anew before each sending: only who still holds the lease can write it.
        let mark = self.journal.map_or_else(|| self.dice.u64(..), |journal| journal.mark);
        let since = self.spent_since.unwrap_or_else(|| session.servers(now));
        let spending = Spending { mark, since, attempt: self.sent_before.saturating_add(1) };
        // Whoever reads this knows that the probe of the hour is under way.
        let refusal = self.probing.as_ref().map(|refusal| Box::new(refusal.probed(session.servers(now))));
        let spending_entry = session.is_single_use().then_some(spending);
        let record = Record { generation: self.stored, spending: spending_entry, refusal, ..session.life()?.record()? };
        self.at = At::ExpectJournaled(spending);
        Some(Save { record: session.labelled(record), replaces: self.stored, lease: self.lease() })
    }

    /// Whether this exchange still has the right to the token, and the lease outlasts the request; else it goes back to claim.
    pub(super) fn keeps_the_right(&mut self, session: &mut Session, now: UnixTime) -> bool {
        if !self.hold(session, now, now.after(Self::lease_span(session))) {
            self.yield_to_the_holder(session);
            return false;
        }
        let holds = self.lease_holds(session, now);
        if !holds {
            let next = At::Release(Box::new(At::Resting(now, Then::Claim)));
            self.at = self.after_clearing_the_journal(session, next);
        }
        holds
    }

    pub(super) fn journaled(&mut self, session: &mut Session, now: UnixTime, spending: Spending, saved: Saved) {
        if saved != Saved::Durable {
            self.was_not_sent(session, spending);
        }
        match saved {
            Saved::Durable => {
                // Whatever comes of the probe, the next one is due in an hour: every later record says so.
                if let Some(refusal) = &self.probing {
                    session.know_refusal(refusal.probed(session.servers(now)));
                }
                self.journal = Some(spending);
                self.at = At::Fetch;
            }
            // After a rest: a store that shows one generation and compares another would be asked without end.
            Saved::Superseded => self.at = At::Release(Box::new(self.look_again(now))),
            Saved::Down(why) => {
                let failure = Failure::store("written", &why, "the refresh token was not spent: bring the store back, then call again");
                self.give_up(session, now, failure);
            }
        }
    }

    /// Takes the journal back, because the refresh token was certainly not spent, and goes on with `next`.
    pub(super) fn after_clearing_the_journal(&mut self, session: &mut Session, next: At) -> At {
        match self.journal.take() {
            // An earlier use of it may have spent it all the same, so the entry stays.
            Some(_) if self.spent_since.is_some() => next,
            None => next,
            Some(journal) => {
                session.proven_unspent(journal.mark);
                At::ClearJournal(Box::new(next))
            }
        }
    }

    /// What to store before the exchange is abandoned: a record without the journal's entry, if the refresh
    /// token was certainly not sent. Without it other processes could not know that.
    pub fn settle(&mut self, session: &mut Session) -> Option<Save> {
        let unsent = matches!(self.at, At::Connect | At::ExpectConnected | At::Journal | At::Fetch | At::Resting(_, Then::Fetch));
        if !unsent || self.spent_since.is_some() || self.leased_until.is_none() {
            return None;
        }
        session.proven_unspent(self.journal.take()?.mark);
        self.clear_journal(session, Box::new(At::Finished(Outcome::Renewed)))
    }

    /// Whatever became of the journal's entry, the refresh token did not follow it: this session may send it later.
    pub(super) fn was_not_sent(&self, session: &mut Session, spending: Spending) {
        // An earlier use of it may have spent it all the same.
        if self.spent_since.is_none() {
            session.proven_unspent(spending.mark);
        }
    }

    /// The record that takes the journal back.
    pub(super) fn clear_journal(&mut self, session: &Session, next: Box<At>) -> Option<Save> {
        if self.grant != grant_of(session) {
            self.at = *next;
            return None;
        }
        let Some(record) = session.life().and_then(TokenLife::record) else {
            self.at = *next;
            return None;
        };
        self.at = At::ExpectCleared(next);
        let record = Record { generation: self.stored, spending: None, ..record };
        Some(Save { record: session.labelled(record), replaces: self.stored, lease: self.lease() })
    }
}

/// A number that tells the session's grant from another.
pub(super) fn grant_of(session: &Session) -> u64 {
    session.fingerprint()
}

/// The end of a connection at a provider that forbids to send a refresh token in doubt again.
pub(super) fn possibly_spent(provider: &str, rules: &RefreshRules) -> Failure {
    let over = if rules.reuse_grace.is_some() { ", and the time in which it may be used again is over" } else { "" };
    let what = format!("the answer to a refresh at {provider} was lost, and its single-use refresh token may be spent{over}");
    Failure::new(
        FailureKind::ConsentRequired,
        what,
        "it is not sent again, because a second use can end the whole grant: a person has to connect the account again",
    )
}

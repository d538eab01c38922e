//! The store: tokens into it, or out of it.

use super::{At, Consent, Then, Way};
use crate::time::UnixTime;
use crate::token::record::{Claim, Claimed, Lease, Record, Save, Saved};
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::quote::controls;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::time::Duration;

/// How long the store may be busy or down before this is given up: a minute, longer than any lease on it.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);
/// How often a store that is busy or down is looked at again.
const REST: Duration = Duration::from_millis(200);
/// How much longer than the requests that are made under it a lease lasts.
const SLACK: Duration = Duration::from_secs(15);

impl Consent {
    /// There is something to be stored.
    pub(super) fn begin_to_save(&mut self, now: UnixTime) {
        self.store_until = now.after(PATIENCE);
        self.at = At::Resting(now, Then::Claim);
    }

    pub(super) fn claim(&self) -> Claim {
        // A revocation makes two requests under its lease.
        let requests = if matches!(self.way, Way::End(_)) { 2 * self.connection.policy().fetch_timeout } else { Duration::ZERO };
        Claim { owner: self.owner, span: requests + SLACK }
    }

    pub(super) fn claimed(&mut self, now: UnixTime, claimed: Claimed) {
        match claimed {
            Claimed::Granted(record) | Claimed::TakenOver(record) => {
                let generation = record.as_ref().map_or(0, |record| record.generation);
                let before = core::mem::replace(&mut self.stored, generation);
                let unheard = core::mem::take(&mut self.unheard);
                match &self.way {
                    // What was revoked is no longer what the store holds: cleared by the save that nobody heard of, or replaced by a new consent.
                    Way::End(tokens) if tokens.are_revoked() && generation != before => self.at = Self::done(),
                    Way::End(tokens) if tokens.are_revoked() => self.at = At::Save,
                    Way::End(_) => self.begin_to_revoke(now, record),
                    Way::Code(_) | Way::Device(_) if unheard && record.as_ref().is_some_and(|record| self.lives_in(record)) => {
                        self.at = At::Release(Box::new(self.stored_end()));
                    }
                    Way::Code(_) | Way::Device(_) => self.at = At::Save,
                }
            }
            Claimed::Busy => self.at = self.store_again(now, "it is held by another process"),
            Claimed::Down(why) => self.at = self.store_again(now, &why),
        }
    }

    /// Whether a record holds this consent, in its first form or after refreshes, or a later one: then to save it again would put an older refresh token back.
    fn lives_in(&self, record: &Record) -> bool {
        record.grant == self.record.grant && record.consented_at >= self.record.consented_at
    }

    /// The end after what was granted is stored: good, if calls can be sent with it.
    fn stored_end(&self) -> At {
        At::Finished(self.unusable.clone().map_or(Ok(()), Err))
    }

    /// The end, with the lease given back.
    fn done() -> At {
        At::Release(Box::new(At::Finished(Ok(()))))
    }

    pub(super) fn save(&mut self) -> Save {
        self.record.generation = self.stored.saturating_add(1);
        Save { record: self.record.clone(), replaces: self.stored, lease: Some(self.lease()) }
    }

    pub(super) fn saved(&mut self, now: UnixTime, saved: Saved) {
        // It may stand there all the same, if only the store's answer was lost.
        self.unheard = matches!(saved, Saved::Down(_));
        let next = match saved {
            Saved::Durable => self.stored_end(),
            Saved::Superseded => self.store_again(now, "it was written by another process"),
            Saved::Down(why) => self.store_again(now, &why),
        };
        self.at = At::Release(Box::new(next));
    }

    pub(super) fn lease(&self) -> Lease {
        Lease { owner: self.owner }
    }

    /// The store once more, or the end.
    fn store_again(&self, now: UnixTime, why: &str) -> At {
        let again = now.after(REST);
        if again < self.store_until {
            return At::Resting(again, Then::Claim);
        }
        let why: String = why.chars().filter(|c| !controls(*c)).take(200).collect();
        let (what, advice) = match self.way {
            Way::End(_) => ("the end of the consent", "bring the store back, then revoke again"),
            Way::Code(_) | Way::Device(_) => ("the consent", "bring the store back, then log in again"),
        };
        At::Finished(Err(Failure::new(FailureKind::Store, format!("{what} could not be stored: {why}"), advice)))
    }

    /// Nothing of the tokens is left.
    pub(super) fn cleared(&self) -> Record {
        Record { grant: self.record.grant, ..Record::default() }
    }
}

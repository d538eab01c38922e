//! The store: tokens into it, or out of it.

use super::{At, Consent, Then, Way};
use crate::time::UnixTime;
use crate::token::record::{Claim, Claimed, Lease, Record, Save, Saved};
use crate::verdict::failure::{Failure, FailureKind};
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
            Claimed::Granted(record) => {
                self.stored = record.as_ref().map_or(0, |record| record.generation);
                match &self.way {
                    Way::End(_) => self.begin_to_revoke(now, record),
                    Way::Code(_) | Way::Device(_) => self.at = At::Save,
                }
            }
            Claimed::Busy => self.at = self.store_again(now, "it is held by another process"),
            Claimed::Down(why) => self.at = self.store_again(now, &why),
        }
    }

    pub(super) fn save(&mut self) -> Save {
        self.record.generation = self.stored.saturating_add(1);
        Save { record: self.record.clone(), replaces: self.stored, lease: Some(self.lease()) }
    }

    pub(super) fn saved(&mut self, now: UnixTime, saved: Saved) {
        let next = match saved {
            Saved::Durable => At::Finished(Ok(())),
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
        let why: String = why.chars().filter(|c| !c.is_control()).take(200).collect();
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

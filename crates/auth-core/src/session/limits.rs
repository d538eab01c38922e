//! Limits that make all callers of a session pause, and those that another process met.

use super::Session;
use crate::time::UnixTime;
use crate::token::record::SharedPause;
use crate::verdict::failure::Failure;
use crate::verdict::wait::Stated;

impl Session {
    /// Until when the exchange `me` pauses, and why. The probe of a limit does not.
    pub(crate) fn pause(&mut self, me: u64, now: UnixTime) -> Option<(UnixTime, Failure)> {
        let over = self.rare.as_mut()?.pauses.expire(me, now);
        self.note_change(over);
        let pauses = &self.rare().pauses;
        if pauses.is_probe(me) { None } else { pauses.in_force(now).cloned() }
    }

    /// Makes all callers pause, because the exchange `me` met a limit. If the store shares limits and
    /// this one is news, what to tell it comes back.
    pub(crate) fn pause_until(&mut self, me: u64, stated: Stated, why: Failure, now: UnixTime) -> Option<SharedPause> {
        self.note_error(&why, now);
        let news = self.rare_mut().pauses.set(me, stated, why, now)?;
        self.note_change(true);
        self.rare().pauses.are_shared().then_some(news)
    }

    /// Whether the exchange `me` calls to see whether a limit is over.
    pub(crate) fn is_probe(&self, me: u64) -> bool {
        self.rare().pauses.is_probe(me)
    }

    /// The server answered the exchange `me` with something else than a limit: if that was the probe,
    /// the limit is over for all.
    pub(crate) fn probe_passed(&mut self, me: u64) {
        if self.is_probe(me) {
            let lifted = self.rare_mut().pauses.lift();
            self.note_change(lifted);
        }
    }

    /// Whether a look at the store for limits of other processes is due. The caller that gets `true` asks the
    /// store beside the calls, on a thread or task of its own, and reports to [`Session::end_look`]; no call
    /// waits for it. Before the first look has ended the answer is `false`: the first exchange waits for
    /// that one ([`crate::Step::Look`]). A shell that never asks works too: then exchanges look.
    pub fn begin_look(&mut self, now: UnixTime) -> bool {
        let now = self.clock(now);
        self.rare().pauses.has_looked() && self.begin_first_look(now)
    }

    /// Takes what the store knew at a look, whoever asked it: the limit that is in force, if there is one.
    pub fn end_look(&mut self, now: UnixTime, pause: Option<SharedPause>) {
        let now = self.clock(now);
        self.rare_mut().pauses.looked(pause, now);
        // Also where there was none: what is fresh may be used unasked again for a while.
        self.note_change(true);
    }

    /// Whether an exchange should ask the store for a limit that another process met.
    pub(crate) fn begin_first_look(&mut self, now: UnixTime) -> bool {
        let begins = self.rare.as_mut().is_some_and(|rare| rare.pauses.begin_look(now));
        // Meanwhile what is fresh may be used unasked.
        self.note_change(begins);
        begins
    }

    /// The exchange that was to look ended before the look did.
    pub(crate) fn leave_look(&mut self, now: UnixTime) {
        self.rare_mut().pauses.end_look(now);
        self.note_change(true);
    }

    /// The limit that is in force.
    pub(crate) fn pause_in_force(&self, now: UnixTime) -> Option<&(UnixTime, Failure)> {
        self.rare().pauses.in_force(now)
    }
}

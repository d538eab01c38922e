//! Limits that make all callers of a session pause, and those that another process met.

use super::Session;
use crate::time::UnixTime;
use crate::token::record::SharedPause;
use crate::verdict::failure::Failure;

impl Session {
    /// Until when all callers pause, and why.
    pub(crate) fn pause(&mut self, now: UnixTime) -> Option<(UnixTime, Failure)> {
        let over = self.rare.as_mut()?.pauses.expire(now);
        self.note_change(over);
        self.rare().pauses.in_force(now).cloned()
    }

    /// Makes all callers pause, because one of them met a limit; what to tell the store comes back, if it shares limits and this one is news.
    pub(crate) fn pause_until(&mut self, until: UnixTime, why: Failure, now: UnixTime) -> Option<SharedPause> {
        self.note_error(&why, now);
        let news = self.rare_mut().pauses.set(until, why, now)?;
        self.note_change(true);
        self.rare().pauses.are_shared().then_some(news)
    }

    /// Whether the exchange should ask the store for a limit that another process met.
    pub(crate) fn begin_look(&mut self, now: UnixTime) -> bool {
        self.rare.as_mut().is_some_and(|rare| rare.pauses.begin_look(now))
    }

    /// Takes what the store knew.
    pub(crate) fn looked(&mut self, pause: Option<SharedPause>, now: UnixTime) {
        self.rare_mut().pauses.looked(pause, now);
        // Also where there was none: what is fresh may be used unasked again for a while.
        self.note_change(true);
    }

    /// The limit that is in force.
    pub(crate) fn pause_in_force(&self, now: UnixTime) -> Option<&(UnixTime, Failure)> {
        self.rare().pauses.in_force(now)
    }
}

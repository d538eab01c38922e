//! `Pauses`: the limit that all callers of a session keep, whether one of them met it or another process did.

use crate::time::UnixTime;
use crate::token::record::SharedPause;
use crate::verdict::body::quote;
use crate::verdict::failure::{Failure, FailureKind};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::time::Duration;

/// The longest pause of a whole session: an hour, because a limit that lasts longer is worth one call an hour to see whether it was a mistake.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// How often the store is asked for a limit that another process met: every tenth of a second, because asking a store across a network takes about a
/// millisecond, and in a tenth of a second few calls are lost to a limit that somebody else knows.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The limit in force, and what is known of the limits in the store.
pub(crate) struct Pauses {
    in_force: Option<(UnixTime, Failure)>,
    /// Whether the store shares limits between processes.
    shared: bool,
    look_again: UnixTime,
}

impl Pauses {
    /// No limit, and none that is shared.
    pub(crate) const NONE: Self = Self { in_force: None, shared: false, look_again: UnixTime::from_millis(0) };

    /// From now on, limits are shared through the store.
    pub(crate) fn share(&mut self) {
        self.shared = true;
    }

    /// The limit that is in force.
    pub(crate) fn in_force(&self, now: UnixTime) -> Option<&(UnixTime, Failure)> {
        self.in_force.as_ref().filter(|(until, _)| now < *until)
    }

    /// Whether there is a limit, in force or over.
    pub(crate) fn is_set(&self) -> bool {
        self.in_force.is_some()
    }

    /// Until when calls may go on without a look at the store.
    pub(crate) fn unasked_until(&self) -> UnixTime {
        if self.shared { self.look_again } else { UnixTime::NEVER }
    }

    /// Forgets a limit that is over; `true` if there was one.
    pub(crate) fn expire(&mut self, now: UnixTime) -> bool {
        let over = self.in_force.as_ref().is_some_and(|(until, _)| *until <= now);
        if over {
            self.in_force = None;
        }
        over
    }

    /// Keeps a limit, if it lasts longer than the one that is kept; then it comes back as what to tell the others.
    pub(crate) fn set(&mut self, until: UnixTime, why: Failure, now: UnixTime) -> Option<SharedPause> {
        let until = until.min(now.after(LONGEST_PAUSE));
        if self.in_force.as_ref().is_some_and(|(present, _)| until <= *present) {
            return None;
        }
        let limit = why.limit().map_or(String::new(), |limit| format!(" (the limit is {limit:?})"));
        let pause = SharedPause { until, why: format!("{}{limit}", why.what()) };
        self.in_force = Some((until, why));
        Some(pause)
    }

    /// Whether limits are shared.
    pub(crate) fn are_shared(&self) -> bool {
        self.shared
    }

    /// Whether to look at the store now; whoever gets the word looks for all.
    pub(crate) fn begin_look(&mut self, now: UnixTime) -> bool {
        let due = self.shared && self.look_again <= now;
        if due {
            self.look_again = now.after(LOOK_EVERY);
        }
        due
    }

    /// Keeps what the store knew.
    pub(crate) fn looked(&mut self, pause: Option<SharedPause>, now: UnixTime) {
        let Some(pause) = pause.filter(|pause| now < pause.until) else { return };
        let what = format!("another process was told to slow down: {}", quote(&pause.why, &[]));
        let advice = "nothing was sent: the limit is the credential's, so that all processes keep it together".to_owned();
        let why = Failure::new(FailureKind::RateLimited, what, advice).with_come_back_at(pause.until);
        self.set(pause.until, why, now);
    }
}

//! `Pauses`: the limit that all callers of a session keep, met by one of them or by another process.

use crate::time::UnixTime;
use crate::token::record::SharedPause;
use crate::verdict::body::quote;
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::wait::Stated;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::time::Duration;

/// The longest moment that is kept in full: a day, because the longest windows of the vendors' limits
/// are daily ones.
const LONGEST_STATED: Duration = Duration::from_hours(24);
/// The pause where no moment can be kept: an hour, because one call an hour shows soon enough whether
/// the moment was a mistake.
const WITHOUT_MOMENT: Duration = Duration::from_hours(1);
/// How long the others wait for the answer to a probe: a minute, because an answer takes no longer.
const PROBE_TIME: Duration = Duration::from_mins(1);
/// How often the store is asked for a limit that another process met, counted from the end of the last
/// look: every tenth of a second, because a look across a network takes about a millisecond, and few
/// calls are lost to a limit in a tenth of a second.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a look may be under way before another one begins: a minute, because no store answers
/// after that, and the process that looked may have forgotten it.
const LONGEST_LOOK: Duration = Duration::from_mins(1);

/// The limit in force, and what is known of the limits in the store.
pub(crate) struct Pauses {
    in_force: Option<(UnixTime, Failure)>,
    probe: Probe,
    /// Whether the store shares limits between processes.
    shared: bool,
    /// Whether a look has ended.
    has_looked: bool,
    look_again: UnixTime,
}

/// Who calls first after a pause.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Probe {
    /// Everybody at once: the server stated the moment.
    Nobody,
    /// One exchange, yet to come.
    Wanted,
    /// This exchange.
    Is(u64),
}

/// The moment until which a session rests that was told to come back at `at`: `at` itself, or an hour
/// from now if that is more than a day ahead.
pub(crate) fn kept(at: UnixTime, now: UnixTime) -> UnixTime {
    if at <= now.after(LONGEST_STATED) { at } else { now.after(WITHOUT_MOMENT) }
}

impl Pauses {
    /// No limit, and none that is shared.
    pub(crate) const NONE: Self =
        Self { in_force: None, probe: Probe::Nobody, shared: false, has_looked: false, look_again: UnixTime::from_millis(0) };

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

    /// Whether the exchange `me` calls to see whether the limit is over.
    pub(crate) fn is_probe(&self, me: u64) -> bool {
        self.probe == Probe::Is(me)
    }

    /// Until when calls may go on without a look at the store.
    pub(crate) fn unasked_until(&self) -> UnixTime {
        if self.shared { self.look_again } else { UnixTime::NEVER }
    }

    /// Forgets a limit that is over, or makes `me` its probe; `true` if it was forgotten.
    pub(crate) fn expire(&mut self, me: u64, now: UnixTime) -> bool {
        let Some((until, _)) = self.in_force.as_mut().filter(|(until, _)| *until <= now) else {
            return false;
        };
        if self.probe == Probe::Nobody {
            return self.lift();
        }
        *until = now.after(PROBE_TIME);
        self.probe = Probe::Is(me);
        false
    }

    /// Ends the limit; `true` if there was one.
    pub(crate) fn lift(&mut self) -> bool {
        self.probe = Probe::Nobody;
        self.in_force.take().is_some()
    }

    /// Keeps a limit that the exchange `me` met, if it lasts longer than the one that is kept or `me` is
    /// its probe; then it comes back as what to tell the others.
    pub(crate) fn set(&mut self, me: u64, stated: Stated, why: Failure, now: UnixTime) -> Option<SharedPause> {
        let (until, probe) = match stated {
            Stated::At(at) if kept(at, now) == at => (at, Probe::Nobody),
            // The call that met it waits for longer than anybody's deadline, so that another one probes.
            Stated::At(_) => (now.after(WITHOUT_MOMENT), Probe::Wanted),
            Stated::Unreadable => (now.after(WITHOUT_MOMENT), Probe::Is(me)),
        };
        let is_shorter = self.in_force.as_ref().is_some_and(|(present, _)| until <= *present);
        if is_shorter && !self.is_probe(me) {
            return None;
        }
        let limit = why.limit().map_or(String::new(), |limit| format!(" (the limit is {limit:?})"));
        let pause = SharedPause { until, why: format!("{}{limit}", why.what()) };
        (self.in_force, self.probe) = (Some((until, why.with_come_back_at(until))), probe);
        Some(pause)
    }

    /// Whether limits are shared.
    pub(crate) fn are_shared(&self) -> bool {
        self.shared
    }

    /// Whether a look has ended since the session began.
    pub(crate) fn has_looked(&self) -> bool {
        self.has_looked
    }

    /// Whether to look at the store now. The caller that gets the word looks for all.
    pub(crate) fn begin_look(&mut self, now: UnixTime) -> bool {
        let due = self.shared && self.look_again <= now;
        if due {
            self.look_again = now.after(LONGEST_LOOK);
        }
        due
    }

    /// The look is over: the next one is due a while after its end, however long it took.
    pub(crate) fn end_look(&mut self, now: UnixTime) {
        (self.has_looked, self.look_again) = (true, now.after(LOOK_EVERY));
    }

    /// Keeps what the store knew.
    pub(crate) fn looked(&mut self, pause: Option<SharedPause>, now: UnixTime) {
        self.end_look(now);
        let Some(pause) = pause.filter(|pause| now < pause.until) else { return };
        let what = format!("another process was told to slow down: {}", quote(&pause.why, &[]));
        let advice = "nothing was sent: the limit is the credential's, so that all processes keep it together";
        let why = Failure::new(FailureKind::RateLimited, what, advice.to_owned());
        self.set(NO_EXCHANGE, Stated::At(pause.until), why, now);
    }
}

/// The number of no exchange.
const NO_EXCHANGE: u64 = 0;

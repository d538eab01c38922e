//! Whether to send again, and when: one pure function.

use crate::time::{UnixTime, millis};
use core::time::Duration;

/// `Cause` is why a request has no good answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The connection was never made: nothing was processed.
    NotSent,
    /// The server's certificate is not trusted: nothing was processed, and no waiting mends it.
    Untrusted,
    /// The connection was lost, or timed out, after the request went out: nobody knows.
    Lost,
    /// 429: nothing was processed.
    RateLimited,
    /// 500, 502, 503 or 504: nobody knows.
    ServerError,
    /// The same, where nothing was processed: by the server's word, the profile's, or because something in front of the server turned it away.
    Unprocessed,
    /// A token answer that cannot be understood: for a grant that may be repeated, worth another try.
    NotUnderstood,
}

impl Cause {
    /// Whether the cause proves that the server did not process the request.
    pub const fn proves_unprocessed(self) -> bool {
        matches!(self, Self::NotSent | Self::Untrusted | Self::RateLimited | Self::Unprocessed)
    }
}

/// `Situation` is all that a retry decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// Why there is no good answer.
    pub cause: Cause,
    /// How often the request has been sent, this time included; 1 after the first.
    pub attempt: u32,
    /// Whether repeating is harmless even if the server did process it.
    pub repeatable: bool,
    /// The moment the server named, if it named one.
    pub come_back_at: Option<UnixTime>,
    /// Now.
    pub now: UnixTime,
    /// The moment after which the caller no longer wants the answer.
    pub deadline: UnixTime,
}

/// `Decision` is what to do about a [`Situation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Send again at this moment, not before.
    Again(UnixTime),
    /// Do not wait: the moment lies beyond the deadline. Hand it to the caller.
    ComeBack(UnixTime),
    /// Do not send again.
    Stop,
    /// Do not send again: it would be harmless, but the deadline leaves no time.
    TooLate,
}

/// `Policy` is how patient a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How often one request is sent at most; 4, because three repeats bridge a restart of the server, and more only add to its load.
    pub max_attempts: u32,
    /// The ceiling of the first backoff; 500 ms, because most interruptions are over within a second.
    pub backoff_base: Duration,
    /// The ceiling of every backoff; 20 s, because a minute's deadline then still holds three attempts.
    pub backoff_cap: Duration,
    /// How long one call may take with all its waits; 90 s, because the commonest limit is a count per minute and a call should be able to sit one out.
    pub deadline: Duration,
    /// The time one token request may take; 30 s, because slow identity providers answer within it.
    pub fetch_timeout: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            backoff_base: Duration::from_millis(500),
            backoff_cap: Duration::from_secs(20),
            deadline: Duration::from_secs(90),
            fetch_timeout: Duration::from_secs(30),
        }
    }
}

/// `Budget` is what the calls of a session may spend on repeats together, so that a broken API is not made worse by everybody's repeats.
///
/// Token requests take nothing from it: a client asks its token endpoint at most once a second, whoever asks, and an API that failed often must not cost the
/// connection.
///
/// A bucket of 100 that a repeat takes 5 from and that gains 1 a second: 20 repeats in a burst, then one every five seconds.
/// A repeat that the server itself asked for (429 with a moment) costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    level_millis: u32,
    at: UnixTime,
}

const FULL: u32 = 100_000;
const COST: u32 = 5_000;

impl Default for Budget {
    fn default() -> Self {
        Self::FULL
    }
}

impl Budget {
    pub(crate) const FULL: Self = Self { level_millis: FULL, at: UnixTime::from_millis(0) };

    /// Takes the cost of one repeat; `false`, and nothing taken, if there is not enough left.
    pub fn take(&mut self, now: UnixTime) -> bool {
        let gained = u32::try_from(now.as_millis().saturating_sub(self.at.as_millis())).unwrap_or(FULL);
        self.level_millis = self.level_millis.saturating_add(gained).min(FULL);
        self.at = self.at.max(now);
        let enough = self.level_millis >= COST;
        if enough {
            self.level_millis -= COST;
        }
        enough
    }
}

/// Decides whether to send again. `random` is a number from 0 (included) to 1 (excluded) for the jitter.
///
/// The rules, in order: a request that may have been processed is repeated only if that is harmless, and none to a server that is not trusted; not more often than
/// the policy says; never before the moment that the server named; a wait that would end after the deadline is not shortened into an early repeat but handed back;
/// repeats that nobody asked for come out of the budget, where there is one.
pub fn decide(situation: &Situation, policy: &Policy, budget: Option<&mut Budget>, random: f64) -> Decision {
    let Situation { cause, attempt, repeatable, come_back_at, now, deadline } = *situation;
    let may_repeat = cause != Cause::Untrusted && (repeatable || cause.proves_unprocessed());
    if let Some(at) = come_back_at
        && at > deadline
    {
        return Decision::ComeBack(at);
    }
    if !may_repeat || attempt >= policy.max_attempts {
        return come_back_at.map_or(Decision::Stop, Decision::ComeBack);
    }
    let asked_for = cause == Cause::RateLimited && come_back_at.is_some();
    if !asked_for && budget.is_some_and(|budget| !budget.take(now)) {
        return come_back_at.map_or(Decision::Stop, Decision::ComeBack);
    }
    let again = match come_back_at {
        // A little after, so that the callers of many processes do not all come in the same millisecond.
        Some(at) => at.max(now).after(jitter(Duration::from_millis(250), random)),
        None if cause == Cause::RateLimited => now.after(unhinted(attempt, policy)).after(backoff(attempt, policy, random)),
        None => now.after(backoff(attempt, policy, random)),
    };
    if again > deadline { come_back_at.map_or(Decision::TooLate, Decision::ComeBack) } else { Decision::Again(again) }
}

/// How long a limit is waited for that names no end: a second, then two, four and so on, because the shortest window in use is a second.
fn unhinted(attempt: u32, policy: &Policy) -> Duration {
    Duration::from_secs(1_u64.checked_shl(attempt.saturating_sub(1)).unwrap_or(u64::MAX)).min(policy.backoff_cap)
}

/// Full jitter: anything between nothing and the ceiling of this attempt, so that callers who failed together do not come back together.
pub fn backoff(attempt: u32, policy: &Policy, random: f64) -> Duration {
    let ceiling = policy.backoff_base.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
    jitter(ceiling.min(policy.backoff_cap), random)
}

/// In whole milliseconds, as the machine's clock counts, up to 49 days.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a 32-bit number times a part of one")]
fn jitter(ceiling: Duration, random: f64) -> Duration {
    let ceiling = u32::try_from(millis(ceiling)).unwrap_or(u32::MAX);
    Duration::from_millis((f64::from(ceiling) * random.clamp(0.0, 1.0)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_000);

    fn situation(cause: Cause) -> Situation {
        Situation { cause, attempt: 1, repeatable: true, come_back_at: None, now: NOW, deadline: NOW.after(Duration::from_mins(1)) }
    }

    fn decide_once(situation: &Situation) -> Decision {
        decide(situation, &Policy::default(), None, 0.5)
    }

    #[test]
    fn what_may_have_been_processed_is_repeated_only_if_harmless() {
        for (cause, again) in [
            (Cause::Lost, false),
            (Cause::ServerError, false),
            (Cause::NotSent, true),
            (Cause::RateLimited, true),
            (Cause::Unprocessed, true),
        ] {
            let decision = decide_once(&Situation { repeatable: false, ..situation(cause) });
            assert_eq!(matches!(decision, Decision::Again(_)), again, "{cause:?}");
        }
    }

    #[test]
    fn the_servers_moment_is_never_undercut() {
        let at = NOW.after(Duration::from_secs(7));
        let Decision::Again(again) = decide_once(&Situation { come_back_at: Some(at), ..situation(Cause::RateLimited) }) else { panic!() };
        assert!(again >= at && again <= at.after(Duration::from_millis(250)));
    }

    #[test]
    fn a_wait_beyond_the_deadline_is_a_value_and_not_an_early_repeat() {
        let at = NOW.after(Duration::from_hours(1));
        assert_eq!(decide_once(&Situation { come_back_at: Some(at), ..situation(Cause::RateLimited) }), Decision::ComeBack(at));
    }

    #[test]
    fn a_wait_that_ends_with_the_deadline_is_still_waited_for() {
        let deadline = situation(Cause::Lost).deadline;
        let named = Situation { come_back_at: Some(deadline), ..situation(Cause::RateLimited) };
        let at_once = |situation: &Situation| decide(situation, &Policy::default(), None, 0.0);
        assert_eq!(at_once(&named), Decision::Again(deadline));
        assert_eq!(at_once(&Situation { deadline: NOW, ..situation(Cause::Lost) }), Decision::Again(NOW));
        let missed = Situation { deadline: NOW.before(Duration::from_millis(1)), ..situation(Cause::Lost) };
        assert_eq!(at_once(&missed), Decision::TooLate);
    }

    #[test]
    fn what_the_server_asked_for_and_what_is_handed_back_cost_nothing() {
        let costs = |cause, come_back_in: Option<u64>| {
            let mut budget = Budget::default();
            let at = come_back_in.map(|seconds| NOW.after(Duration::from_secs(seconds)));
            decide(&Situation { come_back_at: at, ..situation(cause) }, &Policy::default(), Some(&mut budget), 0.5);
            budget.level_millis != FULL
        };
        assert!(!costs(Cause::RateLimited, Some(1)) && costs(Cause::RateLimited, None));
        assert!(costs(Cause::ServerError, Some(1)) && costs(Cause::ServerError, None));
        assert!(!costs(Cause::ServerError, Some(61)), "a moment after the deadline is handed back");
    }

    #[test]
    fn the_backoff_grows_to_its_cap_and_no_attempt_number_overflows_it() {
        let policy = Policy::default();
        assert_eq!(backoff(1, &policy, 1.0), Duration::from_millis(500));
        assert_eq!(backoff(3, &policy, 1.0), Duration::from_secs(2));
        assert_eq!(backoff(u32::MAX, &policy, 1.0), Duration::from_secs(20));
        assert_eq!(backoff(5, &policy, 0.0), Duration::ZERO);
    }

    #[test]
    fn the_budget_runs_out_and_comes_back() {
        let (mut budget, policy) = (Budget::default(), Policy::default());
        let lost = situation(Cause::Lost);
        let repeats = (0..100).filter(|_| matches!(decide(&lost, &policy, Some(&mut budget), 0.5), Decision::Again(_))).count();
        assert_eq!(repeats, 20);
        let later = Situation { now: NOW.after(Duration::from_secs(5)), ..lost };
        assert!(matches!(decide(&later, &policy, Some(&mut budget), 0.5), Decision::Again(_)));
        assert_eq!(decide(&later, &policy, Some(&mut budget), 0.5), Decision::Stop);
    }
}

//! Refresh tokens: what a vendor says about them, and what follows from it.

use super::record::Record;
use crate::provider::{RefreshFacts, Rotation};
use crate::time::UnixTime;
use core::fmt;
use core::time::Duration;

const DAY: Duration = Duration::from_hours(24);
/// From how many days before its end a refresh token is warned of: 14, because a person has to act, and two weeks outlast a month-end freeze.
const WARNING_DAYS: u64 = 14;
/// How long before the end of a reuse grace the last repeat is sent: half a minute, because a token request may take that long to arrive.
const GRACE_MARGIN: Duration = Duration::from_secs(30);

/// `RefreshRules` is what a vendor says about refresh tokens. What it does not say is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefreshRules {
    /// When a refresh token gets a new value.
    pub rotation: Rotation,
    /// How long a refresh token may be used again after a use whose answer was lost.
    pub reuse_grace: Option<Duration>,
    /// Whether a refresh token whose answer was lost is sent again after the grace, once no access token is valid any more.
    ///
    /// Default: `true`, because its successor is lost already, so that a second use has nothing left to end. A profile that
    /// says `false` needs a source.
    pub resend_in_doubt: bool,
    /// How long before the end of the access token a refresh is accepted at the earliest.
    pub earliest_before_end: Option<Duration>,
    /// How long a refresh token lives without being used.
    pub idle_lifetime: Option<Duration>,
    /// How long a connection lives, however much it is used.
    pub total_lifetime: Option<Duration>,
    /// Whether a new consent ends the connection that another consent of the same account had made.
    pub single_active_grant: bool,
}

impl Default for RefreshRules {
    fn default() -> Self {
        Self::from(&RefreshFacts::default())
    }
}

impl From<&RefreshFacts> for RefreshRules {
    fn from(facts: &RefreshFacts) -> Self {
        let days = |days: u32| DAY * days;
        Self {
            rotation: facts.rotation,
            reuse_grace: facts.reuse_grace_seconds.map(Duration::from_secs),
            resend_in_doubt: facts.resend_in_doubt.unwrap_or(true),
            earliest_before_end: facts.earliest_seconds_before_end.map(Duration::from_secs),
            idle_lifetime: facts.idle_lifetime_days.map(days),
            total_lifetime: facts.total_lifetime_days.map(days),
            single_active_grant: facts.single_active_grant,
        }
    }
}

impl RefreshRules {
    /// Whether a use may spend the refresh token, so that its answer must not be lost.
    pub(crate) fn spends(&self) -> bool {
        self.rotation != Rotation::Never
    }

    /// Whether a refresh token that was first sent at `since` may be sent once more: only where the vendor grants a reuse, and well within it.
    pub(crate) fn may_send_again(&self, since: UnixTime, now: UnixTime) -> bool {
        self.reuse_grace.is_some_and(|grace| now < since.after(grace).before(GRACE_MARGIN.min(grace / 2)))
    }

    /// Until when the refresh token of a record lives, in the server's time; `None` if nobody says.
    pub(crate) fn forecast(&self, record: &Record, now: UnixTime) -> Option<RefreshForecast> {
        record.refresh_token.as_ref()?;
        let used = (record.minted_at != UnixTime::default()).then_some(record.minted_at);
        let idle = record.refresh_ends_at.or(used.zip(self.idle_lifetime).map(|(used, idle)| used.after(idle)));
        let total = record.consented_at.zip(self.total_lifetime).map(|(consented, total)| consented.after(total));
        let ends = idle.into_iter().chain(total).min()?;
        let days_left = ends.since(now).as_secs() / DAY.as_secs();
        Some(RefreshForecast {
            ends,
            days_left,
            is_over: ends <= now,
            is_moved_by_use: total != Some(ends) && self.idle_lifetime.is_some(),
        })
    }
}

/// `RefreshForecast` is until when a connection can go on without a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefreshForecast {
    /// When the refresh token ends.
    pub ends: UnixTime,
    /// How many whole days are left.
    pub days_left: u64,
    /// Whether it has ended.
    pub is_over: bool,
    /// Whether a use before then moves the end: then any call keeps the connection alive. If not, a person has to connect the account again before then.
    pub is_moved_by_use: bool,
}

impl RefreshForecast {
    /// Whether somebody should be warned: fewer than 14 days are left.
    pub fn is_near(&self) -> bool {
        self.days_left < WARNING_DAYS
    }
}

impl fmt::Display for RefreshForecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_over, self.is_moved_by_use) {
            (true, _) => write!(f, "the refresh token ended on {}: a person has to connect the account again", self.ends),
            (false, true) => {
                write!(
                    f,
                    "the refresh token ends in {} days, on {}, unless it is used before: any call keeps it alive",
                    self.days_left, self.ends
                )
            }
            (false, false) => {
                write!(
                    f,
                    "the refresh token ends in {} days, on {}: a person has to connect the account again before then",
                    self.days_left, self.ends
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Secret;
    use alloc::string::ToString;

    const NOW: UnixTime = UnixTime::from_secs(1_764_000_000);

    fn record() -> Record {
        Record { refresh_token: Some(Secret::new("r")), minted_at: NOW, consented_at: Some(NOW), ..Record::default() }
    }

    #[test]
    fn the_end_is_the_earlier_of_idleness_and_total_life() {
        let rules = RefreshRules { idle_lifetime: Some(DAY * 60), total_lifetime: Some(DAY * 90), ..RefreshRules::default() };
        let first = rules.forecast(&record(), NOW).unwrap();
        assert_eq!((first.ends, first.days_left, first.is_moved_by_use, first.is_near()), (NOW.after(DAY * 60), 60, true, false));
        let used_late = Record { minted_at: NOW.after(DAY * 59), ..record() };
        let last = rules.forecast(&used_late, NOW.after(DAY * 80)).unwrap();
        assert_eq!((last.ends, last.days_left, last.is_moved_by_use, last.is_near()), (NOW.after(DAY * 90), 10, false, true));
        assert!(last.to_string().contains("in 10 days") && last.to_string().contains("a person has to"), "{last}");
        assert!(rules.forecast(&record(), NOW.after(DAY * 60)).unwrap().is_over);
    }

    #[test]
    fn what_the_server_announced_goes_before_the_profile() {
        let rules = RefreshRules { idle_lifetime: Some(DAY * 60), ..RefreshRules::default() };
        let announced = Record { refresh_ends_at: Some(NOW.after(DAY * 7)), ..record() };
        assert_eq!(rules.forecast(&announced, NOW).unwrap().days_left, 7);
        assert_eq!(RefreshRules::default().forecast(&record(), NOW), None);
        assert_eq!(rules.forecast(&Record { refresh_token: None, ..record() }, NOW), None);
    }

    #[test]
    fn a_lost_answer_is_repeated_within_the_grace_alone() {
        let grace = |seconds| RefreshRules { reuse_grace: Some(Duration::from_secs(seconds)), ..RefreshRules::default() };
        let xero = grace(1_800);
        assert!(xero.may_send_again(NOW, NOW) && xero.may_send_again(NOW, NOW.after(Duration::from_secs(1_769))));
        assert!(!xero.may_send_again(NOW, NOW.after(Duration::from_secs(1_770))));
        assert!(
            grace(10).may_send_again(NOW, NOW.after(Duration::from_secs(4)))
                && !grace(10).may_send_again(NOW, NOW.after(Duration::from_secs(5)))
        );
        assert!(!RefreshRules::default().may_send_again(NOW, NOW));
    }
}

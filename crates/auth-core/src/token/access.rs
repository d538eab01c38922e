//! An access token, and when it is renewed.

use crate::credential::Authorization;
use crate::time::UnixTime;
use core::time::Duration;

/// The longest lead of an early renewal: five minutes, because it must outlast an outage that an operator mends by hand.
const LONGEST_LEAD: Duration = Duration::from_mins(5);
/// The longest margin before the end at which a token is no longer sent: ten seconds, because a request travels with it.
const LONGEST_MARGIN: Duration = Duration::from_secs(10);

/// The shortest time for which a new token is used: a second, because a shorter one would make every call a token request.
const SHORTEST_USE: Duration = Duration::from_secs(1);

/// An access token, ready to be sent. Its authorization stands in place, so that a session is found among a hundred thousand with one look less.
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct Token {
    pub(crate) renew_at: UnixTime,
    pub(crate) valid_until: UnixTime,
    pub(crate) authorization: Authorization,
    /// When it was asked for; the epoch if another session did that, whose clock may be another.
    pub(crate) minted_at: UnixTime,
}

impl Token {
    /// A token that was asked for at `minted_at` and lives for `lifetime`.
    ///
    /// Its last twentieth (at most ten seconds) is not used, so that it does not end on the way. Renewal begins a tenth of the lifetime (at most five
    /// minutes) before that, and by up to half of that lead earlier still, by the dice, so that a fleet does not renew in one second:
    /// an hour's token is renewed in its last 5 to 7.5 minutes, one of ten minutes in its last 60 to 90 seconds, one of two seconds in its last 200 to 300 ms.
    /// Where the vendor accepts a refresh only so long before the end (`earliest`), it begins in the first half of what is left of that.
    pub(crate) fn new(
        authorization: Authorization,
        minted_at: UnixTime,
        lifetime: Duration,
        earliest: Option<Duration>,
        random: f64,
    ) -> Self {
        let ends = minted_at.after(lifetime);
        let valid_until = ends.before((lifetime / 20).min(LONGEST_MARGIN).min(earliest.map_or(LONGEST_MARGIN, |earliest| earliest / 2)));
        let lead = (lifetime / 10).min(LONGEST_LEAD).mul_f64(1.0 + random / 2.0);
        let accepted = earliest.map_or(UnixTime::default(), |earliest| {
            let from = ends.before(earliest);
            from.after((valid_until.since(from) / 2).mul_f64(random))
        });
        Self { authorization, minted_at, renew_at: valid_until.before(lead).max(accepted), valid_until }
    }

    /// The same token, which another session asked for.
    pub(crate) fn adopted(self) -> Self {
        Self { minted_at: UnixTime::default(), ..self }
    }

    /// The same token, usable for at least a second from now: one that ended on its way, or nearly, is used once and not fetched again at once.
    pub(crate) fn usable_from(mut self, now: UnixTime) -> Self {
        self.valid_until = self.valid_until.max(now.after(SHORTEST_USE));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::{Attach, Secret};
    use alloc::sync::Arc;

    fn authorization(token: &str, generation: u64) -> Authorization {
        let attach = Attach { header: "Authorization".into(), scheme: "Bearer".into() };
        Authorization::new(&Arc::new(attach), &Secret::new(token), generation)
    }

    fn lifetimes(seconds: u64, random: f64) -> (u64, u64) {
        let authorization = authorization("t", 1);
        let token = Token::new(authorization, UnixTime::default(), Duration::from_secs(seconds), None, random);
        (token.renew_at.as_millis(), token.valid_until.as_millis())
    }

    #[test]
    fn a_renewal_waits_until_the_vendor_accepts_one() {
        let exact = |random| {
            let authorization = authorization("t", 1);
            let token = Token::new(authorization, UnixTime::default(), Duration::from_mins(10), Some(Duration::from_secs(30)), random);
            (token.renew_at.as_millis(), token.valid_until.as_millis())
        };
        assert_eq!((exact(0.0), exact(1.0)), ((570_000, 590_000), (580_000, 590_000)));
    }

    #[test]
    fn the_rule_of_renewal_fits_long_and_short_tokens() {
        assert_eq!(lifetimes(3_600, 0.0), (3_290_000, 3_590_000));
        assert_eq!(lifetimes(3_600, 1.0), (3_140_000, 3_590_000));
        assert_eq!(lifetimes(600, 0.0), (530_000, 590_000));
        assert_eq!(lifetimes(2, 0.0), (1_700, 1_900));
        assert_eq!(lifetimes(1, 1.0), (800, 950));
    }
}

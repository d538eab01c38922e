//! The life of a session's token: every state, every event, and the one `match` that leads from one to the next.
//!
//! ```text
//!                       begin                      granted
//!        ┌─────────┐ ───────────► ┌────────────┐ ───────────► ┌──────┐
//!        │  Empty  │              │ Refreshing │              │ Held │  fresh, later stale
//!        └─────────┘ ◄─────────── └────────────┘ ◄─────────── └──────┘
//!             ▲        abandoned     │       ▲      begin         │
//!             │             failed,  │       │ begin, when        │ rejected (401)
//!             │            not saved ▼       │ time is over       ▼
//!             │                    ┌───────────┐                Empty
//!             └─────────────────── │  Failed   │
//!               another grant      └───────────┘
//! ```
//!
//! A token whose new refresh token could not be stored is kept aside (`unsaved`) through every state until it is stored:
//! it must not be used, and it must not be lost.
//! A token that is held stays usable in every state until it ends: `Refreshing` and `Failed` say what is known about the *next* one.

use super::record::Record;
use crate::credential::{Authorization, Grant, Secret};
use crate::time::UnixTime;
use crate::verdict::failure::Failure;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// The longest lead of an early renewal: five minutes, because it must outlast an outage that an operator mends by hand.
const LONGEST_LEAD: Duration = Duration::from_mins(5);
/// The longest margin before the end at which a token is no longer sent: ten seconds, because a request travels with it.
const LONGEST_MARGIN: Duration = Duration::from_secs(10);

/// The shortest time for which a new token is used: a second, because a shorter one would make every call a token request.
const SHORTEST_USE: Duration = Duration::from_secs(1);

/// An access token, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) authorization: Arc<Authorization>,
    pub(crate) minted_at: UnixTime,
    pub(crate) renew_at: UnixTime,
    pub(crate) valid_until: UnixTime,
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
        Self { authorization: Arc::new(authorization), minted_at, renew_at: valid_until.before(lead).max(accepted), valid_until }
    }

    /// The same token, usable for at least a second from now: one that ended on its way, or nearly, is used once and not fetched again at once.
    pub(crate) fn usable_from(mut self, now: UnixTime) -> Self {
        self.valid_until = self.valid_until.max(now.after(SHORTEST_USE));
        self
    }
}

/// What is known about the next token.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Nothing: it has to be asked for.
    Empty,
    /// Nothing needs to be done before the held token's `renew_at`.
    Held,
    /// Somebody is asking for it, and has the right to until then.
    Refreshing { by: u64, until: UnixTime },
    /// It was refused or could not be had, and nobody should ask again before then.
    Failed { failure: Failure, until: UnixTime },
}

/// What happens to the life of a token.
#[derive(Debug)]
pub(crate) enum Event {
    /// An exchange starts to ask for a token, or goes on asking, until at most then.
    Begin { by: u64, until: UnixTime },
    /// The exchange has it, and it may be used.
    Granted { by: u64, token: Token, record: Box<Record> },
    /// The exchange has it, but its refresh token could not be stored.
    Kept { unsaved: Box<(Token, Record)> },
    /// The exchange did not get it; nobody should ask again before then.
    Failed { by: u64, failure: Failure, until: UnixTime },
    /// The exchange went away without a result.
    Abandoned { by: u64 },
    /// The API refused the token of this generation.
    Rejected { generation: u64 },
}

/// What a caller can do now.
#[derive(Debug)]
pub(crate) enum Ready {
    /// Send with this.
    Use(Arc<Authorization>),
    /// Wait: somebody else is getting it, until at most then.
    Wait(UnixTime),
    /// Ask for a token, or store the one that is here.
    Fetch,
    /// Give up, for this reason.
    Fail(Failure),
}

/// The token of one session, what is exchanged for it, and what is known about the next.
pub(crate) struct TokenLife {
    pub(crate) grant: Grant,
    /// Those to go on with when this one is refused.
    spares: Vec<Grant>,
    record: Record,
    /// Whether the held token is the record's access token, which is then kept in the token alone.
    is_of_record: bool,
    token: Option<Token>,
    unsaved: Option<Box<(Token, Record)>>,
    phase: Phase,
    failures: u32,
}

impl TokenLife {
    pub(crate) fn new(grant: Grant, spares: Vec<Grant>) -> Self {
        let record = Record { refresh_token: grant.first_refresh_token().cloned(), grant: grant.fingerprint(), ..Record::default() };
        Self { grant, spares, record, is_of_record: false, token: None, unsaved: None, phase: Phase::Empty, failures: 0 }
    }

    /// Takes an event; `false` if it changes nothing. A result that comes late, from an exchange that is no longer the one to ask, changes nothing, unless it is
    /// a newer token than the one that is known.
    pub(crate) fn take(&mut self, event: Event) -> bool {
        let phase = core::mem::replace(&mut self.phase, Phase::Empty);
        let mut changed = true;
        let rest = |token: &Option<Token>| if token.is_some() { Phase::Held } else { Phase::Empty };
        self.phase = match (phase, event) {
            (_, Event::Begin { by, until }) => Phase::Refreshing { by, until },
            (phase, Event::Granted { by, token, record }) if record.generation > self.record.generation => {
                (self.token, self.record, self.unsaved, self.failures) = (Some(token), *record, None, 0);
                (self.record.access_token, self.is_of_record) = (None, true);
                match phase {
                    // A late one: whoever took over goes on.
                    Phase::Refreshing { by: holder, until } if holder != by => Phase::Refreshing { by: holder, until },
                    _ => Phase::Held,
                }
            }
            (phase, Event::Kept { unsaved }) if unsaved.1.generation > self.record.generation => {
                self.unsaved = Some(unsaved);
                phase
            }
            (Phase::Refreshing { by: holder, .. }, Event::Failed { by, failure, until }) if holder == by => {
                self.failures = self.failures.saturating_add(1);
                Phase::Failed { failure, until }
            }
            (Phase::Refreshing { by: holder, .. }, Event::Abandoned { by }) if holder == by => rest(&self.token),
            (phase, Event::Rejected { generation }) if self.held_generation() == Some(generation) => {
                self.record = self.record();
                (self.token, self.is_of_record) = (None, false);
                if matches!(phase, Phase::Held) { Phase::Empty } else { phase }
            }
            (phase, _) => {
                changed = false;
                phase
            }
        };
        changed
    }

    /// What the exchange `me` can do now.
    pub(crate) fn ready(&self, now: UnixTime, me: u64) -> Ready {
        if let Some(token) = self.usable(now) {
            return Ready::Use(Arc::clone(&token.authorization));
        }
        match &self.phase {
            Phase::Refreshing { until, .. } if self.is_held_by_another(me, now) => Ready::Wait(*until),
            Phase::Failed { failure, until } if now < *until => Ready::Fail(failure.clone()),
            _ => Ready::Fetch,
        }
    }

    /// Whether another exchange than `me` has the right to get the next token.
    pub(crate) fn is_held_by_another(&self, me: u64, now: UnixTime) -> bool {
        matches!(&self.phase, Phase::Refreshing { by, until } if *by != me && now < *until)
    }

    /// Whether a token should be asked for now, and nobody is at it: there is none, or the one in use should be renewed.
    pub(crate) fn is_wanted(&self, now: UnixTime) -> bool {
        self.usable(now).is_none_or(|token| token.renew_at <= now)
            && match &self.phase {
                Phase::Empty | Phase::Held => true,
                Phase::Refreshing { until, .. } | Phase::Failed { until, .. } => *until <= now,
            }
    }

    /// The token that can be sent now.
    pub(crate) fn usable(&self, now: UnixTime) -> Option<&Token> {
        self.token.as_ref().filter(|token| now < token.valid_until)
    }

    /// The first moment at which somebody has to look again: until then, the token can be sent without asking the session.
    pub(crate) fn fresh_until(&self) -> UnixTime {
        let Some(token) = &self.token else { return UnixTime::default() };
        let look_again = match &self.phase {
            Phase::Empty | Phase::Held => token.renew_at,
            Phase::Refreshing { until, .. } | Phase::Failed { until, .. } => token.renew_at.max(*until),
        };
        look_again.min(token.valid_until)
    }

    /// What a store keeps of the tokens.
    pub(crate) fn record(&self) -> Record {
        let held = self.token.as_ref().filter(|_| self.is_of_record).map(|token| token.authorization.credential());
        Record { access_token: held.or_else(|| self.record.access_token.clone()), ..self.record.clone() }
    }

    /// The refresh token to use next, if the grant has one.
    pub(crate) fn refresh_token(&self) -> Option<&Secret> {
        self.record.refresh_token.as_ref()
    }

    /// The generation of the held token, or of the last one.
    pub(crate) fn generation(&self) -> u64 {
        self.record.generation
    }

    /// The token that was granted last, usable or not.
    pub(crate) fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    pub(crate) fn phase(&self) -> &Phase {
        &self.phase
    }

    /// How often in a row no token could be had.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether the next refresh token must be stored before the token that came with it is used.
    pub(crate) fn is_single_use(&self, rotates: bool) -> bool {
        rotates && self.record.refresh_token.is_some()
    }

    /// The token that is here and not stored, with its record.
    pub(crate) fn unsaved(&self) -> Option<&(Token, Record)> {
        self.unsaved.as_deref()
    }

    /// Takes over what a store knows of the credential, where it holds no usable token. What was kept aside is of no more use when the store is ahead of it.
    pub(crate) fn take_over(&mut self, record: Record) {
        if self.unsaved.as_ref().is_some_and(|unsaved| unsaved.1.generation <= record.generation) {
            self.unsaved = None;
        }
        (self.record, self.is_of_record) = (record, false);
    }

    /// What is known of the tokens last: what could not be stored yet goes before what was.
    pub(crate) fn latest_record(&self) -> Record {
        self.unsaved().map_or_else(|| self.record(), |unsaved| unsaved.1.clone())
    }

    /// Forgets every token; the generation stays, so that nothing older is taken for new.
    pub(crate) fn forget(&mut self) {
        let Record { generation, grant, .. } = self.record;
        self.record = Record { generation, grant, ..Record::default() };
        (self.token, self.unsaved, self.is_of_record, self.phase) = (None, None, false, Phase::Empty);
    }

    /// The generation of the token that is held.
    pub(crate) fn held_generation(&self) -> Option<u64> {
        self.token.as_ref().map(|token| token.authorization.generation())
    }

    /// Takes over the grants that a source gave; `false` if the first is the one in use.
    pub(crate) fn replace_grants(&mut self, grant: Grant, spares: Vec<Grant>) -> bool {
        if self.grant.same_as(&grant) {
            return false;
        }
        self.spares = spares;
        self.replace_grant(grant);
        true
    }

    /// Goes on with the next grant; `false` if there is none.
    pub(crate) fn next_grant(&mut self) -> bool {
        if self.spares.is_empty() {
            return false;
        }
        let next = self.spares.remove(0);
        self.replace_grant(next);
        true
    }

    /// Takes over another grant; the failure of the old one no longer counts.
    fn replace_grant(&mut self, grant: Grant) {
        let generation = self.record.generation;
        self.record =
            Record { generation, refresh_token: grant.first_refresh_token().cloned(), grant: grant.fingerprint(), ..Record::default() };
        (self.unsaved, self.is_of_record) = (None, false);
        self.grant = grant;
        if matches!(self.phase, Phase::Failed { .. }) {
            self.phase = if self.token.is_some() { Phase::Held } else { Phase::Empty };
        }
    }

    /// The secrets that an answer of the token endpoint might echo.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.grant.client.secret().into_iter().chain(self.record.refresh_token.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetimes(seconds: u64, random: f64) -> (u64, u64) {
        let authorization = Authorization::new(&"Authorization".into(), "Bearer", &Secret::new("t"), 1);
        let token = Token::new(authorization, UnixTime::default(), Duration::from_secs(seconds), None, random);
        (token.renew_at.as_millis(), token.valid_until.as_millis())
    }

    #[test]
    fn a_renewal_waits_until_the_vendor_accepts_one() {
        let exact = |random| {
            let authorization = Authorization::new(&"Authorization".into(), "Bearer", &Secret::new("t"), 1);
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

//! `Explanation`: how a credential stands, as one value that can be pasted into a ticket.

use crate::credential::KeyState;
use crate::session::{CONNECT_FIRST, Session, SessionState};
use crate::time::UnixTime;
use crate::token::record::{Held, Record};
use crate::token::refresh::RefreshForecast;
use crate::token::refused::Refusal;
use crate::verdict::failure::Failure;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// `Explanation` is how a credential stands: state, generation, who renews it, what ends when, what went wrong last, what to do.
///
/// Nothing in it is secret. `Display` is a few lines for a person.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// When it was made, by the shell's clock.
    pub at: UnixTime,
    /// The provider's short name.
    pub provider: String,
    /// The environment.
    pub environment: String,
    /// The integration, as its owner named it.
    pub integration: Option<String>,
    /// What the credential is, such as `2 keys` or `refresh token of the client "erp"`.
    pub credential: String,
    /// What the session is doing.
    pub state: SessionState,
    /// The generation of the token that this session holds; 0 if it never held one, and for keys.
    pub generation: u64,
    /// The generation in the store, if the store was read and holds a record of this credential.
    pub stored_generation: Option<u64>,
    /// Why the store could not be read: it is down, or what stands there is damaged, sealed with another
    /// key or of another place. What else is said of the store is then not known.
    pub store_error: Option<Failure>,
    /// Until when the token in the store is good, by this machine's clock; in the past if it has ended.
    /// `None` if no token of this credential was found there.
    pub stored_token_ends: Option<UnixTime>,
    /// Until when the token in use is sent.
    pub token_ends: Option<UnixTime>,
    /// When the next token is asked for at the earliest.
    pub next_renewal: Option<UnixTime>,
    /// Until when the connection can go on without a person.
    pub forecast: Option<RefreshForecast>,
    /// Since when a single-use refresh token may be spent without its answer having been stored.
    pub spending_since: Option<UnixTime>,
    /// The server's refusal of the refresh token, if it refused the one that is newest here or in the store: since when, and when it is probed next. Its
    /// moments are in the server's time.
    pub refusal: Option<Refusal>,
    /// How many times that refresh token was sent; 0 if none may be spent.
    pub spending_attempts: u32,
    /// Whether it is sent again once nothing can be lost by that ([`crate::RefreshRules::resend_in_doubt`]).
    pub resends_in_doubt: bool,
    /// Whether a person has to log in first: neither the session nor the store has a refresh token to go
    /// by. `false` if the store could not be read, because nobody knows then.
    pub needs_consent: bool,
    /// Whether no token can be had before the store is back: a refresh token that is good for one use is
    /// not sent without it, and a credential that stands in the store is not known.
    pub needs_store: bool,
    /// Who holds the store's lease on the credential.
    pub lease: Option<Held>,
    /// Until when all calls pause, and why.
    pub pause: Option<(UnixTime, Failure)>,
    /// What went wrong last, and when.
    pub last_error: Option<(UnixTime, Failure)>,
    /// How each key stands; empty if it authenticates with tokens.
    pub keys: Vec<KeyState>,
    /// How far the server's clock is ahead of this machine's, in milliseconds, if that is known.
    pub skew_millis: Option<i64>,
}

impl Session {
    /// How the credential stands. `stored` is what the store holds, or its own words on why that could not
    /// be read; without a store it is `Ok(None)`. `lease` is who holds the store's lease, if it knows.
    pub fn explain(&self, now: UnixTime, stored: Result<Option<&Record>, &str>, lease: Option<Held>) -> Explanation {
        let connection = self.connection();
        let token = self.life().and_then(|life| life.usable(now));
        let (stored, store_error) = self.ours(stored);
        let stored = stored.as_ref();
        let stored_token = stored.and_then(|record| self.token_of(record, 0.5));
        let known = self.life().map(super::token::life::TokenLife::known_record);
        let newest = stored.filter(|stored| known.as_ref().is_none_or(|known| known.generation < stored.generation)).or(known.as_ref());
        let spending = stored.or(newest).and_then(|record| record.spending);
        Explanation {
            at: now,
            provider: connection.provider().name().to_owned(),
            environment: connection.environment().to_owned(),
            integration: connection.integration().map(ToOwned::to_owned),
            credential: self.credential_in_words(),
            state: self.state(now),
            generation: self.life().map_or(0, super::token::life::TokenLife::generation),
            stored_generation: stored.map(|record| record.generation),
            stored_token_ends: stored_token.map(|token| token.valid_until),
            token_ends: token.map(|token| token.valid_until),
            next_renewal: token.map(|token| token.renew_at),
            forecast: newest.and_then(|record| self.rules().forecast(record, self.servers(now))),
            needs_consent: store_error.is_none() && self.lacks_consent() && newest.is_none_or(|record| record.refresh_token.is_none()),
            needs_store: store_error.is_some() && (self.is_single_use() || self.lacks_consent()),
            store_error,
            spending_since: spending.map(|spending| self.local(spending.since)),
            spending_attempts: spending.map_or(0, |spending| spending.attempt),
            refusal: stored.or(newest).and_then(|record| record.refusal.as_deref()).or(self.refusal()).cloned(),
            resends_in_doubt: self.rules().resend_in_doubt,
            lease,
            pause: self.pause_in_force(now).cloned(),
            last_error: self.last_error().cloned(),
            keys: self.keys(now),
            skew_millis: self.skew_millis(),
        }
    }

    /// The store's record, if it is this session's, and why that is not known.
    fn ours(&self, stored: Result<Option<&Record>, &str>) -> (Option<Record>, Option<Failure>) {
        let belonging = match stored {
            // Keys are not kept in a store.
            _ if self.life().is_none() => return (None, None),
            Ok(record) => record.and_then(|record| self.belonging(record.clone())),
            Err(why) => {
                let advice = "no connection is known to be lost: mend the store, then look again; nobody has to log in for that";
                return (None, Some(Failure::store("read", why, advice)));
            }
        };
        match belonging.map(|belonging| belonging.record(false)) {
            None => (None, None),
            Some(Ok(record)) => (record, None),
            Some(Err(failure)) => (None, Some(failure)),
        }
    }
}

impl Explanation {
    /// What to do about it, in words for a person; `None` if there is nothing to do.
    pub fn advice(&self) -> Option<String> {
        let pause = self.pause.as_ref().map(|(_, why)| why.advice().to_owned());
        let consent = || self.needs_consent.then(|| CONNECT_FIRST.to_owned());
        let sends = self.token_ends.is_some() || matches!(self.state, SessionState::Fresh | SessionState::Stale);
        let error = || self.last_error.as_ref().filter(|_| !sends).map(|(_, error)| error.advice().to_owned());
        let ending = || self.forecast.filter(RefreshForecast::is_near).map(|forecast| forecast.to_string());
        let unsaved = || {
            let words = "the new token is kept in memory until the store is back: bring the store back, and do not end the process before";
            (self.state == SessionState::Unsaved).then(|| words.to_owned())
        };
        let store = || self.store_error.as_ref().map(|error| error.advice().to_owned());
        pause.or_else(unsaved).or_else(store).or_else(consent).or_else(error).or_else(ending).filter(|advice| !advice.is_empty())
    }

    /// Whether calls can be sent as things stand, with a token that is here or that they get themselves.
    pub fn is_well(&self) -> bool {
        let gets_one = !self.needs_consent && !self.needs_store && !matches!(self.state, SessionState::Unsaved | SessionState::Dead { .. });
        self.pause.is_none() && (self.token_ends.is_some() || gets_one)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}), {}", self.provider, self.environment, self.credential)?;
        if let Some(integration) = &self.integration {
            write!(f, ", integration {integration:?}")?;
        }
        write!(f, ", at {}\nstate: ", self.at)?;
        match self.state {
            SessionState::Empty if self.needs_store => f.write_str("no token here, and the store that has it cannot be read")?,
            SessionState::Empty if self.stored_token_ends.is_some_and(|ends| ends > self.at) => {
                f.write_str("no token here yet, the next call takes the one in the store")?;
            }
            SessionState::Empty if self.needs_consent => f.write_str("no token, and no consent to get one by")?,
            SessionState::Empty => f.write_str("no token yet, the next call gets one")?,
            SessionState::Fresh => f.write_str("good")?,
            SessionState::Stale => f.write_str("good, and due to be renewed")?,
            SessionState::Refreshing { lease_until } => write!(f, "being renewed, by {lease_until} at the latest")?,
            SessionState::Unsaved => f.write_str("a new token is here and could not be stored")?,
            SessionState::Dead { until } => write!(f, "refused or not to be had; not tried again before {until}")?,
        }
        if self.generation > 0 || self.stored_generation.is_some() {
            write!(f, "\ngeneration: {} here", self.generation)?;
            match self.stored_generation {
                Some(stored) if stored > self.generation => {
                    write!(f, ", {stored} in the store: another process is ahead, and its token is taken over when one is needed")?;
                }
                Some(stored) => write!(f, ", {stored} in the store")?,
                None => {}
            }
        }
        if let Some(error) = &self.store_error {
            write!(f, "\nstore: {}", error.what())?;
        }
        if let Some(ends) = self.stored_token_ends {
            let is = if ends > self.at { "is good until" } else { "ended at" };
            write!(f, "\nstore: its token {is} {ends}")?;
        }
        if let Some(ends) = self.token_ends {
            write!(f, "\ntoken: sent until {ends}")?;
        }
        if let Some(renewal) = self.next_renewal {
            write!(f, "\nnext renewal: {renewal}")?;
        }
        if let Some(forecast) = self.forecast {
            write!(f, "\nrefresh token: {forecast}")?;
        }
        if let Some(since) = self.spending_since {
            let times = if self.spending_attempts == 1 { "time" } else { "times" };
            let sent = self.spending_attempts;
            write!(f, "\njournal: since {since} the refresh token may be spent: sent {sent} {times}, and no answer was stored")?;
            f.write_str(if self.resends_in_doubt { "; it is sent again when nothing can be lost by it" } else { "" })?;
        }
        if let Some(refusal) = &self.refusal {
            let code = refusal.code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
            write!(f, "\nrefused: {}{code}, {refusal}", refusal.status)?;
        }
        if let Some(lease) = self.lease {
            write!(f, "\nlease: held by {:016x} until {}", lease.owner, lease.until)?;
        }
        for key in &self.keys {
            let name = key.notes.name.as_deref().unwrap_or("without a name");
            write!(f, "\nkey {name} ({}…): {}", key.prefix, key.age)?;
            f.write_str(if key.in_use { ", in use" } else { "" })?;
            if let Some(refused) = &key.refused {
                write!(f, ", refused: {}", refused.what())?;
            }
        }
        if let Some(skew) = self.skew_millis.filter(|skew| *skew != 0) {
            write!(f, "\nclock: the server's is {skew} ms ahead of this machine's")?;
        }
        if let Some((until, why)) = &self.pause {
            write!(f, "\npause: until {until}, because {}", why.what())?;
        }
        if let Some((at, error)) = &self.last_error {
            write!(f, "\nlast error, at {at}: {error}")?;
        }
        match self.advice() {
            Some(advice) => write!(f, "\nadvice: {advice}"),
            None => f.write_str("\nadvice: nothing to do"),
        }
    }
}

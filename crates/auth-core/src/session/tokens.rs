//! A session that holds a token: what happens to it, and when the next may be asked for.

use super::{Holding, Session, Skew, Trouble};
use crate::credential::{Authorization, Secret};
use crate::headers::Headers;
use crate::pauses;
use crate::provider::GrantKind;
use crate::time::UnixTime;
use crate::token::access::Token;
use crate::token::life::{Event, TokenLife};
use crate::token::place::Belonging;
use crate::token::record::Record;
use crate::token::refresh::RefreshRules;
use crate::token::refused::Refusal;
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::wait;
use alloc::boxed::Box;
use alloc::format;
use core::time::Duration;

/// What to do where nobody has consented yet.
pub(crate) const CONNECT_FIRST: &str = "a person has to connect the account: log in once, with this store";
/// How long a refused grant rests before it is tried again: five minutes, so that what was mended at the provider is noticed without a restart.
pub(crate) const REFUSED_REST: Duration = Duration::from_mins(5);
/// How long a dead refresh token rests before its store is read again: an hour, because only a person can mend it.
const CONSENT_REST: Duration = Duration::from_hours(1);
/// How long a store is left alone that holds a refused refresh token which the program gave: a minute, because only another process can bring a newer one.
const REFUSED_LOOK: Duration = Duration::from_mins(1);
/// How long a store is left alone that holds no consent, or a dead one, where a login would put a new one: two seconds, because a person who has just logged in
/// wants to go on.
const ABSENT_REST: Duration = Duration::from_secs(2);
/// How long a token endpoint is left alone after it gave no answer: one second, because in an outage every client asks again, and a restart takes longer.
const TOKEN_REQUEST_REST: Duration = Duration::from_secs(1);
/// The longest rest after a token endpoint failed.
const LONGEST_REST: Duration = Duration::from_secs(30);

impl Session {
    pub(crate) fn life(&self) -> Option<&TokenLife> {
        match &self.holding {
            Holding::Keys(_) => None,
            Holding::Token(life) => Some(life),
        }
    }

    /// Whether a token is held that need not be renewed yet.
    pub(crate) fn is_fresh(&self, now: UnixTime) -> bool {
        self.life().and_then(|life| life.usable(now)).is_some_and(|token| now < token.renew_at)
    }

    /// Hands an event to the token's life.
    pub(crate) fn take(&mut self, event: Event) {
        let fingerprint = self.fingerprint();
        if let Holding::Token(life) = &mut self.holding {
            let changed = life.take(event, fingerprint);
            self.note_change(changed);
        }
    }

    /// A number that tells the session's grant, at its place, from every other; 0 for keys.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.life().map_or(0, |life| life.grant.fingerprint(self.connection.place_digest()))
    }

    /// What a record of a store is to this session; `None` for keys.
    pub(crate) fn belonging(&self, record: Record) -> Option<Belonging> {
        self.life().map(|life| Belonging::of(record, &life.grant, &self.connection))
    }

    /// A record as it is to be stored: it names its grant and its place.
    pub(crate) fn labelled(&self, record: Record) -> Record {
        let place = self.life().map(|life| Box::new(self.connection.place_of(&life.grant)));
        Record { grant: self.fingerprint(), place, ..record }
    }

    /// Takes over what a store knows, where it holds no usable token.
    pub(crate) fn take_over(&mut self, record: Record) {
        if let Holding::Token(life) = &mut self.holding {
            life.take_over(record);
        }
    }

    /// The token of a record, as far as it is still good; the session must have taken over the record's generation.
    pub(crate) fn token_of(&self, record: &Record, random: f64) -> Option<Token> {
        let secret = record.access_token.as_ref()?;
        let minted_at = self.local(record.minted_at);
        let lifetime = self.local(record.expires_at).since(minted_at);
        Some(Token::new(self.authorization(secret, record.generation), minted_at, lifetime, self.rules().earliest_before_end, random))
    }

    pub(crate) fn authorization(&self, credential: &Secret, generation: u64) -> Authorization {
        Authorization::new(self.connection.attach(), credential, generation)
    }

    /// Whether the next refresh token is spent by its first use.
    pub(crate) fn is_single_use(&self) -> bool {
        self.life().is_some_and(|life| life.is_single_use(self.rules().spends()))
    }

    /// What the vendor says about refresh tokens.
    pub(crate) fn rules(&self) -> &RefreshRules {
        &self.connection.refresh_rules
    }

    /// Why the refresh token cannot be used yet: the vendor accepts a refresh only shortly before the access token ends.
    pub(crate) fn too_early(&self, now: UnixTime) -> Option<Failure> {
        let earliest = self.rules().earliest_before_end?;
        let record = self.life()?.record()?;
        let from = self.local(record.expires_at).before(earliest);
        if record.generation == 0 || record.refresh_token.is_none() || from <= now {
            return None;
        }
        let what =
            format!("{} accepts a refresh only in the last {} seconds of a token", self.connection.provider().name(), earliest.as_secs());
        let advice =
            "the token was refused before its end: wait until then; if it stays refused, a person has to connect the account again";
        Some(Failure::new(FailureKind::TokenEndpoint, what, advice).with_come_back_at(from))
    }

    /// How long to leave a token endpoint alone that gave no token.
    pub(crate) fn rest_after(&self, failure: &Failure, now: UnixTime) -> UnixTime {
        match failure.kind() {
            // Looking into the store costs the server nothing, and a person may be logging in right now.
            FailureKind::ConsentRequired if self.goes_by_the_store() => now.after(ABSENT_REST),
            FailureKind::ConsentRequired if self.refusal().is_some() => now.after(REFUSED_LOOK),
            FailureKind::ConsentRequired => now.after(CONSENT_REST),
            // A server whose certificate is not trusted is asked for nothing, and whoever mends it wants to see that.
            kind if !kind.may_pass() && kind != FailureKind::Untrusted => now.after(REFUSED_REST),
            _ => {
                let failures = self.life().map_or(0, TokenLife::failures).min(5);
                let rest = now.after(Duration::from_secs(1 << failures).min(LONGEST_REST));
                failure.come_back_at().map_or(rest, |at| pauses::kept(at, now).max(now.after(Duration::from_secs(1))))
            }
        }
    }

    /// Notes a failure that is the server's refusal of the refresh token; `false` if it is none.
    pub(crate) fn note_refusal(&mut self, failure: &Failure, now: UnixTime) -> bool {
        let servers = self.servers(now);
        let Holding::Token(life) = &mut self.holding else { return false };
        let refusal = Refusal::of(failure, life.refusal(), servers).filter(|_| life.refresh_token().is_some());
        let is_one = refusal.is_some();
        if let Some(refusal) = refusal {
            life.note_refusal(refusal);
        }
        is_one
    }

    /// Takes over the refusal that a store knows.
    pub(crate) fn know_refusal(&mut self, refusal: Refusal) {
        if let Holding::Token(life) = &mut self.holding {
            life.note_refusal(refusal);
        }
    }

    /// The server's refusal of the refresh token in use, as far as it is known here.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        self.life()?.refusal()
    }

    /// Notes a token request that got no answer which could be understood. The next one is not sent before the moment that comes back.
    pub(crate) fn note_unanswered(&mut self, failure: &Failure, now: UnixTime) -> UnixTime {
        let next = now.after(TOKEN_REQUEST_REST);
        let count = self.unanswered().wrapping_add(1);
        self.rare_mut().trouble = Some(Box::new(Trouble { count, failure: failure.clone(), next }));
        // A caller may have waited for as many of them as it may.
        self.note_change(true);
        next
    }

    /// How many token requests got no answer.
    pub(crate) fn unanswered(&self) -> u32 {
        self.rare().trouble.as_ref().map_or(0, |trouble| trouble.count)
    }

    /// Why the last of them got none.
    pub(crate) fn last_unanswered(&self) -> Option<&Failure> {
        self.rare().trouble.as_ref().map(|trouble| &trouble.failure)
    }

    /// The next token request is not sent before.
    pub(crate) fn next_token_request(&self) -> UnixTime {
        self.rare().trouble.as_ref().map_or(UnixTime::default(), |trouble| trouble.next)
    }

    /// Whether this was not what was odd about the last grant; noted, so that it is told once.
    pub(crate) fn is_new_oddity(&mut self, oddity: &str) -> bool {
        let is_new = self.rare().oddity.as_deref() != Some(oddity);
        if is_new {
            self.rare_mut().oddity = Some(oddity.into());
        }
        is_new
    }

    /// Whether it goes by refresh tokens and has none: nobody has consented, or the consent was ended.
    pub(crate) fn lacks_consent(&self) -> bool {
        self.life().is_some_and(|life| life.grant.kind() == GrantKind::RefreshToken && life.refresh_token().is_none())
    }

    /// Whether its refresh token is what the store holds, so that a login elsewhere can bring another.
    fn goes_by_the_store(&self) -> bool {
        self.lacks_consent() || self.life().is_some_and(|life| life.grant.is_stored())
    }

    /// Notes which journal entry's answer an exchange of this session waits for.
    pub(crate) fn await_answer(&mut self, mark: Option<u64>) {
        if let Holding::Token(life) = &mut self.holding {
            life.await_answer(mark);
        }
    }

    /// Notes that the refresh token which the journal's entry of that mark speaks of was not spent after all.
    pub(crate) fn proven_unspent(&mut self, mark: u64) {
        self.rare_mut().unspent.push(mark);
    }

    /// Whether this session knows that the journal's entry of that mark says nothing.
    pub(crate) fn is_proven_unspent(&self, mark: u64) -> bool {
        self.rare().unspent.contains(&mark)
    }

    /// Learns the difference of the clocks from a server's `Date`.
    pub(crate) fn learn_skew(&mut self, headers: &dyn Headers, now: UnixTime) {
        if let Some(skew) = wait::skew_millis(headers, now) {
            self.skew = Skew(skew);
        }
    }

    /// A moment of ours in the server's time.
    pub(crate) fn servers(&self, local: UnixTime) -> UnixTime {
        local.shifted(self.skew.known().unwrap_or(0))
    }

    /// A moment of the server's in our time.
    pub(crate) fn local(&self, servers: UnixTime) -> UnixTime {
        servers.shifted(self.skew.known().unwrap_or(0).saturating_neg())
    }
}

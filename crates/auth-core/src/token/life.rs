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
//! `Empty` and `Held` are one phase, `Quiet`, without and with a token: nothing is known about the next one.
//! A token whose new refresh token could not be stored is kept aside (`unsaved`) through every state until it is stored:
//! it must not be used, and it must not be lost.
//! A token that is held stays usable in every state until it ends: `Refreshing` and `Failed` say what is known about the *next* one.

use super::access::Token;
use super::record::Record;
use super::refused::Refusal;
use crate::credential::{Authorization, Grant, Secret};
use crate::time::UnixTime;
use crate::verdict::failure::Failure;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What is known about the next token.
#[derive(Debug, Default)]
pub(crate) enum Phase {
    /// Nothing: it has to be asked for, at the held token's `renew_at` if there is one.
    #[default]
    Quiet,
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
    Kept { unsaved: Box<Unsaved> },
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
#[repr(C)]
pub(crate) struct TokenLife {
    rare: Option<Box<Rare>>,
    token: Option<Token>,
    /// The tokens before these, because a server may still say them back. In a box, so that a session without any stays small.
    #[expect(clippy::box_collection, reason = "a thin pointer: nearly every session has none")]
    previous: Option<Box<Vec<Secret>>>,
    pub(crate) grant: Grant,
}

/// What was granted and could not be stored: the token, or why no call can be sent with it, and the record.
pub(crate) type Unsaved = (Result<Token, Failure>, Record);

/// What a client's session has nothing of while it holds a token and nobody asks for the next: a service may hold a hundred thousand of them.
#[derive(Default)]
struct Rare {
    phase: Phase,
    /// Those to go on with when this grant is refused.
    spares: Vec<Grant>,
    /// What a store keeps, as far as it may have to be written again: where there is a refresh token, or where it is ahead of the held token. An access token
    /// that is held stands in the token alone.
    record: Option<Box<Record>>,
    unsaved: Option<Box<Unsaved>>,
    /// The mark of the journal entry whose answer an exchange of this session waits for.
    awaited: Option<u64>,
    failures: u32,
}

impl Rare {
    const NONE: &Self = &Self { phase: Phase::Quiet, spares: Vec::new(), record: None, unsaved: None, awaited: None, failures: 0 };

    /// The record with its access token, which stands in the token that is held if that is the record's. A record without an end has no access token: that of
    /// a grant that just replaced another, whose token is still held.
    fn whole_record(&self, held: Option<&Token>) -> Option<Record> {
        let mut record = Record::clone(self.record.as_ref()?);
        let has_one = record.expires_at > UnixTime::default();
        if let Some(token) = held.filter(|token| has_one && token.authorization.generation() == record.generation) {
            record.access_token = Some(token.authorization.credential());
        }
        Some(record)
    }

    fn is_empty(&self) -> bool {
        let Self { phase, spares, record, unsaved, awaited, failures } = self;
        let holds_nothing = spares.is_empty() && record.is_none() && unsaved.is_none() && awaited.is_none();
        matches!(phase, Phase::Quiet) && holds_nothing && *failures == 0
    }
}

impl TokenLife {
    pub(crate) fn new(grant: Grant, spares: Vec<Grant>) -> Self {
        let record = Box::new(Self::first_record(&grant));
        let rare = Rare { spares, record: record.refresh_token.is_some().then_some(record), ..Rare::default() };
        Self { grant, token: None, previous: None, rare: (!rare.is_empty()).then(|| Box::new(rare)) }
    }

    /// What is known of a grant before anything was asked for with it.
    fn first_record(grant: &Grant) -> Record {
        Record { refresh_token: grant.first_refresh_token().cloned(), ..Record::default() }
    }

    /// Takes an event; `false` if it changes nothing. A result that comes late, from an exchange that is no longer the one to ask, changes nothing, unless it is
    /// a newer token than the one that is known. `fingerprint` is the grant's number at the session's place.
    pub(crate) fn take(&mut self, event: Event, fingerprint: u64) -> bool {
        let known = self.generation();
        let is_newer = |record: &Record| record.generation > known && record.grant == fingerprint;
        let mut rare = self.rare.take().unwrap_or_default();
        let phase = core::mem::take(&mut rare.phase);
        let mut changed = true;
        rare.phase = match (phase, event) {
            // Who waits for it goes on waiting.
            (Phase::Refreshing { by: holder, .. }, Event::Begin { by, until }) if holder == by => {
                changed = false;
                Phase::Refreshing { by, until }
            }
            (_, Event::Begin { by, until }) => Phase::Refreshing { by, until },
            (phase, Event::Granted { by, token, record }) if is_newer(&record) => {
                let former = rare.whole_record(self.token.as_ref()).unwrap_or_default();
                let held = self.token.as_ref().map(|token| token.authorization.credential());
                let previous: Vec<Secret> = held.into_iter().chain(former.access_token).chain(former.refresh_token).collect();
                self.previous = (!previous.is_empty()).then(|| Box::new(previous));
                let record = record.refresh_token.is_some().then(|| Box::new(Record { access_token: None, ..*record }));
                (self.token, rare.record, rare.unsaved, rare.failures) = (Some(token), record, None, 0);
                match phase {
                    // A late one: whoever took over goes on.
                    Phase::Refreshing { by: holder, until } if holder != by => Phase::Refreshing { by: holder, until },
                    _ => Phase::Quiet,
                }
            }
            (phase, Event::Kept { unsaved }) if is_newer(&unsaved.1) => {
                rare.unsaved = Some(unsaved);
                phase
            }
            (Phase::Refreshing { by: holder, .. }, Event::Failed { by, failure, until }) if holder == by => {
                rare.failures = rare.failures.saturating_add(1);
                Phase::Failed { failure, until }
            }
            (Phase::Refreshing { by: holder, .. }, Event::Abandoned { by }) if holder == by => Phase::Quiet,
            (phase, Event::Rejected { generation }) if self.held_generation() == Some(generation) => {
                let bare = || Record { generation: known, ..Record::default() };
                let record = rare.whole_record(self.token.as_ref()).unwrap_or_else(bare);
                (self.token, rare.record) = (None, Some(Box::new(record)));
                phase
            }
            (phase, _) => {
                changed = false;
                phase
            }
        };
        self.keep(rare);
        changed
    }

    /// What the exchange `me` can do now.
    pub(crate) fn ready(&self, now: UnixTime, me: u64) -> Ready {
        if let Some(token) = self.usable(now) {
            return Ready::Use(Arc::new(token.authorization.clone()));
        }
        if let Some(until) = self.held_by_another_until(me, now) {
            return Ready::Wait(until);
        }
        match self.phase() {
            Phase::Failed { failure, until } if now < *until => Ready::Fail(failure.clone()),
            _ => Ready::Fetch,
        }
    }

    /// Whether another exchange than `me` has the right to get the next token.
    pub(crate) fn is_held_by_another(&self, me: u64, now: UnixTime) -> bool {
        self.held_by_another_until(me, now).is_some()
    }

    /// Until when another exchange than `me` has that right; `None` if none has.
    pub(crate) fn held_by_another_until(&self, me: u64, now: UnixTime) -> Option<UnixTime> {
        match self.phase() {
            Phase::Refreshing { by, until } if *by != me && now < *until => Some(*until),
            _ => None,
        }
    }

    /// Whether a token should be asked for now, and nobody is at it: there is none, or the one in use should be renewed.
    pub(crate) fn is_wanted(&self, now: UnixTime) -> bool {
        self.usable(now).is_none_or(|token| token.renew_at <= now)
            && match self.phase() {
                Phase::Quiet => true,
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
        let look_again = match self.phase() {
            Phase::Quiet => token.renew_at,
            Phase::Refreshing { until, .. } | Phase::Failed { until, .. } => token.renew_at.max(*until),
        };
        look_again.min(token.valid_until)
    }

    /// What a store keeps of the tokens, as far as it may have to be written again.
    pub(crate) fn record(&self) -> Option<Record> {
        self.rare().whole_record(self.token.as_ref())
    }

    /// The same; what there is of it where nothing would have to be written.
    pub(crate) fn known_record(&self) -> Record {
        let bare = || Record { generation: self.generation(), ..Record::default() };
        self.record().unwrap_or_else(bare)
    }

    /// The refresh token to use next, if the grant has one.
    pub(crate) fn refresh_token(&self) -> Option<&Secret> {
        self.rare().record.as_ref()?.refresh_token.as_ref()
    }

    /// The generation of the held token, or of the last one.
    pub(crate) fn generation(&self) -> u64 {
        let of_record = self.rare().record.as_ref().map(|record| record.generation);
        of_record.or(self.held_generation()).unwrap_or(0)
    }

    /// The token that was granted last, usable or not.
    pub(crate) fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    pub(crate) fn phase(&self) -> &Phase {
        &self.rare().phase
    }

    /// How often in a row no token could be had.
    pub(crate) fn failures(&self) -> u32 {
        self.rare().failures
    }

    /// Whether the next refresh token must be stored before the token that came with it is used.
    pub(crate) fn is_single_use(&self, rotates: bool) -> bool {
        rotates && self.refresh_token().is_some()
    }

    /// The token that is here and not stored, with its record.
    pub(crate) fn unsaved(&self) -> Option<&Unsaved> {
        self.rare().unsaved.as_deref()
    }

    /// Takes over what a store knows of the credential, where it holds no usable token. What was kept aside is of no more use when the store is ahead of it.
    pub(crate) fn take_over(&mut self, record: Record) {
        let rare = self.rare.get_or_insert_default();
        rare.unsaved.take_if(|unsaved| unsaved.1.generation <= record.generation);
        rare.record = Some(Box::new(record));
    }

    /// What is known of the tokens last: what could not be stored yet goes before what was.
    pub(crate) fn latest_record(&self) -> Record {
        self.unsaved().map_or_else(|| self.known_record(), |unsaved| unsaved.1.clone())
    }

    /// Notes that the server refused the refresh token in use.
    pub(crate) fn note_refusal(&mut self, refusal: Refusal) {
        if let Some(record) = self.rare.as_mut().and_then(|rare| rare.record.as_mut()) {
            record.refusal = Some(Box::new(refusal));
        }
    }

    /// The server's refusal of the refresh token in use, if there is one.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        self.rare().record.as_ref()?.refusal.as_deref()
    }

    /// Notes which journal entry's answer is waited for; `None` if none is any more.
    pub(crate) fn await_answer(&mut self, mark: Option<u64>) {
        if mark.is_some() || self.rare().awaited.is_some() {
            self.rare.get_or_insert_default().awaited = mark;
        }
    }

    /// Whether an exchange of this session waits for the answer that this journal entry announced.
    pub(crate) fn awaits_answer(&self, mark: u64) -> bool {
        self.rare().awaited == Some(mark)
    }

    /// Whether nobody is asking for a token.
    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self.phase(), Phase::Quiet)
    }

    /// Forgets every token. The generation before is kept in mind: what the store holds now is taken, be it the one that was just forgotten, and nothing older.
    pub(crate) fn forget(&mut self) {
        let generation = self.generation().saturating_sub(1);
        self.token = None;
        let rare = self.rare.get_or_insert_default();
        rare.record = Some(Box::new(Record { generation, ..Record::default() }));
        (rare.unsaved, rare.phase) = (None, Phase::Quiet);
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
        self.replace_grant(grant, spares);
        true
    }

    /// Takes over the grants that the program hands over. A token of before is used no more; one from a store only if it is newer, where both have one record.
    pub(crate) fn hand_over(&mut self, grant: Grant, spares: Vec<Grant>, same_record: bool) {
        if self.grant.same_as(&grant) {
            self.rare.get_or_insert_default().spares = spares;
            return;
        }
        let generation = if same_record { self.generation() } else { 0 };
        if let Some(token) = self.token.take() {
            self.previous.get_or_insert_default().push(token.authorization.credential());
        }
        self.replace_grant(grant, spares);
        if let Some(record) = &mut self.rare.get_or_insert_default().record {
            record.generation = generation;
        }
    }

    /// Goes on with the next grant; `false` if there is none.
    pub(crate) fn next_grant(&mut self) -> bool {
        let mut spares = self.rare.as_mut().map(|rare| core::mem::take(&mut rare.spares)).unwrap_or_default();
        if spares.is_empty() {
            return false;
        }
        let next = spares.remove(0);
        self.replace_grant(next, spares);
        true
    }

    /// Takes over another grant; the failure of the old one no longer counts, nor do its generations, because each grant has a record of its own.
    fn replace_grant(&mut self, grant: Grant, spares: Vec<Grant>) {
        let record = Some(Box::new(Self::first_record(&grant)));
        self.grant = grant;
        let rare = self.rare.get_or_insert_default();
        (rare.spares, rare.record, rare.unsaved) = (spares, record, None);
        if matches!(rare.phase, Phase::Failed { .. }) {
            rare.phase = Phase::Quiet;
        }
    }

    /// The secrets that an answer of the token endpoint might echo.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = Secret> {
        let rare = self.rare();
        let records = rare.record.iter().map(AsRef::as_ref).chain(rare.unsaved.iter().map(|unsaved| &unsaved.1));
        let tokens = records.flat_map(|record| [&record.refresh_token, &record.access_token]).flatten();
        let spares = rare.spares.iter().filter_map(Grant::first_refresh_token);
        let unsaved = rare.unsaved.iter().filter_map(|unsaved| Some(unsaved.0.as_ref().ok()?.authorization.credential()));
        let known = tokens.chain(spares).chain(self.previous.iter().flat_map(|previous| previous.iter())).cloned();
        self.grant.client.secret().into_iter().chain(known).chain(unsaved)
    }

    fn rare(&self) -> &Rare {
        self.rare.as_deref().unwrap_or(Rare::NONE)
    }

    /// Keeps what there is of it.
    fn keep(&mut self, rare: Box<Rare>) {
        self.rare = (!rare.is_empty()).then_some(rare);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::{Attach, ClientCredentials};
    use crate::provider::Provider;
    use crate::verdict::failure::FailureKind;
    use alloc::string::String;
    use core::time::Duration;

    fn authorization(token: &str, generation: u64) -> Authorization {
        let attach = Attach { header: "Authorization".into(), scheme: "Bearer".into() };
        Authorization::new(&Arc::new(attach), &Secret::new(token), generation)
    }

    /// The number of the grant.
    const HERE: u64 = 7;
    const NOW: UnixTime = UnixTime::from_secs(1_000);

    fn client(id: &str) -> ClientCredentials {
        ClientCredentials::parse(&Provider::builtin("numeric").unwrap(), id, "made-up").unwrap()
    }

    fn granted(generation: u64, refresh_token: Option<&str>) -> Event {
        let token = Token::new(authorization("access", generation), NOW, Duration::from_hours(1), None, 0.0);
        let record = Record {
            generation,
            grant: HERE,
            access_token: Some(Secret::new("access")),
            expires_at: NOW.after(Duration::from_hours(1)),
            minted_at: NOW,
            refresh_token: refresh_token.map(Secret::from),
            ..Record::default()
        };
        Event::Granted { by: 1, token, record: Box::new(record) }
    }

    fn access_token(life: &TokenLife) -> Option<String> {
        life.record().unwrap().access_token.map(|token| token.expose().into())
    }

    #[test]
    fn whoever_goes_on_asking_wakes_nobody() {
        let mut life = TokenLife::new(Grant::client_credentials(client("a")), Vec::new());
        let later = NOW.after(Duration::from_mins(1));
        assert!(life.take(Event::Begin { by: 1, until: NOW }, HERE) && !life.take(Event::Begin { by: 1, until: later }, HERE));
        assert!(life.is_held_by_another(2, NOW) && life.take(Event::Begin { by: 2, until: later }, HERE));
    }

    #[test]
    fn the_record_has_the_held_token_and_keeps_it_when_it_is_refused() {
        let mut life = TokenLife::new(Grant::refresh_token(client("a"), "refresh-1"), Vec::new());
        assert!(life.take(granted(1, Some("refresh-2")), HERE));
        assert_eq!((access_token(&life).as_deref(), life.refresh_token().unwrap().expose()), (Some("access"), "refresh-2"));
        assert!(life.take(Event::Rejected { generation: 1 }, HERE) && life.token().is_none());
        assert_eq!((access_token(&life).as_deref(), life.refresh_token().unwrap().expose()), (Some("access"), "refresh-2"));
    }

    #[test]
    fn the_record_of_another_grant_has_nothing_of_the_token_that_is_still_held() {
        let mut life = TokenLife::new(Grant::refresh_token(client("a"), "refresh-1"), Vec::new());
        assert!(life.take(granted(7, Some("refresh-2")), HERE));
        assert!(life.replace_grants(Grant::refresh_token(client("b"), "refresh-of-b"), Vec::new()));
        let record = life.record().unwrap();
        assert!(life.usable(NOW).is_some() && record.access_token.is_none());
        assert_eq!(record.generation, 0);
        assert_eq!(record.refresh_token.unwrap().expose(), "refresh-of-b");
    }

    #[test]
    fn a_client_that_holds_its_token_has_nothing_else() {
        let mut life = TokenLife::new(Grant::client_credentials(client("a")), Vec::new());
        let failure = Failure::new(FailureKind::TokenEndpoint, "failed", "");
        for (generation, until) in [(1, NOW), (2, NOW)] {
            life.take(Event::Begin { by: 1, until }, HERE);
            life.take(Event::Failed { by: 1, failure: failure.clone(), until }, HERE);
            assert_eq!((life.failures(), life.generation()), (1, generation - 1));
            life.take(Event::Begin { by: 1, until }, HERE);
            life.take(granted(generation, None), HERE);
            assert!(life.rare.is_none() && life.generation() == generation);
        }
        assert!(life.take(Event::Rejected { generation: 2 }, HERE));
        assert!(life.generation() == 2 && !life.take(granted(2, None), HERE), "a token of before is none");
    }

    #[test]
    fn the_tokens_before_these_are_secrets_of_the_session_too() {
        let refreshed = Grant::refresh_token(client("a"), "refresh-1");
        for (grant, expected) in [
            (Grant::client_credentials(client("a")), alloc::vec!["token-1", "token-2"]),
            (refreshed, alloc::vec!["token-1", "token-2", "refresh-1", "refresh-2"]),
        ] {
            let refreshes = grant.first_refresh_token().is_some();
            let mut life = TokenLife::new(grant, Vec::new());
            for generation in [1, 2] {
                let refresh_token = refreshes.then_some(if generation == 1 { "refresh-1" } else { "refresh-2" });
                life.take(Event::Begin { by: 1, until: NOW }, HERE);
                let Event::Granted { by, record, .. } = granted(generation, refresh_token) else { unreachable!() };
                let text = alloc::format!("token-{generation}");
                let token = Token::new(authorization(&text, generation), NOW, Duration::from_hours(1), None, 0.0);
                assert!(life.take(Event::Granted { by, token, record }, HERE));
            }
            let held = life.token().map(|token| token.authorization.credential());
            let secrets: Vec<Secret> = life.secrets().chain(held).collect();
            for text in expected {
                assert!(secrets.iter().any(|secret| secret.expose() == text), "{text}");
            }
        }
    }

    /// How many bytes each of a hundred thousand sessions takes beside its texts.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_session_is_small() {
        assert!(size_of::<crate::Session>() <= 152, "{}", size_of::<crate::Session>());
    }
}

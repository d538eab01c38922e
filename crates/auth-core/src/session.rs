//! `Session`: one connection's credential over time, shared by all of its exchanges.

use crate::connection::Connection;
use crate::credential::{Authorization, Credential, KeyAge, KeyRing, KeyState, RotationPlan, Secret};
use crate::exchange::Exchange;
use crate::headers::Headers;
use crate::pauses::{LONGEST_PAUSE, Pauses};
use crate::provider::GrantKind;
use crate::time::UnixTime;
use crate::token::life::{Event, Phase, Ready, Token, TokenLife};
use crate::token::record::{Record, SharedPause};
use crate::token::refresh::{RefreshForecast, RefreshRules};
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::retry::Budget;
use crate::verdict::wait;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// How long a source is left alone after it had nothing new: a minute, because that is about how long a rotated secret takes to reach a mounted file.
const SOURCE_REST: Duration = Duration::from_mins(1);
/// How long a 401 for a token that was just minted is taken as final: half a minute, so that 1,000 refused calls do not make 1,000 token requests.
const QUIET: Duration = Duration::from_secs(30);
/// How long a refused grant rests before it is tried again: five minutes, so that what was mended at the provider is noticed without a restart.
const REFUSED_REST: Duration = Duration::from_mins(5);
/// How long a dead refresh token rests before its store is read again: an hour, because only a person can mend it.
const CONSENT_REST: Duration = Duration::from_hours(1);
/// How long a store is left alone that holds no consent, or a dead one, where a login would put a new one: two seconds, because a person who has just logged in
/// wants to go on.
const ABSENT_REST: Duration = Duration::from_secs(2);
/// How often one call is sent again after a 401: twice, for a token that another process had renewed and that is refused as well.
const REPEATS_AFTER_REFUSAL: u8 = 2;
/// The longest rest after a token endpoint failed.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// `Session` is the life of one credential: which key or token is in use, whether one is being fetched, until when to pause.
///
/// A session is plain data without a lock: a shell that shares it between threads locks it around each call of an [`Exchange`], for microseconds, and
/// never while it sends, saves or waits. After every such call it should look at [`Session::changes`] and wake its waiters if the number moved.
// In this order: what a look-up of a fresh token reads comes first, in 64 bytes side by side, because among 100,000 sessions each further cache line
// costs as much as the look-up itself. `TokenLife` and `Token` are laid out for the same.
#[repr(C)]
pub struct Session {
    latest: UnixTime,
    rare: Option<Box<Rare>>,
    holding: Holding,
    connection: Arc<Connection>,
    skew: Skew,
    changes: u32,
    exchanges: u32,
}

enum Holding {
    Keys(Box<KeyRing>),
    Token(TokenLife),
}

/// What a session has nothing of before something goes wrong: a service may hold a hundred thousand of them.
struct Rare {
    source: Source,
    quiet_until: UnixTime,
    unspent: Vec<u64>,
    pauses: Pauses,
    last_error: Option<(UnixTime, Failure)>,
    budget: Budget,
}

impl Rare {
    const NONE: &Self = &Self::new(false);

    const fn new(reloadable: bool) -> Self {
        let start = UnixTime::from_millis(0);
        let source = Source { reloadable, next: start, asked: None, fruitless: false };
        Self { source, quiet_until: start, unspent: Vec::new(), pauses: Pauses::NONE, last_error: None, budget: Budget::FULL }
    }
}

/// Where the credential came from.
struct Source {
    /// Whether it can be asked again at all.
    reloadable: bool,
    /// Not before then.
    next: UnixTime,
    /// The exchange that is asking it, and until when at most.
    asked: Option<(u64, UnixTime)>,
    /// Whether it had nothing new when it was last asked.
    fruitless: bool,
}

/// How far the server's clock is ahead of ours in milliseconds, or the one number that says that it is not known.
#[derive(Clone, Copy)]
struct Skew(i64);

impl Skew {
    const UNKNOWN: Self = Self(i64::MIN);

    fn known(self) -> Option<i64> {
        (self.0 != Self::UNKNOWN.0).then_some(self.0)
    }
}

/// `Fresh` is the fast path: what may be put on requests without asking the session, and until when.
///
/// The default is over from the start: it makes a shell ask the session.
#[derive(Clone, Debug, Default)]
pub struct Fresh {
    /// What to put on the request.
    pub authorization: Arc<Authorization>,
    /// From this moment on, ask the session.
    pub until: UnixTime,
}

impl Fresh {
    /// What to put on a request that is sent at `now`, which is noted as a use of it; `None` if the session has to be asked.
    pub fn send_at(&self, now: UnixTime) -> Option<&Authorization> {
        (now < self.until).then(|| {
            self.authorization.use_now(now);
            &*self.authorization
        })
    }
}

/// `SessionState` is what a session is doing, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionState {
    /// There is nothing to send with yet.
    Empty,
    /// There is something to send with, and nothing else to do.
    Fresh,
    /// There is something to send with, and it should be renewed.
    Stale,
    /// A token is being fetched; one that is still valid goes on being used.
    Refreshing {
        /// When another exchange may take over.
        lease_until: UnixTime,
    },
    /// A token with a new refresh token is here and could not be stored.
    Unsaved,
    /// The credential was refused, or no token could be had.
    Dead {
        /// When it is tried again; never, where only a person can mend it.
        until: UnixTime,
    },
}

/// What came of a 401.
pub(crate) enum AfterRefusal {
    /// There is, or will be, something else to send with.
    SendAgain,
    /// The answer stands.
    Final,
}

impl Session {
    /// A session of a connection; `reloadable` says whether the source of the credential can be asked again ([`crate::Step::Load`]).
    pub fn new(connection: Arc<Connection>, credential: Credential, reloadable: bool) -> Self {
        let holding = match credential {
            Credential::Keys(keys) => {
                Holding::Keys(Box::new(KeyRing::new(connection.attach(), connection.provider().key_lifetime(), keys)))
            }
            Credential::Grant(grant) => Holding::Token(TokenLife::new(grant, Vec::new())),
            Credential::Grants(first, others) => Holding::Token(TokenLife::new(first, others)),
        };
        let rare = reloadable.then(|| Box::new(Rare::new(reloadable)));
        Self { connection, holding, latest: UnixTime::default(), skew: Skew::UNKNOWN, changes: 0, exchanges: 0, rare }
    }

    /// The same session, sharing the limits that it meets with other processes through its store ([`crate::Step::Look`], [`crate::Step::Pause`]).
    #[must_use]
    pub fn sharing_pauses(mut self) -> Self {
        self.rare_mut().pauses.share();
        self
    }

    /// The connection that the session is of.
    pub fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// A number that moves whenever a waiting exchange, or a kept [`Fresh`], should look again.
    pub fn changes(&self) -> u64 {
        u64::from(self.changes)
    }

    /// What may be sent without asking the session, and until when, to be kept beside it; `None` if it has to be asked.
    pub fn fresh(&self) -> Option<Fresh> {
        if self.rare().pauses.is_set() {
            return None;
        }
        let fresh = match &self.holding {
            Holding::Keys(ring) => ring.in_use(self.latest).map(|(held, until)| Fresh { authorization: Arc::clone(held), until }),
            Holding::Token(life) => {
                life.token().map(|token| Fresh { authorization: Arc::new(token.authorization.clone()), until: life.fresh_until() })
            }
        };
        let unasked = self.rare().pauses.unasked_until();
        fresh.map(|fresh| Fresh { until: fresh.until.min(unasked), ..fresh })
    }

    /// What may be sent now without asking the session, in place: for who looks one session up among many; `None` if it has to be asked.
    pub fn fresh_at(&self, now: UnixTime) -> Option<&Authorization> {
        let (held, until) = match &self.holding {
            _ if self.rare().pauses.is_set() => return None,
            Holding::Keys(ring) => ring.in_use(self.latest).map(|(held, until)| (&**held, until))?,
            Holding::Token(life) => (&life.token()?.authorization, life.fresh_until()),
        };
        (now.max(self.latest) < until.min(self.rare().pauses.unasked_until())).then_some(held)
    }

    /// An exchange that gets the next token, if one is wanted and nobody is at it: driven beside the calls, by a thread or task of its own, it
    /// renews without a caller waiting, and no caller's deadline or cancellation can interrupt it. A shell that never asks for one works
    /// too: then the first exchange that has no token gets it.
    pub fn begin_renewal(&mut self, now: UnixTime, seed: u64) -> Option<Exchange> {
        let now = self.clock(now);
        let Holding::Token(life) = &self.holding else { return None };
        if !life.is_wanted(now) {
            return None;
        }
        let exchange = Exchange::renewal(self, now, seed);
        Some(exchange)
    }

    /// What the session is doing.
    pub fn state(&self, now: UnixTime) -> SessionState {
        let now = now.max(self.latest);
        match &self.holding {
            Holding::Keys(ring) if ring.in_use(now).is_some() => SessionState::Fresh,
            Holding::Keys(_) => SessionState::Dead { until: self.rare().source.next },
            Holding::Token(life) => match life.phase() {
                Phase::Refreshing { until, .. } if now < *until => SessionState::Refreshing { lease_until: *until },
                _ if life.unsaved().is_some() => SessionState::Unsaved,
                Phase::Failed { until, .. } if now < *until && life.usable(now).is_none() => SessionState::Dead { until: *until },
                _ => match life.usable(now) {
                    None => SessionState::Empty,
                    Some(token) if token.renew_at <= now => SessionState::Stale,
                    Some(_) => SessionState::Fresh,
                },
            },
        }
    }

    /// How each key of the session stands, in the ring's order; empty if it authenticates with tokens.
    pub fn keys(&self, now: UnixTime) -> Vec<KeyState> {
        match &self.holding {
            Holding::Keys(ring) => ring.states(now.max(self.latest)),
            Holding::Token(_) => Vec::new(),
        }
    }

    /// What to do with the session's keys, and by when.
    pub fn rotation_plan(&self, now: UnixTime) -> RotationPlan {
        RotationPlan::new(self.connection.provider(), &self.keys(now), now)
    }

    /// Until when the connection can go on without a person, as far as the vendor or the server says; `None` without a refresh token, or if nobody says.
    pub fn refresh_forecast(&self, now: UnixTime) -> Option<RefreshForecast> {
        let record = self.life()?.record()?;
        self.rules().forecast(&record, self.servers(now.max(self.latest)))
    }

    /// The age of the key that a request was sent with.
    pub(crate) fn key_age(&self, generation: u64, now: UnixTime) -> Option<KeyAge> {
        match &self.holding {
            Holding::Keys(ring) => ring.age_of(generation, now),
            Holding::Token(_) => None,
        }
    }

    /// How far the server's clock is ahead of ours, in milliseconds, learned from the `Date` of token answers; `None` before the first.
    pub fn skew_millis(&self) -> Option<i64> {
        self.skew.known()
    }

    /// The session's clock: it follows the shell's, but never goes back.
    pub(crate) fn clock(&mut self, now: UnixTime) -> UnixTime {
        self.latest = self.latest.max(now);
        self.latest
    }

    /// Notes that the refresh token which the journal's entry of that mark speaks of was not spent after all.
    pub(crate) fn proven_unspent(&mut self, mark: u64) {
        self.rare_mut().unspent.push(mark);
    }

    /// Whether this session knows that the journal's entry of that mark says nothing.
    pub(crate) fn is_proven_unspent(&self, mark: u64) -> bool {
        self.rare().unspent.contains(&mark)
    }

    /// Forgets all entries but the one that the store holds: no other can get there any more, because their leases are over.
    pub(crate) fn journal_was_read(&mut self, mark: Option<u64>) {
        if let Some(rare) = &mut self.rare {
            rare.unspent.retain(|known| Some(*known) == mark);
        }
    }

    /// A number for a new exchange.
    pub(crate) fn enter(&mut self) -> u64 {
        // It comes round after four thousand million, when nobody remembers the first; none is 0.
        self.exchanges = self.exchanges.checked_add(1).unwrap_or(1);
        u64::from(self.exchanges)
    }

    /// What the exchange `me` can do now.
    pub(crate) fn ready(&self, now: UnixTime, me: u64) -> Ready {
        match &self.holding {
            Holding::Keys(ring) => match ring.in_use(now) {
                Some((held, _)) => Ready::Use(Arc::clone(held)),
                None => Ready::Fail(ring.refusal().cloned().unwrap_or_else(no_key)),
            },
            Holding::Token(life) => life.ready(now, me),
        }
    }

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

    /// Remembers what went wrong last.
    pub(crate) fn note_error(&mut self, failure: &Failure, now: UnixTime) {
        self.rare_mut().last_error = Some((now, failure.clone()));
    }

    /// What went wrong last, and when.
    pub(crate) fn last_error(&self) -> Option<&(UnixTime, Failure)> {
        self.rare().last_error.as_ref()
    }

    /// What the credential is, in words.
    pub(crate) fn credential_in_words(&self) -> String {
        match &self.holding {
            Holding::Keys(ring) if ring.len() == 1 => "1 key".into(),
            Holding::Keys(ring) => format!("{} keys", ring.len()),
            Holding::Token(life) => {
                let grant = match (life.grant.kind(), life.grant.is_stored()) {
                    (_, true) => "stored connection",
                    (GrantKind::RefreshToken, _) => "refresh token",
                    (GrantKind::JwtBearer, _) => "assertion",
                    _ => "client credentials",
                };
                format!("{grant} of the client {:?}", life.grant.client.id())
            }
        }
    }

    /// Notes that the API refused the credential of that generation.
    pub(crate) fn refuse(&mut self, generation: u64, failure: &Failure, repeats: u8, now: UnixTime) -> AfterRefusal {
        self.note_error(failure, now);
        match &mut self.holding {
            Holding::Keys(ring) => {
                let another = ring.refuse(generation, failure.clone());
                self.note_change(true);
                if another {
                    return AfterRefusal::SendAgain;
                }
                if !self.rare().source.reloadable {
                    self.rare_mut().source.next = now.after(SOURCE_REST);
                }
                if self.source_is_ready(now) { AfterRefusal::SendAgain } else { AfterRefusal::Final }
            }
            Holding::Token(life) => {
                let held = life.token().filter(|token| token.authorization.generation() == generation);
                let just_minted = held.is_some_and(|token| now.since(token.minted_at) < QUIET);
                if repeats >= REPEATS_AFTER_REFUSAL || (held.is_some() && now < self.rare.as_deref().unwrap_or(Rare::NONE).quiet_until) {
                    AfterRefusal::Final
                } else if repeats > 0 && just_minted {
                    self.rare_mut().quiet_until = now.after(QUIET);
                    AfterRefusal::Final
                } else {
                    // Where the session holds another token by now, this changes nothing, and the call is sent again with that one.
                    let changed = life.take(Event::Rejected { generation });
                    self.note_change(changed);
                    AfterRefusal::SendAgain
                }
            }
        }
    }

    /// Whether there is hope for a refused credential: its source can be asked now, or somebody is asking it.
    pub(crate) fn source_is_ready(&self, now: UnixTime) -> bool {
        let source = &self.rare().source;
        source.reloadable && (source.asked.is_some() || source.next <= now)
    }

    /// Takes the right to ask the source; the moment to wait for if somebody else has it, `None` if it is ours.
    pub(crate) fn ask_source(&mut self, by: u64, now: UnixTime) -> Option<UnixTime> {
        match self.rare().source.asked {
            Some((other, until)) if other != by && now < until => Some(until),
            _ => {
                let until = now.after(self.connection.policy().fetch_timeout);
                self.rare_mut().source.asked = Some((by, until));
                None
            }
        }
    }

    /// Takes what the source gave; `true` if there is something to try.
    ///
    /// What was refused stays refused although the source names it again. Only after a rest it gets one more try, because the provider may have mended its side.
    pub(crate) fn loaded(&mut self, credential: Option<Credential>, now: UnixTime) -> bool {
        self.note_change(true);
        // Whoever is getting a token began with the grant of before, and goes on with it; the source is asked again afterwards.
        if self.life().is_some_and(|life| life.is_held_by_another(0, now)) {
            let source = &mut self.rare_mut().source;
            (source.asked, source.next) = (None, now);
            return false;
        }
        let new = match (&mut self.holding, credential) {
            (Holding::Keys(ring), Some(Credential::Keys(keys))) => ring.replace(keys),
            (Holding::Token(life), Some(Credential::Grant(grant))) => life.replace_grants(grant, Vec::new()),
            (Holding::Token(life), Some(Credential::Grants(first, others))) => life.replace_grants(first, others),
            _ => false,
        };
        let source = &mut self.rare_mut().source;
        let again = core::mem::replace(&mut source.fruitless, !new);
        (source.asked, source.next) = (None, now.after(SOURCE_REST));
        if !new
            && again
            && let Holding::Keys(ring) = &mut self.holding
        {
            ring.forgive_next();
            return ring.in_use(now).is_some();
        }
        new
    }

    /// Goes on with the next of several grants, if the present one was refused; `false` if there is none.
    pub(crate) fn next_grant(&mut self, refusal: &Failure) -> bool {
        let Holding::Token(life) = &mut self.holding else { return false };
        let moved = refusal.kind() == FailureKind::GrantRefused && life.next_grant();
        self.note_change(moved);
        moved
    }

    /// Gives a refused key that came from no source one more try after a rest.
    pub(crate) fn second_chance(&mut self, now: UnixTime) -> bool {
        let Holding::Keys(ring) = &mut self.holding else { return false };
        let source = &mut self.rare.get_or_insert_with(|| Box::new(Rare::new(false))).source;
        if source.reloadable || now < source.next {
            return false;
        }
        source.next = now.after(SOURCE_REST);
        ring.forgive_next();
        let usable = ring.in_use(now).is_some();
        self.note_change(true);
        usable
    }

    /// Gives up the right to ask the source.
    pub(crate) fn stop_asking(&mut self, by: u64) {
        if self.rare().source.asked.is_some_and(|(holder, _)| holder == by) {
            self.rare_mut().source.asked = None;
            self.note_change(true);
        }
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

    pub(crate) fn life(&self) -> Option<&TokenLife> {
        match &self.holding {
            Holding::Keys(_) => None,
            Holding::Token(life) => Some(life),
        }
    }

    /// Takes over what a store knows, where it holds no usable token.
    pub(crate) fn take_over(&mut self, record: Record) {
        if let Holding::Token(life) = &mut self.holding {
            life.take_over(record);
        }
    }

    /// Forgets every token, and why the last could not be had: a person has consented anew, or ended it ([`crate::Consent`]). The next call looks into the
    /// store.
    pub fn forget(&mut self) {
        if let Holding::Token(life) = &mut self.holding {
            life.forget();
            self.note_change(true);
        }
    }

    /// Hands an event to the token's life.
    pub(crate) fn take(&mut self, event: Event) {
        if let Holding::Token(life) = &mut self.holding {
            let changed = life.take(event);
            self.note_change(changed);
        }
    }

    /// Whether it goes by refresh tokens and has none: nobody has consented, or the consent was ended.
    pub(crate) fn lacks_consent(&self) -> bool {
        self.life().is_some_and(|life| life.grant.kind() == GrantKind::RefreshToken && life.refresh_token().is_none())
    }

    /// Whether its refresh token is what the store holds, so that a login elsewhere can bring another.
    fn goes_by_the_store(&self) -> bool {
        self.lacks_consent() || self.life().is_some_and(|life| life.grant.is_stored())
    }

    /// Notes that the server refused the store's refresh token: it is sent again only after a long rest, however often the store is read meanwhile.
    pub(crate) fn note_refused(&mut self, failure: &Failure, now: UnixTime) {
        if let Holding::Token(life) = &mut self.holding
            && life.grant.is_stored()
            && failure.kind() == FailureKind::ConsentRequired
            && failure.code().is_some()
            && life.refused(now).is_none()
        {
            life.note_refused(failure, now.after(CONSENT_REST));
        }
    }

    /// How long to leave a token endpoint alone that gave no token.
    pub(crate) fn rest_after(&self, failure: &Failure, now: UnixTime) -> UnixTime {
        match failure.kind() {
            // Looking into the store costs the server nothing, and a person may be logging in right now.
            FailureKind::ConsentRequired if self.goes_by_the_store() => now.after(ABSENT_REST),
            FailureKind::ConsentRequired => now.after(CONSENT_REST),
            kind if !kind.is_retryable() => now.after(REFUSED_REST),
            _ => {
                let failures = self.life().map_or(0, TokenLife::failures).min(5);
                let rest = now.after(Duration::from_secs(1 << failures).min(LONGEST_REST));
                failure.come_back_at().map_or(rest, |at| at.clamp(now.after(Duration::from_secs(1)), now.after(LONGEST_PAUSE)))
            }
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

    /// The secrets that an answer might echo.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        match &self.holding {
            Holding::Keys(ring) => ring.secrets().cloned().collect(),
            Holding::Token(life) => {
                let basic = crate::token::request::basic(&life.grant.client);
                let encoded = basic.map(|basic| Secret::new(basic.expose().trim_start_matches("Basic ").trim_end_matches('=')));
                life.secrets().chain(encoded).chain(life.token().map(|token| token.authorization.credential())).collect()
            }
        }
    }
}

impl Session {
    fn rare(&self) -> &Rare {
        self.rare.as_deref().unwrap_or(Rare::NONE)
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_with(|| Box::new(Rare::new(false)))
    }

    /// What all calls of the session may spend on repeats together.
    pub(crate) fn budget(&mut self) -> &mut Budget {
        &mut self.rare_mut().budget
    }

    /// Counts a change: round and round, because the number is only ever compared with what it was a moment ago.
    fn note_change(&mut self, changed: bool) {
        self.changes = self.changes.wrapping_add(u32::from(changed));
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state(self.latest);
        f.debug_struct("Session")
            .field("provider", self.connection.provider())
            .field("environment", &self.connection.environment())
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

fn no_key() -> Failure {
    Failure::new(FailureKind::SourceUnavailable, "the session has no key", "give it at least one")
}

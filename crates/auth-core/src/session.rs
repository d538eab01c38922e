//! `Session`: one connection's credential over time, shared by all of its exchanges.

use crate::connection::Connection;
use crate::credential::{Authorization, Credential, KeyAge, KeyRing, KeyState, RotationPlan, Secret};
use crate::exchange::Exchange;
use crate::time::UnixTime;
use crate::token::life::{Event, Phase, Ready, Token, TokenLife};
use crate::token::record::Record;
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::retry::Budget;
use alloc::boxed::Box;
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
/// The longest pause of a whole session: an hour, because a limit that lasts longer is worth one call an hour to see whether it was a mistake.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// How long a dead refresh token rests before its store is read again: an hour, because only a person can mend it.
const CONSENT_REST: Duration = Duration::from_hours(1);
/// How often one call is sent again after a 401: twice, for a token that another process had renewed and that is refused as well.
const REPEATS_AFTER_REFUSAL: u8 = 2;
/// The longest rest after a token endpoint failed.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// `Session` is the life of one credential: which key or token is in use, whether one is being fetched, until when to pause.
///
/// A session is plain data without a lock: a shell that shares it between threads locks it around each call of an [`Exchange`], for microseconds, and
/// never while it sends, saves or waits. After every such call it should look at [`Session::changes`] and wake its waiters if the number moved.
pub struct Session {
    connection: Arc<Connection>,
    holding: Holding,
    latest: UnixTime,
    skew: Skew,
    changes: u32,
    exchanges: u32,
    rare: Option<Box<Rare>>,
}

enum Holding {
    Keys(Box<KeyRing>),
    Token(TokenLife),
}

/// What a session has nothing of before something goes wrong: a service may hold a hundred thousand of them.
struct Rare {
    source: Source,
    quiet_until: UnixTime,
    unspent: Option<u64>,
    pause: Option<Pause>,
    budget: Budget,
}

impl Rare {
    const NONE: &Self = &Self::new(false);

    const fn new(reloadable: bool) -> Self {
        let start = UnixTime::from_millis(0);
        let source = Source { reloadable, next: start, asked: None, fruitless: false };
        Self { source, quiet_until: start, unspent: None, pause: None, budget: Budget::FULL }
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

/// A limit that all callers of the session keep.
struct Pause {
    until: UnixTime,
    why: Failure,
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
        if self.rare().pause.is_some() {
            return None;
        }
        match &self.holding {
            Holding::Keys(ring) => ring.in_use(self.latest).map(|(held, until)| Fresh { authorization: Arc::clone(held), until }),
            Holding::Token(life) => {
                life.token().map(|token| Fresh { authorization: Arc::new(token.authorization.clone()), until: life.fresh_until() })
            }
        }
    }

    /// What may be sent now without asking the session, in place: for who looks one session up among many; `None` if it has to be asked.
    pub fn fresh_at(&self, now: UnixTime) -> Option<&Authorization> {
        let (held, until) = match &self.holding {
            _ if self.rare().pause.is_some() => return None,
            Holding::Keys(ring) => ring.in_use(self.latest).map(|(held, until)| (&**held, until))?,
            Holding::Token(life) => (&life.token()?.authorization, life.fresh_until()),
        };
        (now.max(self.latest) < until).then_some(held)
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
        self.rare_mut().unspent = Some(mark);
    }

    /// Whether this session knows that the journal's entry of that mark says nothing.
    pub(crate) fn is_proven_unspent(&self, mark: u64) -> bool {
        self.rare().unspent == Some(mark)
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
        let pause = &mut self.rare.as_mut()?.pause;
        let over = pause.take_if(|pause| pause.until <= now).is_some();
        let going_on = pause.as_ref().map(|pause| (pause.until, pause.why.clone()));
        self.note_change(over);
        going_on
    }

    /// Makes all callers pause: one of them met a limit.
    pub(crate) fn pause_until(&mut self, until: UnixTime, why: Failure, now: UnixTime) {
        let until = until.min(now.after(LONGEST_PAUSE));
        if self.rare().pause.as_ref().is_none_or(|pause| pause.until < until) {
            self.rare_mut().pause = Some(Pause { until, why });
            self.note_change(true);
        }
    }

    /// Notes that the API refused the credential of that generation.
    pub(crate) fn refuse(&mut self, generation: u64, failure: &Failure, repeats: u8, now: UnixTime) -> AfterRefusal {
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

    /// Hands an event to the token's life.
    pub(crate) fn take(&mut self, event: Event) {
        if let Holding::Token(life) = &mut self.holding {
            let changed = life.take(event);
            self.note_change(changed);
        }
    }

    /// How long to leave a token endpoint alone that gave no token.
    pub(crate) fn rest_after(&self, failure: &Failure, now: UnixTime) -> UnixTime {
        match failure.kind() {
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
        let authorization = Authorization::new(self.connection.attach(), secret, record.generation);
        Some(Token::new(authorization, minted_at, lifetime, random))
    }

    /// Learns the difference of the clocks from a server's `Date`. Differences below two seconds are the header's own coarseness.
    pub(crate) fn learn_skew(&mut self, server: UnixTime, now: UnixTime) {
        let signed = |time: UnixTime| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let skew = signed(server).saturating_sub(signed(now));
        self.skew = Skew(if skew.unsigned_abs() < 2_000 { 0 } else { skew });
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
                let basic = crate::token::request::basic(&life.grant);
                let encoded = Secret::new(basic.expose().trim_start_matches("Basic ").trim_end_matches('='));
                life.secrets().chain([encoded]).chain(life.token().map(|token| token.authorization.credential())).collect()
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

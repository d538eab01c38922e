//! `Session`: one connection's credential over time, shared by all of its exchanges.
//!
//! What it is and how it looks from outside is in this file; what happens to it when a credential is refused is in `refusals`, the life of its token in
//! `tokens`, when the program hands another one over in `hand_over`, a refresh token in doubt in `doubt`, and the limits that make all callers pause in `limits`.

mod doubt;
mod hand_over;
mod limits;
mod refusals;
mod tokens;

pub use hand_over::HandedOver;
pub(crate) use refusals::AfterRefusal;
pub(crate) use tokens::{CONNECT_FIRST, REFUSED_REST};

use crate::connection::Connection;
use crate::credential::{Authorization, Credential, KeyRing, KeyState, RotationPlan, Secret};
use crate::exchange::Exchange;
use crate::headers::{self, Headers};
use crate::pauses::Pauses;
use crate::provider::GrantKind;
use crate::time::UnixTime;
use crate::token::life::{Phase, Ready, TokenLife};
use crate::token::refresh::RefreshForecast;
use crate::verdict::body::quote;
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::retry::Budget;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

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
    doubt: Option<doubt::Doubt>,
    trouble: Option<Box<Trouble>>,
    pauses: Pauses,
    last_error: Option<(UnixTime, Failure)>,
    /// What was odd about the last grant that was.
    oddity: Option<Box<str>>,
    budget: Budget,
}

impl Rare {
    const NONE: &Self = &Self::new(false);

    const fn new(reloadable: bool) -> Self {
        let start = UnixTime::from_millis(0);
        let source = Source { reloadable, next: start, asked: None, fruitless: false };
        Self {
            source,
            quiet_until: start,
            unspent: Vec::new(),
            doubt: None,
            trouble: None,
            pauses: Pauses::NONE,
            last_error: None,
            oddity: None,
            budget: Budget::FULL,
        }
    }
}

/// Token requests that got no answer which could be understood.
struct Trouble {
    /// How many: round and round, because the number is only ever compared with what it was before.
    count: u32,
    /// The last.
    failure: Failure,
    /// The next token request is not sent before.
    next: UnixTime,
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

    /// How far the server's clock is ahead of ours, in milliseconds, learned from the `Date` of token answers; `None` before the first.
    pub fn skew_millis(&self) -> Option<i64> {
        self.skew.known()
    }

    /// The session's clock: it follows the shell's, but never goes back.
    pub(crate) fn clock(&mut self, now: UnixTime) -> UnixTime {
        self.latest = self.latest.max(now);
        self.latest
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

    /// Forgets every token, and why the last could not be had: a person has consented anew, or ended it ([`crate::Consent`]). The next call looks into the
    /// store.
    pub fn forget(&mut self) {
        if let Holding::Token(life) = &mut self.holding {
            life.forget();
            self.note_change(true);
        }
    }

    /// The id under which the server knows a request, by the header of its answer, without the credential.
    pub fn server_request_id(&self, headers: &dyn Headers) -> Option<String> {
        let id = headers::first(headers, self.connection.provider().request_id_header())?;
        let secrets = self.secrets();
        Some(quote(&id, &secrets.iter().collect::<Vec<_>>()))
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

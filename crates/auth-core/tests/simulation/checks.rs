//! What must hold after every step, by name, and the reasons for which a person may be asked to connect the account again.

use crate::endpoint::{AccessToken, Family, RefreshToken};
use std::fmt;
use std::hash::{Hash as _, Hasher};

/// What a run is checked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invariant {
    Steps,
    OneFetch,
    NobodyWaits,
    DurableBeforeUse,
    NothingIsLost,
    ValidTokenOutlives,
    NewerTokenIsUsed,
    FreshTokenRefused,
    NothingTwice,
    SingleUse,
    InDoubtWhileValid,
    InDoubtTooEarly,
    NoFamilyDies,
    Probes,
    Consent,
    NothingThrownAway,
    EveryCallEnds,
    NoLeaseLeft,
    LeaseOutlasts,
    Recovery,
}

impl Invariant {
    fn name(self) -> &'static str {
        match self {
            Self::Steps => "invariant 1: poll once, do it, report it",
            Self::OneFetch => "invariant 3: at most one fetch is in flight for each session",
            Self::NobodyWaits => "invariant 3: a caller whose token is still valid never waits",
            Self::DurableBeforeUse => "invariant 4: a rotated refresh token is durable before it is used",
            Self::NothingIsLost => "invariant 4: a failed save loses nothing",
            Self::ValidTokenOutlives => "invariant 4: a valid token outlives a failed renewal",
            Self::NewerTokenIsUsed => "invariant 5: a 401 for an old generation sends again with the newer token",
            Self::FreshTokenRefused => "invariant 5: a freshly minted token that is refused stops",
            Self::NothingTwice => "invariant 6: what may have been processed is not sent again",
            Self::SingleUse => "single use: a refresh token that may be spent is sent again only as a token in doubt, under the journal",
            Self::InDoubtWhileValid => "in doubt: nothing is sent while an access token is valid",
            Self::InDoubtTooEarly => "in doubt: another process sends only after a whole lease span, or the proof that the holder has died",
            Self::NoFamilyDies => "single use: no grant that could live is ended by a second use, but for the three known cases",
            Self::Probes => "refused: one process sends a refused refresh token, under the lease, once an hour, for three days",
            Self::Consent => "consent: a person is asked only where it cannot be avoided",
            Self::NothingThrownAway => "no valid token is thrown away",
            Self::EveryCallEnds => "every call ends",
            Self::NoLeaseLeft => "no lease is left with a caller that is gone",
            Self::LeaseOutlasts => "a lease outlasts what is done under it",
            Self::Recovery => "when the faults are over, every call succeeds",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A run that broke an invariant.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) invariant: Invariant,
    pub(crate) what: String,
}

impl Violation {
    pub(crate) fn new(invariant: Invariant, what: impl Into<String>) -> Self {
        Self { invariant, what: what.into() }
    }
}

pub(crate) type Checked<T = ()> = Result<T, Violation>;

/// Fails with the invariant's name unless it holds.
pub(crate) fn check(holds: bool, invariant: Invariant, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Violation::new(invariant, what())) }
}

/// Why the next refresh token may be out of everybody's reach, so that a person has to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    /// The token request never arrived, or only after its caller had given up: nobody can tell that from a lost answer.
    RequestLost,
    /// The server acted, and its answer was lost.
    AnswerLost,
    /// The server acted, and its answer came when the lease had run out.
    AnswerLate,
    /// The server answered 5xx, which says nothing about whether it acted.
    Unclear,
    /// The process was gone between the journal's entry and the new record.
    ProcessGone,
    /// The caller went away between the journal's entry and the new record, and its shell let it.
    CallerGone,
    /// The lease ran out under a holder that was paused, cut off from the store, or whose clock stood still.
    HolderLate,
    /// The store wrote the journal's entry and could not say so; only the one who made it knows that nothing was sent.
    JournalUnheard,
    /// The store was down when the journal's entry was to be taken back; only the one who made it knows that nothing was spent.
    ClearingLost,
    /// The store was down when the new record was to be saved; its holder keeps it.
    SaveLost,
    /// The consent was taken back at the provider.
    Revoked,
    /// Nobody had logged in yet.
    NobodyYet,
    /// The refresh token was sent again while its first sender slept with the answer unread.
    SleptOver,
    /// The refresh token was sent again while its first sender had the new one and could not store it.
    NotStored,
    /// The token request left when its sender went on, who had been stopped before the first byte.
    LeftLate,
}

impl Reason {
    pub(crate) const ALL: [Self; 15] = [
        Self::RequestLost,
        Self::AnswerLost,
        Self::AnswerLate,
        Self::Unclear,
        Self::ProcessGone,
        Self::CallerGone,
        Self::HolderLate,
        Self::JournalUnheard,
        Self::ClearingLost,
        Self::SaveLost,
        Self::Revoked,
        Self::NobodyYet,
        Self::SleptOver,
        Self::NotStored,
        Self::LeftLate,
    ];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::RequestLost => "the request was lost, or came late",
            Self::AnswerLost => "the server acted and its answer was lost",
            Self::AnswerLate => "the answer came after the lease",
            Self::Unclear => "a 5xx that says nothing",
            Self::ProcessGone => "the process was gone before the new token was durable",
            Self::CallerGone => "the caller was let go before the new token was durable",
            Self::HolderLate => "the lease ran out under its holder",
            Self::JournalUnheard => "the journal was written and the store could not say so",
            Self::ClearingLost => "the store was down when the journal was to be taken back",
            Self::SaveLost => "the store was down when the new token was to be saved",
            Self::Revoked => "the consent was taken back at the provider",
            Self::NobodyYet => "nobody had logged in yet",
            Self::SleptOver => "its sender slept with the answer unread, and the token was sent again",
            Self::NotStored => "its sender could not store the new token, and the old one was sent again",
            Self::LeftLate => "the request left when its sender went on, who had been stopped",
        }
    }
}

/// One life of one process, in which one session lives.
pub(crate) type Life = (usize, u32);

/// How a connection can be lost by a second use of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Its sender sleeps, and the answer waits for it.
    SleptOver,
    /// Its sender has the answer, and cannot store it.
    NotStored,
    /// Its sender was stopped before the request left, and it left when others had used the token.
    LeftLate,
}

/// What is known of each refresh token beside what the server knows.
#[derive(Default)]
pub(crate) struct Entry {
    /// Who sent it last, and whether the sender knows that no answer will come.
    pub(crate) sent_by: Option<(Life, bool)>,
    /// Who sent it again last, as a token in doubt, and has not heard what came of it.
    pub(crate) resent: Option<Life>,
    /// Whether a request with it left when its sender, who had been stopped, had the lease no more.
    pub(crate) left_late: bool,
    /// When the server refused it first.
    pub(crate) refused: Option<u64>,
    /// When the store was told so first.
    pub(crate) known_refused: Option<u64>,
    /// How many of its uses have not been proven to have spent nothing.
    pub(crate) unproven: u32,
    pub(crate) first_sent: u64,
    /// When it was sent last after the server had refused it.
    pub(crate) probed_at: Option<u64>,
    /// Whether the store ever held it.
    pub(crate) durable: bool,
    /// The access token that stood beside it in the store first.
    pub(crate) access: Option<AccessToken>,
    reasons: Vec<(Reason, Option<Life>)>,
}

impl Entry {
    /// Whether it was sent again by this process, which learns now what came of it.
    pub(crate) fn was_resent_by(&mut self, life: Life) -> bool {
        self.resent.take_if(|by| *by == life).is_some()
    }
}

/// The book that the checks keep.
#[derive(Default)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    /// For how many connections a person was asked, by reason.
    pub(crate) consents: [u64; Reason::ALL.len()],
    /// What came of refresh tokens in doubt.
    pub(crate) doubts: Doubts,
    /// The families that ended because a refresh token in doubt was sent again.
    pub(crate) losses: Vec<(usize, Loss)>,
    /// The families for which a person was asked; `None` for the connection that nobody had made yet.
    asked: Vec<Option<Family>>,
}

/// What came of refresh tokens in doubt, in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Doubts {
    /// Token requests with one.
    pub(crate) resent: u64,
    /// Connections that live because one was sent again.
    pub(crate) saved: u64,
    /// Connections that were over already: the server refused it.
    pub(crate) over: u64,
    /// Connections that were over already: the first request came after all, when the token had been sent again.
    pub(crate) came_late: u64,
    /// Connections that ended because it was sent again while its sender slept with the answer unread.
    pub(crate) slept_over: u64,
    /// Connections that ended because it was sent again while its sender could not store the answer.
    pub(crate) not_stored: u64,
    /// Connections that ended because its sender was stopped before the request left, and others had used the token meanwhile.
    pub(crate) left_late: u64,
}

impl Doubts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.resent += other.resent;
        self.saved += other.saved;
        self.over += other.over;
        self.came_late += other.came_late;
        self.slept_over += other.slept_over;
        self.not_stored += other.not_stored;
        self.left_late += other.left_late;
    }

    /// The connections that could live and do not.
    pub(crate) fn lost(&self) -> u64 {
        self.slept_over + self.not_stored + self.left_late
    }
}

impl Ledger {
    pub(crate) fn of(&mut self, token: RefreshToken) -> &mut Entry {
        if self.entries.len() <= token {
            self.entries.resize_with(token + 1, Entry::default);
        }
        &mut self.entries[token]
    }

    /// Counts that a person was asked: once for each connection, however many calls of however many processes say so, and how often.
    pub(crate) fn ask(&mut self, family: Option<Family>, reason: Reason) {
        if !self.asked.contains(&family) {
            self.asked.push(family);
            self.consents[reason as usize] += 1;
        }
    }

    /// Notes a reason why the successor of `token` may be out of reach, for every session but `except`, which knows better.
    pub(crate) fn excuse(&mut self, token: RefreshToken, reason: Reason, except: Option<Life>) {
        let reasons = &mut self.of(token).reasons;
        if !reasons.contains(&(reason, except)) {
            reasons.push((reason, except));
        }
    }

    /// An entry of the session `by` takes the place of one of another session, which knew better about its own and knows nothing about this one.
    pub(crate) fn write_over(&mut self, token: RefreshToken, by: Life) {
        for (_, except) in &mut self.of(token).reasons {
            except.take_if(|life| *life != by);
        }
    }

    /// The first reason that excuses the session `life` for giving up on `token`.
    pub(crate) fn excuse_for(&mut self, token: RefreshToken, life: Life) -> Option<Reason> {
        self.of(token).reasons.iter().find(|(_, except)| *except != Some(life)).map(|(reason, _)| *reason)
    }

    /// What the checks know of all tokens, whenever it happened.
    pub(crate) fn hash(&self, hash: &mut impl Hasher) {
        for Entry { unproven, durable, reasons, .. } in &self.entries {
            (unproven, durable, reasons).hash(hash);
        }
    }

    /// Every reason noted for a token.
    pub(crate) fn excuses(&mut self, token: RefreshToken) -> &[(Reason, Option<Life>)] {
        &self.of(token).reasons
    }
}

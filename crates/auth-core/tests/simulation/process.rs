//! A process: one session, and the callers that drive exchanges on it.

use crate::checks::Life;
use crate::dice::Clock;
use crate::endpoint::{AccessToken, RefreshToken, number};
use auth_core::{Claim, Claimed, ConnectOutcome, Credential, Exchange, Failure, Save, Saved, Session, UnixTime};

/// Which caller of which process: it outlives neither, so a message that comes too late finds nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) process: usize,
    pub(crate) life: u32,
    pub(crate) caller: u32,
}

impl Seat {
    pub(crate) fn life(self) -> Life {
        (self.process, self.life)
    }
}

/// What a caller sends out because its exchange said so.
pub(crate) enum Message {
    /// To the store, about the entry at that place.
    Store(usize, ToStore),
    Load,
    /// Opens a connection to the token endpoint.
    Connect,
    Fetch {
        token: RefreshToken,
        timeout: u64,
    },
    Send {
        token: AccessToken,
        post: bool,
    },
}

/// What a store is asked to do.
pub(crate) enum ToStore {
    Claim(Claim),
    Save(Box<Save>, About),
    Release(u64),
    Look,
    /// To keep a limit that lasts so many milliseconds.
    Pause(u64, String),
}

/// What a save is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum About {
    /// The journal's entry before this refresh token is sent.
    Journal(RefreshToken),
    /// Taking it back.
    Clearing(RefreshToken),
    /// The record that holds this new refresh token.
    Token(RefreshToken),
}

/// What came of a message.
pub(crate) enum Reply {
    Claimed(Claimed),
    Saved(Saved),
    Released,
    /// What the source gave, and the refresh token in it.
    Loaded(Option<(Credential, RefreshToken)>),
    /// The limit in force, and for how many milliseconds it lasts.
    Looked(Option<(u64, String)>),
    /// There is nothing to report.
    Paused,
    Connected(ConnectOutcome),
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
        granted: Option<AccessToken>,
    },
    Lost {
        not_sent: bool,
    },
}

/// What a caller is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// It will poll next.
    Turning,
    /// It sleeps until its time comes or the session changes.
    Waiting,
    /// It waits for the reply to a message; a fetch began at that moment of the session's clock.
    Expecting { fetch_since: Option<UnixTime> },
}

/// What a 401 obliges a caller to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obliged {
    Nothing,
    /// To send again with what the session holds, and fetch nothing.
    SendNewer,
    /// To stop.
    Stop,
}

/// A single-use refresh token on which a caller has an open entry in the journal.
#[derive(Clone, Copy)]
pub(crate) struct Spending {
    pub(crate) token: RefreshToken,
    pub(crate) mark: u64,
    /// Whether the entry stands in the store.
    pub(crate) written: bool,
}

pub(crate) struct Caller {
    pub(crate) id: u32,
    pub(crate) exchange: Exchange,
    pub(crate) doing: Doing,
    pub(crate) renewal: bool,
    pub(crate) post: bool,
    /// Whether the API processed its request.
    pub(crate) processed: bool,
    pub(crate) polls: u32,
    /// How often its message changed: what is scheduled for an earlier turn is void.
    pub(crate) turn: u32,
    pub(crate) began: u64,
    /// For how many milliseconds it may live.
    pub(crate) patience: u64,
    pub(crate) spending: Option<Spending>,
    /// The refresh token that it last read or sent.
    pub(crate) token: Option<RefreshToken>,
    pub(crate) obliged: Obliged,
    pub(crate) refusals: u32,
    /// The token that it got because of a refusal, and when it asked, by the session's clock.
    pub(crate) minted_after_refusal: Option<(AccessToken, UnixTime)>,
    /// When it last sent a token request, and how far its clock had wandered by then.
    pub(crate) asked_at: (u64, u64),
    pub(crate) sent: Option<AccessToken>,
    /// Whether a fault made it slow, so that a lease may run out under it.
    pub(crate) troubled: bool,
    /// A refresh token that was granted to it, in an answer that it has not heard yet.
    pub(crate) unread: Option<RefreshToken>,
    /// The access token that it could have used when it was last told to do more than to save or give back, or when its token request failed.
    pub(crate) could_use: Option<AccessToken>,
}

/// A journal's entry that a process has read, and since when it knows of it.
#[derive(Clone, Copy)]
pub(crate) struct Watched {
    pub(crate) mark: u64,
    pub(crate) since: u64,
    /// How far its clock had wandered by then.
    wandered: u64,
    /// Whether the store has proven that whoever made the entry has died.
    pub(crate) is_proven: bool,
}

pub(crate) struct Process {
    pub(crate) session: Session,
    pub(crate) callers: Vec<Caller>,
    pub(crate) clock: Clock,
    pub(crate) life: u32,
    pub(crate) up: bool,
    /// Nothing happens in it before then.
    pub(crate) paused_until: u64,
    /// Whether its source can be asked again; if not, a new consent reaches it by a restart.
    pub(crate) reloadable: bool,
    /// Whether its shell drives renewals beside the calls.
    pub(crate) renews: bool,
    /// Whether its shell can open a connection ahead of a request.
    pub(crate) connects: bool,
    /// The refresh token that its session was given; `None` if it goes by what a login put into the store.
    pub(crate) given: Option<RefreshToken>,
    /// All that its session was told in this life, without the time of day, as one number.
    pub(crate) told: u64,
    /// The latest time that its session was told.
    pub(crate) latest: UnixTime,
    /// The access token that it fetched last, when it asked for it, and how far its clock had wandered by then: the end of this one it knows by its own clock.
    pub(crate) fetched: Option<(AccessToken, u64, u64)>,
    /// The journal's entry that stood in the record which it read last.
    pub(crate) watched: Option<Watched>,
    /// The refresh tokens that were granted to it in this life, in answers that it has heard.
    pub(crate) heard: Vec<RefreshToken>,
    pub(crate) seen: u64,
    /// What had gone wrong last when the checks looked last.
    pub(crate) error_seen: Option<(UnixTime, Failure)>,
    next: u32,
}

impl Process {
    pub(crate) fn new(session: Session, clock: Clock, given: Option<RefreshToken>) -> Self {
        Self {
            session,
            callers: Vec::new(),
            clock,
            life: 0,
            up: true,
            paused_until: 0,
            reloadable: true,
            renews: true,
            connects: true,
            given,
            told: 0,
            latest: UnixTime::default(),
            fetched: None,
            watched: None,
            heard: Vec::new(),
            seen: 0,
            error_seen: None,
            next: 0,
        }
    }

    /// A new caller with its exchange.
    pub(crate) fn enter(&mut self, index: usize, time: u64, exchange: Exchange, renewal: bool, post: bool) -> Seat {
        self.next += 1;
        self.callers.push(Caller {
            id: self.next,
            exchange,
            doing: Doing::Turning,
            renewal,
            post,
            processed: false,
            polls: 0,
            turn: 0,
            began: time,
            patience: 0,
            spending: None,
            token: self.given,
            obliged: Obliged::Nothing,
            refusals: 0,
            minted_after_refusal: None,
            asked_at: (0, 0),
            sent: None,
            troubled: false,
            unread: None,
            could_use: None,
        });
        Seat { process: index, life: self.life, caller: self.next }
    }

    /// Notes what its session was told, or said.
    pub(crate) fn tell(&mut self, what: u64) {
        self.told = (self.told ^ what).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
    }

    /// Notes which journal's entry it has just read under a lease of its own.
    pub(crate) fn watch(&mut self, mark: Option<u64>, is_proven: bool, time: u64) {
        let known = self.watched.filter(|watched| Some(watched.mark) == mark);
        let fresh = |mark| Watched { mark, since: time, wandered: self.clock.wandered, is_proven: false };
        self.watched = mark.map(|mark| known.unwrap_or_else(|| fresh(mark)));
        if let Some(watched) = &mut self.watched {
            watched.is_proven |= is_proven;
        }
    }

    /// For how many milliseconds of its own clock it can have known the entry at most.
    pub(crate) fn has_watched(&self, watched: &Watched, time: u64) -> u64 {
        time - watched.since + (self.clock.wandered - watched.wandered) + 50
    }

    /// Whether it still lives the life of a seat.
    pub(crate) fn is_alive(&self, seat: Seat) -> bool {
        self.up && self.life == seat.life
    }

    /// Where the caller of a seat is, if it is still there.
    pub(crate) fn place(&self, seat: Seat) -> Option<usize> {
        self.callers.iter().position(|caller| self.is_alive(seat) && caller.id == seat.caller)
    }

    /// The access token that the session would send, by its fast path.
    pub(crate) fn held(&self) -> Option<AccessToken> {
        self.session.fresh().and_then(|fresh| number(fresh.authorization.value().expose()))
    }
}

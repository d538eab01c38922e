//! What goes wrong in a run: how often each thing does, and what becomes of one message.

use crate::checks::Reason;
use crate::dice::Dice;
use crate::endpoint::Kind;
use crate::process::{About, Message, Reply, Seat, ToStore};
use crate::world::World;
use auth_core::{Claimed, ConnectOutcome, Saved, Transport, Unanswered};

/// How late the latest answer is that somebody still hears, in milliseconds.
pub(crate) const LATEST: u64 = 300_000;

/// What becomes of a message, as far as the network, the store and the server have a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It arrives, and the reply comes back.
    Fine,
    /// It certainly never left.
    NotSent,
    /// It is lost on its way; the caller hears of it when its time is over.
    Lost,
    /// It takes effect, and the reply is lost.
    Unheard,
    /// It arrives when the caller has long been told that it was lost.
    Delayed,
    /// It takes effect, and the reply is heard although its time is over.
    Late,
    /// The store says that it does not work.
    Down,
    /// The token endpoint does not know the client.
    InvalidClient,
    /// 429.
    TooMany,
    /// 503, and nothing was done.
    Unavailable,
    /// 502, and it was done.
    BadGateway,
    /// The API refuses the access token for good.
    Refused,
    /// Its sender is stopped before the first byte leaves; it leaves when the sender goes on.
    Stopped,
}

impl Fate {
    pub(crate) const COUNT: usize = 13;

    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::Fine,
        Self::NotSent,
        Self::Lost,
        Self::Unheard,
        Self::Delayed,
        Self::Late,
        Self::Down,
        Self::InvalidClient,
        Self::TooMany,
        Self::Unavailable,
        Self::BadGateway,
        Self::Refused,
        Self::Stopped,
    ];

    /// The same at a server that loses answers only before the rotation, or only after it.
    pub(crate) fn at(self, kind: Kind) -> Self {
        match (kind, self) {
            (Kind::LosesBefore, Self::Unheard | Self::Delayed) => Self::Lost,
            (Kind::LosesBefore, Self::BadGateway) => Self::Unavailable,
            (Kind::LosesAfter, Self::Lost) => Self::Unheard,
            (Kind::LosesAfter, Self::Unavailable) => Self::BadGateway,
            _ => self,
        }
    }

    /// The fates that a message can meet, beside [`Fate::Fine`].
    pub(crate) fn of(message: &Message) -> &'static [Self] {
        match message {
            Message::Store(_, ToStore::Claim(_) | ToStore::Save(..)) => &[Self::Down, Self::Lost, Self::Unheard, Self::Delayed],
            Message::Store(_, ToStore::Release(_) | ToStore::Look | ToStore::Pause(..)) => &[Self::Down, Self::Lost, Self::Delayed],
            Message::Load => &[],
            Message::Connect => &[Self::NotSent],
            Message::Fetch { .. } => &[
                Self::NotSent,
                Self::Lost,
                Self::Unheard,
                Self::Delayed,
                Self::Late,
                Self::InvalidClient,
                Self::TooMany,
                Self::Unavailable,
                Self::BadGateway,
                Self::Stopped,
            ],
            Message::Send { .. } => &[Self::NotSent, Self::Lost, Self::Unheard, Self::TooMany, Self::Unavailable, Self::Refused],
        }
    }
}

/// Whether the reply to a message is heard.
#[derive(Clone, Copy)]
pub(crate) enum Heard {
    /// After so many milliseconds.
    After(u64),
    ByNobody,
    /// By nobody, because whoever sent the message has long given up waiting for it.
    TooLate,
    /// After so many milliseconds, or by nobody; the message left only when its sender went on, who had been stopped.
    AfterStop(Option<u64>),
}

impl Heard {
    /// After how many milliseconds the reply is heard, if it is.
    pub(crate) fn after(self) -> Option<u64> {
        match self {
            Self::After(span) => Some(span),
            Self::AfterStop(span) => span,
            Self::ByNobody | Self::TooLate => None,
        }
    }
}

/// How often each thing goes wrong, of ten thousand chances each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// A message to the store, a connection or message to the token endpoint, a message to the API meets another fate than
    /// [`Fate::Fine`].
    pub(crate) store: u64,
    pub(crate) connection: u64,
    pub(crate) endpoint: u64,
    pub(crate) api: u64,
    /// At each step of a process.
    pub(crate) crash: u64,
    pub(crate) pause: u64,
    pub(crate) clock: u64,
    /// At each step of a caller.
    pub(crate) leave: u64,
    /// At each season.
    pub(crate) outage: u64,
    pub(crate) revocation: u64,
}

impl Weather {
    /// Nothing goes wrong.
    pub(crate) const KIND: Self =
        Self { store: 0, connection: 0, endpoint: 0, api: 0, crash: 0, pause: 0, clock: 0, leave: 0, outage: 0, revocation: 0 };

    /// The weather of one run: some runs meet one kind of fault only, some all of them; some rarely, some all the time.
    pub(crate) fn of(dice: &mut Dice) -> Self {
        let level = dice.pick(&[5, 20, 60, 200]);
        let mut kind = |most: u64| if dice.chance(6_000) { (level * most / 100).max(1) } else { 0 };
        Self {
            store: kind(200),
            connection: kind(200),
            endpoint: kind(200),
            api: kind(200),
            crash: kind(30),
            pause: kind(30),
            clock: kind(20),
            leave: kind(30),
            outage: kind(1_000),
            revocation: kind(10),
        }
    }
}

impl Message {
    /// What its sender is told when it does not get a reply.
    pub(crate) fn lost(&self, fate: Fate) -> Reply {
        match self {
            Self::Store(_, ToStore::Claim(_)) => Reply::Claimed(Claimed::Down("no answer".into())),
            Self::Store(_, ToStore::Save(..)) => Reply::Saved(Saved::Down("no answer".into())),
            Self::Store(_, ToStore::Release(_)) => Reply::Released,
            Self::Store(_, ToStore::Look) => Reply::Looked(None),
            Self::Store(_, ToStore::Pause(..)) => Reply::Paused,
            Self::Load => Reply::Loaded(None),
            Self::Connect => Reply::Connected(ConnectOutcome::Failed(Transport {
                how: Unanswered::NotSent,
                what: "no connection".into(),
                advice: String::new(),
            })),
            Self::Fetch { .. } | Self::Send { .. } => Reply::Lost { not_sent: fate == Fate::NotSent },
        }
    }
}

impl World {
    /// Notes whom the fate of a message excuses, and for what.
    pub(crate) fn meet(&mut self, seat: Seat, message: &Message, fate: Fate) {
        let here = Some(seat.life());
        let never_taken = matches!(fate, Fate::Lost | Fate::Down | Fate::Delayed);
        let excuse = match (message, fate) {
            (Message::Fetch { token, .. }, Fate::Lost | Fate::Delayed) => Some((*token, Reason::RequestLost, None)),
            (Message::Fetch { token, .. }, Fate::Unheard | Fate::BadGateway) => Some((*token, Reason::AnswerLost, None)),
            (Message::Fetch { token, .. }, Fate::Late) => Some((*token, Reason::AnswerLate, None)),
            (Message::Fetch { token, .. }, Fate::Stopped) => Some((*token, Reason::LeftLate, None)),
            (Message::Fetch { token, .. }, Fate::Unavailable) => Some((*token, Reason::Unclear, None)),
            (Message::Store(_, ToStore::Save(_, About::Journal(token))), Fate::Unheard | Fate::Delayed) => {
                Some((*token, Reason::JournalUnheard, here))
            }
            (Message::Store(_, ToStore::Save(_, About::Clearing(token))), _) if never_taken => Some((*token, Reason::ClearingLost, here)),
            (Message::Store(_, ToStore::Save(_, About::Token(token))), _) if never_taken => {
                self.server.predecessor(*token).map(|spent| (spent, Reason::SaveLost, here))
            }
            (Message::Store(entry, ToStore::Release(owner)), _) => {
                // If it does not arrive before the lease ends, that is not the caller's fault.
                self.store.entries[*entry].excuse(*owner);
                None
            }
            (Message::Send { token, .. }, Fate::Refused) => {
                self.server.access[*token].revoked = true;
                None
            }
            _ => None,
        };
        if let Some((token, reason, except)) = excuse {
            self.ledger.excuse(token, reason, except);
        }
        let of_the_store = matches!(message, Message::Store(..));
        if let Some(place) = self.processes[seat.process].place(seat)
            && fate != Fate::Fine
        {
            let caller = self.caller(seat.process, place);
            caller.troubled |= of_the_store || matches!(fate, Fate::Late | Fate::Stopped);
            caller.patience += if fate == Fate::Late { LATEST } else { 0 };
        }
    }
}

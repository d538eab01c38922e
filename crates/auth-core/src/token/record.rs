//! What a store keeps of a session, and the lease that decides who may renew it.

use super::place::Place;
use super::refused::Refusal;
use crate::credential::Secret;
use crate::time::UnixTime;
use alloc::boxed::Box;
use alloc::string::String;
use core::time::Duration;

/// `Record` is what a store keeps of one credential's tokens.
///
/// Moments are in the server's time as far as it is known, so that hosts with different clocks agree on them.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Grows with each new token: what a store compares before it overwrites.
    pub generation: u64,
    /// Which grant the tokens come from. A session that was given another one (a person connected the account again) uses none of them.
    pub grant: u64,
    /// Where the tokens may be sent. `None` in a record of version 1, which says nothing about it.
    pub place: Option<Box<Place>>,
    /// The access token, if there is one.
    pub access_token: Option<Secret>,
    /// When the access token ends.
    pub expires_at: UnixTime,
    /// When the access token was asked for.
    pub minted_at: UnixTime,
    /// The refresh token to use next, if the grant has one.
    pub refresh_token: Option<Secret>,
    /// When the refresh token ends, if the server announced it.
    pub refresh_ends_at: Option<UnixTime>,
    /// When the connection began: when a person consented, or when its first token was granted, if that is all that is known.
    pub consented_at: Option<UnixTime>,
    /// The journal: set durably before a single-use refresh token is sent, cleared with the token that it bought or with the proof that it was not
    /// spent. A record that is read with this set belongs to somebody who may have spent the refresh token and never saw the answer.
    pub spending: Option<Spending>,
    /// The server's refusal of the refresh token. It ends with a newer generation.
    pub refusal: Option<Box<Refusal>>,
}

/// `Spending` is the journal's entry about a single-use refresh token that is being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spending {
    /// A random number of this one attempt: who made the entry can tell it from everybody else's.
    pub mark: u64,
    /// When it was first sent.
    pub since: UnixTime,
    /// How many times it was sent, this time included: 1 for the first.
    pub attempt: u32,
}

/// `Lease` is the right to renew one credential for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it: a number that only its holder knows.
    pub owner: u64,
}

/// `Claim` asks a store for the lease on a credential and for its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who asks.
    pub owner: u64,
    /// For how long, by the store's own clock: longer than a token request may take.
    pub span: Duration,
}

impl Claim {
    /// Whether the lease can be had: nobody holds it, or the one who asks. `holder` is who holds one that has not ended, by the store's clock.
    pub fn may_take(&self, holder: Option<u64>) -> bool {
        holder.is_none_or(|holder| holder == self.owner)
    }
}

/// `Claimed` is a store's answer to a [`Claim`].
#[derive(Clone, Debug)]
pub enum Claimed {
    /// The lease is yours, and this is the record, if there is one.
    Granted(Option<Record>),
    /// The same, and the process that saved the record last has died for certain. Nobody waits any more for the answer to a token request of
    /// its journal entry.
    ///
    /// A store that cannot prove this answers [`Claimed::Granted`]. Then a refresh token in doubt is sent again only after a whole lease span.
    TakenOver(Option<Record>),
    /// Somebody else holds the lease.
    Busy,
    /// The store does not work; the text says why.
    Down(String),
}

/// `Save` asks a store to make a record durable before anything else happens.
#[derive(Clone, Debug)]
pub struct Save {
    /// The record to keep.
    pub record: Record,
    /// The generation that the store must hold for this to be right (0 if it holds nothing); another one means that somebody else was faster.
    pub replaces: u64,
    /// The lease under which it happens; `None` if the store was down when it was asked for one.
    pub lease: Option<Lease>,
}

impl Save {
    /// Whether the record may be written: over the generation that the store holds (`None` if it holds no record), under the lease that `holder` has by the
    /// store's clock (`None` if nobody holds one that has not ended). A store compares and writes in one step that nothing can come between.
    pub fn may_replace(&self, generation: Option<u64>, holder: Option<u64>) -> bool {
        generation.unwrap_or(0) == self.replaces && holder == self.lease.as_ref().map(|lease| lease.owner)
    }
}

/// `Saved` is a store's answer to a [`Save`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is durable.
    Durable,
    /// The store holds another generation than the one to be replaced, or the lease is no longer the caller's: nothing was written.
    Superseded,
    /// The store does not work; the text says why.
    Down(String),
}

/// `SharedPause` is a limit that one session met and that all sessions of the credential keep, wherever they run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedPause {
    /// Until when, by the clock of the session that reads it: a store that serves several hosts keeps the span and not the moment.
    pub until: UnixTime,
    /// What was met, in words for a person.
    pub why: String,
}

/// `Held` is what a store knows of a lease that somebody holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The holder's number.
    pub owner: u64,
    /// When the lease ends, by the clock of the session that asks.
    pub until: UnixTime,
}

//! The states of an exchange, named by what they wait for, and what it carries through them.

use crate::credential::{Authorization, Secret};
use crate::provider::GrantKind;
use crate::shown::{Looks, Shown};
use crate::step::Outcome;
use crate::time::UnixTime;
use crate::token::access::Token;
use crate::token::record::{Record, SharedPause, Spending};
use crate::verdict::failure::Failure;
use crate::verdict::processed::Processed;
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What is counted of the caller's request.
pub(super) struct Deliveries {
    pub(super) sends: u32,
    pub(super) redirects: u8,
    pub(super) refusals: u8,
    pub(super) foreign: bool,
    pub(super) answered: bool,
    /// Whether it is sent to see whether a limit is over.
    pub(super) probe: bool,
    /// What became of the request, on all of its attempts so far.
    pub(super) processed: Processed,
    pub(super) url: Option<crate::origin::Url>,
    /// The id under which it is sent.
    pub(super) sent_id: Arc<str>,
    /// The same as failures and events tell it.
    pub(super) request_id: Arc<str>,
}

impl Deliveries {
    /// Takes the id under which the request is sent. One that could be a secret is not told.
    pub(super) fn name(&mut self, id: Arc<str>) {
        let shown = Shown::new(&id, Looks::CallId);
        self.request_id = if shown.is_plain() { Arc::clone(&id) } else { shown.to_string().into() };
        self.sent_id = id;
    }
}

/// What the exchange waits for, or will do at the next poll.
pub(super) enum At {
    /// The next poll asks the session.
    Start,
    /// The next poll after that moment goes on with this.
    Resting(UnixTime, Then),
    /// The next poll asks the store for a limit that another process met.
    Look,
    ExpectLooked,
    /// The next poll tells the store of a limit, then goes on with this.
    Announce(SharedPause, Box<At>),
    /// The next poll asks the source.
    Load,
    ExpectLoaded,
    /// Since that moment.
    ExpectClaimed(UnixTime),
    /// The next poll connects, if the refresh token is a single-use one.
    Connect,
    ExpectConnected,
    /// The next poll journals or fetches.
    Journal,
    ExpectJournaled(Spending),
    /// The next poll takes the journal back, then goes on with this.
    ClearJournal(Box<At>),
    ExpectCleared(Box<At>),
    Fetch,
    ExpectToken(Asked),
    Save(Box<Unsaved>),
    ExpectSaved(Box<Unsaved>),
    /// The next poll gives the lease back, then goes on with this.
    Release(Box<At>),
    /// The next poll ends the getting of a token with this.
    GiveUp(Box<Failure>),
    Deliver(Arc<Authorization>),
    /// The next poll sends to a foreign host, without the credential.
    DeliverForeign,
    ExpectAnswer(Option<Arc<Authorization>>),
    Finished(Outcome),
}

/// What follows a rest.
pub(super) enum Then {
    Start,
    Claim,
    Fetch,
    Save(Box<Unsaved>),
    DeliverForeign,
}

/// A token request that is on its way.
pub(super) struct Asked {
    pub(super) at: UnixTime,
    /// The generation of what it will get: an answer that comes late is no newer than the question.
    pub(super) generation: u64,
    pub(super) kind: GrantKind,
    /// What was signed of it, which the answer may say back.
    pub(super) signed: Vec<Secret>,
}

/// What was granted, on its way to the store.
pub(super) struct Unsaved {
    /// The token, or why no call can be sent with it.
    pub(super) token: Result<Token, Failure>,
    pub(super) record: Record,
}

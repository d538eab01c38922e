//! `Step`: what the machine wants done next.

use crate::credential::Authorization;
use crate::origin::Url;
use crate::time::UnixTime;
use crate::token::record::{Claim, Lease, Save, SharedPause};
use crate::token::request::TokenRequest;
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::processed::Processed;
use crate::verdict::retry::Cause;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

/// `Step` is what a shell has to do next; each says with which `handle_*` to report it.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// Take the store's lease on this credential and hand over its record: [`crate::Exchange::handle_claimed`].
    Claim(Claim),
    /// Make this record durable before anything else happens: [`crate::Exchange::handle_saved`].
    Save(Save),
    /// Give the store's lease back, then poll again: there is nothing to report.
    Release(Lease),
    /// Ask the store whether another process met a limit that is still in force: [`crate::Exchange::handle_looked`].
    Look,
    /// Tell the store of a limit that was met, so that other processes keep it too, then poll again: there is nothing to report.
    Pause(SharedPause),
    /// Ask the credential's source again: [`crate::Exchange::handle_loaded`].
    Load,
    /// Open a new connection for the [`Step::Fetch`] that may follow, and keep it until then:
    /// [`crate::Exchange::handle_connected`].
    Connect(Connect),
    /// Sign this ([`TokenRequest::sign`], outside of locks), send it to the token endpoint exactly as it is, follow no redirect:
    /// [`crate::Exchange::handle_response`] with the whole body, or [`crate::Exchange::handle_failure`].
    Fetch(TokenRequest),
    /// Put this on the caller's request, send it, follow no redirect: [`crate::Exchange::handle_response`] or [`crate::Exchange::handle_failure`].
    Send(Send),
    /// Sleep until then, or be woken when [`crate::Session::changes`] moves, then poll.
    Wait(UnixTime),
    /// The end: hand the caller the response you hold, or this failure.
    Done(Outcome),
}

/// `Connect` is a connection to be opened before a single-use refresh token is journaled.
///
/// A connection that cannot be opened then spends nothing. The connection must be new: a server may
/// close a kept one at any moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    /// The token endpoint.
    pub url: Url,
    /// How long name, proxy, TCP and TLS may take together.
    pub timeout: Duration,
}

/// `ConnectOutcome` is how a [`Step::Connect`] ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectOutcome {
    /// The connection stands, and the next [`Step::Fetch`] uses it.
    Connected,
    /// The connection was not made.
    Failed(Transport),
    /// This shell cannot open a connection ahead of a request. The exchange goes on without one.
    NotSupported,
}

/// `Send` is how the caller's request has to look this time.
#[derive(Clone, Debug)]
pub struct Send {
    /// Where to: differs from the call's own URL after a redirect.
    pub url: Url,
    /// What says who asks; `None` on a foreign host, where a redirect led to.
    pub authorization: Option<Arc<Authorization>>,
    /// Whether the host is a foreign one, so that of the caller's own header fields only those that [`crate::may_go_anywhere`] may go along.
    pub foreign: bool,
    /// How many redirects led here.
    pub redirects: u8,
    /// The header and the id under which the call is known to both sides; the same on every repeat.
    pub request_id: (Arc<str>, Arc<str>),
    /// How often the request is sent, this time included.
    pub attempt: u32,
}

impl Send {
    /// The header fields to put on the request: name and value of the authorization, if it may go there, and of the request id.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let authorization = self.authorization.iter().map(|authorization| (authorization.header(), authorization.value().expose()));
        authorization.chain([(&*self.request_id.0, &*self.request_id.1)])
    }
}

/// `Outcome` is how an exchange ends.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The server answered: hand the caller the response you hold, unread and unaltered. If it is not a success, this says what is wrong and what to do.
    Answered(Option<Failure>),
    /// There is no answer to the caller's request, for this reason.
    Failed(Failure),
    /// A renewal is over, and there is a new token.
    Renewed,
}

impl Outcome {
    /// The same with its failure, if it has one, made into another.
    pub(crate) fn with(self, change: impl FnOnce(Failure) -> Failure) -> Self {
        match self {
            Self::Answered(failure) => Self::Answered(failure.map(change)),
            Self::Failed(failure) => Self::Failed(change(failure)),
            Self::Renewed => Self::Renewed,
        }
    }
}

/// `Transport` is how a request got no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    /// How far the request got.
    pub how: Unanswered,
    /// What happened, without anything secret.
    pub what: String,
    /// What to do about it, if that is known; else empty.
    pub advice: String,
}

/// `Unanswered` is how far a request got that has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unanswered {
    /// It certainly never left: no address, no connection, no TLS.
    NotSent,
    /// Something of it may have arrived, and what came of that nobody knows.
    Lost,
    /// It certainly never left, because the server's certificate is not trusted; it is not sent again, because waiting mends no certificate.
    Untrusted,
}

impl Transport {
    pub(crate) fn cause(&self) -> Cause {
        match self.how {
            Unanswered::NotSent => Cause::NotSent,
            Unanswered::Lost => Cause::Lost,
            Unanswered::Untrusted => Cause::Untrusted,
        }
    }

    /// The failure to reach `whom`, of this kind where no other is told by how it happened.
    pub(crate) fn failure(self, whom: &str, kind: FailureKind) -> Failure {
        let (kind, usual) = match self.how {
            Unanswered::Untrusted => (FailureKind::Untrusted, "look at the server's certificate, and at whom this program trusts"),
            Unanswered::NotSent | Unanswered::Lost => (kind, "check the address, the network and the proxy"),
        };
        let advice = if self.advice.is_empty() { usual.into() } else { self.advice };
        let (happened, processed) = match self.how {
            Unanswered::NotSent | Unanswered::Untrusted => ("was not reached", Processed::No),
            Unanswered::Lost => ("gave no answer", Processed::Unknown),
        };
        Failure::new(kind, format!("{whom} {happened}: {}", self.what), advice).with_processed(processed)
    }
}

//! `AuditEvent`: what happened with a credential, without the credential.

use crate::connection::Connection;
use crate::credential::Authorization;
use crate::time::UnixTime;
use crate::verdict::failure::Failure;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// `Audited` is the class of an [`AuditEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Audited {
    /// A request was refused before it was sent.
    Refused,
    /// A request was sent with the credential.
    Sent,
    /// The API answered it.
    Answered,
    /// It will be sent again.
    Repeating,
    /// It waits for the end of a limit that another call met.
    Pausing,
    /// The API refused the key or token, and another one takes over.
    Replaced,
    /// The program handed over another credential, or had its source read again.
    HandedOver,
    /// The source of the credential was asked again.
    SourceAsked,
    /// A token was asked for.
    TokenAsked,
    /// A refresh token whose answer was lost is sent again, because nothing can be lost by it.
    RefreshTokenResent,
    /// A token was granted.
    TokenGranted,
    /// A token was granted, and something about the answer is odd that changes nothing: an error beside it, or a token type that is not known.
    TokenUnusual,
    /// A token that another process had got was taken over.
    TokenAdopted,
    /// No token could be had.
    TokenDenied,
    /// A person consented, and the tokens are in the store.
    Connected,
    /// What was granted was revoked, at the server and in the store.
    Disconnected,
    /// A login or a revocation came to nothing.
    ConsentFailed,
    /// The refresh token ends soon, or a person has to connect the account again soon.
    RefreshTokenEnding,
    /// Events found no room, because the program takes them too slowly.
    EventsDropped,
    /// Other users of the machine can read the file that the credential came from.
    CredentialExposed,
    /// The files of the client's certificate have changed, and the new one is shown from now on.
    IdentityReplaced,
    /// The files of the client's certificate have changed, cannot be used, and the old one goes on.
    IdentityKept,
}

impl Audited {
    /// The name in lower case with underscores.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Sent => "sent",
            Self::Answered => "answered",
            Self::Repeating => "repeating",
            Self::Pausing => "pausing",
            Self::Replaced => "replaced",
            Self::HandedOver => "handed_over",
            Self::SourceAsked => "source_asked",
            Self::TokenAsked => "token_asked",
            Self::RefreshTokenResent => "refresh_token_resent",
            Self::TokenGranted => "token_granted",
            Self::TokenUnusual => "token_unusual",
            Self::TokenAdopted => "token_adopted",
            Self::TokenDenied => "token_denied",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::ConsentFailed => "consent_failed",
            Self::RefreshTokenEnding => "refresh_token_ending",
            Self::EventsDropped => "events_dropped",
            Self::CredentialExposed => "credential_exposed",
            Self::IdentityReplaced => "identity_replaced",
            Self::IdentityKept => "identity_kept",
        }
    }
}

/// `Severity` is how much attention an [`AuditEvent`] deserves, for those who log it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A call went out or was answered.
    Debug,
    /// Something happened to a token or a key.
    Info,
    /// Something went wrong.
    Warn,
}

impl Audited {
    /// How much attention it deserves.
    pub const fn severity(self) -> Severity {
        match self {
            Self::Refused
            | Self::TokenDenied
            | Self::RefreshTokenResent
            | Self::TokenUnusual
            | Self::Replaced
            | Self::EventsDropped
            | Self::ConsentFailed
            | Self::CredentialExposed
            | Self::IdentityKept => Severity::Warn,
            Self::Sent | Self::Answered => Severity::Debug,
            _ => Severity::Info,
        }
    }
}

/// `AuditEvent` is one thing that happened with a credential: who used it where, what came of it, what was decided. Nothing in it is secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuditEvent {
    /// When, by the shell's clock.
    pub at: UnixTime,
    /// What happened.
    pub what: Audited,
    /// The integration that the credential belongs to, as its owner named it.
    pub integration: Option<String>,
    /// The provider's short name.
    pub provider: String,
    /// The environment.
    pub environment: String,
    /// The method of the request, if it is about one.
    pub method: Option<String>,
    /// The path of the request, without its query.
    pub path: Option<String>,
    /// The status of the answer, if it is about one.
    pub status: Option<u16>,
    /// The id under which we know the request.
    pub request_id: Option<String>,
    /// The id under which the server knows it.
    pub server_request_id: Option<String>,
    /// Which credential it was: the first 16 hexadecimal digits of an HMAC-SHA-256 over it, under a key of the installation's own, so that
    /// it tells credentials apart and cannot be looked up in a table.
    pub fingerprint: Option<String>,
    /// What was decided and why, in one clause.
    pub decision: String,
}

impl AuditEvent {
    /// An event about a connection, with nothing but what and when.
    pub(crate) fn new(connection: &Connection, at: UnixTime, what: Audited, decision: String) -> Self {
        Self {
            at,
            what,
            integration: connection.integration().map(ToOwned::to_owned),
            provider: connection.provider().name().to_owned(),
            environment: connection.environment().to_owned(),
            method: None,
            path: None,
            status: None,
            request_id: None,
            server_request_id: None,
            fingerprint: None,
            decision,
        }
    }

    /// The event of a request that was refused before anything was sent.
    pub fn refused(connection: &Connection, at: UnixTime, method: &str, failure: &Failure) -> Self {
        let decision = format!("{}: {}", failure.kind().name(), failure.what());
        Self { method: Some(method.to_owned()), ..Self::new(connection, at, Audited::Refused, decision) }
    }

    /// The event that so many events found no room, of which `last` was the last.
    #[must_use]
    pub fn dropped(last: &Self, count: u64) -> Self {
        let decision = format!("{count} events were dropped: the program takes them too slowly");
        let (method, path, status) = (None, None, None);
        let (request_id, server_request_id, fingerprint) = (None, None, None);
        let what = Audited::EventsDropped;
        Self { what, method, path, status, request_id, server_request_id, fingerprint, decision, ..last.clone() }
    }

    /// The event of a credential that the program handed over ([`crate::Session::hand_over`]).
    pub fn handed_over(connection: &Connection, at: UnixTime) -> Self {
        Self::new(connection, at, Audited::HandedOver, "another credential was handed over: the next call uses it".into())
    }

    /// The event of a credential whose source other users of the machine can read; `decision` names the
    /// source and the remedy.
    pub fn credential_exposed(connection: &Connection, at: UnixTime, decision: String) -> Self {
        Self::new(connection, at, Audited::CredentialExposed, decision)
    }

    /// The event of a client certificate whose files have changed.
    #[must_use]
    pub fn of_identity(connection: &Connection, at: UnixTime, what: Audited, decision: String) -> Self {
        Self::new(connection, at, what, decision)
    }

    /// The same, with which credential it was.
    #[must_use]
    pub(crate) fn with_credential(mut self, connection: &Connection, authorization: &Authorization) -> Self {
        self.fingerprint = connection.fingerprint_key().map(|key| fingerprint(key, authorization));
        self
    }
}

impl fmt::Display for AuditEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}/{}", self.at, self.what.name(), self.provider, self.environment)?;
        if let (Some(method), Some(path)) = (&self.method, &self.path) {
            write!(f, " {method} {path}")?;
        }
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        write!(f, ": {}", self.decision)
    }
}

fn fingerprint(key: &[u8; 32], authorization: &Authorization) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(authorization.credential_text().as_bytes());
    mac.finalize().into_bytes().iter().take(8).fold(String::with_capacity(16), |text, byte| text + &format!("{byte:02x}"))
}

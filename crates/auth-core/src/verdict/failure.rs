//! `Failure`: what went wrong, whose fault it is, and what to do about it.

use super::processed::Processed;
use super::quote::controls;
use crate::provider::words;
use crate::time::UnixTime;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;

/// `FailureKind` is the class of a [`Failure`]: what a program branches on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The program used the machine against its rules.
    Misuse,
    /// A key or a host belongs to another environment than the one in use; nothing was sent.
    EnvironmentMismatch,
    /// The URL is not https; nothing was sent.
    InsecureTransport,
    /// The URL leads to a host that the credential is not for; nothing was sent.
    ForeignHost,
    /// The API saw no credential, or could not read it.
    CredentialMissing,
    /// The API saw a credential that it could not read: cut off, quoted, with the wrong scheme word.
    CredentialMalformed,
    /// The API does not accept the key: unknown, mistyped, revoked or expired.
    KeyRefused,
    /// The API does not accept the key, which by its age or by the API's own words has expired.
    KeyExpired,
    /// The API does not accept the key, which by its own words was revoked or deleted.
    KeyRevoked,
    /// The API does not accept the access token, and a new one did not help.
    TokenRefused,
    /// The token endpoint refused the grant: id, secret, refresh token or scope.
    GrantRefused,
    /// A person has to consent again: the refresh token is dead or may have been spent.
    ConsentRequired,
    /// The source of the credential (file, variable, callback) gave none.
    SourceUnavailable,
    /// The credential is right, but may not do this.
    PermissionDenied,
    /// The account's plan does not include this.
    PlanRequired,
    /// The call is for enterprise accounts only.
    EnterpriseOnly,
    /// The credential lacks a scope.
    MissingScope,
    /// A person has to sign in again: more recently, by a stronger means, or with claims that the API names.
    StepUpRequired,
    /// The account or business is suspended.
    Suspended,
    /// The account has no credits left.
    InsufficientCredits,
    /// The API asks to slow down; [`Failure::come_back_at`] says until when.
    RateLimited,
    /// The API failed (5xx).
    ServerError,
    /// The token endpoint gave no usable answer.
    TokenEndpoint,
    /// The connection could not be made or was lost.
    Transport,
    /// The server's certificate is not trusted; nothing was sent.
    Untrusted,
    /// The token store could not be read or written.
    Store,
    /// The caller's deadline passed.
    DeadlineExceeded,
    /// The API refused the request for a reason that has nothing to do with authentication.
    RequestRefused,
    /// A redirect led to a host that the credential was not sent to, and what that host answered is not the API's answer.
    RedirectedElsewhere,
    /// The answer began, and its body could not be read to the end.
    Body,
}

impl FailureKind {
    /// Whether what is wrong may pass without anybody changing anything.
    ///
    /// Whether the same call may be sent again depends on the call too: [`Failure::is_retryable`].
    pub const fn may_pass(self) -> bool {
        matches!(
            self,
            Self::RateLimited
                | Self::ServerError
                | Self::TokenEndpoint
                | Self::Transport
                | Self::Store
                | Self::DeadlineExceeded
                | Self::Body
        )
    }
}

words!(named FailureKind:
    Misuse = "misuse", EnvironmentMismatch = "environment_mismatch", InsecureTransport = "insecure_transport", ForeignHost = "foreign_host",
    CredentialMissing = "credential_missing", CredentialMalformed = "credential_malformed", KeyRefused = "key_refused",
    KeyExpired = "key_expired", KeyRevoked = "key_revoked", TokenRefused = "token_refused", GrantRefused = "grant_refused",
    ConsentRequired = "consent_required", SourceUnavailable = "source_unavailable", PermissionDenied = "permission_denied",
    PlanRequired = "plan_required", EnterpriseOnly = "enterprise_only", MissingScope = "missing_scope", StepUpRequired = "step_up_required",
    Suspended = "suspended", InsufficientCredits = "insufficient_credits", RateLimited = "rate_limited", ServerError = "server_error",
    TokenEndpoint = "token_endpoint", Transport = "transport", Untrusted = "untrusted", Store = "store",
    DeadlineExceeded = "deadline_exceeded", RequestRefused = "request_refused",
    RedirectedElsewhere = "redirected_elsewhere", Body = "body");

/// What to do about a call that may have been processed and is not repeated.
const LOOK_FIRST: &str = "nobody knows whether the request was processed, so it was not repeated: look before you send it again";

/// `Failure` is one thing that went wrong: its kind, what the server said, and advice that a person can act on.
///
/// No part of it holds a secret: what a server said is shortened, and the credential in use is taken out of it.
/// `Display` is one line in lower case without a full stop.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    kind: FailureKind,
    what: Cow<'static, str>,
    advice: Cow<'static, str>,
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
    server_request_id: Option<String>,
    request_id: Option<String>,
    come_back_at: Option<UnixTime>,
    limit: Option<String>,
    processed: Processed,
    repeatable: bool,
}

impl Failure {
    /// A failure of a kind, what happened in one clause, and what to do about it. Of itself it is that of a call that was never sent.
    pub fn new(kind: FailureKind, what: impl Into<Cow<'static, str>>, advice: impl Into<Cow<'static, str>>) -> Self {
        let parts = Parts {
            kind,
            what: what.into(),
            advice: advice.into(),
            status: None,
            code: None,
            message: None,
            server_request_id: None,
            request_id: None,
            come_back_at: None,
            limit: None,
            processed: Processed::No,
            repeatable: false,
        };
        Self(Box::new(parts))
    }

    /// A token store that could not be `done` something, in its own words on why.
    pub(crate) fn store(done: &str, why: &str, advice: &'static str) -> Self {
        // Room for a path, what is wrong there, and the command that mends it with the path once more.
        let why: String = why.chars().filter(|c| !controls(*c)).take(600).collect();
        Self::new(FailureKind::Store, format!("the token store could not be {done}: {why}"), advice)
    }

    /// The same, of an answer with this status, and of the call that it answers.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        (self.0.status, self.0.processed) = (Some(status), Processed::by_status(status));
        self
    }

    /// The same, with the id under which the server knows the request.
    #[must_use]
    pub fn with_server_request_id(mut self, id: Option<String>) -> Self {
        self.0.server_request_id = id;
        self
    }

    /// The same, saying whether the server may have acted on the call.
    #[must_use]
    pub fn with_processed(mut self, processed: Processed) -> Self {
        self.0.processed = processed;
        self
    }

    /// The same, of a call that may be sent again whether it was processed or not.
    #[must_use]
    pub fn repeatable(mut self, repeatable: bool) -> Self {
        self.0.repeatable = repeatable;
        self
    }

    /// The same, told to the call that it ends: what became of its request on all of its attempts, and whether it may be repeated even so.
    #[must_use]
    pub(crate) fn of_call(self, id: &str, processed: Processed, repeatable: bool) -> Self {
        let failure = self.with_request_id(id).with_processed(processed).repeatable(repeatable);
        let may_have_been = processed == Processed::Unknown && !repeatable;
        if may_have_been && (failure.kind().may_pass() || failure.status() == Some(408)) {
            failure.advised(LOOK_FIRST.into())
        } else {
            failure
        }
    }

    /// The same, with what an answer said.
    #[must_use]
    pub(crate) fn with_answer(
        mut self,
        status: u16,
        code: Option<String>,
        message: Option<String>,
        server_request_id: Option<String>,
    ) -> Self {
        self.0.code = code;
        self.0.message = message;
        self.with_status(status).with_server_request_id(server_request_id)
    }

    /// The same, with what a redirect said, which has no status.
    #[must_use]
    pub(crate) fn with_code(mut self, code: String, message: Option<String>) -> Self {
        (self.0.code, self.0.message) = (Some(code), message);
        self
    }

    /// The same, with the moment to come back.
    #[must_use]
    pub(crate) fn with_come_back_at(mut self, at: UnixTime) -> Self {
        self.0.come_back_at = Some(at);
        self
    }

    /// The same, with what really happened: status, code, words, server request id and moment of the cause, and what it was.
    ///
    /// A failure that takes the place of another keeps these, so that a person can see the cause.
    #[must_use]
    pub(crate) fn caused_by(mut self, cause: &Self) -> Self {
        let Parts { what, status, code, message, server_request_id, come_back_at, .. } = &*cause.0;
        self.0.what = Cow::Owned(alloc::format!("{}: {what}", self.0.what));
        self.0.status = *status;
        self.0.code.clone_from(code);
        self.0.message.clone_from(message);
        self.0.server_request_id.clone_from(server_request_id);
        self.0.come_back_at = *come_back_at;
        self
    }

    /// The same, told to a call that was not sent because of it: what the server said about another call's request id is not about this one.
    #[must_use]
    pub(crate) fn for_a_call_not_sent(mut self) -> Self {
        self.0.what = Cow::Owned(alloc::format!("{}, as it told an earlier call; this one was not sent", self.0.what));
        self.0.server_request_id = None;
        self
    }

    /// The same, of another kind, with more said about what happened.
    #[must_use]
    pub(crate) fn restated(mut self, kind: FailureKind, more: &str) -> Self {
        self.0.kind = kind;
        self.0.what = Cow::Owned(alloc::format!("{}: {more}", self.0.what));
        self
    }

    /// The same, with other advice.
    #[must_use]
    pub(crate) fn advised(mut self, advice: String) -> Self {
        self.0.advice = Cow::Owned(advice);
        self
    }

    /// The same, with the limit that was reached.
    #[must_use]
    pub(crate) fn with_limit(mut self, limit: Option<String>) -> Self {
        self.0.limit = limit;
        self
    }

    /// The same, of the call with this id.
    #[must_use]
    pub fn with_request_id(mut self, id: &str) -> Self {
        self.0.request_id = Some(id.into());
        self
    }

    /// The class of the failure.
    pub fn kind(&self) -> FailureKind {
        self.0.kind
    }

    /// What happened, in one clause.
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// What to do about it, in words for a person.
    pub fn advice(&self) -> &str {
        &self.0.advice
    }

    /// The HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The server's own error code, such as `INVALID_API_KEY` or `invalid_grant`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The server's own message, shortened and without the credential.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The id under which the server knows the request: what its support will ask for.
    pub fn server_request_id(&self) -> Option<&str> {
        self.0.server_request_id.as_deref()
    }

    /// The id under which the call went out, or would have: ours. A failure that belongs to no exchange of a call has none.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The moment before which the same call cannot succeed, if the server or the machine knows it.
    pub fn come_back_at(&self) -> Option<UnixTime> {
        self.0.come_back_at
    }

    /// Which limit was reached, where the server or the profile says so, such as `day: 5000 per day` or `60 per minute`.
    pub fn limit(&self) -> Option<&str> {
        self.0.limit.as_deref()
    }

    /// Whether the server may have acted on the call: on any of its attempts, if it was sent more than once.
    pub fn processed(&self) -> Processed {
        self.0.processed
    }

    /// Whether the same call may be sent again later without anybody changing anything: what is wrong may pass, and sending it again cannot book twice.
    ///
    /// It cannot if the call was not processed, or if the call is repeatable: by its method (RFC 9110 section 9.2.2), or by the provider's own convention.
    pub fn is_retryable(&self) -> bool {
        self.0.kind.may_pass() && (self.0.processed == Processed::No || self.0.repeatable)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)?;
        match (self.0.status, &self.0.code) {
            (Some(status), Some(code)) => write!(f, " ({status} {code})")?,
            (Some(status), None) => write!(f, " ({status})")?,
            (None, Some(code)) => write!(f, " ({code})")?,
            (None, None) => {}
        }
        if let Some(message) = &self.0.message {
            write!(f, ", the server says {message:?}")?;
        }
        if let Some(limit) = &self.0.limit {
            write!(f, "; the limit is {limit:?}")?;
        }
        if let Some(at) = self.0.come_back_at {
            write!(f, "; come back at {at}")?;
        }
        if !self.0.advice.is_empty() {
            write!(f, "; {}", self.0.advice)?;
        }
        if let Some(id) = &self.0.server_request_id {
            write!(f, " [the server's request id: {id}]")?;
        }
        Ok(())
    }
}

/// `Failure` prints its kind before its line, because a program's `main` shows errors in this form.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.0.kind.name())
    }
}

impl core::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_line_says_what_is_known_and_nothing_else() {
        let bare = Failure::new(FailureKind::RateLimited, "finora asks to slow down", "");
        assert_eq!(format!("{bare}"), "finora asks to slow down");
        assert_eq!(format!("{bare:?}"), "rate_limited: finora asks to slow down");
        assert_eq!((bare.request_id(), bare.status(), bare.code()), (None, None, None));
        let full = Failure::new(FailureKind::RateLimited, "finora asks to slow down", "send fewer requests")
            .with_answer(429, Some("LIMIT".into()), Some("too many".into()), Some("req_7".into()))
            .with_limit(Some("60 per minute".into()))
            .with_come_back_at(UnixTime::from_secs(1_764_000_000))
            .with_request_id("ours-1");
        let line = "finora asks to slow down (429 LIMIT), the server says \"too many\"; the limit is \"60 per minute\"; come back at \
                    2025-11-24T16:00:00Z; send fewer requests [the server's request id: req_7]";
        assert_eq!(format!("{full}"), line);
        assert_eq!((full.request_id(), full.status(), full.code()), (Some("ours-1"), Some(429), Some("LIMIT")));
    }

    #[test]
    fn a_failure_that_replaces_another_keeps_what_happened() {
        let at = UnixTime::from_secs(1_764_000_000);
        let cause = Failure::new(FailureKind::TokenEndpoint, "the token endpoint failed", "try again later")
            .with_answer(503, Some("busy".into()), Some("Maintenance".into()), Some("req_7".into()))
            .with_come_back_at(at);
        let failure = Failure::new(FailureKind::ConsentRequired, "the token may be spent", "connect again").caused_by(&cause);
        assert_eq!((failure.kind(), failure.status(), failure.code()), (FailureKind::ConsentRequired, Some(503), Some("busy")));
        assert_eq!((failure.message(), failure.server_request_id()), (Some("Maintenance"), Some("req_7")));
        assert_eq!((failure.come_back_at(), failure.advice()), (Some(at), "connect again"));
        assert_eq!(failure.what(), "the token may be spent: the token endpoint failed");
    }

    #[test]
    fn only_what_may_pass_by_itself_is_retryable() {
        let retryable = [FailureKind::RateLimited, FailureKind::ServerError, FailureKind::TokenEndpoint, FailureKind::Transport];
        for kind in retryable.into_iter().chain([FailureKind::Store, FailureKind::DeadlineExceeded]) {
            assert!(kind.may_pass() && Failure::new(kind, "", "").is_retryable(), "{kind:?}");
        }
        for kind in [FailureKind::KeyRefused, FailureKind::ConsentRequired, FailureKind::PermissionDenied, FailureKind::Untrusted] {
            assert!(!kind.may_pass() && !Failure::new(kind, "", "").is_retryable(), "{kind:?}");
        }
    }

    #[test]
    fn what_may_book_twice_is_not_retryable_and_says_so() {
        let lost = |processed, repeatable| Failure::new(FailureKind::Transport, "lost", "wait").of_call("id", processed, repeatable);
        let told = |failure: Failure| (failure.processed(), failure.is_retryable(), failure.advice() == LOOK_FIRST);
        assert_eq!(told(lost(Processed::No, false)), (Processed::No, true, false));
        assert_eq!(told(lost(Processed::Unknown, false)), (Processed::Unknown, false, true));
        assert_eq!(told(lost(Processed::Unknown, true)), (Processed::Unknown, true, false));
        let timed_out = Failure::new(FailureKind::RequestRefused, "timed out", "").with_status(408);
        assert_eq!(told(timed_out.of_call("id", Processed::Unknown, false)), (Processed::Unknown, false, true));
    }
}

//! Why a token endpoint gave no token.
//!
//! The order of judgement: the profile's `[[token.error]]`, a code of an RFC whatever the status, words without a token, the status.

use crate::credential::Secret;
use crate::oauth::codes::{self, LOOK_IT_UP, Meaning};
use crate::provider::{GrantKind, Provider, TokenErrorFacts, TokenErrorMeaning};
use crate::time::UnixTime;
use crate::verdict::answer::Response;
use crate::verdict::body::{Body, Said, quote};
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::retry::Cause;
use crate::verdict::{lenient, wait};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use core::time::Duration;
use serde_json::Value;

/// Why there is no token.
#[derive(Debug)]
pub(crate) enum Denied {
    /// The request is refused; asking again does not help.
    Refused(Failure),
    /// What was exchanged (refresh token, code, assertion) is refused: `invalid_grant`, or the vendor's own words for it.
    Dead(Failure),
    /// The same, beside a status that says that the server has trouble: it is asked once more before it is believed.
    Doubtful {
        cause: Cause,
        /// What happened, if it is not believed.
        trouble: Failure,
        /// What it means, if it is believed.
        refusal: Failure,
    },
    /// The answer tells nothing about the grant; asking again may help.
    Unclear(Cause, Failure),
}

impl Denied {
    /// What to tell where the request cannot be repeated.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Refused(failure) | Self::Dead(failure) | Self::Doubtful { refusal: failure, .. } | Self::Unclear(_, failure) => failure,
        }
    }
}

/// An answer without a token, as it is judged.
pub(super) struct Denial<'a> {
    pub(super) provider: &'a Provider,
    pub(super) asked: GrantKind,
    pub(super) response: &'a Response<'a>,
    pub(super) body: &'a Body,
    pub(super) now: UnixTime,
    pub(super) secrets: &'a [&'a Secret],
}

impl Denial<'_> {
    pub(super) fn read(&self) -> Denied {
        let status = self.response.status;
        let codes = self.body.codes();
        let (code_paths, message_paths) = self.provider.error_paths();
        let mut said = self.body.said(code_paths, message_paths, self.secrets);
        if let Some(facts) = self.provider.token_error(status, &codes, self.body) {
            return self.documented(facts, said);
        }
        let known = codes.iter().find_map(|code| {
            let code = code.trim().to_ascii_lowercase();
            codes::at_token_endpoint(self.provider, self.asked, &code).map(|meaning| (code, meaning))
        });
        if let Some((code, meaning)) = known {
            said.code = Some(quote(&code, self.secrets));
            return self.by_code(&code, &meaning, said);
        }
        match status {
            200..300 => self.without_a_token(said),
            429 => self.limited(said, None),
            408 | 500.. => self.trouble(Cause::ServerError, said, None),
            // RFC 6749 gives this status no meaning: a firewall, or a proxy, turned the request away.
            403 if self.body.is_formless() => self.trouble(Cause::Unprocessed, said, None),
            // RFC 6749 section 5.2: the client was not authenticated, whatever a vendor's own code is.
            401 => self.client_refused(said),
            _ if said.code.is_some() => Denied::Refused(self.failure(FailureKind::GrantRefused, "refused the grant", LOOK_IT_UP, said)),
            403 => self.client_refused(said),
            _ => {
                let advice = "compare token_url and client_auth with the API's documentation";
                Denied::Refused(self.failure(FailureKind::GrantRefused, "refused the request", advice, said))
            }
        }
    }

    /// What the vendor documents of its token endpoint.
    fn documented(&self, facts: &TokenErrorFacts, said: Said) -> Denied {
        let come_back = facts.come_back_seconds.map(Duration::from_secs);
        match facts.means {
            TokenErrorMeaning::ConsentRequired => {
                let advice =
                    "the vendor's words say that the refresh token is expired or already used: a person has to connect the account again";
                Denied::Dead(self.failure(FailureKind::ConsentRequired, "refused the grant", advice, said))
            }
            TokenErrorMeaning::TooEarly => {
                let advice = "nothing is wrong: a new token is granted only when the one before has nearly ended";
                let failure = self.failure(FailureKind::RateLimited, "grants no new token yet", advice, said);
                let latest = come_back.map(|span| self.now.after(span));
                let at = self.named(true).into_iter().chain(latest).min();
                Denied::Unclear(Cause::RateLimited, at_moment(failure, at))
            }
            TokenErrorMeaning::RateLimited => self.limited(said, come_back),
            TokenErrorMeaning::ServerError => self.trouble(Cause::ServerError, said, come_back),
            TokenErrorMeaning::ClientRefused => self.client_refused(said),
        }
    }

    fn by_code(&self, code: &str, meaning: &Meaning, said: Said) -> Denied {
        let status = self.response.status;
        match *meaning {
            Meaning::Trouble(cause) => self.trouble(cause, said, None),
            Meaning::Refused(kind, advice) => {
                let refusal = self.failure(kind, "refused the grant", advice, said.clone());
                match (code == "invalid_grant", status) {
                    (false, _) => Denied::Refused(refusal),
                    (true, 429 | 500..) => {
                        let denied = if status == 429 { self.limited(said, None) } else { self.trouble(Cause::ServerError, said, None) };
                        let cause = if let Denied::Unclear(cause, _) = denied { cause } else { Cause::ServerError };
                        Denied::Doubtful { cause, trouble: denied.into_failure(), refusal }
                    }
                    (true, _) => Denied::Dead(refusal),
                }
            }
        }
    }

    /// A success without a token: the server's words say why, or nothing does.
    fn without_a_token(&self, said: Said) -> Denied {
        let object = self.body.object();
        if !self.body.is_formless() && (said.code.is_some() || said.message.is_some()) {
            let advice = if said.code.is_some() { LOOK_IT_UP } else { "the server's words say why: ask its support if they do not help" };
            return Denied::Refused(self.failure(FailureKind::GrantRefused, "granted no token", advice, said));
        }
        let why: Cow<'static, str> = match object.map(|object| object.get("access_token")) {
            Some(None) => "has no access_token".into(),
            Some(Some(Value::String(_))) => "has an empty access_token".into(),
            Some(Some(_)) => "has an access_token that is not text".into(),
            None => match lenient::parse(self.response.body) {
                Ok(_) => "is JSON, but not an object".into(),
                Err(error) => shape(self.response.body, &error),
            },
        };
        not_understood(self.provider, self.response.status, &why)
    }

    fn limited(&self, said: Said, come_back: Option<Duration>) -> Denied {
        let advice = "fetch fewer tokens: keep one session for each account";
        let failure = self.failure(FailureKind::RateLimited, "asks to slow down", advice, said);
        let at = self.named(true).or_else(|| come_back.map(|span| self.now.after(span)));
        Denied::Unclear(Cause::RateLimited, at_moment(failure, at))
    }

    fn trouble(&self, cause: Cause, said: Said, come_back: Option<Duration>) -> Denied {
        let (what, advice) = if self.response.status == 403 {
            (
                "was not asked: something in front of it turned the request away",
                "look for a firewall or proxy in between, or try again later",
            )
        } else {
            ("failed", "the fault is on the server's side: try again later")
        };
        let failure = self.failure(FailureKind::TokenEndpoint, what, advice, said);
        let at = self.named(false).or_else(|| come_back.map(|span| self.now.after(span)));
        Denied::Unclear(cause, at_moment(failure, at))
    }

    fn client_refused(&self, said: Said) -> Denied {
        let place = self.provider.where_to_obtain().map_or(String::new(), |place| format!("; they come from {place}"));
        let advice = format!("check client id and secret, and the environment they were issued for{place}");
        Denied::Refused(self.failure(FailureKind::GrantRefused, "does not accept the client", advice, said))
    }

    /// The moment to come back that the answer names.
    fn named(&self, limited: bool) -> Option<UnixTime> {
        wait::named_by(self.provider, self.response, self.body, limited, self.now)
    }

    fn failure(&self, kind: FailureKind, what: &str, advice: impl Into<Cow<'static, str>>, said: Said) -> Failure {
        let what = format!("the token endpoint of {} {what}", self.provider.name());
        Failure::new(kind, what, advice).with_answer(self.response.status, said.code, said.message, None)
    }
}

fn at_moment(failure: Failure, at: Option<UnixTime>) -> Failure {
    match at {
        Some(at) => failure.with_come_back_at(at),
        None => failure,
    }
}

/// What a body is that is not JSON.
fn shape(body: &[u8], error: &serde_json::Error) -> Cow<'static, str> {
    let text = body.trim_ascii_start();
    if text.is_empty() {
        "is empty".into()
    } else if text.starts_with(b"<") {
        "is a web page: a proxy, a login page or a wrong token_url answered".into()
    } else if error.is_eof() {
        "is JSON that was cut off".into()
    } else {
        format!("is not JSON (line {}, column {})", error.line(), error.column()).into()
    }
}

pub(super) fn not_understood(provider: &Provider, status: u16, why: &str) -> Denied {
    let what = format!("the answer of the token endpoint of {} {why}", provider.name());
    let failure =
        Failure::new(FailureKind::TokenEndpoint, what, "compare token_url with the API's documentation, and look for a proxy in between");
    Denied::Unclear(Cause::NotUnderstood, failure.with_answer(status, None, None, None))
}

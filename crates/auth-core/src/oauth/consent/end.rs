//! Revocation: the tokens end at the server before they leave the store (RFC 7009).

use super::{At, Consent, Then, Way};
use crate::credential::Secret;
use crate::oauth::codes::{self, Meaning};
use crate::oauth::endpoints::missing;
use crate::provider::GrantKind;
use crate::time::UnixTime;
use crate::token::record::Record;
use crate::token::request::TokenRequest;
use crate::verdict::answer::Response;
use crate::verdict::body::Body;
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::retry::Cause;
use crate::verdict::wait;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The tokens that are still to be revoked, the next one last.
#[derive(Default)]
pub(super) struct Tokens {
    left: Vec<(Kind, Secret)>,
    claimed: bool,
}

/// What a token is, as the server is hinted (RFC 7009 section 2.1).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Access,
    Refresh,
}

impl Tokens {
    /// Whether the server has ended all of them.
    pub(super) fn are_revoked(&self) -> bool {
        self.claimed && self.left.is_empty()
    }

    /// Whether the store's lease is held.
    pub(super) fn is_claimed(&self) -> bool {
        self.claimed
    }
}

impl Consent {
    /// The lease is here: the newest tokens are the store's or the session's. The refresh token goes first, because most servers end the access tokens with it, and
    /// because it is the one that lasts.
    pub(super) fn begin_to_revoke(&mut self, now: UnixTime, stored: Option<Record>) {
        if let Some(stored) = stored.filter(|stored| stored.grant == self.record.grant && stored.generation >= self.record.generation) {
            self.record = stored;
        }
        let access = self.record.access_token.clone().map(|token| (Kind::Access, token));
        let refresh = self.record.refresh_token.clone().map(|token| (Kind::Refresh, token));
        self.way = Way::End(Tokens { left: access.into_iter().chain(refresh).collect(), claimed: true });
        self.at = At::Resting(now, Then::Revoke);
    }

    /// The request for the next token; without one, the store is cleared.
    pub(super) fn revoke(&mut self, now: UnixTime) -> Option<TokenRequest> {
        let Way::End(tokens) = &self.way else { return None };
        let Some((kind, token)) = tokens.left.last().cloned() else {
            self.record = self.cleared();
            self.at = At::Save;
            return None;
        };
        let Some(url) = self.connection.endpoints().revocation.clone() else {
            self.fail(missing(self.connection.provider(), "revocation endpoint", "revocation_url"));
            return None;
        };
        let hint = if kind == Kind::Refresh { "refresh_token" } else { "access_token" };
        self.at = At::ExpectRevoked;
        Some(self.request(now, &url, &[("token", token.expose()), ("token_type_hint", hint)]))
    }

    /// RFC 7009 section 2.2: a success says that the token is good for nothing, whether the server knew it or not, unless it holds an error.
    pub(super) fn revoked(&mut self, now: UnixTime, response: &Response<'_>) {
        let Way::End(tokens) = &mut self.way else { return };
        let Some((kind, token)) = tokens.left.last().cloned() else { return };
        let provider = self.connection.provider();
        let body = Body::read(response.body);
        let said = body.said(&[], &[], &self.grant.client.secret().iter().chain([&token]).collect::<Vec<_>>());
        let codes: Vec<String> = body.codes().iter().map(|code| code.trim().to_ascii_lowercase()).collect();
        let unsupported = codes.iter().any(|code| code == "unsupported_token_type");
        let meaning = codes.iter().find_map(|code| codes::at_token_endpoint(provider, GrantKind::RefreshToken, code));
        let is_trouble = matches!(meaning, Some(Meaning::Trouble(_)));
        let (failure_kind, advice) = match response.status {
            200..300 if meaning.is_none() && !unsupported => {
                tokens.left.pop();
                (self.attempts, self.at) = (0, At::Resting(now, Then::Revoke));
                return;
            }
            // RFC 7009 section 2.2.1. An access token that cannot be revoked ends by itself.
            _ if unsupported && kind == Kind::Access => {
                tokens.left.pop();
                self.at = At::Resting(now, Then::Revoke);
                return;
            }
            429 => (FailureKind::RateLimited, "nothing changed: revoke again later"),
            408 | 500.. => (FailureKind::ServerError, "the fault is on the server's side: revoke again later"),
            _ if is_trouble => (FailureKind::ServerError, "the fault is on the server's side: revoke again later"),
            403 if body.is_formless() => (FailureKind::ServerError, "look for a firewall or proxy in between, or revoke again later"),
            _ if unsupported => (FailureKind::GrantRefused, "end the consent where the person gave it, in the account's settings"),
            _ => (FailureKind::GrantRefused, "compare revocation_url and client_auth with the API's documentation"),
        };
        let what = format!("{} did not revoke the {} token", provider.name(), if kind == Kind::Refresh { "refresh" } else { "access" });
        let failure = Failure::new(failure_kind, what, advice).with_answer(response.status, said.code, said.message, None);
        let limited = response.status == 429;
        let at = wait::named_by(provider, response, &body, limited, now);
        let failure = at.map_or(failure.clone(), |at| failure.with_come_back_at(at));
        match failure_kind {
            FailureKind::RateLimited => self.again(now, Cause::RateLimited, failure, Then::Revoke),
            FailureKind::ServerError => self.again(now, Cause::ServerError, failure, Then::Revoke),
            _ => self.fail(failure),
        }
    }
}

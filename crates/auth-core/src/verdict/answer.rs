//! What an API's answer to a request means.

use super::body::{Body, quote};
use super::challenge::{Challenge, challenges};
use super::failure::{Failure, FailureKind};
use super::processed::Processed;
use super::wait::Stated;
use super::{limit, wait};
use crate::credential::Secret;
use crate::headers::{self, Headers};
use crate::provider::Provider;
use crate::time::UnixTime;
use alloc::borrow::Cow;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// `Response` is what the machine is shown of an HTTP response: never more than it needs, and nothing is taken away from the caller.
#[derive(Clone, Copy)]
pub struct Response<'a> {
    /// The status code (RFC 9110 section 15).
    pub status: u16,
    /// The header fields.
    pub headers: &'a dyn Headers,
    /// For a token answer the whole body, up to one byte more than [`crate::MAX_TOKEN_ANSWER`]; for the answer to the caller's own request the first
    /// bytes (64 KiB are plenty) when the status is 400 or above, else nothing.
    pub body: &'a [u8],
}

/// Whether a status is a success (RFC 9110 section 15.3), which ends a call without a look at the rest of the answer.
pub fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// The class of an answer: what the machine acts on.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is the caller's: a success, or a redirect that is not followed.
    Fine,
    /// The credential was not accepted, and nothing was processed (RFC 9110 section 15.5.2).
    Unauthorized(Failure),
    /// The API asks to slow down, and nothing was processed (RFC 6585 section 4).
    Limited(Failure, Option<Stated>),
    /// The server failed; whether it processed the request is not known, unless the profile says.
    Broken(Failure, Option<UnixTime>),
    /// The caller's, with what is wrong.
    Refused(Failure),
}

impl Verdict {
    /// Whether the server may have acted on the request, by this answer.
    pub(crate) fn processed(&self) -> Processed {
        match self {
            Self::Fine => Processed::Yes,
            Self::Unauthorized(failure) | Self::Limited(failure, _) | Self::Broken(failure, _) | Self::Refused(failure) => {
                failure.processed()
            }
        }
    }
}

/// Reads an answer; `secrets` are taken out of whatever is quoted from it.
pub(crate) fn read(provider: &Provider, response: &Response<'_>, now: UnixTime, secrets: &[&Secret]) -> Verdict {
    if response.status < 400 {
        return Verdict::Fine;
    }
    let body = Body::read(response.body);
    let (code_paths, message_paths) = provider.error_paths();
    let mut said = body.said(code_paths, message_paths, secrets);
    let challenge = matches!(response.status, 401 | 403).then(|| bearer(response.headers)).flatten();
    if let Some(challenge) = &challenge {
        let quoted = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(|text| quote(text, secrets));
        said.code = said.code.or_else(|| quoted(challenge.error()));
        said.message = said.message.or_else(|| quoted(challenge.error_description()));
    }
    let request_id = server_request_id(provider, response.headers, &body, secrets);
    let documented = said.code.as_deref().and_then(|code| provider.meaning_of_code(response.status, code));
    let demanded = || challenge.as_ref().and_then(|challenge| demand(challenge, secrets));
    let (kind, advice, demanded) = match documented {
        Some((kind, advice)) => (kind, advice.to_owned().into(), false),
        None => match demanded() {
            Some((kind, advice)) => (kind, advice.into(), true),
            None => meaning(provider, response.status),
        },
    };
    let what = format!("{} {}", provider.name(), what_happened(kind));
    let processed = provider.processed_by(response.status, said.code.as_deref()).unwrap_or(Processed::by_status(response.status));
    let failure =
        Failure::new(kind, what, advice).with_answer(response.status, said.code, said.message, request_id).with_processed(processed);
    let limited = response.status == 429 || kind == FailureKind::RateLimited;
    let come_back_at = || wait::named_by(provider, response, &body, limited, now);
    match response.status {
        _ if limited => {
            let at = come_back_at();
            let unreadable = || wait::is_unreadable(response.headers).then_some(Stated::Unreadable);
            let limit = limit::reached(provider, response.headers, &body, now).map(|limit| quote(&limit, secrets));
            let failure = failure.with_limit(limit);
            let stated = at.map(Stated::At).or_else(unreadable);
            Verdict::Limited(at.map_or(failure.clone(), |at| failure.with_come_back_at(at)), stated)
        }
        // What is demanded is another token than the session can get: neither the next key nor a renewal would help.
        401 if !demanded => Verdict::Unauthorized(failure),
        500 | 502..=504 => Verdict::Broken(failure, come_back_at()),
        _ => Verdict::Refused(failure),
    }
}

/// The challenge that says most of what is wrong with a bearer token: the one with an error, else the one with a claims request.
///
/// `DPoP` has the parameters of `Bearer` (RFC 9449 section 7.1).
fn bearer(headers: &dyn Headers) -> Option<Challenge> {
    let mut bearers: Vec<Challenge> = challenges(headers);
    bearers.retain(|challenge| challenge.is("bearer") || challenge.is("dpop"));
    let with = |told: fn(&Challenge) -> bool| bearers.iter().position(told);
    let demands = |challenge: &Challenge| demand(challenge, &[]).is_some();
    let best = with(demands).or_else(|| with(|challenge| challenge.error().is_some()))?;
    Some(bearers.swap_remove(best))
}

/// What a challenge demands that the credential in use cannot give: a scope, or that a person signs in again.
fn demand(challenge: &Challenge, secrets: &[&Secret]) -> Option<(FailureKind, String)> {
    let quoted = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(|text| quote(text, secrets));
    match (challenge.error(), challenge.claims()) {
        (Some("insufficient_scope"), _) => {
            let advice = match quoted(challenge.scope()) {
                Some(scope) => format!("this call needs the scope {scope:?}: have it granted to the credential, then fetch a new token"),
                None => "this call needs a scope that the token does not have: see the API's documentation for which".into(),
            };
            Some((FailureKind::MissingScope, advice))
        }
        (Some("insufficient_user_authentication"), _) => {
            let acr = quoted(challenge.acr_values()).map_or(String::new(), |acr| format!(" with acr_values {acr:?}"));
            let age = challenge.max_age().map_or(String::new(), |age| format!(", at most {} s before the call (max_age)", age.as_secs()));
            let advice =
                format!("a person has to sign in again{acr}{age}: put that into the authorization request, then use the new token");
            Some((FailureKind::StepUpRequired, advice))
        }
        (_, Some(claims)) => {
            let claims = quote(&claims, secrets);
            Some((
                FailureKind::StepUpRequired,
                format!("a new token is needed, asked for with the claims {claims}: a person may have to sign in"),
            ))
        }
        _ => None,
    }
}

/// The id under which the server knows a request: from its header or from its body.
fn server_request_id(provider: &Provider, response: &dyn Headers, body: &Body, secrets: &[&Secret]) -> Option<String> {
    let own = headers::first(response, provider.request_id_header());
    own.or_else(|| provider.request_id_paths().iter().find_map(|path| body.at(path))).map(|id| quote(&id, secrets))
}

/// What a status means: as the vendor documents it, else as RFC 9110 does. Nothing is demanded by it.
fn meaning(provider: &Provider, status: u16) -> (FailureKind, Cow<'static, str>, bool) {
    if let Some((kind, advice)) = provider.meaning_of_status(status) {
        return (kind, advice.to_owned().into(), false);
    }
    let obtain = || provider.where_to_obtain().map_or(String::new(), |place| format!("; credentials come from {place}"));
    let (kind, advice) = match status {
        401 => (
            FailureKind::KeyRefused,
            format!("check that the credential is the one issued, for this environment, and not revoked or expired{}", obtain()).into(),
        ),
        402 => (FailureKind::PlanRequired, "the account's plan or balance does not cover this call".into()),
        403 => (
            FailureKind::PermissionDenied,
            "the credential is valid but not allowed to do this: extend its role or scope, or leave the call out".into(),
        ),
        407 => (FailureKind::Transport, "the proxy wants a user name and password: put them into the proxy's URL".into()),
        429 => (FailureKind::RateLimited, "send fewer requests, or wait until the limit's window is over".into()),
        500.. => (
            FailureKind::ServerError,
            "the fault is on the server's side: try again later, and give its request id to its support if it stays".into(),
        ),
        _ => (FailureKind::RequestRefused, Cow::Borrowed("")),
    };
    (kind, advice, false)
}

fn what_happened(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::CredentialMissing => "saw no credential",
        FailureKind::KeyRefused | FailureKind::TokenRefused => "does not accept the credential",
        FailureKind::PermissionDenied | FailureKind::MissingScope => "does not permit this call",
        FailureKind::StepUpRequired => "wants another sign-in for this call",
        FailureKind::PlanRequired => "does not include this in the account's plan",
        FailureKind::EnterpriseOnly => "keeps this for enterprise accounts",
        FailureKind::Suspended => "has suspended the account",
        FailureKind::InsufficientCredits => "has no credits left for this account",
        FailureKind::RateLimited => "asks to slow down",
        FailureKind::ServerError => "failed",
        FailureKind::Transport => "was not reached",
        _ => "refused the request",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    const NOW: UnixTime = UnixTime::from_secs(1_764_000_000);

    fn verdict(provider: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Verdict {
        let provider = Provider::builtin(provider).unwrap();
        read(&provider, &Response { status, headers: &headers, body: body.as_bytes() }, NOW, &[])
    }

    #[test]
    fn a_success_is_the_callers() {
        assert!(matches!(verdict("finora", 200, &[], "{}"), Verdict::Fine));
        assert!(matches!(verdict("adaas", 204, &[], ""), Verdict::Fine));
    }

    #[test]
    fn finoras_enterprise_module_is_explained() {
        let body = r#"{"success":false,"error":{"code":"ENTERPRISE_ONLY","message":"Enterprise plan required","requestId":"req_7"}}"#;
        let Verdict::Refused(failure) = verdict("finora", 403, &[], body) else { panic!() };
        assert_eq!(failure.kind(), FailureKind::EnterpriseOnly);
        assert_eq!(failure.server_request_id(), Some("req_7"));
        let line = failure.to_string();
        assert!(line.contains("403 ENTERPRISE_ONLY") && line.contains("enterprise provisioning"), "{line}");
    }

    #[test]
    fn a_limit_carries_its_moment() {
        let Verdict::Limited(failure, at) = verdict("numora", 429, &[("retry-after", "5"), ("x-request-id", "r1")], "") else { panic!() };
        let five = UnixTime::from_secs(1_764_000_005);
        assert_eq!(at, Some(Stated::At(five)));
        assert_eq!((failure.come_back_at(), failure.server_request_id()), (Some(five), Some("r1")));
    }

    #[test]
    fn a_401_without_a_known_code_still_has_advice() {
        let Verdict::Unauthorized(failure) = verdict("numeric", 401, &[], "") else { panic!() };
        assert!(failure.advice().contains("account team"), "{failure}");
    }

    #[test]
    fn what_a_challenge_demands_is_no_reason_to_drop_the_credential() {
        let header = r#"Bearer error="insufficient_user_authentication", acr_values="gold", max_age="60""#;
        let Verdict::Refused(failure) = verdict("numeric", 401, &[("www-authenticate", header)], "") else { panic!() };
        assert_eq!((failure.kind(), failure.code()), (FailureKind::StepUpRequired, Some("insufficient_user_authentication")));
        assert!(failure.advice().contains("gold") && failure.advice().contains("60 s"), "{failure}");
    }

    #[test]
    fn the_vendors_word_on_a_code_goes_before_the_challenge_and_that_before_its_word_on_a_status() {
        let header = [("www-authenticate", r#"Bearer error="insufficient_scope", scope="reports""#)];
        let Verdict::Refused(failure) = verdict("numora", 403, &header, r#"{"error":{"code":"forbidden"}}"#) else { panic!() };
        assert_eq!(failure.kind(), FailureKind::PermissionDenied);
        let Verdict::Refused(failure) = verdict("adaas", 403, &header, r#"{"error":{"error":"Forbidden"}}"#) else { panic!() };
        assert_eq!(failure.kind(), FailureKind::MissingScope);
        assert!(failure.advice().contains("\"reports\""), "{failure}");
    }

    #[test]
    fn an_answer_that_has_nothing_to_do_with_authentication_is_left_alone() {
        let Verdict::Refused(failure) = verdict("numeric", 404, &[], "") else { panic!() };
        assert_eq!((failure.kind(), failure.advice()), (FailureKind::RequestRefused, ""));
    }

    #[test]
    fn a_status_that_the_vendor_says_nothing_about_means_what_the_rfc_says() {
        for (status, kind) in [
            (402, FailureKind::PlanRequired),
            (403, FailureKind::PermissionDenied),
            (407, FailureKind::Transport),
            (409, FailureKind::RequestRefused),
        ] {
            let Verdict::Refused(failure) = verdict("exact", status, &[], "") else { panic!("{status}") };
            assert_eq!(failure.kind(), kind, "{status}");
        }
        for status in [500, 502, 503, 504] {
            assert!(matches!(verdict("exact", status, &[], ""), Verdict::Broken(..)), "{status}");
        }
        // What a server does not offer, it does not offer later either.
        assert!(matches!(verdict("exact", 501, &[], ""), Verdict::Refused(_)));
    }

    #[test]
    fn a_limit_is_one_by_its_status_and_by_the_vendors_word() {
        let profile = r#"
            name = "made-up"
            title = "Made up"
            [[environment]]
            name = "production"
            base_url = "https://api.made-up.example"
            source = "https://www.rfc-editor.org/rfc/rfc9110"
            [attach]
            header = "X-API-Key"
            scheme = ""
            source = "https://www.rfc-editor.org/rfc/rfc9110"
            [key]
            source = "https://www.rfc-editor.org/rfc/rfc9110"
            [[key.format]]
            prefix = ""
            alphabet = "visible"
            min_length = 1
            source = "https://www.rfc-editor.org/rfc/rfc9110"
            [[error.meaning]]
            status = 403
            code = "slow_down"
            means = "rate_limited"
            advice = "send fewer requests"
            source = "https://www.rfc-editor.org/rfc/rfc9110"
            [[error.meaning]]
            status = 429
            code = "no_credits"
            means = "insufficient_credits"
            advice = "buy some"
            source = "https://www.rfc-editor.org/rfc/rfc9110"
        "#;
        let provider = Provider::from_toml(profile).unwrap();
        for (status, body) in [(403, r#"{"code": "slow_down"}"#), (429, r#"{"code": "no_credits"}"#)] {
            let headers: &[(&str, &str)] = &[("retry-after", "5")];
            let verdict = read(&provider, &Response { status, headers: &headers, body: body.as_bytes() }, NOW, &[]);
            assert!(matches!(verdict, Verdict::Limited(_, Some(_))), "{status}");
        }
    }

    #[test]
    fn each_kind_of_failure_has_words_of_its_own() {
        use FailureKind::*;
        let kinds = [
            CredentialMissing,
            KeyRefused,
            PermissionDenied,
            StepUpRequired,
            PlanRequired,
            EnterpriseOnly,
            Suspended,
            InsufficientCredits,
            RateLimited,
            ServerError,
            Transport,
            RequestRefused,
        ];
        let mut words: Vec<&str> = kinds.into_iter().map(what_happened).collect();
        assert!(words.iter().all(|words| words.len() > 5), "{words:?}");
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), kinds.len(), "{words:?}");
        assert_eq!(
            (what_happened(TokenRefused), what_happened(MissingScope)),
            (what_happened(KeyRefused), what_happened(PermissionDenied))
        );
    }
}

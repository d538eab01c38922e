//! What a token endpoint answered: RFC 6749 sections 5.1 and 5.2, and what servers make of them.

use super::denied::{Denial, Denied, not_understood};
use crate::credential::Secret;
use crate::headers;
use crate::provider::{GrantKind, Provider};
use crate::time::UnixTime;
use crate::verdict::answer::{Response, is_success};
use crate::verdict::body::{Body, Said, quote};
use crate::verdict::failure::{Failure, FailureKind};
use alloc::format;
use alloc::string::String;
use core::time::Duration;
use serde_json::{Map, Value};

/// The longest token answer that is read: 1 MiB, because the largest real ones (JWTs full of claims) have some 100 KiB.
pub const MAX_TOKEN_ANSWER: usize = 1 << 20;

/// The lifetime taken when neither the answer nor the profile names one: an hour, because that is what most APIs grant; a token that ends earlier is renewed on its first 401.
const USUAL_LIFETIME: Duration = Duration::from_hours(1);

/// No token is taken to live longer than this: 10 years, because a larger number is a mistake in units.
const LONGEST_LIFETIME: Duration = Duration::from_hours(87840);

/// Token types that a bearer token's header cannot carry, because each call has to prove more, or because they are no access tokens: the IANA registry
/// "OAuth Access Token Types", and a draft of RFC 6749's days.
const NOT_BEARER: [&str; 4] = ["mac", "dpop", "pop", "n_a"];

/// What was granted. It is stored before anything else is made of it.
#[derive(Debug)]
pub(crate) struct Granted {
    /// `None` if there is none that can be sent: [`Granted::unusable`] says why.
    pub(crate) access_token: Option<Secret>,
    pub(crate) lifetime: Duration,
    /// `None`: the server named no new one, so the old one stays (RFC 6749 section 6).
    pub(crate) refresh_token: Option<Secret>,
    /// How long the refresh token lives, if the server says so.
    pub(crate) refresh_lifetime: Option<Duration>,
    /// The scopes, if they are said: they have to be where they differ from what was asked for (RFC 6749 section 5.1).
    pub(crate) scope: Option<String>,
    /// Why no call can be sent with it.
    pub(crate) unusable: Option<Failure>,
    /// What is odd about it and changes nothing, for the audit.
    pub(crate) oddity: Option<String>,
}

/// Reads the answer to a request for a grant; `secrets` are taken out of whatever is quoted from it.
///
/// A success with a non-empty `access_token` is a grant, whatever else it says.
pub(crate) fn read(
    provider: &Provider,
    asked: GrantKind,
    response: &Response<'_>,
    now: UnixTime,
    secrets: &[&Secret],
) -> Result<Granted, Denied> {
    if response.body.len() > MAX_TOKEN_ANSWER {
        return Err(not_understood(provider, response.status, &format!("is longer than {MAX_TOKEN_ANSWER} bytes")));
    }
    if (300..400).contains(&response.status) {
        // The target without its query, which may carry what was sent.
        let target = headers::first(response.headers, "location");
        let target = target.and_then(|target| target.split(['?', '#']).next().map(|place| quote(place, secrets)));
        let to = target.filter(|target| !target.is_empty()).map_or(String::new(), |target| format!(" to {target}"));
        let what =
            format!("the token endpoint of {} redirects{to}, which is refused: the secret would go to another address", provider.name());
        return Err(Denied::Refused(
            Failure::new(FailureKind::TokenEndpoint, what, "set token_url to the endpoint's present address").with_status(response.status),
        ));
    }
    let body = Body::read(response.body);
    let denial = Denial { provider, asked, response, body: &body, now, secrets };
    let object = body.object().filter(|_| is_success(response.status));
    let silent = || body.said(&[], &[], secrets) == Said::default();
    let granted = object.and_then(|object| granted(provider, response.status, object, silent, secrets));
    granted.ok_or_else(|| denial.read())
}

/// What a success grants: an access token, or at least a refresh token beside nothing that refuses it.
fn granted(
    provider: &Provider,
    status: u16,
    object: &Map<String, Value>,
    silent: impl FnOnce() -> bool,
    secrets: &[&Secret],
) -> Option<Granted> {
    let text = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let access_token = text("access_token");
    let refresh_token = text("refresh_token").filter(|token| is_whole(token));
    let error = text("error").filter(|error| !error.trim().is_empty());
    if access_token.is_none() && (refresh_token.is_none() || !silent()) {
        return None;
    }
    let kind = text("token_type").map_or("", str::trim);
    let is_bearer = kind.is_empty() || kind.eq_ignore_ascii_case("bearer") || kind.eq_ignore_ascii_case(provider.attach_scheme());
    let unusable = unusable(provider, status, access_token, kind, secrets);
    let oddity = match (error, is_bearer) {
        (Some(error), _) => Some(format!("a token was granted, beside the error {:?}", quote(error, secrets))),
        (None, false) => Some(format!("a token of the type {:?} was granted: it is sent as {}", quote(kind, secrets), scheme(provider))),
        (None, true) => None,
    };
    let lifetime = object.get("expires_in").and_then(lifetime).or(provider.token_lifetime()).unwrap_or(USUAL_LIFETIME);
    // No standard names this field; these are two vendors' words for it.
    let announced = || object.get("refresh_token_expires_in").or_else(|| object.get("x_refresh_token_expires_in"));
    Some(Granted {
        access_token: access_token.filter(|_| unusable.is_none()).map(Secret::from),
        lifetime,
        refresh_token: refresh_token.map(Secret::from),
        refresh_lifetime: announced().and_then(self::lifetime),
        scope: text("scope").map(|scope| quote(scope, secrets)),
        oddity: oddity.filter(|_| unusable.is_none()),
        unusable,
    })
}

/// Why what was granted cannot be sent with a call.
fn unusable(provider: &Provider, status: u16, access_token: Option<&str>, kind: &str, secrets: &[&Secret]) -> Option<Failure> {
    let (what, advice, message) = if access_token.is_none() {
        let advice = "compare token_url with the API's documentation, and look for a proxy in between";
        ("granted a refresh token without an access token that is text".into(), advice, None)
    } else if NOT_BEARER.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        let what = format!("granted a token of a type that cannot be sent as {}", scheme(provider));
        (what, "register the client for bearer tokens (RFC 6750)", Some(quote(kind, secrets)))
    // RFC 6749 appendix A.12; a line break in it would break out of the header.
    } else if access_token.is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
        let advice = "report it to the API's support: what was granted is stored, and a token of another form is used when it comes";
        ("granted an access token with characters that no header can carry".into(), advice, None)
    } else {
        return None;
    };
    let what = format!("the token endpoint of {} {what}", provider.name());
    Some(Failure::new(FailureKind::TokenEndpoint, what, advice).with_answer(status, None, message, None))
}

/// Whether every character of a refresh token could be read.
fn is_whole(token: &str) -> bool {
    !token.contains(char::REPLACEMENT_CHARACTER)
}

/// The scheme in words.
fn scheme(provider: &Provider) -> &str {
    Some(provider.attach_scheme()).filter(|scheme| !scheme.is_empty()).unwrap_or("a key")
}

/// A lifetime in seconds: a number, or a text that is one. What no lifetime can be (zero, negative, not a number) counts as not said.
fn lifetime(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    (seconds > 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_LIFETIME).min(LONGEST_LIFETIME))
}

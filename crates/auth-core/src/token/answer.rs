//! What a token endpoint answered: RFC 6749 sections 5.1 and 5.2, and what servers make of them.

use crate::credential::Secret;
use crate::oauth::codes;
use crate::provider::{GrantKind, Provider};
use crate::time::UnixTime;
use crate::verdict::answer::Response;
use crate::verdict::body::{Body, quote};
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::retry::Cause;
use crate::verdict::wait;
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

/// A token as granted.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) access_token: Secret,
    pub(crate) lifetime: Duration,
    /// `None`: the server named no new one, so the old one stays (RFC 6749 section 6).
    pub(crate) refresh_token: Option<Secret>,
    /// How long the refresh token lives, if the server says so.
    pub(crate) refresh_lifetime: Option<Duration>,
    /// The scopes, if they are said: they have to be where they differ from what was asked for (RFC 6749 section 5.1).
    pub(crate) scope: Option<String>,
}

/// Why there is no token.
#[derive(Debug)]
pub(crate) enum Denied {
    /// The grant is refused; asking again does not help.
    Refused(Failure),
    /// The answer tells nothing about the grant; asking again may help.
    Unclear(Cause, Failure),
}

/// Reads the answer to a request for a grant; `secrets` are taken out of whatever is quoted from it.
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
        let what = format!("the token endpoint of {} redirects, which is refused: the secret would go to another address", provider.name());
        return Err(Denied::Refused(
            Failure::new(FailureKind::TokenEndpoint, what, "set token_url to the endpoint's present address").with_answer(
                response.status,
                None,
                None,
                None,
            ),
        ));
    }
    let json = serde_json::from_slice::<Value>(response.body);
    if let Ok(Value::Object(object)) = &json
        && let Some(refusal) = refusal(provider, asked, response, object, secrets)
    {
        return Err(Denied::Refused(refusal));
    }
    if response.status >= 400 {
        return Err(failed(provider, response, now, secrets));
    }
    match json {
        Ok(Value::Object(object)) => granted(provider, response.status, &object, secrets),
        Ok(_) => Err(not_understood(provider, response.status, "is JSON, but not an object")),
        Err(error) => Err(not_understood(provider, response.status, &shape(response.body, &error))),
    }
}

/// A grant that is refused in the words of RFC 6749 section 5.2, whatever the status.
fn refusal(
    provider: &Provider,
    asked: GrantKind,
    response: &Response<'_>,
    object: &Map<String, Value>,
    secrets: &[&Secret],
) -> Option<Failure> {
    let code = object.get("error").and_then(Value::as_str)?;
    let (kind, advice) = codes::at_token_endpoint(provider, asked, code, response.status)?;
    let message = object.get("error_description").and_then(Value::as_str).map(|text| quote(text, secrets));
    let what = format!("the token endpoint of {} refused the grant", provider.name());
    Some(Failure::new(kind, what, advice).with_answer(response.status, Some(quote(code, secrets)), message, None))
}

/// A status of 400 or above without the words of RFC 6749.
fn failed(provider: &Provider, response: &Response<'_>, now: UnixTime, secrets: &[&Secret]) -> Denied {
    let body = Body::read(response.body);
    let (code_paths, message_paths) = provider.error_paths();
    let said = body.said(code_paths, message_paths, secrets);
    let what = |what: &str| format!("the token endpoint of {} {what}", provider.name());
    let answer = |failure: Failure| failure.with_answer(response.status, said.code.clone(), said.message.clone(), None);
    match response.status {
        429 => {
            let failure = answer(Failure::new(
                FailureKind::RateLimited,
                what("asks to slow down"),
                "fetch fewer tokens: keep one session for each account",
            ));
            let at = wait::named_by(provider, response, &body, response.status == 429, now);
            Denied::Unclear(Cause::RateLimited, at.map_or(failure.clone(), |at| failure.with_come_back_at(at)))
        }
        408 | 500.. => {
            let failure =
                answer(Failure::new(FailureKind::TokenEndpoint, what("failed"), "the fault is on the server's side: try again later"));
            let at = wait::named_by(provider, response, &body, response.status == 429, now);
            Denied::Unclear(Cause::ServerError, at.map_or(failure.clone(), |at| failure.with_come_back_at(at)))
        }
        401 | 403 => Denied::Refused(answer(Failure::new(
            FailureKind::GrantRefused,
            what("does not accept the client"),
            format!(
                "check client id and secret, and the environment they were issued for{}",
                provider.where_to_obtain().map_or(String::new(), |place| format!("; they come from {place}"))
            ),
        ))),
        _ => Denied::Refused(answer(Failure::new(
            FailureKind::GrantRefused,
            what("refused the request"),
            "compare token_url and client_auth with the API's documentation",
        ))),
    }
}

fn granted(provider: &Provider, status: u16, object: &Map<String, Value>, secrets: &[&Secret]) -> Result<Granted, Denied> {
    let unusable = |why: &str| Err(not_understood(provider, status, why));
    let access_token = match object.get("access_token") {
        None => return unusable("has no access_token"),
        Some(Value::String(token)) if token.is_empty() => return unusable("has an empty access_token"),
        // RFC 6749 appendix A.12; a line break in it would break out of the header.
        Some(Value::String(token)) if !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
            return unusable("has an access_token with characters that no header can carry");
        }
        Some(Value::String(token)) => Secret::new(token.as_str()),
        Some(_) => return unusable("has an access_token that is not text"),
    };
    // RFC 6749 section 5.1: required, and its case does not matter. Many leave it out, and then it is the scheme the profile names.
    if let Some(kind) = object.get("token_type").and_then(Value::as_str)
        && !kind.eq_ignore_ascii_case("bearer")
        && !kind.eq_ignore_ascii_case(provider.attach_scheme())
    {
        let what = format!(
            "the token endpoint of {} granted a token of a type that cannot be sent as {}",
            provider.name(),
            provider.attach_scheme()
        );
        return Err(Denied::Refused(
            Failure::new(FailureKind::TokenEndpoint, what, "register the client for bearer tokens (RFC 6750)").with_answer(
                status,
                None,
                Some(quote(kind, secrets)),
                None,
            ),
        ));
    }
    let refresh_token = object.get("refresh_token").and_then(Value::as_str).filter(|token| !token.is_empty()).map(Secret::from);
    let lifetime = object.get("expires_in").and_then(lifetime).or(provider.token_lifetime()).unwrap_or(USUAL_LIFETIME);
    // No standard names this field; these are two vendors' words for it.
    let announced = || object.get("refresh_token_expires_in").or_else(|| object.get("x_refresh_token_expires_in"));
    let refresh_lifetime = announced().and_then(self::lifetime);
    let scope = object.get("scope").and_then(Value::as_str).map(|scope| quote(scope, secrets));
    Ok(Granted { access_token, lifetime, refresh_token, refresh_lifetime, scope })
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

/// What a body is that is not JSON.
fn shape(body: &[u8], error: &serde_json::Error) -> String {
    let text = body.trim_ascii_start();
    if text.is_empty() {
        "is empty".into()
    } else if text.starts_with(b"<") {
        "is a web page: a proxy, a login page or a wrong token_url answered".into()
    } else if error.is_eof() {
        "is JSON that was cut off".into()
    } else {
        format!("is not JSON (line {}, column {})", error.line(), error.column())
    }
}

fn not_understood(provider: &Provider, status: u16, why: &str) -> Denied {
    let what = format!("the answer of the token endpoint of {} {why}", provider.name());
    let failure =
        Failure::new(FailureKind::TokenEndpoint, what, "compare token_url with the API's documentation, and look for a proxy in between");
    Denied::Unclear(Cause::NotUnderstood, failure.with_status(status))
}

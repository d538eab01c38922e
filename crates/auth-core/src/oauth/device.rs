//! The device code: what a device shows, and how often it may ask (RFC 8628).

use crate::connection::Connection;
use crate::credential::Secret;
use crate::origin::Url;
use crate::time::UnixTime;
use crate::verdict::answer::Response;
use crate::verdict::body::Body;
use crate::verdict::failure::{Failure, FailureKind};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::time::Duration;
use serde_json::Value;

/// The grant's name (RFC 8628 section 3.4).
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// How often to ask where the server does not say (RFC 8628 section 3.2).
const USUAL_INTERVAL: Duration = Duration::from_secs(5);

/// The shortest interval: a second, because a server that says 0 does not mean "without pause".
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// By how much `slow_down` lengthens it (RFC 8628 section 3.5).
const SLOWER_BY: Duration = Duration::from_secs(5);

/// How long a code is taken to last where the server does not say, although it must (RFC 8628 section 3.2): a quarter of an hour, what most grant.
const USUAL_LIFETIME: Duration = Duration::from_mins(15);

/// A code longer than this is none that a person could enter.
const LONGEST_USER_CODE: usize = 64;

/// `Prompt` is what a person has to be shown: where to go, and what to enter there.
///
/// `Debug` shows neither code nor query.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prompt {
    /// The address to open, in full.
    pub url: String,
    /// The code to enter there; `None` where a redirect does the rest.
    pub user_code: Option<String>,
    /// The same address with the code in it, for a QR code or a link, if the server gives one.
    pub url_with_code: Option<String>,
    /// When it ends.
    pub until: UnixTime,
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.url.split(['?', '#']).next().unwrap_or_default();
        write!(f, "Prompt({address}, code: {}, until {})", if self.user_code.is_some() { "[redacted]" } else { "none" }, self.until)
    }
}

/// A device code that was granted, and how often it may be asked for.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) secret: Secret,
    pub(super) prompt: Prompt,
    interval: Duration,
}

impl Code {
    /// Reads a successful answer of the device authorization endpoint (RFC 8628 section 3.2).
    pub(super) fn read(connection: &Connection, response: &Response<'_>, asked_at: UnixTime) -> Result<Self, Failure> {
        let name = connection.provider().name();
        let refuse = |why: &str| {
            let what = format!("the answer of the device authorization endpoint of {name} {why}");
            let advice = "compare device_authorization_url with the API's documentation, and look for a proxy in between";
            Failure::new(FailureKind::TokenEndpoint, what, advice).with_status(response.status)
        };
        let body = Body::read(response.body);
        let document = body.object().ok_or_else(|| refuse("is not a JSON object"))?;
        let text = |name: &str| document.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let seconds = |name: &str| match document.get(name)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse::<f64>().ok(),
            _ => None,
        };
        let span =
            |name: &str| seconds(name).filter(|seconds| *seconds >= 0.0).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let secret = text("device_code").map(Secret::from).ok_or_else(|| refuse("has no device_code"))?;
        let user_code = text("user_code").ok_or_else(|| refuse("has no user_code"))?;
        if user_code.chars().count() > LONGEST_USER_CODE || user_code.chars().any(char::is_control) {
            return Err(refuse("has a user_code that nobody can enter"));
        }
        // Some servers write `verification_url`, as the draft did.
        let address = text("verification_uri").or_else(|| text("verification_url")).ok_or_else(|| refuse("has no verification_uri"))?;
        let shown = |address: &str| {
            let url = Url::parse(address).ok().filter(|url| connection.check_transport(url).is_ok());
            url.map(|url| url.as_str().to_owned())
        };
        let lifetime = span("expires_in").filter(|lifetime| !lifetime.is_zero()).unwrap_or(USUAL_LIFETIME);
        let prompt = Prompt {
            url: shown(address).ok_or_else(|| refuse("has a verification_uri that is no https address"))?,
            user_code: Some(user_code.to_owned()),
            url_with_code: text("verification_uri_complete").or_else(|| text("verification_url_complete")).and_then(shown),
            until: asked_at.after(lifetime),
        };
        Ok(Self { secret, prompt, interval: span("interval").unwrap_or(USUAL_INTERVAL).max(SHORTEST_INTERVAL) })
    }

    /// When to ask next.
    pub(super) fn next(&self, now: UnixTime) -> UnixTime {
        now.after(self.interval)
    }

    /// The server wants to be asked less often, from now on.
    pub(super) fn slow_down(&mut self) {
        self.interval = self.interval.saturating_add(SLOWER_BY);
    }

    /// The server was not reached or gave no answer: twice the pause, because RFC 8628 section 3.5 asks for an exponential backoff.
    pub(super) fn back_off(&mut self) {
        self.interval = self.interval.saturating_mul(2);
    }

    /// Why it is over, when nobody confirmed it in time.
    pub(super) fn expired(connection: &Connection) -> Failure {
        let what = format!("nobody confirmed the device code of {} in time", connection.provider().name());
        let (kind, advice) = (FailureKind::ConsentRequired, "start again, and enter the code sooner");
        Failure::new(kind, what, advice)
    }
}

//! The authorization code: the request that a browser carries to the server, and the redirect that it brings back.

use super::browser::Browser;
use super::endpoints::missing;
use super::{codes, pkce};
use crate::connection::Connection;
use crate::credential::{Grant, Secret};
use crate::origin::Url;
use crate::verdict::body::quote;
use crate::verdict::failure::{Failure, FailureKind};
use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core::time::Duration;
use form_urlencoded::Serializer;

/// How many parameters beside those of the RFCs a redirect may bring: more are no server's.
const MORE: usize = 16;

/// `CodeLogin` is what a shell decides about a login by authorization code.
#[derive(Clone, Copy)]
pub struct CodeLogin<'a> {
    /// The http address of this machine at which the shell listens, as it goes into the request: `http://127.0.0.1:PORT/PATH`.
    pub redirect_uri: &'a str,
    /// What the authorization request carries beside what the RFCs and the profile say, such as `prompt`.
    pub parameters: &'a [(String, String)],
    /// How long the person may take; five minutes is a good number, because a password and a second factor have to be found first.
    pub patience: Duration,
    /// Unpredictable bytes, used for this login only: verifier, state, the path of the start page and its
    /// cookie are made of them.
    pub random: &'a [u8; 96],
}

/// One request for a code.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) url: Url,
    pub(super) redirect_uri: String,
    pub(super) verifier: Secret,
    pub(super) browser: Browser,
    state: Secret,
}

/// What a redirect brought.
#[derive(Debug)]
pub(super) enum Brought {
    /// The code, and what else the server says of the connection.
    Code(Secret, Vec<(String, String)>),
    /// The end of the login.
    Refusal(Failure),
    /// Nothing of this login: somebody else's, or a browser's own.
    Foreign(&'static str),
}

impl Asking {
    /// RFC 6749 section 4.1.1 with PKCE.
    pub(super) fn new(connection: &Connection, grant: &Grant, login: &CodeLogin<'_>) -> Result<Self, Failure> {
        let endpoint = connection.endpoints().authorization.as_ref();
        let endpoint = endpoint.ok_or_else(|| missing(connection.provider(), "authorization endpoint", "authorization_url"))?;
        check_redirect(login.redirect_uri)?;
        let (verifier, state) = login.random[..64].split_at(32);
        let (verifier, state) = (pkce::verifier(verifier), Secret::new(URL_SAFE_NO_PAD.encode(state)));
        let (scopes, challenge) = (grant.scopes().join(" "), pkce::challenge(&verifier));
        let own = [
            ("response_type", "code"),
            ("client_id", grant.client.id()),
            ("redirect_uri", login.redirect_uri),
            ("scope", &scopes),
            ("state", state.expose()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let mut query = Serializer::new(String::new());
        query.extend_pairs(own.iter().filter(|(_, value)| !value.is_empty()));
        let is_said = |name: &str| login.parameters.iter().any(|(own, _)| own == name);
        query.extend_pairs(connection.provider().authorization_parameters().filter(|(name, _)| !is_said(name)));
        query.extend_pairs(login.parameters);
        // RFC 6749 section 3.1: a query of the endpoint's own stays.
        let joint = if endpoint.as_str().contains('?') { '&' } else { '?' };
        let url = Url::parse(&format!("{}{joint}{}", endpoint.as_str(), query.finish()));
        let url = url.map_err(|error| Failure::new(FailureKind::Misuse, format!("the authorization request is {error}"), ""))?;
        Ok(Self { url, redirect_uri: login.redirect_uri.to_owned(), verifier, browser: Browser::new(login), state })
    }

    /// Reads the query of a redirect (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207 section 2.4).
    pub(super) fn read(&self, connection: &Connection, query: &str, cookies: &str) -> Brought {
        let name = connection.provider().name();
        let refuse = |kind, what: String, advice: &'static str| Brought::Refusal(Failure::new(kind, what, advice));
        let once = |wanted: &str| {
            let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == wanted).map(|(_, value)| value);
            (values.next(), values.next().is_some())
        };
        let [(state, two_states), (code, two_codes), (error, two_errors), (issuer, two_issuers)] =
            ["state", "code", "error", "iss"].map(once);
        let Some(state) = state else { return Brought::Foreign("it carries no state") };
        if !Secret::new(state).same_as(&self.state) {
            return Brought::Foreign("it carries the state of another login");
        }
        if !self.browser.is_in(cookies) {
            return Brought::Foreign("it comes from another browser than the one in which the login began");
        }
        if two_states || two_codes || two_errors || two_issuers {
            return refuse(
                FailureKind::GrantRefused,
                format!("the redirect of {name} says something twice"),
                "nothing was exchanged: log in again, and if it stays so, tell the vendor (RFC 6749 section 3.1)",
            );
        }
        let expected = connection.endpoints().issuer.as_deref();
        match (expected, issuer.as_deref()) {
            (Some(expected), Some(found)) if expected != found => {
                let what = format!("the redirect is of the issuer {:?}, and the login was at {expected}", quote(found, &[&self.state]));
                return refuse(
                    FailureKind::ForeignHost,
                    what,
                    "nothing was exchanged, because one server may be posing as another (RFC 9207): log in again, and check the issuer",
                );
            }
            (_, None) if connection.endpoints().names_itself => {
                return refuse(
                    FailureKind::ForeignHost,
                    format!("the redirect of {name} names no issuer, and its metadata promises one"),
                    "nothing was exchanged (RFC 9207): log in again, and if it stays so, look for a proxy in between",
                );
            }
            _ => {}
        }
        match (code.filter(|code| !code.is_empty()), error) {
            (Some(code), None) => {
                let own = ["state", "code", "iss"];
                let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| !own.contains(&&**name));
                let more = pairs.take(MORE).map(|(name, value)| (quote(&name, &[]), quote(&value, &[]))).collect();
                Brought::Code(Secret::new(code.into_owned()), more)
            }
            (_, Some(error)) => {
                let (kind, advice) = codes::in_redirect(&error);
                let message = once("error_description").0.map(|text| quote(&text, &[&self.state]));
                let failure = Failure::new(kind, format!("{name} did not grant the login"), advice);
                Brought::Refusal(failure.with_code(quote(&error, &[&self.state]), message))
            }
            (None, None) => refuse(
                FailureKind::GrantRefused,
                format!("the redirect of {name} brings neither a code nor an error"),
                "log in again, and if it stays so, compare response_type and response_mode with the documentation",
            ),
        }
    }
}

/// A redirect address that leads to this machine and nowhere else (RFC 8252 section 7.3).
fn check_redirect(redirect_uri: &str) -> Result<(), Failure> {
    let refuse = |why: Cow<'static, str>| {
        let advice = "use http://127.0.0.1:PORT/PATH or http://[::1]:PORT/PATH, as the client is registered";
        Failure::new(FailureKind::Misuse, format!("the redirect address {why}"), advice)
    };
    let url = Url::parse(redirect_uri).map_err(|error| refuse(format!("is {error}").into()))?;
    if !url.origin().is_loopback() || url.origin().is_secure() {
        return Err(refuse("is not an http address of this machine".into()));
    }
    if redirect_uri.contains(['?', '#']) { Err(refuse("has a query or fragment".into())) } else { Ok(()) }
}

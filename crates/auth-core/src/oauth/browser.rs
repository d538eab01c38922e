//! The browser in which a login began, told from every other browser by a cookie.
//!
//! State and challenge prove that a redirect belongs to this login, and not whose browser brings it: another
//! user of the machine can read the address in the process list and log in with an account of his own. So
//! the address that is shown is a page of this machine, whose first visitor is sent on to the server with
//! a cookie, and the redirect has to bring that cookie back (RFC 9700 section 4.7, login CSRF).

use super::authorization::CodeLogin;
use crate::credential::Secret;
use crate::origin::Url;
use alloc::format;
use alloc::string::String;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// `StartVisit` is what a shell answers to a request to the start page of a login.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StartVisit {
    /// Send the browser on, with a cookie: status 303, these values as `Location` and `Set-Cookie`.
    Redirect {
        /// The server's address with the whole authorization request.
        location: Url,
        /// The cookie, with its attributes.
        set_cookie: Secret,
    },
    /// A second browser: the login has ended. Poll, and tell this visitor how.
    Ended,
    /// No login is waiting for a browser, for this reason: go on listening.
    Foreign(&'static str),
}

/// What ties a login to one browser.
#[derive(Debug)]
pub(super) struct Browser {
    start_path: String,
    start_url: String,
    cookie_name: String,
    cookie: Secret,
    seconds: u64,
    has_begun: bool,
}

impl Browser {
    /// Made of the last 32 of the login's unpredictable bytes: 128 bits for the path of the page, which
    /// keeps web pages from opening it, and 128 for the cookie.
    pub(super) fn new(login: &CodeLogin<'_>) -> Self {
        let (path, cookie) = login.random[64..].split_at(16);
        let encoded = URL_SAFE_NO_PAD.encode(path);
        let start_path = format!("/login/{encoded}");
        // The same host name as the redirect's, so that the browser brings the cookie there.
        let authority = login.redirect_uri.strip_prefix("http://").unwrap_or_default().split('/').next().unwrap_or_default();
        Self {
            start_url: format!("http://{authority}{start_path}"),
            start_path,
            // Cookies do not know ports, so two logins at once need two names.
            cookie_name: format!("ledgerauth-{}", &encoded[..8]),
            cookie: Secret::new(URL_SAFE_NO_PAD.encode(cookie)),
            seconds: login.patience.as_secs().max(1),
            has_begun: false,
        }
    }

    pub(super) fn start_path(&self) -> &str {
        &self.start_path
    }

    pub(super) fn start_url(&self) -> &str {
        &self.start_url
    }

    /// The cookie for the first visitor, or for the same browser once more; `None` for a second browser.
    pub(super) fn visit(&mut self, cookies: &str) -> Option<Secret> {
        if core::mem::replace(&mut self.has_begun, true) && !self.is_in(cookies) {
            return None;
        }
        let (name, value, seconds) = (&self.cookie_name, self.cookie.expose(), self.seconds);
        // Lax: the redirect is a navigation that another site begins (RFC 6265bis section 5.6.7.1).
        Some(Secret::new(format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax")))
    }

    /// Whether the values of a request's `Cookie` fields hold the login's cookie (RFC 6265 section 4.2.1).
    pub(super) fn is_in(&self, cookies: &str) -> bool {
        let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(name, value)| name == self.cookie_name && Secret::new(value).same_as(&self.cookie))
    }
}

//! Logins: a person consents, in a browser of this machine or on another device, and the tokens are in the client's store.

mod drive;
mod listen;
mod page;
mod visit;

use crate::client::Client;
use crate::error::Error;
use auth_core::{CodeLogin, Connected, Consent, Prompt};
use listen::Listener;
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// Where the browser comes back to if nothing else is said: a free port of this machine, by address and not by name (RFC 8252 sections 7.3 and 8.3).
const REDIRECT: &str = "http://127.0.0.1:0/callback";

/// How long a person may take in the browser: five minutes, because a password and a second factor have to be found first.
const PATIENCE: Duration = Duration::from_mins(5);

type Show<'a> = dyn FnMut(&Prompt) + 'a;

/// `Login` is how a person logs in by browser: what is shown, where the browser comes back to, how long it may take.
///
/// The flow is the authorization code with PKCE and a redirect to this machine (RFC 6749 section 4.1, RFC 7636, RFC 8252). Nothing but this machine can
/// reach the redirect address, which is open during the login only.
///
/// The address that is shown is a page of this machine. The first browser that opens it is sent on to the
/// server with a cookie, and the redirect has to bring that cookie: an answer that another browser brings
/// is refused, and a second browser at the page ends the login.
#[must_use]
pub struct Login<'a> {
    show: Box<Show<'a>>,
    open: bool,
    redirect_uri: String,
    parameters: Vec<(String, String)>,
    patience: Duration,
}

impl<'a> Login<'a> {
    /// A login whose address is handed to this function, to be printed, opened or sent on; on a machine without a browser a person can open it elsewhere if the
    /// redirect can get through, such as by `ssh -L`.
    pub fn new(show: impl FnMut(&Prompt) + 'a) -> Self {
        Self { show: Box::new(show), open: false, redirect_uri: REDIRECT.into(), parameters: Vec::new(), patience: PATIENCE }
    }

    /// Opens the person's browser as well. If there is none, the address that is shown has to do.
    #[cfg(feature = "login")]
    pub fn open_browser(mut self) -> Self {
        self.open = true;
        self
    }

    /// Where the browser comes back to, as the client is registered: an http address of this machine. Port 0, or none, is a free one; `http://127.0.0.1:0/callback` if
    /// not said.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = uri.into();
        self
    }

    /// Adds a parameter to the authorization request, such as `prompt` or `login_hint`.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// How long the person may take; five minutes if not said.
    pub fn patience(mut self, span: Duration) -> Self {
        self.patience = span;
        self
    }
}

impl fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login(redirect to {}, {:?})", self.redirect_uri, self.patience)
    }
}

impl Client {
    /// Lets a person consent in a browser, and puts the tokens into the client's store, where every client of the same store and name finds them. The client's
    /// credential has to be [`stored`](crate::Credential::stored); its scopes are what the person is asked for.
    ///
    /// Returns when the person is done, with what the server says of the connection; or when they have refused, or the time is over. Calls that other threads make meanwhile go on with what there was before.
    ///
    /// # Errors
    /// [`Error::Failure`] with what the server said, or `DeadlineExceeded`; [`Error::Setting`] for a redirect address that cannot be listened at.
    pub fn login(&self, mut login: Login<'_>) -> Result<Connected, Error> {
        let listener = Listener::bind(&login.redirect_uri)?;
        let mut random = Zeroizing::new([0; 96]);
        getrandom::fill(random.as_mut_slice()).map_err(|error| Error::Setting {
            name: "the system's randomness",
            reason: format!("{error}: a login cannot be made unpredictable without it"),
        })?;
        let code =
            CodeLogin { redirect_uri: listener.redirect_uri(), parameters: &login.parameters, patience: login.patience, random: &random };
        let (consent, _) = self.shared.with(|session, now| Consent::by_code(session, &code, self.shared.seed(), now));
        let open = login.open;
        drive::drive(&self.shared, consent?, Some(&listener), &mut |prompt| {
            (login.show)(prompt);
            if open {
                open_browser(prompt);
            }
        })
    }

    /// Lets a person consent on another device (RFC 8628): `show` is handed the address and the code, which the person enters on a phone or another computer.
    ///
    /// # Errors
    /// [`Error::Failure`] with what the server said, or that nobody confirmed the code in time.
    pub fn login_on_device(&self, mut show: impl FnMut(&Prompt)) -> Result<Connected, Error> {
        let (consent, _) = self.shared.with(|session, now| Consent::by_device(session, self.shared.seed(), now));
        drive::drive(&self.shared, consent?, None, &mut show)
    }

    /// Ends what was granted: refresh token and access token are revoked at the server (RFC 7009) and taken out of the store. The next call of any client of the same
    /// store and name says that a person has to connect the account; one that goes by client credentials gets a new token.
    ///
    /// # Errors
    /// [`Error::Failure`] if a token could not be revoked, or the store not be written.
    pub fn revoke(&self) -> Result<(), Error> {
        let (consent, _) = self.shared.with(|session, now| Consent::end(session, self.shared.seed(), now));
        drive::drive(&self.shared, consent?, None, &mut |_| {}).map(drop)
    }
}

#[cfg(feature = "login")]
fn open_browser(prompt: &Prompt) {
    // Whoever has no browser sees the address.
    if let Err(error) = webbrowser::open(&prompt.url) {
        tracing::info!(target: "ledgerauth", %error, "no browser could be opened");
    }
}

#[cfg(not(feature = "login"))]
fn open_browser(_: &Prompt) {}

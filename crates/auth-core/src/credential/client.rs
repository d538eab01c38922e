//! What is exchanged for access tokens: a client's id and secret, alone or with a refresh token.

use super::error::KeyError;
use super::key::{declare, error, recognise};
use super::{KeyFault, Secret};
use crate::provider::{GrantKind, Provider};
use crate::token::record::Record;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// `ClientCredentials` is a client's id and secret (RFC 6749 section 2.3.1), read against its provider's formats.
#[derive(Clone)]
pub struct ClientCredentials {
    id: String,
    secret: Secret,
    environment: Option<String>,
}

impl ClientCredentials {
    /// Reads a client id and secret.
    ///
    /// # Errors
    /// A [`KeyError`] that names fault, position and remedy, and never shows the secret.
    pub fn parse(provider: &Provider, id: &str, secret: impl Into<Secret>) -> Result<Self, KeyError> {
        if !provider.takes_grant(GrantKind::ClientCredentials) && !provider.takes_grant(GrantKind::RefreshToken) {
            return Err(error(provider, "client id", KeyFault::NotTaken { instead: "an API key" }));
        }
        let visible = |text: &str| text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if id.trim().is_empty() {
            return Err(error(provider, "client id", KeyFault::Empty));
        }
        if let Some(position) = id.chars().position(|c| !c.is_ascii() || c.is_control()) {
            return Err(error(provider, "client id", KeyFault::ControlCharacter { position: position + 1 }));
        }
        let secret = secret.into();
        let mut environment = None;
        if provider.secret_formats().next().is_some() {
            let format = recognise(provider, "client secret", secret.expose(), || provider.secret_formats())?;
            environment = format.environment.as_ref().map(|name| name.get_ref().clone());
        } else if secret.expose().trim().is_empty() {
            return Err(error(provider, "client secret", KeyFault::Empty));
        } else if !visible(secret.expose()) || secret.expose().trim() != secret.expose() {
            let position = secret.expose().chars().position(|c| !c.is_ascii_graphic()).map_or(1, |index| index + 1);
            return Err(error(provider, "client secret", KeyFault::WhiteSpace { position }));
        }
        Ok(Self { id: id.to_owned(), secret, environment })
    }

    /// The same, declared to be for an environment.
    ///
    /// # Errors
    /// A [`KeyError`] if the provider has no such environment or the secret's prefix says another.
    pub fn declared(mut self, provider: &Provider, environment: &str) -> Result<Self, KeyError> {
        declare(provider, "client secret", &mut self.environment, environment)?;
        Ok(self)
    }

    /// The client id, which is no secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The client secret.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCredentials({:?}, [redacted], environment: {:?})", self.id, self.environment)
    }
}

/// `Grant` is what a session exchanges for access tokens.
#[derive(Clone, Debug)]
pub struct Grant {
    pub(crate) client: ClientCredentials,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) scopes: Vec<String>,
    /// Whether the refresh token is the one in the store, whoever put it there.
    stored: bool,
}

impl Grant {
    /// The client credentials grant (RFC 6749 section 4.4).
    pub fn client_credentials(client: ClientCredentials) -> Self {
        Self { client, refresh_token: None, scopes: Vec::new(), stored: false }
    }

    /// The refresh token grant (RFC 6749 section 6).
    pub fn refresh_token(client: ClientCredentials, refresh_token: impl Into<Secret>) -> Self {
        Self { client, refresh_token: Some(refresh_token.into()), scopes: Vec::new(), stored: false }
    }

    /// The refresh token grant with the refresh token that the session's store holds: what a login put there, and what later refreshes made of it.
    pub fn stored(client: ClientCredentials) -> Self {
        Self { client, refresh_token: None, scopes: Vec::new(), stored: true }
    }

    /// The same grant, asking for these scopes (RFC 6749 section 3.3).
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Which grant it is.
    pub fn kind(&self) -> GrantKind {
        if self.stored || self.refresh_token.is_some() { GrantKind::RefreshToken } else { GrantKind::ClientCredentials }
    }

    /// A number that tells this grant from another: by client, scopes and the refresh token that it began with (FNV-1a, 64 bits). It stands in
    /// records beside the tokens themselves and is shown nowhere.
    pub(crate) fn fingerprint(&self) -> u64 {
        let parts = [self.client.id.as_str(), self.refresh_token.as_ref().map_or("", Secret::expose)];
        let texts = parts.into_iter().chain(self.scopes.iter().map(String::as_str));
        let bytes = texts.flat_map(|text| text.bytes().chain([0]));
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    /// Whether the refresh token is the one in the store.
    pub(crate) fn is_stored(&self) -> bool {
        self.stored
    }

    /// Whether a record's tokens are of this grant.
    pub(crate) fn owns(&self, record: &Record) -> bool {
        self.stored || record.grant == self.fingerprint()
    }

    /// Whether two grants are exchanged with the same secrets.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        let same_refresh_token = match (&self.refresh_token, &other.refresh_token) {
            (Some(ours), Some(theirs)) => ours.same_as(theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        self.client.id == other.client.id && self.client.secret.same_as(&other.client.secret) && same_refresh_token
    }

    /// The environment by the secret's prefix or by declaration.
    pub fn environment(&self) -> Option<&str> {
        self.client.environment.as_deref()
    }
}

//! What is exchanged for access tokens: a client's id and secret, alone or with a refresh token.

use super::error::KeyError;
use super::key::{check_declared, error, recognise};
use super::{KeyFault, Secret};
use crate::provider::{GrantKind, Provider};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Stands between the parts of a client's text: none of them can hold it (RFC 6749 appendix A).
const BETWEEN: char = '\0';

/// `ClientCredentials` is a client's id and secret (RFC 6749 section 2.3.1), read against its provider's formats.
#[derive(Clone)]
pub struct ClientCredentials {
    /// Id, secret and, if it is known, environment: one text, because a service may hold a hundred thousand of them.
    text: Secret,
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
            environment = format.environment.as_ref().map(|name| &**name.get_ref());
        } else if secret.expose().trim().is_empty() {
            return Err(error(provider, "client secret", KeyFault::Empty));
        } else if !visible(secret.expose()) || secret.expose().trim() != secret.expose() {
            let position = secret.expose().chars().position(|c| !c.is_ascii_graphic()).map_or(1, |index| index + 1);
            return Err(error(provider, "client secret", KeyFault::WhiteSpace { position }));
        }
        Ok(Self::of(id, secret.expose(), environment))
    }

    fn of(id: &str, secret: &str, environment: Option<&str>) -> Self {
        // Exactly as long as needed, so that no copy of the secret is left behind by a growing buffer.
        let mut text = String::with_capacity(id.len() + 1 + secret.len() + environment.map_or(0, |name| 1 + name.len()));
        text.push_str(id);
        for part in [Some(secret), environment].into_iter().flatten() {
            text.push(BETWEEN);
            text.push_str(part);
        }
        Self { text: Secret::new(text) }
    }

    /// The same, declared to be for an environment.
    ///
    /// # Errors
    /// A [`KeyError`] if the provider has no such environment or the secret's prefix says another.
    pub fn declared(self, provider: &Provider, environment: &str) -> Result<Self, KeyError> {
        check_declared(provider, "client secret", self.environment(), environment)?;
        Ok(Self::of(self.id(), self.secret_text(), Some(environment)))
    }

    /// The client id, which is no secret.
    pub fn id(&self) -> &str {
        self.part(0).unwrap_or_default()
    }

    /// The client secret.
    pub fn secret(&self) -> Secret {
        Secret::new(self.secret_text())
    }

    /// The client secret in place, for a request's header or body.
    pub(crate) fn secret_text(&self) -> &str {
        self.part(1).unwrap_or_default()
    }

    /// The environment by the secret's prefix or by declaration.
    fn environment(&self) -> Option<&str> {
        self.part(2)
    }

    fn part(&self, index: usize) -> Option<&str> {
        self.text.expose().splitn(3, BETWEEN).nth(index)
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCredentials({:?}, [redacted], environment: {:?})", self.id(), self.environment())
    }
}

/// `Grant` is what a session exchanges for access tokens.
#[derive(Clone, Debug)]
pub struct Grant {
    pub(crate) client: ClientCredentials,
    /// What many grants have nothing of.
    rare: Option<Box<Rare>>,
}

#[derive(Clone, Debug, Default)]
struct Rare {
    refresh_token: Option<Secret>,
    scopes: Vec<String>,
}

impl Grant {
    /// The client credentials grant (RFC 6749 section 4.4).
    pub fn client_credentials(client: ClientCredentials) -> Self {
        Self { client, rare: None }
    }

    /// The refresh token grant (RFC 6749 section 6).
    pub fn refresh_token(client: ClientCredentials, refresh_token: impl Into<Secret>) -> Self {
        Self { client, rare: Some(Box::new(Rare { refresh_token: Some(refresh_token.into()), scopes: Vec::new() })) }
    }

    /// The same grant, asking for these scopes (RFC 6749 section 3.3).
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        if !scopes.is_empty() || self.rare.is_some() {
            self.rare.get_or_insert_default().scopes = scopes;
        }
        self
    }

    /// Which grant it is.
    pub fn kind(&self) -> GrantKind {
        if self.first_refresh_token().is_some() { GrantKind::RefreshToken } else { GrantKind::ClientCredentials }
    }

    /// The refresh token that the grant began with.
    pub(crate) fn first_refresh_token(&self) -> Option<&Secret> {
        self.rare.as_ref()?.refresh_token.as_ref()
    }

    /// The scopes to ask for; none leaves them to the server.
    pub(crate) fn scopes(&self) -> &[String] {
        self.rare.as_ref().map_or(&[], |rare| &rare.scopes)
    }

    /// A number that tells this grant from another: by client, scopes and the refresh token that it began with (FNV-1a, 64 bits). It stands in
    /// records beside the tokens themselves and is shown nowhere.
    pub(crate) fn fingerprint(&self) -> u64 {
        let parts = [self.client.id(), self.first_refresh_token().map_or("", Secret::expose)];
        let texts = parts.into_iter().chain(self.scopes().iter().map(String::as_str));
        let bytes = texts.flat_map(|text| text.bytes().chain([0]));
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    /// Whether two grants are exchanged with the same secrets.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        let same_refresh_token = match (self.first_refresh_token(), other.first_refresh_token()) {
            (Some(ours), Some(theirs)) => ours.same_as(theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        self.client.id() == other.client.id() && self.client.secret().same_as(&other.client.secret()) && same_refresh_token
    }

    /// The environment by the secret's prefix or by declaration.
    pub fn environment(&self) -> Option<&str> {
        self.client.environment()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_holds_id_secret_and_environment() {
        let numeric = Provider::builtin("numeric").unwrap();
        let client = ClientCredentials::parse(&numeric, "client 1", "made-up/secret+1").unwrap();
        assert_eq!((client.id(), client.secret_text(), client.environment()), ("client 1", "made-up/secret+1", None));
        let declared = client.declared(&numeric, "sandbox").unwrap();
        assert_eq!((declared.id(), declared.secret_text(), declared.environment()), ("client 1", "made-up/secret+1", Some("sandbox")));
        assert!(declared.clone().declared(&numeric, "production").is_err());
        assert_eq!(alloc::format!("{declared:?}"), "ClientCredentials(\"client 1\", [redacted], environment: Some(\"sandbox\"))");
        assert!(ClientCredentials::parse(&numeric, "client\0", "made-up").is_err());
        assert!(ClientCredentials::parse(&numeric, "client", "made\0up").is_err());
    }
}

//! `ClientCredentials`: a client's id, and how it proves that it is that client.

use super::error::KeyError;
use super::key::{declare, error, recognise};
use super::{KeyFault, Secret};
use crate::oauth::signer::{SharedSecret, Signer};
use crate::provider::{ClientAuth, Provider};
use crate::verdict::failure::{Failure, FailureKind};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

/// `ClientCredentials` is a client's id with its secret (RFC 6749 section 2.3.1), its key (RFC 7523 section 2.2) or nothing (a public client, RFC 6749
/// section 2.1, or one that shows a certificate, RFC 8705), read against its provider's formats.
#[derive(Clone)]
pub struct ClientCredentials {
    id: String,
    proof: Proof,
    environment: Option<String>,
}

/// What a client proves itself with.
#[derive(Clone)]
enum Proof {
    Secret(Secret),
    Key(Arc<dyn Signer>),
    Nothing,
}

impl ClientCredentials {
    /// Reads a client id and secret.
    ///
    /// # Errors
    /// A [`KeyError`] that names fault, position and remedy, and never shows the secret.
    pub fn parse(provider: &Provider, id: &str, secret: impl Into<Secret>) -> Result<Self, KeyError> {
        let id = read_id(provider, id)?;
        let visible = |text: &str| text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
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
        Ok(Self { id, proof: Proof::Secret(secret), environment })
    }

    /// A client that proves itself with a key (`private_key_jwt`).
    ///
    /// # Errors
    /// A [`KeyError`] if the id cannot be one.
    pub fn with_key(provider: &Provider, id: &str, key: Arc<dyn Signer>) -> Result<Self, KeyError> {
        Ok(Self { id: read_id(provider, id)?, proof: Proof::Key(key), environment: None })
    }

    /// A client that has nothing to prove itself with: a public one, or one that shows a certificate when it connects.
    ///
    /// # Errors
    /// A [`KeyError`] if the id cannot be one.
    pub fn public(provider: &Provider, id: &str) -> Result<Self, KeyError> {
        Ok(Self { id: read_id(provider, id)?, proof: Proof::Nothing, environment: None })
    }

    /// Nobody in particular: for a JWT bearer grant at a server that knows its clients by their assertions alone (RFC 7523 section 3.1).
    pub fn unnamed() -> Self {
        Self { id: String::new(), proof: Proof::Nothing, environment: None }
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

    /// The client secret, if it has one.
    pub fn secret(&self) -> Option<&Secret> {
        match &self.proof {
            Proof::Secret(secret) => Some(secret),
            Proof::Key(_) | Proof::Nothing => None,
        }
    }

    /// The environment by the secret's prefix or by declaration.
    pub fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// What signs its assertions, where it proves itself by them.
    pub(crate) fn signer(&self) -> Option<Arc<dyn Signer>> {
        match &self.proof {
            Proof::Secret(secret) => Some(Arc::new(SharedSecret(secret.clone()))),
            Proof::Key(key) => Some(Arc::clone(key)),
            Proof::Nothing => None,
        }
    }

    /// Whether two have the same id and prove it by the same.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        let same_proof = match (&self.proof, &other.proof) {
            (Proof::Secret(ours), Proof::Secret(theirs)) => ours.same_as(theirs),
            (Proof::Key(ours), Proof::Key(theirs)) => Arc::ptr_eq(ours, theirs),
            (Proof::Nothing, Proof::Nothing) => true,
            _ => false,
        };
        self.id == other.id && same_proof
    }

    /// How it authenticates: as it was told to, else as the profile says, as far as what it has allows that; a key has one way only, and so has nothing.
    pub(crate) fn authentication(&self, told: Option<ClientAuth>, usual: ClientAuth) -> Result<ClientAuth, Failure> {
        let fits = |method: &ClientAuth| match self.proof {
            Proof::Secret(_) => {
                matches!(method, ClientAuth::ClientSecretBasic | ClientAuth::ClientSecretPost | ClientAuth::ClientSecretJwt)
            }
            Proof::Key(_) => *method == ClientAuth::PrivateKeyJwt,
            Proof::Nothing => matches!(method, ClientAuth::None | ClientAuth::TlsClientAuth),
        };
        let (has, needs_no_word) = match self.proof {
            Proof::Secret(_) => ("a secret", None),
            Proof::Key(_) => ("a key", Some(ClientAuth::PrivateKeyJwt)),
            Proof::Nothing => ("neither secret nor key", Some(ClientAuth::None)),
        };
        told.or(Some(usual).filter(fits)).or(needs_no_word).filter(fits).ok_or_else(|| {
            let method = told.unwrap_or(usual).name();
            let what = format!("client_auth is {method}, and the client {:?} has {has}", self.id);
            Failure::new(
                FailureKind::Misuse,
                what,
                "give the client what it was registered with, or set client_auth to how it was registered",
            )
        })
    }
}

/// A client id that can be sent (RFC 6749 appendix A.1).
fn read_id(provider: &Provider, id: &str) -> Result<String, KeyError> {
    if !provider.takes_tokens() {
        return Err(error(provider, "client id", KeyFault::NotTaken { instead: "an API key" }));
    }
    if id.trim().is_empty() {
        return Err(error(provider, "client id", KeyFault::Empty));
    }
    match id.chars().position(|c| !c.is_ascii() || c.is_control()) {
        Some(position) => Err(error(provider, "client id", KeyFault::ControlCharacter { position: position + 1 })),
        None => Ok(id.to_owned()),
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCredentials({:?}, [redacted], environment: {:?})", self.id, self.environment)
    }
}

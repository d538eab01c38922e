//! Where credentials come from: a value, an environment variable, a file, a callback.

mod file;
mod key;

pub use key::Key;

use crate::error::Error;
use crate::lock::Mutex;
use crate::quoted;
use auth_core::{ApiKey, Assertion, ClientCredentials, Failure, FailureKind, Grant, Provider, Secret, Signer};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Callback = dyn FnMut() -> Result<Credential, Error> + Send;

/// `Credential` is what an account's owner was given, with the place it came from.
///
/// A credential from a file or a callback is asked for again when the API refuses it, so that a rotated secret needs no restart. It is read
/// against its provider's formats when the client is built. `Debug` shows the source and no secret.
#[derive(Clone)]
pub struct Credential {
    material: Material,
    source: Source,
    exchanged: Exchanged,
    environment: Option<String>,
    scopes: Vec<String>,
}

#[derive(Clone)]
enum Material {
    Keys(Vec<Key>),
    Client { id: String, proof: Proof, refresh_token: Option<Secret> },
    Clients(Vec<(String, Secret)>),
}

/// What a client proves itself with.
#[derive(Clone)]
enum Proof {
    Secret(Secret),
    Key(Arc<dyn Signer>),
    Nothing,
}

/// What a client exchanges for tokens.
#[derive(Clone)]
enum Exchanged {
    /// What its source gave: the client itself, or a refresh token.
    AsGiven,
    RefreshToken(Secret),
    /// The refresh token that a login left in the store.
    Stored,
    Assertion(Assertion),
}

#[derive(Clone)]
enum Source {
    Value,
    /// That of a key.
    Variable(String),
    /// Those of a client's id and secret.
    Variables(String, String),
    File(PathBuf),
    Callback(Arc<Mutex<Callback>>),
}

impl Credential {
    /// A static key.
    pub fn key(key: impl Into<Key>) -> Self {
        Self::of(Material::Keys(vec![key.into()]), Source::Value)
    }

    /// Several static keys of one account; the first is used until the API refuses it, then the next.
    pub fn keys<K: Into<Key>>(keys: impl IntoIterator<Item = K>) -> Self {
        Self::of(Material::Keys(keys.into_iter().map(Into::into).collect()), Source::Value)
    }

    /// A client id and secret, exchanged for access tokens (RFC 6749 section 4.4).
    pub fn client(id: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self::of(Material::Client { id: id.into(), proof: Proof::Secret(secret.into()), refresh_token: None }, Source::Value)
    }

    /// A client id and a key that signs (`private_key_jwt`, RFC 7523 section 2.2), exchanged for access tokens.
    pub fn client_with_key(id: impl Into<String>, key: impl Signer + 'static) -> Self {
        Self::of(Material::Client { id: id.into(), proof: Proof::Key(Arc::new(key)), refresh_token: None }, Source::Value)
    }

    /// A client id alone: a public client (RFC 6749 section 2.1), or one that shows a certificate when it connects (RFC 8705), as `client_auth` says.
    pub fn public_client(id: impl Into<String>) -> Self {
        Self::of(Material::Client { id: id.into(), proof: Proof::Nothing, refresh_token: None }, Source::Value)
    }

    /// A service account's signed assertion, exchanged for access tokens (RFC 7523 section 2.1). Where the server wants a client named beside it, begin with that
    /// and add [`Credential::with_assertion`].
    pub fn service_account(assertion: Assertion) -> Self {
        Self::public_client("").with_assertion(assertion)
    }

    /// Several client ids and secrets of one account; the first is used until the token endpoint refuses it, then the next.
    pub fn clients<I: Into<String>, S: Into<Secret>>(clients: impl IntoIterator<Item = (I, S)>) -> Self {
        let clients = clients.into_iter().map(|(id, secret)| (id.into(), secret.into())).collect();
        Self::of(Material::Clients(clients), Source::Value)
    }

    /// A refresh token with the client it was issued to (RFC 6749 section 6).
    pub fn refresh_token(id: impl Into<String>, secret: impl Into<Secret>, refresh_token: impl Into<Secret>) -> Self {
        Self::client(id, secret).with_refresh_token(refresh_token)
    }

    /// A static key from an environment variable.
    ///
    /// # Errors
    /// [`Error::Source`] if the variable is not set, or not text.
    pub fn from_env(variable: &str) -> Result<Self, Error> {
        Ok(Self::of(Material::Keys(vec![read_variable(variable)?.into()]), Source::Variable(variable.into())))
    }

    /// A client id and secret from two environment variables.
    ///
    /// # Errors
    /// [`Error::Source`] if one of them is not set, or not text.
    pub fn client_from_env(id_variable: &str, secret_variable: &str) -> Result<Self, Error> {
        let id = read_variable(id_variable)?.expose().to_owned();
        let proof = Proof::Secret(read_variable(secret_variable)?);
        Ok(Self::of(Material::Client { id, proof, refresh_token: None }, Source::Variables(id_variable.into(), secret_variable.into())))
    }

    /// A credential from a file: one key a line, or a JSON object with `client_id`, `client_secret` and perhaps `refresh_token`, or with `clients`, a list of
    /// such pairs, or with `keys`, a list of keys or of objects with `key` and what is noted about it: `name`, `id`, `created` (RFC 3339), `permissions`,
    /// `integration`, `relaxed`.
    ///
    /// # Errors
    /// [`Error::Source`] if the file cannot be read, is empty, or is neither.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Ok(Self::of(file::read(path)?, Source::File(path.into())))
    }

    /// A credential from a function that is called now, and again whenever the API refuses what it gave: for secrets managers.
    ///
    /// The function may be called from any thread, but never from two at once.
    ///
    /// # Errors
    /// Whatever the function returns.
    pub fn from_callback(mut callback: impl FnMut() -> Result<Self, Error> + Send + 'static) -> Result<Self, Error> {
        let first = callback()?;
        Ok(Self { source: Source::Callback(Arc::new(Mutex::new(callback))), ..first })
    }

    /// Exchanges this refresh token (RFC 6749 section 6), issued to the client.
    #[must_use]
    pub fn with_refresh_token(mut self, refresh_token: impl Into<Secret>) -> Self {
        self.exchanged = Exchanged::RefreshToken(refresh_token.into());
        self
    }

    /// Exchanges a signed assertion (RFC 7523 section 2.1).
    #[must_use]
    pub fn with_assertion(mut self, assertion: Assertion) -> Self {
        self.exchanged = Exchanged::Assertion(assertion);
        self
    }

    /// Exchanges the refresh token that a person's login has put into the client's store: [`Client::login`](crate::Client::login),
    /// [`Client::login_on_device`](crate::Client::login_on_device).
    #[must_use]
    pub fn stored(mut self) -> Self {
        self.exchanged = Exchanged::Stored;
        self
    }

    /// Declares the environment that the credential is for: needed where neither its prefix nor the host tells.
    #[must_use]
    pub fn environment(mut self, name: impl Into<String>) -> Self {
        self.environment = Some(name.into());
        self
    }

    /// Asks for these scopes when it is exchanged for a token.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Whether it came with a refresh token: then two processes that use it have to share a store, because a server that rotates refresh tokens ends a grant
    /// whose token comes twice.
    pub fn holds_refresh_token(&self) -> bool {
        let is_given = matches!(self.material, Material::Client { refresh_token: Some(_), .. });
        matches!(self.exchanged, Exchanged::RefreshToken(_)) || (is_given && matches!(self.exchanged, Exchanged::AsGiven))
    }

    /// Whether the source can be asked again and may then answer otherwise.
    pub(crate) fn is_reloadable(&self) -> bool {
        matches!(self.source, Source::File(_) | Source::Callback(_))
    }

    /// What to tell the owner if other users of the machine can read the source.
    pub(crate) fn exposure(&self) -> Option<String> {
        match &self.source {
            Source::File(path) => file::exposure(path),
            _ => None,
        }
    }

    /// Whether it came from the same file or function as another.
    pub(crate) fn has_source_of(&self, other: &Self) -> bool {
        match (&self.source, &other.source) {
            (Source::File(ours), Source::File(theirs)) => ours == theirs,
            (Source::Callback(ours), Source::Callback(theirs)) => Arc::ptr_eq(ours, theirs),
            _ => false,
        }
    }

    /// Asks the source again, because the program wants it so: variables, too, which change only if the program changes them.
    pub(crate) fn read_again(&self) -> Result<Self, Error> {
        let material = match &self.source {
            Source::Value => {
                let what = "the credential came as a value, so there is nothing to read again";
                return Err(Failure::new(FailureKind::Misuse, what, "hand the new one over (replace_credential)").into());
            }
            Source::Variable(name) => Self::from_env(name)?.material,
            Source::Variables(id, secret) => Self::client_from_env(id, secret)?.material,
            Source::File(_) | Source::Callback(_) => return self.reload(),
        };
        Ok(Self { material, ..self.clone() })
    }

    /// Asks the source again, if it can answer otherwise.
    pub(crate) fn reload(&self) -> Result<Self, Error> {
        let material = match &self.source {
            Source::Value | Source::Variable(_) | Source::Variables(..) => return Ok(self.clone()),
            Source::File(path) => file::read(path)?,
            Source::Callback(callback) => (*callback.lock())()?.material,
        };
        Ok(Self { material, ..self.clone() })
    }

    /// Reads the material against the provider's formats.
    pub(crate) fn parse(&self, provider: &Provider) -> Result<auth_core::Credential, Error> {
        match &self.material {
            Material::Keys(_) | Material::Clients(_) if !matches!(self.exchanged, Exchanged::AsGiven) => {
                let what = "a key or a list of clients has no refresh token, assertion or login of its own";
                Err(Failure::new(FailureKind::Misuse, what, "begin with one client").into())
            }
            Material::Keys(keys) => {
                let parse = |given: &Key| {
                    let read = if given.relaxed { ApiKey::parse_relaxed } else { ApiKey::parse };
                    let key = read(provider, given.secret.clone())?.with_notes(given.notes.clone());
                    self.environment.as_deref().map_or(Ok(key.clone()), |name| key.declared(provider, name))
                };
                let keys = keys.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
                Ok(auth_core::Credential::Keys(keys))
            }
            Material::Clients(clients) => {
                let grant = |(id, secret): &(String, Secret)| {
                    let client = self.declared(provider, ClientCredentials::parse(provider, id, secret.clone())?)?;
                    Ok(self.grant(Grant::client_credentials(client)))
                };
                let mut grants = clients.iter().map(grant).collect::<Result<Vec<_>, Error>>()?.into_iter();
                let first = grants.next().ok_or_else(|| Error::Source {
                    source: "the list of clients".into(),
                    reason: "it is empty: give at least one client id and secret".into(),
                })?;
                Ok(auth_core::Credential::Grants(first, grants.collect()))
            }
            Material::Client { id, proof, refresh_token } => {
                let client = match proof {
                    Proof::Secret(secret) => ClientCredentials::parse(provider, id, secret.clone())?,
                    Proof::Key(key) => ClientCredentials::with_key(provider, id, Arc::clone(key))?,
                    Proof::Nothing if id.is_empty() => ClientCredentials::unnamed(),
                    Proof::Nothing => ClientCredentials::public(provider, id)?,
                };
                let client = self.declared(provider, client)?;
                let grant = match (&self.exchanged, refresh_token) {
                    (Exchanged::RefreshToken(token), _) | (Exchanged::AsGiven, Some(token)) => Grant::refresh_token(client, token.clone()),
                    (Exchanged::Stored, _) => Grant::stored(client),
                    (Exchanged::Assertion(assertion), _) => Grant::jwt_bearer(client, assertion.clone()),
                    (Exchanged::AsGiven, None) => Grant::client_credentials(client),
                };
                Ok(auth_core::Credential::Grant(self.grant(grant)))
            }
        }
    }

    fn declared(&self, provider: &Provider, client: ClientCredentials) -> Result<ClientCredentials, Error> {
        Ok(match self.environment.as_deref() {
            Some(name) => client.declared(provider, name)?,
            None => client,
        })
    }

    fn grant(&self, grant: Grant) -> Grant {
        grant.with_scopes(self.scopes.clone())
    }

    fn of(material: Material, source: Source) -> Self {
        Self { material, source, exchanged: Exchanged::AsGiven, environment: None, scopes: Vec::new() }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.material {
            Material::Keys(keys) => format!("{} key(s)", keys.len()),
            Material::Client { id, .. } => format!("client {id:?}"),
            Material::Clients(clients) => format!("{} clients", clients.len()),
        };
        match &self.source {
            Source::Value => write!(f, "Credential({kind}, [redacted])"),
            Source::Variables(_, name) | Source::Variable(name) => {
                write!(f, "Credential({kind}, [redacted], from {})", quoted::variable(name))
            }
            Source::File(path) => write!(f, "Credential({kind}, [redacted], from {})", quoted::path(path)),
            Source::Callback(_) => write!(f, "Credential({kind}, [redacted], from a callback)"),
        }
    }
}

fn read_variable(name: &str) -> Result<Secret, Error> {
    let refuse = |reason: &str| Error::Source { source: quoted::variable(name), reason: reason.into() };
    match std::env::var(name) {
        Ok(text) => Ok(Secret::new(text)),
        Err(std::env::VarError::NotPresent) => Err(refuse("it is not set: export it, or have your secrets manager set it")),
        Err(std::env::VarError::NotUnicode(_)) => Err(refuse("it is not text")),
    }
}

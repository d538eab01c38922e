//! `ClientCredentials`: a client's id, and how it proves that it is that client.

use super::error::KeyError;
use super::key::{check_declared, error, recognise};
use super::{KeyFault, Secret};
use crate::oauth::signer::{SharedSecret, Signer};
use crate::provider::{ClientAuth, Provider};
use crate::verdict::failure::{Failure, FailureKind};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

/// `ClientCredentials` is a client's id with its secret (RFC 6749 section 2.3.1), its key (RFC 7523 section 2.2) or nothing (a public client, RFC 6749
/// section 2.1, or one that shows a certificate, RFC 8705), read against its provider's formats.
#[derive(Clone)]
pub struct ClientCredentials {
    /// Id, secret (empty if it has none) and, if it is known, environment: one text, because a service may hold a hundred thousand of them.
    text: Secret,
    key: Option<Box<Key>>,
}

/// What signs for a client. It stands apart, because few have one.
#[derive(Clone)]
struct Key(Arc<dyn Signer>);

/// Stands between the parts of a client's text: none of them can hold it (RFC 6749 appendix A).
const BETWEEN: char = '\0';

/// What a client proves itself with.
enum Proof<'a> {
    Secret(&'a str),
    Key(&'a Arc<dyn Signer>),
    Nothing,
}

impl ClientCredentials {
    /// Reads a client id and secret.
    ///
    /// # Errors
    /// A [`KeyError`] that names fault, position and remedy, and never shows the secret.
    pub fn parse(provider: &Provider, id: &str, secret: impl Into<Secret>) -> Result<Self, KeyError> {
        check_id(provider, id)?;
        let visible = |text: &str| text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
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
        Self { text: Secret::new(text), key: None }
    }

    /// A client that proves itself with a key (`private_key_jwt`).
    ///
    /// # Errors
    /// A [`KeyError`] if the id cannot be one.
    pub fn with_key(provider: &Provider, id: &str, key: Arc<dyn Signer>) -> Result<Self, KeyError> {
        check_id(provider, id)?;
        Ok(Self { key: Some(Box::new(Key(key))), ..Self::of(id, "", None) })
    }

    /// A client that has nothing to prove itself with: a public one, or one that shows a certificate when it connects.
    ///
    /// # Errors
    /// A [`KeyError`] if the id cannot be one.
    pub fn public(provider: &Provider, id: &str) -> Result<Self, KeyError> {
        check_id(provider, id)?;
        Ok(Self::of(id, "", None))
    }

    /// Nobody in particular: for a JWT bearer grant at a server that knows its clients by their assertions alone (RFC 7523 section 3.1).
    pub fn unnamed() -> Self {
        Self::of("", "", None)
    }

    /// The same, declared to be for an environment.
    ///
    /// # Errors
    /// A [`KeyError`] if the provider has no such environment or the secret's prefix says another.
    pub fn declared(self, provider: &Provider, environment: &str) -> Result<Self, KeyError> {
        check_declared(provider, "client secret", self.environment(), environment)?;
        let declared = Self::of(self.id(), self.part(1), Some(environment));
        Ok(Self { key: self.key, ..declared })
    }

    /// The client id, which is no secret.
    pub fn id(&self) -> &str {
        self.part(0)
    }

    /// The client secret, if it has one.
    pub fn secret(&self) -> Option<Secret> {
        self.secret_text().map(Secret::new)
    }

    /// The client secret in place, for a request's header or body.
    pub(crate) fn secret_text(&self) -> Option<&str> {
        match self.proof() {
            Proof::Secret(secret) => Some(secret),
            Proof::Key(_) | Proof::Nothing => None,
        }
    }

    /// The environment by the secret's prefix or by declaration.
    pub fn environment(&self) -> Option<&str> {
        self.text.expose().splitn(3, BETWEEN).nth(2)
    }

    /// What signs its assertions, where it proves itself by them.
    pub(crate) fn signer(&self) -> Option<Arc<dyn Signer>> {
        match self.proof() {
            Proof::Secret(secret) => Some(Arc::new(SharedSecret(Secret::new(secret)))),
            Proof::Key(key) => Some(Arc::clone(key)),
            Proof::Nothing => None,
        }
    }

    /// Whether two have the same id and prove it by the same.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        let same_key = match (&self.key, &other.key) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(&ours.0, &theirs.0),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        let secret = |client: &Self| Secret::new(client.part(1));
        self.id() == other.id() && same_key && secret(self).same_as(&secret(other))
    }

    /// How it authenticates: as it was told to, else as the profile says, as far as what it has allows that; a key has one way only, and so has nothing.
    pub(crate) fn authentication(&self, told: Option<ClientAuth>, usual: ClientAuth) -> Result<ClientAuth, Failure> {
        let fits = |method: &ClientAuth| match self.proof() {
            Proof::Secret(_) => {
                matches!(method, ClientAuth::ClientSecretBasic | ClientAuth::ClientSecretPost | ClientAuth::ClientSecretJwt)
            }
            Proof::Key(_) => *method == ClientAuth::PrivateKeyJwt,
            Proof::Nothing => matches!(method, ClientAuth::None | ClientAuth::TlsClientAuth),
        };
        let (has, needs_no_word) = match self.proof() {
            Proof::Secret(_) => ("a secret", None),
            Proof::Key(_) => ("a key", Some(ClientAuth::PrivateKeyJwt)),
            Proof::Nothing => ("neither secret nor key", Some(ClientAuth::None)),
        };
        told.or(Some(usual).filter(fits)).or(needs_no_word).filter(fits).ok_or_else(|| {
            let method = told.unwrap_or(usual).name();
            let what = format!("client_auth is {method}, and the client {:?} has {has}", self.id());
            Failure::new(
                FailureKind::Misuse,
                what,
                "give the client what it was registered with, or set client_auth to how it was registered",
            )
        })
    }

    fn proof(&self) -> Proof<'_> {
        match (&self.key, self.part(1)) {
            (Some(key), _) => Proof::Key(&key.0),
            (None, "") => Proof::Nothing,
            (None, secret) => Proof::Secret(secret),
        }
    }

    fn part(&self, index: usize) -> &str {
        self.text.expose().splitn(3, BETWEEN).nth(index).unwrap_or_default()
    }
}

/// Whether a client id can be sent (RFC 6749 appendix A.1).
fn check_id(provider: &Provider, id: &str) -> Result<(), KeyError> {
    if !provider.takes_tokens() {
        return Err(error(provider, "client id", KeyFault::NotTaken { instead: "an API key" }));
    }
    if id.trim().is_empty() {
        return Err(error(provider, "client id", KeyFault::Empty));
    }
    match id.chars().position(|c| !c.is_ascii() || c.is_control()) {
        Some(position) => Err(error(provider, "client id", KeyFault::ControlCharacter { position: position + 1 })),
        None => Ok(()),
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCredentials({:?}, [redacted], environment: {:?})", self.id(), self.environment())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_holds_id_secret_and_environment() {
        let numeric = Provider::builtin("numeric").unwrap();
        let client = ClientCredentials::parse(&numeric, "client 1", "made-up/secret+1").unwrap();
        assert_eq!((client.id(), client.secret_text(), client.environment()), ("client 1", Some("made-up/secret+1"), None));
        let declared = client.declared(&numeric, "sandbox").unwrap();
        assert_eq!(
            (declared.id(), declared.secret_text(), declared.environment()),
            ("client 1", Some("made-up/secret+1"), Some("sandbox"))
        );
        assert!(declared.clone().declared(&numeric, "production").is_err());
        assert_eq!(alloc::format!("{declared:?}"), "ClientCredentials(\"client 1\", [redacted], environment: Some(\"sandbox\"))");
        assert!(ClientCredentials::parse(&numeric, "client\0", "made-up").is_err());
        assert!(ClientCredentials::parse(&numeric, "client", "made\0up").is_err());
    }

    /// Signs nothing.
    #[derive(Debug)]
    struct Nobody;

    impl Signer for Nobody {
        fn algorithm(&self) -> &'static str {
            "none"
        }

        fn sign(&self, _: &[u8]) -> Result<alloc::vec::Vec<u8>, String> {
            Ok(alloc::vec::Vec::new())
        }
    }

    #[test]
    fn an_id_that_cannot_be_sent_is_named_by_its_place() {
        let numeric = Provider::builtin("numeric").unwrap();
        let fault = |id: &str, secret: &str| ClientCredentials::parse(&numeric, id, secret).unwrap_err().fault().clone();
        assert_eq!(fault("ab\tc", "made-up"), KeyFault::ControlCharacter { position: 3 });
        assert_eq!(fault("é", "made-up"), KeyFault::ControlCharacter { position: 1 });
        assert_eq!(fault(" ", "made-up"), KeyFault::Empty);
        assert_eq!(fault("client", " "), KeyFault::Empty);
        assert_eq!(fault("client", "made-up "), KeyFault::WhiteSpace { position: 8 });
        assert_eq!(fault("client", "ma\nde"), KeyFault::WhiteSpace { position: 3 });
    }

    #[test]
    fn two_clients_are_the_same_if_id_and_proof_are() {
        let numeric = Provider::builtin("numeric").unwrap();
        let parse = |id: &str, secret: &str| ClientCredentials::parse(&numeric, id, secret).unwrap();
        let (one, nobody): (_, Arc<dyn Signer>) = (parse("one", "made-up"), Arc::new(Nobody));
        assert!(one.same_as(&one.clone()) && one.same_as(&one.clone().declared(&numeric, "sandbox").unwrap()));
        assert!(!one.same_as(&parse("two", "made-up")) && !one.same_as(&parse("one", "made-up too")));
        let signing = |key: &Arc<dyn Signer>| ClientCredentials::with_key(&numeric, "one", Arc::clone(key)).unwrap();
        let public = ClientCredentials::public(&numeric, "one").unwrap();
        assert!(signing(&nobody).same_as(&signing(&nobody)) && public.same_as(&public.clone()));
        assert!(!signing(&nobody).same_as(&signing(&(Arc::new(Nobody) as Arc<dyn Signer>))));
        assert!(!signing(&nobody).same_as(&public) && !public.same_as(&signing(&nobody)) && !public.same_as(&one));
    }

    #[test]
    fn a_client_proves_itself_by_what_it_has() {
        let numeric = Provider::builtin("numeric").unwrap();
        let with_secret = ClientCredentials::parse(&numeric, "one", "made-up").unwrap();
        let with_key = ClientCredentials::with_key(&numeric, "one", Arc::new(Nobody)).unwrap().declared(&numeric, "sandbox").unwrap();
        let public = ClientCredentials::public(&numeric, "one").unwrap();
        assert!(with_secret.secret().is_some_and(|secret| secret.expose() == "made-up"));
        assert!(with_key.secret().is_none() && public.secret().is_none());
        let algorithm = |client: &ClientCredentials| client.signer().map(|signer| String::from(signer.algorithm()));
        assert_eq!(algorithm(&with_key).as_deref(), Some("none"));
        assert_eq!((algorithm(&with_secret).as_deref(), algorithm(&public)), (Some("HS256"), None));
        let usual = ClientAuth::ClientSecretPost;
        assert_eq!(with_secret.authentication(None, usual).unwrap(), usual);
        assert_eq!(with_key.authentication(None, usual).unwrap(), ClientAuth::PrivateKeyJwt);
        assert_eq!(public.authentication(None, usual).unwrap(), ClientAuth::None);
        assert_eq!(public.authentication(Some(ClientAuth::TlsClientAuth), usual).unwrap(), ClientAuth::TlsClientAuth);
        let refused = with_key.authentication(Some(ClientAuth::ClientSecretBasic), usual).unwrap_err();
        assert!(refused.what().contains("client_secret_basic") && refused.what().contains("a key"), "{refused:?}");
    }
}

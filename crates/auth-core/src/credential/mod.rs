//! Credentials: what the owner was given.

mod authorization;
mod client;
mod error;
mod grant;
mod key;
mod notes;
mod plain;
mod plan;
mod ring;
mod secret;

pub(crate) use authorization::Attach;
pub use authorization::Authorization;
pub use client::ClientCredentials;
pub use error::{KeyError, KeyFault};
pub use grant::Grant;
pub use key::ApiKey;
pub use notes::{KeyAge, KeyNotes};
pub use plan::{PlanStep, RotationPlan};
pub(crate) use ring::KeyRing;
pub use ring::KeyState;
pub use secret::Secret;

use alloc::string::String;
use alloc::vec::Vec;

/// `Credential` is what a session authenticates with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credential {
    /// One or more static keys of one account; the first is used until it is refused.
    Keys(Vec<ApiKey>),
    /// Something that is exchanged for access tokens at the token endpoint.
    Grant(Grant),
    /// Several of one account: the first is used until the token endpoint refuses it, then the next of the others.
    Grants(Grant, Vec<Grant>),
}

impl Credential {
    /// The environments that the credential itself says it belongs to, by prefix or by declaration: one at most, unless keys of several are mixed.
    pub fn environments(&self) -> impl Iterator<Item = &str> {
        let keys = if let Self::Keys(keys) = self { keys.as_slice() } else { &[] };
        keys.iter().filter_map(ApiKey::environment).chain(self.grants().filter_map(Grant::environment))
    }

    /// What is exchanged for tokens; nothing if it is keys.
    pub(crate) fn grants(&self) -> impl Iterator<Item = &Grant> {
        let (first, others) = match self {
            Self::Keys(_) => (None, &[][..]),
            Self::Grant(grant) => (Some(grant), &[][..]),
            Self::Grants(first, others) => (Some(first), others.as_slice()),
        };
        first.into_iter().chain(others)
    }

    /// What it may do, in the vendor's words: what the notes of its keys or the scopes of its grants say together; empty if one of them says nothing,
    /// because it may then be allowed anything.
    pub(crate) fn permissions(&self) -> Vec<String> {
        let each: Vec<&[String]> = match self {
            Self::Keys(keys) => keys.iter().map(|key| key.notes().permissions.as_slice()).collect(),
            Self::Grant(_) | Self::Grants(..) => self.grants().map(Grant::scopes).collect(),
        };
        if each.iter().any(|permissions| permissions.is_empty()) { Vec::new() } else { each.concat() }
    }

    /// How many keys or clients there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Keys(keys) => keys.len(),
            Self::Grant(_) => 1,
            Self::Grants(_, others) => 1 + others.len(),
        }
    }

    /// Whether there is none at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Provider;
    use alloc::vec;

    #[test]
    fn keys_and_clients_are_counted() {
        let (finora, numeric) = (Provider::builtin("finora").unwrap(), Provider::builtin("numeric").unwrap());
        let key = ApiKey::parse(&finora, alloc::format!("live_sk_{}", "0a".repeat(24))).unwrap();
        let grant = || Grant::client_credentials(ClientCredentials::parse(&numeric, "one", "made-up").unwrap());
        let counted = [
            Credential::Keys(Vec::new()),
            Credential::Keys(vec![key.clone(), key]),
            Credential::Grant(grant()),
            Credential::Grants(grant(), vec![grant(), grant()]),
        ];
        assert_eq!(counted.each_ref().map(Credential::len), [0, 2, 1, 3]);
        assert_eq!(counted.each_ref().map(Credential::is_empty), [true, false, false, false]);
    }
}

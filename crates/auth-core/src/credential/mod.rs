//! Credentials: what the owner was given.

mod authorization;
mod client;
mod error;
mod key;
mod notes;
mod plain;
mod plan;
mod ring;
mod secret;

pub(crate) use authorization::Attach;
pub use authorization::Authorization;
pub use client::{ClientCredentials, Grant};
pub use error::{KeyError, KeyFault};
pub use key::ApiKey;
pub use notes::{KeyAge, KeyNotes};
pub use plan::{PlanStep, RotationPlan};
pub(crate) use ring::KeyRing;
pub use ring::KeyState;
pub use secret::Secret;

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
        let (keys, first, others) = match self {
            Self::Keys(keys) => (keys.as_slice(), None, &[][..]),
            Self::Grant(grant) => (&[][..], Some(grant), &[][..]),
            Self::Grants(first, others) => (&[][..], Some(first), others.as_slice()),
        };
        keys.iter().filter_map(ApiKey::environment).chain(first.into_iter().chain(others).filter_map(Grant::environment))
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

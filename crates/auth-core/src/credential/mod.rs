//! Credentials: what the owner was given.

mod authorization;
mod client;
mod error;
mod key;
mod notes;
mod plan;
mod ring;
mod secret;

pub use authorization::Authorization;
pub use client::{ClientCredentials, Grant};
pub use error::{KeyError, KeyFault};
pub use key::ApiKey;
pub use notes::{KeyAge, KeyNotes};
pub use plan::{PlanStep, RotationPlan};
pub(crate) use ring::KeyRing;
pub use ring::KeyState;
pub use secret::Secret;

/// `Credential` is what a session authenticates with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credential {
    /// One or more static keys of one account; the first is used until it is refused.
    Keys(alloc::vec::Vec<ApiKey>),
    /// Something that is exchanged for access tokens at the token endpoint.
    Grant(Grant),
}

impl Credential {
    /// The environments that the credential itself says it belongs to, by prefix or by declaration: one at most, unless keys of several are mixed.
    pub fn environments(&self) -> impl Iterator<Item = &str> {
        let (keys, grant) = match self {
            Self::Keys(keys) => (keys.as_slice(), None),
            Self::Grant(grant) => (&[][..], grant.environment()),
        };
        keys.iter().filter_map(ApiKey::environment).chain(grant)
    }
}

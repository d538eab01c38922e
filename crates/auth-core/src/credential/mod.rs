//! Credentials: what the owner was given.

mod authorization;
mod client;
mod error;
mod key;
mod ring;
mod secret;

pub use authorization::Authorization;
pub use client::{ClientCredentials, Grant};
pub use error::{KeyError, KeyFault};
pub use key::ApiKey;
pub(crate) use ring::KeyRing;
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
    /// The environment that the credential itself says it belongs to, by its prefix or by declaration.
    pub fn environment(&self) -> Option<&str> {
        match self {
            Self::Keys(keys) => keys.first().and_then(ApiKey::environment),
            Self::Grant(grant) => grant.environment(),
        }
    }
}

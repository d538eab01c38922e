//! Tokens: what a server grants.

pub(crate) mod access;
pub(crate) mod answer;
pub(crate) mod denied;
pub(crate) mod life;
mod name;
pub(crate) mod place;
pub(crate) mod record;
pub(crate) mod refresh;
pub(crate) mod refused;
pub(crate) mod request;
pub(crate) mod stored;

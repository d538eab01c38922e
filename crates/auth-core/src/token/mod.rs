//! Tokens: what a server grants.

pub(crate) mod answer;
pub(crate) mod life;
pub(crate) mod record;
pub(crate) mod refresh;
pub(crate) mod request;
pub(crate) mod stored;

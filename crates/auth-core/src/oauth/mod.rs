//! OAuth beyond the token itself: how a client proves itself, how a person's consent becomes a token, how it ends.
//!
//! `signer` and `assertion` are the proofs (RFC 7523), `consent` is the machine of what a person allows, with `authorization` (RFC 6749 section 4.1,
//! RFC 7636, RFC 8252, RFC 9207) and `device` (RFC 8628) as its two ways and its end by revocation (RFC 7009), `discovery` and `endpoints` know where to ask (RFC 8414),
//! `browser` ties a login to the browser that began it, and `codes` is what the servers' error codes mean.

pub(crate) mod assertion;
pub(crate) mod authorization;
pub(crate) mod browser;
pub(crate) mod codes;
pub(crate) mod consent;
pub(crate) mod device;
pub(crate) mod discovery;
pub(crate) mod endpoints;
mod pkce;
pub(crate) mod signer;

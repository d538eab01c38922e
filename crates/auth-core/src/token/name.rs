//! Under which name a store keeps what belongs to a session.

use crate::credential::Grant;
use crate::oauth::assertion::Assertion;
use crate::session::Session;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use sha2::{Digest as _, Sha256};

impl Session {
    /// The id under which a store keeps this session's record, lease and pause; it holds nothing secret.
    ///
    /// It is `name`, or made of provider, environment and client id if there is none. What would otherwise let two accounts meet under one id follows as 64
    /// bits of a hash: of the refresh token that the grant began with, always, because a record with somebody else's refresh token must never be overwritten;
    /// of keys, scopes and whom an assertion is for, where there is no name. A refresh token that a login put into the store has nothing of the kind: two
    /// accounts of one client then need names of their own.
    ///
    /// It changes when the credential's source gives another grant. A shell asks for it at each step and does not keep it.
    pub fn store_id(&self, name: Option<&str>) -> String {
        let usual = |owner: &str| format!("{}/{}/{owner}", self.connection().provider().name(), self.connection().environment());
        let Some(life) = self.life() else {
            let key = || self.secrets().first().map_or_else(|| usual("key"), |key| format!("{}/{}", usual("key"), digest(&[key.expose()])));
            return name.map_or_else(key, ToOwned::to_owned);
        };
        let base = name.map_or_else(|| usual(life.grant.client.id()), ToOwned::to_owned);
        match what_tells_apart(&life.grant, name.is_some()) {
            Some(digest) => format!("{base}/{digest}"),
            None => base,
        }
    }
}

/// What tells a grant from others of the same client; `None` if nothing does.
fn what_tells_apart(grant: &Grant, is_named: bool) -> Option<String> {
    if let Some(token) = grant.first_refresh_token() {
        return Some(digest(&[token.expose()]));
    }
    let about = grant.assertion().map_or(["", ""], Assertion::identity);
    let scopes = if grant.is_stored() { String::new() } else { grant.scopes().join(" ") };
    let parts = [about[0], about[1], &scopes];
    (!is_named && parts.iter().any(|part| !part.is_empty())).then(|| digest(&parts))
}

/// 64 bits of a hash, as 16 hexadecimal digits.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new().chain_update(b"ledgerauth store id");
    for part in parts {
        hash.update([0]);
        hash.update(part);
    }
    let whole = hash.finalize();
    whole[..8].iter().fold(String::with_capacity(16), |text, byte| text + &format!("{byte:02x}"))
}

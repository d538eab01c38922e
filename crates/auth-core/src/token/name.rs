//! Under which name a store keeps what belongs to a session.

use crate::credential::Grant;
use crate::oauth::assertion::Assertion;
use crate::provider::GrantKind;
use crate::session::Session;
use crate::token::place::Belonging;
use crate::token::record::Record;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sha2::{Digest as _, Sha256};

impl Session {
    /// The id under which a store keeps this session's record, lease and pause; it holds nothing secret.
    ///
    /// It is readable first: `name`, if there is one, then provider, environment and client id. 64 bits of a hash follow. They cover the place that the tokens
    /// belong to ([`crate::Place`]), the name and the grant, each text with its length, so that no two accounts meet under one id: the refresh token that the
    /// grant began with, or whom an assertion is for, and the scopes of a grant that asks for each token with them. A refresh token that a login put into the
    /// store has nothing of the kind: two accounts of one client then need names of their own.
    ///
    /// It changes when the credential's source gives another grant. A shell asks for it at each step and does not keep it.
    pub fn store_id(&self, name: Option<&str>) -> String {
        let connection = self.connection();
        let (place, kind) = match self.life() {
            Some(life) => (connection.place_of(&life.grant), life.grant.client.id()),
            None => (connection.place_of_keys(), "key"),
        };
        let mut hash = Hash::new("ledgerauth store id 2");
        hash.list(&name.into_iter().collect::<Vec<_>>());
        hash.list(&[&place.provider, &place.environment, &place.client_id]);
        hash.list(&place.set.iter().flat_map(|(name, value)| [&**name, value.as_str()]).collect::<Vec<_>>());
        match self.life() {
            Some(life) => hash_grant(&mut hash, &life.grant),
            // Keys that replace each other share what is kept under a name.
            None if name.is_some() => hash.list(&["keys"]),
            None => hash.list(&["key", self.secrets().first().map_or("", |key| key.expose())]),
        }
        let name = name.map_or_else(String::new, |name| format!("{name}/"));
        format!("{name}{}/{}/{kind}/{}", place.provider, place.environment, hash.digits())
    }

    /// The id under which version 1 kept the record of a refresh token; `None` for other credentials, which lose nothing.
    ///
    /// A shell that finds no record under [`Session::store_id`] looks here, and uses this id if [`Session::looks_at_former`] says so.
    pub fn former_store_id(&self, name: Option<&str>) -> Option<String> {
        let life = self.life().filter(|life| life.grant.kind() == GrantKind::RefreshToken)?;
        let (connection, client) = (self.connection(), life.grant.client.id());
        let usual = || format!("{}/{}/{client}", connection.provider().name(), connection.environment());
        let base = name.map_or_else(usual, ToOwned::to_owned);
        Some(match life.grant.first_refresh_token() {
            Some(token) => {
                let mut hash = Hash::new("ledgerauth store id");
                hash.0.update([0]);
                hash.0.update(token.expose());
                format!("{base}/{}", hash.digits())
            }
            None => base,
        })
    }

    /// Whether the record under the former id is to be handed to the machine: it is this session's, or nothing shows that it is not. A login passes by what
    /// is not the session's, because its new consent stands under the new id.
    pub fn looks_at_former(&self, record: &Record, for_login: bool) -> bool {
        match self.belonging(record.clone()) {
            Some(Belonging::Ours(_)) => true,
            Some(Belonging::Unproven(_) | Belonging::OfAnotherGrant(_)) => !for_login,
            Some(Belonging::OfAnotherPlace(_) | Belonging::Worthless) | None => false,
        }
    }
}

/// What tells a grant from others of the same client at the same place.
fn hash_grant(hash: &mut Hash, grant: &Grant) {
    if let Some(token) = grant.first_refresh_token() {
        return hash.list(&["refresh token", token.expose()]);
    }
    if grant.is_stored() {
        return hash.list(&["stored"]);
    }
    hash.list(&grant.assertion().map_or(["", ""], Assertion::identity));
    hash.list(&grant.scopes_in_order());
}

/// SHA-256 of texts.
struct Hash(Sha256);

impl Hash {
    fn new(about: &str) -> Self {
        Self(Sha256::new().chain_update(about))
    }

    /// A list of texts, each with its length, and with its own.
    fn list(&mut self, texts: &[&str]) {
        self.0.update((texts.len() as u64).to_be_bytes());
        for text in texts {
            self.0.update((text.len() as u64).to_be_bytes());
            self.0.update(text);
        }
    }

    /// The first 64 bits, as 16 hexadecimal digits.
    fn digits(self) -> String {
        self.0.finalize()[..8].iter().fold(String::with_capacity(16), |text, byte| text + &format!("{byte:02x}"))
    }
}

//! `Place`: the one account system that a record's tokens may be sent to, and whether a record belongs to a connection.

use super::record::Record;
use crate::connection::Connection;
use crate::credential::Grant;
use crate::provider::GrantKind;
use crate::verdict::failure::{Failure, FailureKind};
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt;

/// `Place` says where a record's tokens belong: a provider, its environment, a client and the hosts that the program set itself.
///
/// The profile's own hosts are not part of it, because a vendor that moves a host ends no connection. Hosts that a server's answer or its metadata
/// named are not part of it either. Nothing in it is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The provider's short name.
    pub provider: String,
    /// The environment's name.
    pub environment: String,
    /// The client id; empty for a client without one.
    pub client_id: String,
    /// The settings that the program gave instead of the profile's, by their names: `base_url`, `token_url` and `issuer`, each as an origin.
    pub set: BTreeMap<Box<str>, String>,
}

/// One line without quotes around it, such as `xero/production of the client "id", with token_url at https://gate.example`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [provider, environment] = [&self.provider, &self.environment].map(|name| short(name));
        write!(f, "{}/{}", provider.escape_debug(), environment.escape_debug())?;
        if !self.client_id.is_empty() {
            write!(f, " of the client {:?}", short(&self.client_id))?;
        }
        for (index, (name, value)) in self.set.iter().enumerate() {
            let before = if index == 0 { ", with" } else { " and" };
            write!(f, "{before} {} at {}", short(name).escape_debug(), short(value).escape_debug())?;
        }
        Ok(())
    }
}

/// The start of a text: a store's content decides how long it is.
fn short(text: &str) -> &str {
    text.char_indices().nth(100).map_or(text, |(end, _)| &text[..end])
}

/// `Digest` is FNV-1a with 64 bits over texts, each with its length, so that no two lists of texts run together into one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest(u64);

impl Digest {
    pub(crate) const START: Self = Self(0xcbf2_9ce4_8422_2325);

    pub(crate) fn text(self, text: &str) -> Self {
        let length = (text.len() as u64).to_be_bytes();
        let bytes = length.into_iter().chain(text.bytes());
        Self(bytes.fold(self.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
    }

    /// A list of texts, with its length.
    pub(crate) fn texts(self, texts: &[&str]) -> Self {
        texts.iter().fold(self.text(&texts.len().to_string()), |digest, text| digest.text(text))
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

/// What a store's record is to a grant at a connection.
pub(crate) enum Belonging {
    /// It holds this grant's tokens: the record, with the grant's present number.
    Ours(Box<Record>),
    /// It names another place.
    OfAnotherPlace(Failure),
    /// It names no place, and nothing shows that its refresh token is this grant's.
    Unproven(Failure),
    /// It names this place and another grant.
    OfAnotherGrant(Failure),
    /// It is not ours and has no refresh token, so that nothing is lost with it.
    Worthless,
}

impl Belonging {
    /// Judges a record by its place and its grant's number.
    pub(crate) fn of(mut record: Record, grant: &Grant, connection: &Connection) -> Self {
        let number = grant.fingerprint(connection.place_digest());
        let own = connection.place_of(grant);
        let place = record.place.take();
        if let Some(place) = place.as_deref().filter(|place| **place != own) {
            let what = format!("the store's record is of {place}, this client is of {own}");
            return Self::OfAnotherPlace(refused(&what, "give each of the two a name or a store of its own"));
        }
        if record.grant == number || place.is_none() && is_proven(&record, grant, connection) {
            record.grant = number;
            return Self::Ours(Box::new(record));
        }
        if record.refresh_token.is_none() && record.spending.is_none() {
            return Self::Worthless;
        }
        let advice = "log in once, give the client a name or a store of its own, or remove the record";
        if place.is_some() {
            let what = format!("the store's record is of another refresh token of {own}");
            return Self::OfAnotherGrant(refused(&what, advice));
        }
        let what = format!("the store's record is of version 1, and nothing shows that its refresh token is of {own}");
        Self::Unproven(refused(&what, advice))
    }

    /// The record, if it is ours. `is_by_id` says that it stood under the session's id, where another grant's is a contradiction.
    ///
    /// # Errors
    /// Why it may be neither used nor overwritten.
    pub(crate) fn record(self, is_by_id: bool) -> Result<Option<Record>, Failure> {
        match self {
            Self::Ours(record) => Ok(Some(*record)),
            Self::OfAnotherGrant(_) if !is_by_id => Ok(None),
            Self::Worthless => Ok(None),
            Self::OfAnotherPlace(failure) | Self::Unproven(failure) | Self::OfAnotherGrant(failure) => Err(failure),
        }
    }
}

/// Whether a record without a place, of version 1, is this grant's.
///
/// The number in it knew a refresh token that the program gave, which proves it. What a login left is told by the client id alone: it is taken for the
/// profile's own hosts, and for production where the provider has several environments.
fn is_proven(record: &Record, grant: &Grant, connection: &Connection) -> bool {
    if grant.kind() != GrantKind::RefreshToken || !grant.was_fingerprinted(record.grant) {
        return false;
    }
    let several = connection.provider().environments().nth(1).is_some();
    !grant.is_stored() || connection.own_settings().is_empty() && (!several || connection.environment() == "production")
}

fn refused(what: &str, advice: &'static str) -> Failure {
    let what = format!("{what}: it was neither used nor overwritten");
    Failure::new(FailureKind::Store, what, advice)
}

impl Connection {
    /// Where a grant's tokens may be sent.
    pub(crate) fn place_of(&self, grant: &Grant) -> Place {
        Place { client_id: grant.client.id().to_owned(), ..self.place_of_keys() }
    }

    /// The place without a client.
    pub(crate) fn place_of_keys(&self) -> Place {
        Place {
            provider: self.provider().name().to_owned(),
            environment: self.environment().to_owned(),
            client_id: String::new(),
            set: self.own_settings().clone(),
        }
    }

    /// Everything of the place but the client.
    pub(crate) fn place_digest(&self) -> Digest {
        let digest = Digest::START.text(self.provider().name()).text(self.environment());
        self.own_settings().iter().fold(digest, |digest, (name, value)| digest.text(name).text(value))
    }
}

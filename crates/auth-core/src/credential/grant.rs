//! `Grant`: what a session exchanges for access tokens.

use super::{ClientCredentials, Secret};
use crate::oauth::assertion::Assertion;
use crate::provider::GrantKind;
use crate::token::place::Digest;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// `Grant` is what a session exchanges for access tokens.
#[derive(Clone, Debug)]
pub struct Grant {
    pub(crate) client: ClientCredentials,
    /// Nothing for a client that asks for no scopes: a service may hold a hundred thousand of them.
    more: Option<Box<More>>,
}

#[derive(Clone, Debug)]
struct More {
    scopes: Vec<String>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Client,
    RefreshToken(Secret),
    Stored,
    Assertion(Assertion),
}

impl Grant {
    /// The client credentials grant (RFC 6749 section 4.4).
    pub fn client_credentials(client: ClientCredentials) -> Self {
        Self { client, more: None }
    }

    /// The refresh token grant (RFC 6749 section 6).
    pub fn refresh_token(client: ClientCredentials, refresh_token: impl Into<Secret>) -> Self {
        Self::of(client, What::RefreshToken(refresh_token.into()))
    }

    /// The refresh token grant with the refresh token that the session's store holds: what a login ([`crate::Consent`]) put there, and what later refreshes made
    /// of it.
    ///
    /// The scopes are those that a person is asked for; a refresh asks for what was granted (RFC 6749 section 6).
    pub fn stored(client: ClientCredentials) -> Self {
        Self::of(client, What::Stored)
    }

    /// The JWT bearer grant (RFC 7523 section 2.1): for service accounts.
    pub fn jwt_bearer(client: ClientCredentials, assertion: Assertion) -> Self {
        Self::of(client, What::Assertion(assertion))
    }

    /// The same grant, asking for these scopes (RFC 6749 section 3.3).
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        if self.more.is_some() || !scopes.is_empty() {
            self.more.get_or_insert_with(|| Box::new(More { scopes: Vec::new(), what: What::Client })).scopes = scopes;
        }
        self
    }

    fn of(client: ClientCredentials, what: What) -> Self {
        Self { client, more: Some(Box::new(More { scopes: Vec::new(), what })) }
    }

    fn what(&self) -> &What {
        self.more.as_ref().map_or(&What::Client, |more| &more.what)
    }

    /// The scopes to ask for; none leaves them to the server.
    pub(crate) fn scopes(&self) -> &[String] {
        self.more.as_ref().map_or(&[], |more| &more.scopes)
    }

    /// Which grant it is.
    pub fn kind(&self) -> GrantKind {
        match self.what() {
            What::Client => GrantKind::ClientCredentials,
            What::RefreshToken(_) | What::Stored => GrantKind::RefreshToken,
            What::Assertion(_) => GrantKind::JwtBearer,
        }
    }

    /// The environment by the secret's prefix or by declaration.
    pub fn environment(&self) -> Option<&str> {
        self.client.environment()
    }

    /// The refresh token that it begins with, if it has one of its own.
    pub(crate) fn first_refresh_token(&self) -> Option<&Secret> {
        match self.what() {
            What::RefreshToken(token) => Some(token),
            What::Client | What::Stored | What::Assertion(_) => None,
        }
    }

    /// Whether the refresh token is the one in the store.
    pub(crate) fn is_stored(&self) -> bool {
        matches!(self.what(), What::Stored)
    }

    /// What it asserts, if it is by assertion.
    pub(crate) fn assertion(&self) -> Option<&Assertion> {
        match self.what() {
            What::Assertion(assertion) => Some(assertion),
            What::Client | What::RefreshToken(_) | What::Stored => None,
        }
    }

    /// The number that tells this grant at a place from every other. It stands in records beside the tokens themselves and is shown nowhere.
    ///
    /// It is made of the client id and of the refresh token that the grant began with, or of whom an assertion is for. Scopes count where each set of
    /// them is a grant of its own. They do not count for a refresh token, because a refresh keeps what was granted (RFC 6749 section 6).
    pub(crate) fn fingerprint(&self, place: Digest) -> u64 {
        let digest = place.text(self.client.id());
        match self.what() {
            What::RefreshToken(token) => digest.text("refresh token").text(token.expose()),
            What::Stored => digest.text("stored"),
            What::Client => digest.text("client").texts(&self.scopes_in_order()),
            What::Assertion(assertion) => digest.text("assertion").texts(&assertion.identity()).texts(&self.scopes_in_order()),
        }
        .number()
    }

    /// The scopes, sorted and each once: their order says nothing (RFC 6749 section 3.3).
    pub(crate) fn scopes_in_order(&self) -> Vec<&str> {
        let mut scopes: Vec<&str> = self.scopes().iter().flat_map(|scope| scope.split_ascii_whitespace()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    }

    /// Whether a record of version 1 holds this refresh token grant, by its number alone.
    ///
    /// That number knew no place, and knew the scopes in the order in which they were given.
    pub(crate) fn was_fingerprinted(&self, number: u64) -> bool {
        let scopes = || self.scopes().iter().map(String::as_str);
        match self.what() {
            What::RefreshToken(token) => {
                let former = |scopes: &[&str]| former_number([self.client.id(), token.expose()].iter().chain(scopes));
                let given: Vec<&str> = scopes().collect();
                [former(&given), former(&self.scopes_in_order()), former(&[])].contains(&number)
            }
            What::Stored => former_number([self.client.id(), "\u{1}"].iter()) == number,
            What::Client | What::Assertion(_) => false,
        }
    }

    /// Whether two grants are exchanged with the same secrets.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        let same_what = match (self.what(), other.what()) {
            (What::Client, What::Client) | (What::Stored, What::Stored) => true,
            (What::RefreshToken(ours), What::RefreshToken(theirs)) => ours.same_as(theirs),
            (What::Assertion(ours), What::Assertion(theirs)) => ours.same_as(theirs),
            _ => false,
        };
        same_what && self.client.same_as(&other.client)
    }
}

/// The fingerprint of version 1: FNV-1a of the texts with a zero byte after each.
fn former_number<'a>(texts: impl Iterator<Item = &'a &'a str>) -> u64 {
    let bytes = texts.flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::signer::{SharedSecret, Signer};
    use crate::provider::Provider;
    use alloc::sync::Arc;

    fn client(id: &str) -> ClientCredentials {
        ClientCredentials::parse(&Provider::builtin("numeric").unwrap(), id, "made-up").unwrap()
    }

    #[test]
    fn a_client_without_scopes_has_nothing_more() {
        let plain = Grant::client_credentials(client("one"));
        assert!(plain.clone().with_scopes([""; 0]).more.is_none());
        let asking = plain.with_scopes(["read", "write"]);
        assert_eq!((asking.scopes(), asking.kind()), (&["read".into(), "write".into()][..], GrantKind::ClientCredentials));
        assert!(asking.with_scopes([""; 0]).scopes().is_empty());
        let stored = Grant::stored(client("one")).with_scopes(["read"]);
        assert!(stored.is_stored() && stored.scopes() == [String::from("read")]);
        assert!(stored.assertion().is_none());
    }

    #[test]
    fn an_assertion_is_its_own_by_whom_it_is_for() {
        let signer: Arc<dyn Signer> = Arc::new(SharedSecret(Secret::new("made-up")));
        let about = |subject: &str| {
            let assertion = Assertion::new("service", Arc::clone(&signer)).subject(subject);
            Grant::jwt_bearer(client("one"), assertion)
        };
        assert!(about("a").assertion().is_some_and(|assertion| assertion.identity() == about("a").assertion().unwrap().identity()));
        assert!(about("a").same_as(&about("a")) && !about("a").same_as(&about("b")));
        assert_ne!(about("a").fingerprint(Digest::START), about("b").fingerprint(Digest::START));
        assert!(!about("a").same_as(&Grant::client_credentials(client("one"))));
    }

    #[test]
    fn a_fingerprint_tells_clients_places_and_connections_apart() {
        let grants = [
            Grant::client_credentials(client("one")),
            Grant::client_credentials(client("two")),
            Grant::client_credentials(client("one")).with_scopes(["read"]),
            Grant::refresh_token(client("one"), "made-up-1"),
            Grant::refresh_token(client("one"), "made-up-2"),
            Grant::stored(client("one")),
            Grant::stored(client("two")),
        ];
        let [here, there] = ["here", "there"].map(|place| Digest::START.text(place));
        for (index, grant) in grants.iter().enumerate() {
            assert_ne!(grant.fingerprint(here), grant.fingerprint(there), "{index}");
            for (other, another) in grants.iter().enumerate() {
                assert_eq!(grant.fingerprint(here) == another.fingerprint(here), index == other, "{index} and {other}");
                // Scopes are no secret that could be another.
                let same = index == other || index.max(other) == 2 && index.min(other) == 0;
                assert_eq!(grant.same_as(another), same, "{index} and {other}");
            }
        }
        // It stands in records: another number would take every connection from its owner.
        assert_eq!(grants[3].fingerprint(here), 3_939_875_167_493_736_233);
    }

    #[test]
    fn scopes_make_another_grant_only_where_each_token_is_asked_for_with_them() {
        let here = Digest::START.text("here");
        let asking = |grant: Grant, scopes: &[&str]| grant.with_scopes(scopes.iter().copied()).fingerprint(here);
        let of_client = |scopes: &[&str]| asking(Grant::client_credentials(client("one")), scopes);
        assert_eq!(of_client(&["b", "a"]), of_client(&["a b", "a"]));
        assert_ne!(of_client(&["a"]), of_client(&["a", "b"]));
        assert_ne!(of_client(&["ab"]), of_client(&["a", "b"]));
        for grant in [Grant::refresh_token(client("one"), "made-up"), Grant::stored(client("one"))] {
            assert_eq!(asking(grant.clone(), &["b", "a"]), asking(grant, &[]));
        }
    }

    #[test]
    fn a_number_of_version_1_is_known_in_whatever_order_its_scopes_stood() {
        let grant = Grant::refresh_token(client("one"), "made-up").with_scopes(["b", "a"]);
        let number = |texts: &[&str]| former_number(["one", "made-up"].iter().chain(texts));
        for known in [number(&["b", "a"]), number(&["a", "b"]), number(&[])] {
            assert!(grant.was_fingerprinted(known));
        }
        assert!(!grant.was_fingerprinted(number(&["c"])) && !Grant::stored(client("one")).was_fingerprinted(number(&[])));
        assert!(!Grant::client_credentials(client("one")).was_fingerprinted(former_number(["one", ""].iter())));
    }
}

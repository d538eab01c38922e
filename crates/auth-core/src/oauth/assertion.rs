//! Assertions: what a client or a service account says of itself, signed (RFC 7521, RFC 7523).

use super::signer::Signer;
use crate::credential::Secret;
use crate::time::UnixTime;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core::fmt;
use core::time::Duration;
use serde_json::{Map, Value};

/// How long an assertion is good for: a minute, because a token request takes 30 seconds at most and clocks that were compared differ by seconds; a
/// stolen one is worth nothing soon, and the strictest servers take no longer ones.
const LIFETIME: Duration = Duration::from_mins(1);

/// How far off a clock may be before it can be the reason why an assertion is refused: five seconds, because no server is stricter.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

/// Whether two readings of the server's clock are so far apart that an assertion dated by one may be refused by the other.
pub(crate) fn clocks_differ(one: UnixTime, other: UnixTime) -> bool {
    one.since(other).max(other.since(one)) > CLOCK_TOLERANCE
}

/// `Assertion` is what a JWT bearer grant asserts: who issues it, on whose behalf, for whom (RFC 7523 sections 2.1 and 3). Each request gets a new one.
#[derive(Clone)]
pub struct Assertion {
    issuer: String,
    subject: Option<String>,
    audience: Option<String>,
    scope_claim: bool,
    signer: Arc<dyn Signer>,
}

impl Assertion {
    /// An assertion by `issuer` (a service account's name, or a client id) about itself.
    pub fn new(issuer: impl Into<String>, signer: Arc<dyn Signer>) -> Self {
        Self { issuer: issuer.into(), subject: None, audience: None, scope_claim: false, signer }
    }

    /// The same, on behalf of another (`sub`): the account that the token is for.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// The same, for this audience (`aud`) instead of the one that the profile says.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// The same, naming the scopes inside, in the claim `scope`, and not beside it in the form: some servers read them only there.
    #[must_use]
    pub fn with_scope_claim(mut self) -> Self {
        self.scope_claim = true;
        self
    }

    pub(crate) fn names_scopes(&self) -> bool {
        self.scope_claim
    }

    /// Issuer and subject, which are the same if no subject was named.
    pub fn identity(&self) -> [&str; 2] {
        [&self.issuer, self.subject.as_deref().unwrap_or(&self.issuer)]
    }

    pub(crate) fn same_as(&self, other: &Self) -> bool {
        self.identity() == other.identity() && Arc::ptr_eq(&self.signer, &other.signer)
    }

    /// It as it is now, without its signature.
    pub(crate) fn unsigned(&self, scopes: &str, audience: &str, at: UnixTime, dice: &mut fastrand::Rng) -> Unsigned {
        let [issuer, subject] = self.identity();
        let audience = self.audience.as_deref().unwrap_or(audience);
        let scope = Some(scopes).filter(|scopes| self.scope_claim && !scopes.is_empty());
        Unsigned::new("assertion", &self.signer, [issuer, subject, audience], scope, at, dice)
    }
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [issuer, subject] = self.identity();
        write!(f, "Assertion(by {issuer:?}, about {subject:?}, {})", self.signer.algorithm())
    }
}

/// An assertion that still has to be signed, and the form field it goes into.
#[derive(Clone)]
pub(crate) struct Unsigned {
    pub(crate) field: &'static str,
    input: Secret,
    signer: Arc<dyn Signer>,
}

impl Unsigned {
    /// The proof of a client (RFC 7523 section 2.2): it speaks of itself.
    pub(crate) fn proof_of(client: &str, signer: &Arc<dyn Signer>, audience: &str, at: UnixTime, dice: &mut fastrand::Rng) -> Self {
        Self::new("client_assertion", signer, [client, client, audience], None, at, dice)
    }

    /// RFC 7519 section 4.1: by the server's clock, with an id that no other has, because servers refuse the second use of one.
    fn new(
        field: &'static str,
        signer: &Arc<dyn Signer>,
        [issuer, subject, audience]: [&str; 3],
        scope: Option<&str>,
        at: UnixTime,
        dice: &mut fastrand::Rng,
    ) -> Self {
        let object = |members: &[(&str, Option<&str>)]| {
            let members = members.iter().filter_map(|(name, text)| text.map(|text| (String::from(*name), Value::from(text))));
            members.collect::<Map<String, Value>>()
        };
        let head = object(&[("typ", Some("JWT")), ("alg", Some(signer.algorithm())), ("kid", signer.key_id())]);
        let id = format!("{:016x}{:016x}", dice.u64(..), dice.u64(..));
        let mut claims =
            object(&[("iss", Some(issuer)), ("sub", Some(subject)), ("aud", Some(audience)), ("jti", Some(&id)), ("scope", scope)]);
        claims.insert("iat".into(), at.as_secs().into());
        claims.insert("exp".into(), at.after(LIFETIME).as_secs().into());
        let encode = |object: Map<String, Value>| URL_SAFE_NO_PAD.encode(format!("{}", Value::Object(object)));
        Self { field, input: Secret::new(format!("{}.{}", encode(head), encode(claims))), signer: Arc::clone(signer) }
    }

    /// What is signed.
    pub(crate) fn input(&self) -> &Secret {
        &self.input
    }

    /// The whole token (RFC 7515 section 7.1).
    pub(crate) fn sign(&self) -> Result<Secret, String> {
        let signature = self.signer.sign(self.input.expose().as_bytes())?;
        Ok(Secret::new(format!("{}.{}", self.input.expose(), URL_SAFE_NO_PAD.encode(signature))))
    }
}

impl fmt::Debug for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.field, self.signer.algorithm())
    }
}

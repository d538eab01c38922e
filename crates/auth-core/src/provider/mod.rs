//! Providers: what each vendor documents, as data.
//!
//! A new API is a new TOML file, never new code. `profile` is the format, `check` refuses what contradicts itself, this file is what the rest of the machine asks.

mod check;
mod error;
mod profile;
mod read;
mod shape;

pub(crate) use error::Fault;
pub use error::ProfileError;
pub use profile::{Alphabet, ClientAuth, Difference, GrantKind, Requirement, Rotation};
pub(crate) use profile::{
    AssertionAudience, FormatFacts, IdempotencyFacts, RefreshFacts, TokenErrorFacts, TokenErrorMeaning, TokenRequestForm, WaitUnit,
};

pub(crate) use read::{Fact, word, words};
pub(crate) use shape::Shape;
pub use shape::profile_page;

use crate::token::refresh::RefreshRules;
use crate::verdict::body::Body;
use crate::verdict::failure::FailureKind;
use crate::verdict::processed::Processed;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use profile::{Meaning, Profile};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The profiles that the library ships: name and text.
const BUILTIN: [(&str, &str); 7] = [
    ("adaas", include_str!("../../providers/adaas.toml")),
    ("exact", include_str!("../../providers/exact.toml")),
    ("finora", include_str!("../../providers/finora.toml")),
    ("numeric", include_str!("../../providers/numeric.toml")),
    ("numora", include_str!("../../providers/numora.toml")),
    ("quickbooks", include_str!("../../providers/quickbooks.toml")),
    ("xero", include_str!("../../providers/xero.toml")),
];

/// `Provider` is what one API's vendor documents about authentication, read from a profile.
///
/// Cloning is cheap (a reference count); a provider never changes and may be shared between threads.
#[derive(Clone)]
pub struct Provider(Arc<Profile>);

impl Provider {
    /// One of the shipped profiles: `adaas`, `exact`, `finora`, `numeric`, `numora`, `quickbooks` or `xero`.
    ///
    /// # Errors
    /// A [`ProfileError`] that lists the shipped names, if there is none of that name.
    pub fn builtin(name: &str) -> Result<Self, ProfileError> {
        match BUILTIN.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Self::from_toml(text),
            None => Err(ProfileError::unknown_name(name, Self::builtin_names())),
        }
    }

    /// The names of the shipped profiles, in alphabetical order.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name)
    }

    /// The text of a shipped profile: a start for one's own.
    pub fn builtin_text(name: &str) -> Option<&'static str> {
        BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// A provider from the text of a profile.
    ///
    /// # Errors
    /// A [`ProfileError`] with line, field and reason: not TOML, an unknown field, a missing one, or two that contradict each other.
    pub fn from_toml(text: &str) -> Result<Self, ProfileError> {
        let parsed = DeTable::parse(text).map_err(|error| ProfileError::from_toml(text, &error))?;
        // What is missing from the profile itself is missing in no one line.
        let whole = Spanned::new(usize::MAX..usize::MAX, DeValue::Table(parsed.into_inner()));
        let checked = Profile::read(&whole).and_then(|profile| check::contradictions(&profile).map(|()| profile));
        checked.map(|profile| Self(Arc::new(profile))).map_err(|fault| ProfileError::from_fault(text, fault))
    }

    /// The short name, such as `finora`.
    pub fn name(&self) -> &str {
        self.0.name.get_ref()
    }

    /// The name as people write it, such as `Finora Business`.
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// The address of the vendor's page on authentication.
    pub fn documentation(&self) -> Option<&str> {
        self.0.documentation.as_deref()
    }

    /// The environments, in the order of the profile.
    pub fn environments(&self) -> impl Iterator<Item = Environment<'_>> {
        self.0.environment.iter().map(|facts| Environment(facts.get_ref()))
    }

    /// The environment of that name.
    pub fn environment(&self, name: &str) -> Option<Environment<'_>> {
        self.environments().find(|environment| environment.name() == name)
    }

    /// Whether the API takes static keys.
    pub fn takes_keys(&self) -> bool {
        self.0.key.is_some()
    }

    /// Whether the API takes an access token obtained by this grant.
    pub fn takes_grant(&self, grant: GrantKind) -> bool {
        self.0.token.as_ref().is_some_and(|token| token.get_ref().grants.contains(&grant))
    }

    /// Whether the API takes access tokens at all.
    pub fn takes_tokens(&self) -> bool {
        self.0.token.is_some()
    }

    /// How long a key lives after its creation; `None` if the vendor sets no limit.
    pub fn key_lifetime(&self) -> Option<Duration> {
        let days = self.0.key.as_ref()?.get_ref().lifetime_days?;
        Some(Duration::from_secs(u64::from(days) * 86_400))
    }

    /// Whether an old and a new key may be in use together; `None` if the vendor does not say.
    pub fn keys_may_overlap(&self) -> Option<bool> {
        self.0.key.as_ref()?.get_ref().overlap
    }

    /// How many keys an account may hold; `None` if the vendor does not say.
    pub fn max_keys(&self) -> Option<u32> {
        self.0.token.as_ref()?.get_ref().max_keys
    }

    /// How long an access token lives when the answer that grants it does not say.
    pub fn token_lifetime(&self) -> Option<Duration> {
        self.0.token.as_ref()?.get_ref().lifetime_seconds.map(Duration::from_secs)
    }

    /// What the vendor says about refresh tokens.
    pub fn refresh_rules(&self) -> RefreshRules {
        let facts = self.0.token.as_ref().and_then(|token| token.get_ref().refresh.as_ref()).map(Spanned::get_ref);
        facts.map_or_else(RefreshRules::default, RefreshRules::from)
    }

    /// Where a credential of this API is issued, in the words of a person who has to go there.
    pub fn where_to_obtain(&self) -> Option<&str> {
        let key = self.0.key.as_ref().and_then(|key| key.get_ref().obtain.as_deref());
        key.or_else(|| self.0.token.as_ref().and_then(|token| token.get_ref().obtain.as_deref()))
    }

    /// The path of the harmless GET that proves a credential; `None` if the vendor documents none.
    pub fn check_path(&self) -> Option<&str> {
        self.0.check.as_ref().map(|check| check.path.get_ref().as_str())
    }

    /// The points on which sources disagree, and which side the profile takes.
    pub fn differences(&self) -> &[Difference] {
        &self.0.difference
    }

    /// Each table of the profile with the address its facts come from, `None` where it names none.
    pub fn sources(&self) -> Vec<(String, Option<&str>)> {
        self.0.sources()
    }

    /// The permissions that calls need beside a valid credential, in the order in which they are looked at: the first that is about a path counts.
    pub fn requirements(&self) -> impl Iterator<Item = &Requirement> {
        self.0.requirement.iter().map(Spanned::get_ref)
    }

    pub(crate) fn attach_header(&self) -> &str {
        self.0.attach.header.get_ref()
    }

    pub(crate) fn attach_scheme(&self) -> &str {
        self.0.attach.scheme.get_ref()
    }

    pub(crate) fn key_formats(&self) -> impl Iterator<Item = &FormatFacts> {
        self.0.key.iter().flat_map(|key| key.get_ref().format.iter().map(Spanned::get_ref))
    }

    pub(crate) fn secret_formats(&self) -> impl Iterator<Item = &FormatFacts> {
        self.0.token.iter().flat_map(|token| token.get_ref().secret_format.iter().map(Spanned::get_ref))
    }

    pub(crate) fn token_request(&self) -> Option<(TokenRequestForm, ClientAuth)> {
        self.0.token.as_ref().map(|token| (token.get_ref().request, token.get_ref().client_auth))
    }

    /// What the vendor says a refusal of its token endpoint means.
    pub(crate) fn token_error(&self, status: u16, codes: &[String], body: &Body) -> Option<&TokenErrorFacts> {
        let fits = |facts: &&TokenErrorFacts| {
            let code_fits = |code: &String| codes.iter().any(|found| found.trim().eq_ignore_ascii_case(code));
            facts.status.is_none_or(|wanted| wanted == status)
                && facts.code.as_ref().is_none_or(code_fits)
                && facts.text.as_ref().is_none_or(|text| body.holds(&text.to_lowercase()))
        };
        self.0.token.as_ref()?.get_ref().error.iter().map(Spanned::get_ref).find(fits)
    }

    pub(crate) fn assertion_audience(&self) -> Option<&AssertionAudience> {
        self.0.token.as_ref().map(|token| &token.get_ref().assertion_audience)
    }

    /// What an authorization request carries beside what the RFCs say.
    pub(crate) fn authorization_parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let parameters = self.0.token.iter().flat_map(|token| &token.get_ref().authorization_parameters);
        parameters.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The header that carries request ids; `x-request-id` unless the vendor names another, because a stranger header is ignored (RFC 9110 section 5.1).
    pub(crate) fn request_id_header(&self) -> &str {
        self.0.request_id.header.as_deref().unwrap_or("x-request-id")
    }

    pub(crate) fn request_id_paths(&self) -> &[String] {
        &self.0.request_id.body
    }

    pub(crate) fn error_paths(&self) -> (&[String], &[String]) {
        (&self.0.error.code, &self.0.error.message)
    }

    /// Whether an answer says that what was asked for is not ready yet (`[poll]` in the profile), so that asking again later makes sense.
    ///
    /// `body` is the whole body of a successful answer.
    pub fn says_not_ready(&self, status: u16, body: &[u8]) -> bool {
        let Some(facts) = self.0.poll.as_ref() else { return false };
        let pending = || {
            let field = facts.field.as_deref()?;
            let value = Body::read(body).at(field)?;
            Some(facts.pending.contains(&value))
        };
        facts.statuses.contains(&status) || pending().unwrap_or(false)
    }

    pub(crate) fn idempotency(&self) -> Option<&IdempotencyFacts> {
        self.0.idempotency.as_ref()
    }

    /// What the vendor says a code means, in an answer of this status.
    pub(crate) fn meaning_of_code(&self, status: u16, code: &str) -> Option<(FailureKind, &str)> {
        self.first_meaning(|meaning| meaning.code.as_deref() == Some(code) && meaning.status.is_none_or(|wanted| wanted == status))
    }

    /// What the vendor says a status means, whatever the code.
    pub(crate) fn meaning_of_status(&self, status: u16) -> Option<(FailureKind, &str)> {
        self.first_meaning(|meaning| meaning.code.is_none() && meaning.status == Some(status))
    }

    /// Whether the vendor says that a request which is answered so was processed, or was not.
    pub(crate) fn processed_by(&self, status: u16, code: Option<&str>) -> Option<Processed> {
        let fits = |meaning: &&Meaning| {
            let by_code = meaning.code.as_deref().is_none_or(|wanted| code == Some(wanted));
            by_code && meaning.status.is_none_or(|wanted| wanted == status)
        };
        self.0.error.meaning.iter().map(Spanned::get_ref).filter(fits).find_map(|meaning| meaning.processed)
    }

    fn first_meaning(&self, fits: impl Fn(&Meaning) -> bool) -> Option<(FailureKind, &str)> {
        let mut meanings = self.0.error.meaning.iter().map(Spanned::get_ref);
        meanings.find(|meaning| fits(meaning)).map(|meaning| (meaning.means, meaning.advice.as_str()))
    }

    /// The limits that the profile names: header or body path, and the name.
    pub(crate) fn named_limits(&self) -> impl Iterator<Item = (Option<&str>, Option<&str>, &str)> {
        let waits = self.0.wait.iter().map(Spanned::get_ref);
        waits.filter_map(|wait| Some((wait.header.as_deref(), wait.body.as_deref(), wait.limit.as_deref()?)))
    }

    /// Where the API says when to come back: header or body path, and the unit.
    pub(crate) fn waits(&self) -> impl Iterator<Item = (Option<&str>, Option<&str>, WaitUnit)> {
        self.0.wait.iter().map(Spanned::get_ref).map(|wait| (wait.header.as_deref(), wait.body.as_deref(), wait.unit))
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Provider({})", self.name())
    }
}

/// `Environment` is one of a provider's worlds, such as production or sandbox, with the hosts that belong to it.
#[derive(Clone, Copy)]
pub struct Environment<'a>(&'a profile::EnvironmentFacts);

impl<'a> Environment<'a> {
    /// The name, such as `production`.
    pub fn name(self) -> &'a str {
        &self.0.name
    }

    /// The base URL; `None` where each customer has one of its own.
    pub fn base_url(self) -> Option<&'a str> {
        self.0.base_url.as_ref().map(|url| url.get_ref().as_str())
    }

    /// The token endpoint; `None` where no token is fetched, or the endpoint is discovered.
    pub fn token_url(self) -> Option<&'a str> {
        self.0.token_url.as_ref().map(|url| url.get_ref().as_str())
    }

    /// The authorization server's name for itself (RFC 8414 section 2), byte for byte.
    pub fn issuer(self) -> Option<&'a str> {
        self.0.issuer.as_ref().map(|issuer| issuer.get_ref().as_str())
    }

    /// Where a person consents in a browser (RFC 6749 section 3.1).
    pub fn authorization_url(self) -> Option<&'a str> {
        self.0.authorization_url.as_ref().map(|url| url.get_ref().as_str())
    }

    /// Where a device asks for a code (RFC 8628 section 3.1).
    pub fn device_authorization_url(self) -> Option<&'a str> {
        self.0.device_authorization_url.as_ref().map(|url| url.get_ref().as_str())
    }

    /// Where tokens are revoked (RFC 7009 section 2).
    pub fn revocation_url(self) -> Option<&'a str> {
        self.0.revocation_url.as_ref().map(|url| url.get_ref().as_str())
    }

    /// Whether the server promises to name itself in every redirect (RFC 9207).
    pub fn issuer_in_redirects(self) -> bool {
        self.0.issuer_in_redirects
    }

    /// Every URL of the environment.
    pub(crate) fn urls(self) -> impl Iterator<Item = Option<&'a str>> {
        [self.base_url(), self.token_url(), self.issuer(), self.authorization_url(), self.device_authorization_url(), self.revocation_url()]
            .into_iter()
    }

    /// Hosts beside the issuer's own that discovered endpoints may have.
    pub fn endpoint_hosts(self) -> &'a [String] {
        &self.0.endpoint_hosts
    }

    /// Whether this host stands in the vendor's examples only.
    pub fn is_placeholder(self, host: &str) -> bool {
        self.0.placeholder_hosts.iter().any(|placeholder| placeholder == host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn every_shipped_profile_is_read_and_names_a_source_for_every_table() {
        for name in Provider::builtin_names() {
            let provider = Provider::builtin(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(provider.name(), name);
            for (table, source) in provider.sources() {
                assert!(source.is_some_and(|source| source.starts_with("https://")), "{name}: [{table}] has no source");
            }
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = Provider::builtin("finorra").unwrap_err().to_string();
        assert!(error.contains("adaas, exact, finora, numeric, numora, quickbooks, xero"), "{error}");
    }

    #[test]
    fn what_is_not_ready_is_said_by_field_or_by_status() {
        let numora = Provider::builtin("numora").unwrap();
        assert!(numora.says_not_ready(200, br#"{"status":"processing"}"#));
        assert!(!numora.says_not_ready(200, br#"{"status":"done"}"#));
        assert!(!numora.says_not_ready(200, b"<html>"));
        let adaas = Provider::builtin("adaas").unwrap();
        assert!(adaas.says_not_ready(202, b"") && !adaas.says_not_ready(200, b""));
    }

    #[test]
    fn a_meaning_is_found_by_its_code_or_by_its_status() {
        let finora = Provider::builtin("finora").unwrap();
        assert_eq!(finora.meaning_of_code(403, "ENTERPRISE_ONLY").unwrap().0, FailureKind::EnterpriseOnly);
        assert_eq!(finora.meaning_of_code(402, "INSUFFICIENT_CREDITS").unwrap().0, FailureKind::InsufficientCredits);
        assert!(finora.meaning_of_code(404, "NOT_FOUND").is_none() && finora.meaning_of_status(403).is_none());
        let adaas = Provider::builtin("adaas").unwrap();
        assert_eq!(adaas.meaning_of_status(403).unwrap().0, FailureKind::PermissionDenied);
    }
}

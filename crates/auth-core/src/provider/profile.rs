//! The profile format: what each field of a provider's TOML file is called, and nothing else.
//!
//! A field stands here only if the machine obeys it. Where a later one belongs: what a key is goes to `[key]`, how a token is got to `[token]`, the rules
//! of its renewal to `[token.refresh]`, where a credential goes and what else each call carries to `[attach]`, what answers mean to `[error]`,
//! how the API says "slow down" to `[[wait]]`, what a call needs beside a valid credential to `[[requirement]]`.

use crate::verdict::failure::FailureKind;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    pub(crate) name: Spanned<String>,
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) documentation: Option<String>,
    #[serde(default)]
    pub(crate) environment: Vec<Spanned<EnvironmentFacts>>,
    #[serde(default)]
    pub(crate) attach: AttachFacts,
    #[serde(default)]
    pub(crate) key: Option<Spanned<KeyFacts>>,
    #[serde(default)]
    pub(crate) token: Option<Spanned<TokenFacts>>,
    #[serde(default)]
    pub(crate) request_id: RequestIdFacts,
    #[serde(default)]
    pub(crate) check: Option<CheckFacts>,
    #[serde(default)]
    pub(crate) poll: Option<PollFacts>,
    #[serde(default)]
    pub(crate) idempotency: Option<IdempotencyFacts>,
    #[serde(default)]
    pub(crate) error: ErrorFacts,
    #[serde(default)]
    pub(crate) wait: Vec<Spanned<WaitFact>>,
    #[serde(default)]
    pub(crate) requirement: Vec<Spanned<Requirement>>,
    #[serde(default)]
    pub(crate) difference: Vec<Difference>,
}

impl Profile {
    /// Each table with the address its facts come from.
    pub(crate) fn sources(&self) -> Vec<(String, Option<&str>)> {
        let mut tables: Vec<(String, &Option<String>)> = Vec::new();
        tables.extend(self.environment.iter().map(|facts| (format!("environment {}", facts.get_ref().name), &facts.get_ref().source)));
        tables.push(("attach".into(), &self.attach.source));
        if let Some(key) = self.key.as_ref().map(Spanned::get_ref) {
            tables.push(("key".into(), &key.source));
            tables.extend(key.format.iter().map(|format| ("key.format".into(), &format.get_ref().source)));
        }
        if let Some(token) = self.token.as_ref().map(Spanned::get_ref) {
            tables.push(("token".into(), &token.source));
            tables.extend(token.refresh.iter().map(|refresh| ("token.refresh".into(), &refresh.get_ref().source)));
            tables.extend(token.secret_format.iter().map(|format| ("token.secret_format".into(), &format.get_ref().source)));
        }
        if self.request_id.header.is_some() || !self.request_id.body.is_empty() {
            tables.push(("request_id".into(), &self.request_id.source));
        }
        tables.extend(self.check.iter().map(|check| ("check".into(), &check.source)));
        tables.extend(self.poll.iter().map(|poll| ("poll".into(), &poll.source)));
        tables.extend(self.idempotency.iter().map(|idempotency| ("idempotency".into(), &idempotency.source)));
        if !self.error.code.is_empty() || !self.error.message.is_empty() {
            tables.push(("error".into(), &self.error.source));
        }
        tables.extend(self.error.meaning.iter().map(|meaning| ("error.meaning".into(), &meaning.get_ref().source)));
        tables.extend(self.wait.iter().map(|wait| ("wait".into(), &wait.get_ref().source)));
        tables.extend(self.requirement.iter().map(|requirement| ("requirement".into(), &requirement.get_ref().source)));
        tables.extend(self.difference.iter().map(|difference| ("difference".into(), &difference.source)));
        tables.into_iter().map(|(table, source)| (table, source.as_deref())).collect()
    }
}

/// One environment: its name and its hosts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnvironmentFacts {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) base_url: Option<Spanned<String>>,
    /// The authorization server's name for itself; endpoints that are not named here are discovered from it (RFC 8414).
    #[serde(default)]
    pub(crate) issuer: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) token_url: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) authorization_url: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) device_authorization_url: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) revocation_url: Option<Spanned<String>>,
    /// Whether the server promises to name itself in every redirect (RFC 9207), so that one without its name is refused.
    #[serde(default)]
    pub(crate) issuer_in_redirects: bool,
    /// Hosts beside the issuer's own that discovered endpoints may have.
    #[serde(default)]
    pub(crate) endpoint_hosts: Vec<String>,
    #[serde(default)]
    pub(crate) placeholder_hosts: Vec<String>,
    #[serde(default)]
    pub(crate) source: Option<String>,
}

/// Where the credential goes on each call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttachFacts {
    pub(crate) header: Spanned<String>,
    pub(crate) scheme: Spanned<String>,
    #[serde(default)]
    pub(crate) source: Option<String>,
}

impl Default for AttachFacts {
    /// `Authorization: Bearer`, because RFC 6750 section 2.1 makes it the one every server must take.
    fn default() -> Self {
        let span = |text: &str| Spanned::new(0..0, text.into());
        Self { header: span("Authorization"), scheme: span("Bearer"), source: None }
    }
}

/// Static keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyFacts {
    #[serde(default)]
    pub(crate) lifetime_days: Option<u32>,
    #[serde(default)]
    pub(crate) overlap: Option<bool>,
    #[serde(default)]
    pub(crate) obtain: Option<String>,
    #[serde(default)]
    pub(crate) source: Option<String>,
    #[serde(default)]
    pub(crate) format: Vec<Spanned<FormatFacts>>,
}

/// One form a key or a client secret may have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FormatFacts {
    pub(crate) prefix: String,
    #[serde(default)]
    pub(crate) environment: Option<Spanned<Arc<str>>>,
    pub(crate) alphabet: Alphabet,
    #[serde(default)]
    pub(crate) length: Option<usize>,
    #[serde(default)]
    pub(crate) min_length: Option<usize>,
    #[serde(default)]
    pub(crate) source: Option<String>,
}

/// `Alphabet` is the set of characters that a key has after its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alphabet {
    /// `0-9 a-f`.
    LowerHex,
    /// `0-9 a-f A-F`.
    Hex,
    /// `0-9 a-z A-Z`.
    Alphanumeric,
    /// `0-9 a-z A-Z - _ .`: what base64url and its kin use.
    UrlSafe,
    /// Every visible ASCII character (RFC 6749 appendix A, VSCHAR without the space).
    Visible,
}

/// How a token is obtained with a client id and secret.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenFacts {
    pub(crate) grants: Vec<GrantKind>,
    pub(crate) request: TokenRequestForm,
    pub(crate) client_auth: ClientAuth,
    /// Whom a client's assertions are for.
    #[serde(default)]
    pub(crate) assertion_audience: AssertionAudience,
    /// What an authorization request carries beside what RFC 6749 and RFC 7636 say, such as `prompt`.
    #[serde(default)]
    pub(crate) authorization_parameters: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) lifetime_seconds: Option<u64>,
    #[serde(default)]
    pub(crate) refresh: Option<Spanned<RefreshFacts>>,
    #[serde(default)]
    pub(crate) max_keys: Option<u32>,
    #[serde(default)]
    pub(crate) obtain: Option<String>,
    #[serde(default)]
    pub(crate) source: Option<String>,
    #[serde(default)]
    pub(crate) secret_format: Vec<Spanned<FormatFacts>>,
}

/// What the vendor says about refresh tokens.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshFacts {
    #[serde(default)]
    pub(crate) rotation: Rotation,
    #[serde(default)]
    pub(crate) reuse_grace_seconds: Option<u64>,
    #[serde(default)]
    pub(crate) earliest_seconds_before_end: Option<u64>,
    #[serde(default)]
    pub(crate) idle_lifetime_days: Option<u32>,
    #[serde(default)]
    pub(crate) total_lifetime_days: Option<u32>,
    #[serde(default)]
    pub(crate) single_active_grant: bool,
    #[serde(default)]
    pub(crate) source: Option<String>,
}

/// `Rotation` is when a refresh token gets a new value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// With each use, which spends the old one: what is assumed where the profile says nothing, because RFC 9700 section 2.2.2 asks for it.
    #[default]
    EachUse,
    /// About once a day, without being announced: a use may or may not spend the old one.
    Daily,
    /// Never.
    Never,
}

/// `GrantKind` is a way to obtain an access token (RFC 6749 section 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// Client id and secret alone (RFC 6749 section 4.4).
    ClientCredentials,
    /// A refresh token (RFC 6749 section 6).
    RefreshToken,
    /// A code that a person's browser brought (RFC 6749 section 4.1).
    AuthorizationCode,
    /// A code that a person confirmed on another device (RFC 8628).
    DeviceCode,
    /// A signed assertion about a service account (RFC 7523 section 2.1).
    JwtBearer,
}

/// Whom a client's assertions are for (`aud`, RFC 7523 section 3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AssertionAudience {
    /// The issuer where it is known, else the token endpoint. The issuer, because an assertion for an endpoint's URL can be lured to another server that
    /// names this endpoint as its own (disclosed in January 2025 for OIDC; RFC 7523 bis).
    #[default]
    Issuer,
    /// The token endpoint's URL, for servers that take nothing else.
    TokenEndpoint,
    /// This text.
    #[serde(untagged)]
    Text(String),
}

/// The shape of a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenRequestForm {
    /// POST with a form body (RFC 6749 section 4.4.2).
    Form,
    /// GET without a body.
    Get,
}

/// `ClientAuth` is how a client proves itself at the token endpoint (RFC 6749 section 2.3), by the names of RFC 7591 section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// `Authorization: Basic`, id and secret form-encoded first.
    ClientSecretBasic,
    /// `client_id` and `client_secret` in the form body.
    ClientSecretPost,
    /// An assertion signed with the secret (RFC 7523 section 2.2).
    ClientSecretJwt,
    /// An assertion signed with a key of the client's (RFC 7523 section 2.2).
    PrivateKeyJwt,
    /// The certificate that it shows when it connects (RFC 8705 section 2), of an authority or its own.
    #[serde(alias = "self_signed_tls_client_auth")]
    TlsClientAuth,
    /// Not at all: a public client (RFC 6749 section 2.1), whose codes PKCE protects.
    None,
}

impl ClientAuth {
    /// The name in profiles and metadata.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::None => "none",
        }
    }
}

/// Where request ids stand.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestIdFacts {
    #[serde(default)]
    pub(crate) header: Option<String>,
    #[serde(default)]
    pub(crate) body: Vec<String>,
    #[serde(default)]
    pub(crate) source: Option<String>,
}

/// A harmless GET that proves a credential.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckFacts {
    pub(crate) path: Spanned<String>,
    #[serde(default)]
    pub(crate) source: Option<String>,
}

/// How an answer says "not ready yet".
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PollFacts {
    #[serde(default)]
    pub(crate) field: Option<String>,
    #[serde(default)]
    pub(crate) pending: Vec<String>,
    #[serde(default)]
    pub(crate) statuses: Vec<u16>,
    #[serde(default)]
    pub(crate) source: Option<String>,
}

/// The provider's own convention for repeating a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdempotencyFacts {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body_field: String,
    #[serde(default)]
    pub(crate) source: Option<String>,
}

/// Where an error body keeps its code and message, and what its codes mean.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorFacts {
    #[serde(default)]
    pub(crate) code: Vec<String>,
    #[serde(default)]
    pub(crate) message: Vec<String>,
    #[serde(default)]
    pub(crate) source: Option<String>,
    #[serde(default)]
    pub(crate) meaning: Vec<Spanned<Meaning>>,
}

/// What one status or code means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Meaning {
    #[serde(default)]
    pub(crate) status: Option<u16>,
    #[serde(default)]
    pub(crate) code: Option<String>,
    pub(crate) means: FailureKind,
    pub(crate) advice: String,
    #[serde(default)]
    pub(crate) source: Option<String>,
}

/// One place where the API says when to come back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitFact {
    #[serde(default)]
    pub(crate) header: Option<String>,
    #[serde(default)]
    pub(crate) body: Option<String>,
    pub(crate) unit: WaitUnit,
    /// The name of the limit that stands here, such as `day`.
    #[serde(default)]
    pub(crate) limit: Option<String>,
    #[serde(default)]
    pub(crate) source: Option<String>,
}

/// What the number in a wait means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WaitUnit {
    /// Seconds from now.
    Seconds,
    /// Milliseconds from now.
    Millis,
    /// A moment in seconds since the Unix epoch.
    Epoch,
    /// A moment in milliseconds since the Unix epoch.
    EpochMillis,
    /// A date: RFC 3339 or one of the three of RFC 9110.
    Date,
}

/// `Requirement` is a permission that calls of some paths need, and how the API answers a credential without it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// The paths below the base URL, each for everything beneath it too; `*` stands for one segment.
    pub paths: Vec<String>,
    /// The permissions, in the vendor's words, of which the credential needs one.
    pub needs_one_of: Vec<String>,
    /// What the failure of a credential without it is.
    pub(crate) means: FailureKind,
    /// What to do about it.
    pub advice: String,
    /// Where the vendor says so.
    #[serde(default)]
    pub source: Option<String>,
}

impl Requirement {
    /// Whether it is about this path.
    pub(crate) fn is_about(&self, path: &str) -> bool {
        let begins = |pattern: &String| {
            let mut segments = path.split('/').filter(|segment| !segment.is_empty());
            pattern.split('/').filter(|segment| !segment.is_empty()).all(|wanted| {
                let segment = segments.next();
                segment.is_some_and(|segment| wanted == "*" || wanted == segment)
            })
        };
        self.paths.iter().any(begins)
    }

    /// Whether one of these permissions is enough; capitals and signs do not count, because vendors spell their own words in several ways.
    pub(crate) fn is_met_by(&self, permissions: &[String]) -> bool {
        let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect::<String>();
        permissions.iter().any(|held| self.needs_one_of.iter().any(|needed| letters(needed) == letters(held)))
    }
}

/// `Difference` is a point on which two sources disagree: which one the profile follows, and what the other says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The point in question.
    pub about: String,
    /// What the other source says, and how to follow it.
    pub says: String,
    /// Where it says so.
    #[serde(default)]
    pub source: Option<String>,
}

//! The profile format: what each field of a provider's TOML file is called, and nothing else.
//!
//! A field stands here only if the machine obeys it. Where a later one belongs: what a key is goes to `[key]`, how a token is got to `[token]`, the rules
//! of its renewal to `[token.refresh]`, what its endpoint's refusals mean to `[[token.error]]`, where a credential goes and what else each call carries to `[attach]`, what answers mean to `[error]`,
//! how the API says "slow down" to `[[wait]]`, what a call needs beside a valid credential to `[[requirement]]`.

use super::error::Fault;
use super::read::{Fact, Table, facts, words};
use super::shape::{Field, Shape};
use crate::verdict::failure::FailureKind;
use crate::verdict::processed::Processed;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use toml::Spanned;
use toml::de::DeValue;

facts! {
    #[derive(Debug)]
    pub(crate) struct Profile {
        /// The short name by which programs say it: `a-z`, `0-9` and `-`, such as `own`.
        pub(crate) name: Spanned<String>,
        /// The system's name for persons, such as `Own Books`.
        pub(crate) title: String,
        /// The address of the vendor's pages, for whoever reads an error.
        pub(crate) documentation: Option<String>,
        /// The environments, such as `production` and `sandbox`, each with the hosts that its credentials may go to; one at least.
        pub(crate) environment: Vec<Spanned<EnvironmentFacts>>,
        /// Where a credential goes on each call. `Authorization: Bearer` if it is left out, because every server of OAuth must take that
        /// (RFC 6750 section 2.1).
        pub(crate) attach: AttachFacts,
        /// What a static key looks like, and how long it lives. A profile has this, or `token`, or both.
        pub(crate) key: Option<Spanned<KeyFacts>>,
        /// How a token is got with a client's id and secret, a login or an assertion. A profile has this, or `key`, or both.
        pub(crate) token: Option<Spanned<TokenFacts>>,
        /// Where the id stands by which both sides know a request.
        pub(crate) request_id: RequestIdFacts,
        /// A harmless GET that proves a credential. Without it, `check` gets a token, and has nothing to try a key with.
        pub(crate) check: Option<CheckFacts>,
        /// How an answer says that a document is not ready yet.
        pub(crate) poll: Option<PollFacts>,
        /// The field of a body that makes a repeated POST harmless at this API.
        pub(crate) idempotency: Option<IdempotencyFacts>,
        /// Where an error's body keeps its code and message. If it is left out, the usual places are looked through.
        pub(crate) error: ErrorFacts,
        /// A place where the API says when to come back. `Retry-After` goes before it, and it before the reset of an exhausted limit (`RateLimit` and its
        /// kin), which are read everywhere.
        pub(crate) wait: Vec<Spanned<WaitFact>>,
        /// A permission that calls of some paths need.
        pub(crate) requirement: Vec<Spanned<Requirement>>,
        /// A point on which two sources disagree.
        pub(crate) difference: Vec<Difference>,
    }
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
            tables.extend(token.error.iter().map(|error| ("token.error".into(), &error.get_ref().source)));
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

facts! {
    /// One environment: its name and its hosts.
    #[derive(Debug)]
    pub(crate) struct EnvironmentFacts {
        /// What it is called, such as `production`.
        pub(crate) name: String,
        /// What paths are appended to, such as `https://api.own.example`. Left out where each customer has a host of its own, which the
        /// program then says.
        pub(crate) base_url: Option<Spanned<String>>,
        /// The authorization server's name for itself; endpoints that are not named here are discovered from it (RFC 8414).
        pub(crate) issuer: Option<Spanned<String>>,
        /// The token endpoint (RFC 6749 section 3.2).
        pub(crate) token_url: Option<Spanned<String>>,
        /// Where a person's browser is sent to consent (RFC 6749 section 3.1).
        pub(crate) authorization_url: Option<Spanned<String>>,
        /// Where a login on another device begins (RFC 8628 section 3.1).
        pub(crate) device_authorization_url: Option<Spanned<String>>,
        /// Where tokens are revoked (RFC 7009).
        pub(crate) revocation_url: Option<Spanned<String>>,
        /// Whether the server promises to name itself in every redirect (RFC 9207), so that one without its name is refused. `false` if
        /// left out, because few do.
        pub(crate) issuer_in_redirects: bool,
        /// Hosts beside the issuer's own that discovered endpoints may have, such as `login.own.example`.
        pub(crate) endpoint_hosts: Vec<String>,
        /// Hosts that stand in the vendor's examples and are nobody's, so that one who copied them is told.
        pub(crate) placeholder_hosts: Vec<String>,
        /// The address of the page that says so.
        pub(crate) source: Option<String>,
    }
}

facts! {
    /// Where the credential goes on each call.
    #[derive(Debug)]
    pub(crate) struct AttachFacts {
        /// The header field, such as `Authorization` or `X-API-Key`.
        pub(crate) header: Spanned<String>,
        /// The word before the credential, such as `Bearer`; empty for none.
        pub(crate) scheme: Spanned<String>,
        /// The address of the page that says so.
        pub(crate) source: Option<String>,
    } else Self::default()
}

impl Default for AttachFacts {
    /// `Authorization: Bearer`, because RFC 6750 section 2.1 makes it the one every server must take.
    fn default() -> Self {
        let span = |text: &str| Spanned::new(0..0, text.into());
        Self { header: span("Authorization"), scheme: span("Bearer"), source: None }
    }
}

facts! {
    /// Static keys.
    #[derive(Debug)]
    pub(crate) struct KeyFacts {
        /// How many days a key lives; left out where it lives until it is revoked.
        pub(crate) lifetime_days: Option<u32>,
        /// Whether two keys of one account may be good at the same time, which decides how one is rotated; left out where nobody says.
        pub(crate) overlap: Option<bool>,
        /// Where a person gets one, in words that go on after "credentials come from".
        pub(crate) obtain: Option<String>,
        /// The address of the page that says so.
        pub(crate) source: Option<String>,
        /// A form that a key may have; one at least. What has none of them is refused before it is sent.
        pub(crate) format: Vec<Spanned<FormatFacts>>,
    }
}

facts! {
    /// One form a key or a client secret may have.
    #[derive(Clone, Debug)]
    pub(crate) struct FormatFacts {
        /// How it begins, such as `live_sk_`; may be empty.
        pub(crate) prefix: String,
        /// The environment that the prefix tells; left out where it tells none.
        pub(crate) environment: Option<Spanned<Arc<str>>>,
        /// The characters after the prefix.
        pub(crate) alphabet: Alphabet,
        /// How many characters follow the prefix.
        pub(crate) length: Option<usize>,
        /// How many follow it at least, where the number is not fixed.
        pub(crate) min_length: Option<usize>,
        /// The address of the page that says so.
        pub(crate) source: Option<String>,
    }
}

/// `Alphabet` is the set of characters that a key has after its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

words!(named Alphabet:
    LowerHex = "lower-hex", Hex = "hex", Alphanumeric = "alphanumeric", UrlSafe = "url-safe", Visible = "visible");

facts! {
    /// How a token is obtained with a client id and secret.
    #[derive(Debug)]
    pub(crate) struct TokenFacts {
        /// The ways in which this server gives tokens (RFC 6749 section 1.3).
        pub(crate) grants: Vec<GrantKind>,
        /// How the token request looks.
        pub(crate) request: TokenRequestForm,
        /// How a client proves itself (RFC 6749 section 2.3), by the names of RFC 7591 section 2.
        pub(crate) client_auth: ClientAuth,
        /// Whom a client's assertions are for (`aud`, RFC 7523 section 3): `issuer`, `token_endpoint`, or a text of the vendor's.
        /// `issuer` if left out, because an assertion for an endpoint's URL can be lured to another server.
        pub(crate) assertion_audience: AssertionAudience,
        /// What an authorization request carries beside what RFC 6749 and RFC 7636 say, such as `prompt = "consent"`.
        pub(crate) authorization_parameters: Vec<(String, String)>,
        /// How long an access token lives, in seconds, if the answer does not say.
        pub(crate) lifetime_seconds: Option<u64>,
        /// The rules of its renewal by a refresh token.
        pub(crate) refresh: Option<Spanned<RefreshFacts>>,
        /// How many ids and secrets an account may have at a time.
        pub(crate) max_keys: Option<u32>,
        /// Where a person gets an id and secret, in words that go on after "credentials come from".
        pub(crate) obtain: Option<String>,
        /// The address of the page that says so.
        pub(crate) source: Option<String>,
        /// A form that a client's secret may have. Left out where it may be anything.
        pub(crate) secret_format: Vec<Spanned<FormatFacts>>,
        /// The meaning of a refusal of the token endpoint, where the vendor uses other words than the RFCs. Everything named has to fit. The first match counts.
        pub(crate) error: Vec<Spanned<TokenErrorFacts>>,
    }
}

facts! {
    /// What a refusal of the token endpoint means, where the vendor's words say something else than the RFCs. All that is named has to fit; of several
    /// tables that fit, the first counts.
    #[derive(Debug)]
    pub(crate) struct TokenErrorFacts {
        /// The status, such as `401`.
        pub(crate) status: Option<u16>,
        /// A code, in any case, wherever it stands in the body.
        pub(crate) code: Option<String>,
        /// Words, in any case, that stand in one of the body's values.
        pub(crate) text: Option<String>,
        /// What it means.
        pub(crate) means: TokenErrorMeaning,
        /// When to come back, in seconds from the answer, if the answer itself does not say; a day at most.
        pub(crate) come_back_seconds: Option<u64>,
        /// The address of the page that says so.
        pub(crate) source: Option<String>,
    }
}

/// What a refusal of a token endpoint can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenErrorMeaning {
    /// The refresh token is dead; believed after a second look into the store, as `invalid_grant` is.
    ConsentRequired,
    /// The token before has not nearly ended, and nothing was spent.
    TooEarly,
    /// A limit, and nothing was spent.
    RateLimited,
    /// Trouble of the server's own.
    ServerError,
    /// The client is not accepted.
    ClientRefused,
}

words!(TokenErrorMeaning:
    ConsentRequired = "consent_required", TooEarly = "too_early", RateLimited = "rate_limited", ServerError = "server_error",
    ClientRefused = "client_refused");

facts! {
    /// What the vendor says about refresh tokens.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct RefreshFacts {
        /// When a refresh token gets a new value. `each_use` if left out, because RFC 9700 section 2.2.2 asks for it.
        pub(crate) rotation: Rotation,
        /// For how many seconds a spent refresh token may be used again.
        pub(crate) reuse_grace_seconds: Option<u64>,
        /// Whether a refresh token that may be spent is sent again once nothing can be lost by it. `true` if left out, because its
        /// successor is lost already.
        pub(crate) resend_in_doubt: Option<bool>,
        /// How many seconds before the end of the access token a renewal is accepted at the earliest; left out where it always is.
        pub(crate) earliest_seconds_before_end: Option<u64>,
        /// After how many days without a use a refresh token ends.
        pub(crate) idle_lifetime_days: Option<u32>,
        /// After how many days it ends in any case, and a person has to log in again.
        pub(crate) total_lifetime_days: Option<u32>,
        /// Whether a new login ends the tokens of the one before. `false` if left out, because most vendors say nothing of the kind.
        pub(crate) single_active_grant: bool,
        /// The address of the page that says so.
        pub(crate) source: Option<String>,
    }
}

/// `Rotation` is when a refresh token gets a new value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rotation {
    /// With each use, which spends the old one: what is assumed where the profile says nothing, because RFC 9700 section 2.2.2 asks for it.
    #[default]
    EachUse,
    /// About once a day, without being announced: a use may or may not spend the old one.
    Daily,
    /// Never.
    Never,
}

words!(named Rotation: EachUse = "each_use", Daily = "daily", Never = "never"; else Self::default());

/// `GrantKind` is a way to obtain an access token (RFC 6749 section 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

words!(named GrantKind:
    ClientCredentials = "client_credentials", RefreshToken = "refresh_token", AuthorizationCode = "authorization_code", DeviceCode = "device_code",
    JwtBearer = "jwt_bearer");

/// Whom a client's assertions are for (`aud`, RFC 7523 section 3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum AssertionAudience {
    /// The issuer where it is known, else the token endpoint. The issuer, because an assertion for an endpoint's URL can be lured to another server that
    /// names this endpoint as its own (disclosed in January 2025 for OIDC; RFC 7523 bis).
    #[default]
    Issuer,
    /// The token endpoint's URL, for servers that take nothing else.
    TokenEndpoint,
    /// This text.
    Text(String),
}

impl Fact for AssertionAudience {
    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Fault> {
        Ok(match String::read(value)? {
            word if word == "issuer" => Self::Issuer,
            word if word == "token_endpoint" => Self::TokenEndpoint,
            text => Self::Text(text),
        })
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn shape() -> Shape {
        Shape::Text
    }
}

/// The shape of a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenRequestForm {
    /// POST with a form body (RFC 6749 section 4.4.2).
    Form,
    /// GET without a body.
    Get,
}

words!(TokenRequestForm: Form = "form", Get = "get");

/// `ClientAuth` is how a client proves itself at the token endpoint (RFC 6749 section 2.3), by the names of RFC 7591 section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    TlsClientAuth,
    /// Not at all: a public client (RFC 6749 section 2.1), whose codes PKCE protects.
    None,
}

words!(named ClientAuth:
    ClientSecretBasic = "client_secret_basic", ClientSecretPost = "client_secret_post", ClientSecretJwt = "client_secret_jwt",
    PrivateKeyJwt = "private_key_jwt", TlsClientAuth = "tls_client_auth" | "self_signed_tls_client_auth", None = "none");

facts! {
    /// Where request ids stand.
    #[derive(Debug, Default)]
    pub(crate) struct RequestIdFacts {
        /// The header field, on requests and answers. `x-request-id` if left out, because most servers know it.
        pub(crate) header: Option<String>,
        /// Where it stands in the body of an error, such as `error.request_id`; the first that is there counts.
        pub(crate) body: Vec<String>,
        /// The address of the page that says so.
        pub(crate) source: Option<String>,
    } else Self::default()
}

facts! {
    /// A harmless GET that proves a credential.
    #[derive(Debug)]
    pub(crate) struct CheckFacts {
        /// The path, such as `/v1/me`, which changes nothing and every credential may read.
        pub(crate) path: Spanned<String>,
        /// The address of the page that says so.
        pub(crate) source: Option<String>,
    }
}

facts! {
    /// How an answer says "not ready yet".
    #[derive(Clone, Debug, Default)]
    pub(crate) struct PollFacts {
        /// The field of the body that tells, such as `status`.
        pub(crate) field: Option<String>,
        /// Its values that mean "not ready yet".
        pub(crate) pending: Vec<String>,
        /// Statuses that mean the same, such as `202`.
        pub(crate) statuses: Vec<u16>,
        /// The address of the page that says so.
        pub(crate) source: Option<String>,
    }
}

facts! {
    /// The provider's own convention for repeating a request.
    #[derive(Debug)]
    pub(crate) struct IdempotencyFacts {
        /// The method of the request, such as `POST`.
        pub(crate) method: String,
        /// Its path below the base URL.
        pub(crate) path: String,
        /// The field of its JSON body; a request that has it is repeated like a GET.
        pub(crate) body_field: String,
        /// The address of the page that says so.
        pub(crate) source: Option<String>,
    }
}

facts! {
    /// Where an error body keeps its code and message, and what its codes mean.
    #[derive(Debug, Default)]
    pub(crate) struct ErrorFacts {
        /// Where the code stands, as a path such as `error.code` or `errors.0.id`; the first that is there counts.
        pub(crate) code: Vec<String>,
        /// Where the message stands, in the same way.
        pub(crate) message: Vec<String>,
        /// The address of the page that says so.
        pub(crate) source: Option<String>,
        /// The meaning of one status or code, and the remedy. Everything named has to fit. The first match counts.
        pub(crate) meaning: Vec<Spanned<Meaning>>,
    } else Self::default()
}

facts! {
    /// What one status or code means.
    #[derive(Debug)]
    pub(crate) struct Meaning {
        /// The status; left out for any.
        pub(crate) status: Option<u16>,
        /// The code; left out for any.
        pub(crate) code: Option<String>,
        /// The kind of failure that programs branch on.
        pub(crate) means: FailureKind,
        /// Whether a request that is answered so was processed, where the vendor says what the status does not: `no` of a 503, for
        /// instance.
        pub(crate) processed: Option<Processed>,
        /// What to do about it, in words for the person who reads the error.
        pub(crate) advice: String,
        /// The address of the page that says so.
        pub(crate) source: Option<String>,
    }
}

facts! {
    /// One place where the API says when to come back.
    #[derive(Debug)]
    pub(crate) struct WaitFact {
        /// The header field, such as `X-Rate-Limit-Reset`; this or `body`.
        pub(crate) header: Option<String>,
        /// The path in the body, such as `error.retryAfter`; this or `header`.
        pub(crate) body: Option<String>,
        /// What the value is.
        pub(crate) unit: WaitUnit,
        /// The name of the limit that stands here, such as `day`.
        pub(crate) limit: Option<String>,
        /// The address of the page that says so.
        pub(crate) source: Option<String>,
    }
}

/// What the number in a wait means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

words!(WaitUnit:
    Seconds = "seconds", Millis = "millis", Epoch = "epoch", EpochMillis = "epoch_millis", Date = "date");

facts! {
    /// `Requirement` is a permission that calls of some paths need, and how the API answers a credential without it.
    #[derive(Clone, Debug)]
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
        pub source: Option<String>,
    }
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

facts! {
    /// `Difference` is a point on which two sources disagree: which one the profile follows, and what the other says.
    #[derive(Clone, Debug)]
    pub struct Difference {
        /// The point in question.
        pub about: String,
        /// What the other source says, and how to follow it.
        pub says: String,
        /// Where it says so.
        pub source: Option<String>,
    }
}

//! `Connection`: one account at one provider, with the guard that binds its credential to its hosts.

use crate::credential::{Attach, Credential};
use crate::oauth::discovery::{Discovery, Metadata};
use crate::oauth::endpoints::{Endpoints, Said, missing};
use crate::origin::{Origin, Url};
use crate::provider::{ClientAuth, Environment, Provider, Requirement, TokenRequestForm, is_header_name};
use crate::token::refresh::RefreshRules;
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::retry::Policy;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// `Connection` is where a session may send its credential: provider, environment, base URL and token endpoint, checked against each other.
///
/// It never changes after it was made.
#[derive(Clone)]
pub struct Connection {
    provider: Provider,
    environment: String,
    base: Url,
    endpoints: Endpoints,
    client_auth: Option<ClientAuth>,
    attach: Arc<Attach>,
    request_id_header: Arc<str>,
    insecure_loopback: bool,
    policy: Policy,
    integration: Option<String>,
    fingerprint_key: Option<[u8; 32]>,
    /// What the credential may do, in the vendor's words; empty if nobody said.
    permissions: Vec<String>,
    pub(crate) refresh_rules: RefreshRules,
}

impl Connection {
    /// Starts a connection to a provider; everything not said is taken from its profile.
    pub fn builder(provider: Provider) -> ConnectionBuilder {
        ConnectionBuilder {
            provider,
            environment: None,
            base_url: None,
            said: Said::default(),
            client_auth: None,
            header: None,
            scheme: None,
            insecure_loopback: false,
            policy: Policy::default(),
            integration: None,
            fingerprint_key: None,
            permissions: Vec::new(),
        }
    }

    /// The provider.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The name of the environment.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// The base URL that paths are appended to.
    pub fn base_url(&self) -> &Url {
        &self.base
    }

    /// How patient the session is.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The URL to send to for a path (`/v1/invoices`) or an absolute URL, if the credential may go there.
    ///
    /// # Errors
    /// A [`Failure`] of kind `ForeignHost`, `EnvironmentMismatch`, `InsecureTransport` or `Misuse`; nothing was sent.
    pub fn admit(&self, path_or_url: &str) -> Result<Url, Failure> {
        if path_or_url.starts_with(['/', '?']) {
            return self.base.join(path_or_url).map_err(|error| misuse(&error));
        }
        let url = Url::parse(path_or_url).map_err(|error| misuse(&error))?;
        if url.origin() == self.base.origin() {
            return Ok(url);
        }
        self.check_transport(&url)?;
        let owners: Vec<&str> = environments_of(&self.provider, url.origin()).collect();
        if owners.is_empty() {
            let what = format!("{} does not belong to {}", url.origin(), self.provider.title());
            return Err(Failure::new(
                FailureKind::ForeignHost,
                what,
                "the credential was not sent: fetch foreign URLs with a client of their own",
            ));
        }
        let what = format!("{} belongs to {}, this session to {}", url.origin(), owners.join(" and "), self.environment);
        Err(Failure::new(
            FailureKind::EnvironmentMismatch,
            what,
            "the credential was not sent: use a session with a credential of that environment",
        ))
    }

    /// What the credential may do, in the vendor's words, as its owner declared it; empty if nobody did.
    pub fn permissions(&self) -> &[String] {
        &self.permissions
    }

    /// The requirements of the profile that the credential does not meet, as its owner declared it: calls of these paths cannot succeed. Empty where nothing was declared.
    pub fn unmet_requirements(&self) -> impl Iterator<Item = &Requirement> {
        let declared = !self.permissions.is_empty();
        self.provider.requirements().filter(move |requirement| declared && !requirement.is_met_by(&self.permissions))
    }

    /// What a call of this URL needs beside a valid credential.
    pub(crate) fn requirement(&self, url: &Url) -> Option<&Requirement> {
        let base = self.base.path().trim_end_matches('/');
        let path = url.path().strip_prefix(base).unwrap_or(url.path());
        self.provider.requirements().find(|requirement| requirement.is_about(path))
    }

    /// Refuses a call that cannot succeed, because the credential is declared without the permission that it needs.
    pub(crate) fn permits(&self, url: &Url) -> Result<(), Failure> {
        match self.requirement(url).filter(|requirement| !self.permissions.is_empty() && !requirement.is_met_by(&self.permissions)) {
            None => Ok(()),
            Some(requirement) => {
                let what = format!(
                    "{} asks for the permission {} at {}, and the credential is declared to have {}, so nothing was sent",
                    self.provider.name(),
                    requirement.needs_one_of.join(" or "),
                    url.path(),
                    self.permissions.join(", ")
                );
                Err(Failure::new(requirement.means, what, requirement.advice.clone()))
            }
        }
    }

    /// The integration that uses the credential, as its owner named it.
    pub fn integration(&self) -> Option<&str> {
        self.integration.as_deref()
    }

    /// How every URL of the connection's own host begins: scheme, host, port and the slash before the path. The credential may go to any of them, as long as no
    /// permissions are declared.
    pub fn own_prefix(&self) -> String {
        format!("{}/", self.base.origin())
    }

    /// The name of the header that carries the credential.
    pub fn header(&self) -> &str {
        &self.attach.header
    }

    pub(crate) fn fingerprint_key(&self) -> Option<&[u8; 32]> {
        self.fingerprint_key.as_ref()
    }

    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    pub(crate) fn client_auth(&self) -> Option<ClientAuth> {
        self.client_auth
    }

    /// Whether the client proves itself by assertions, which are dated.
    pub(crate) fn signs(&self) -> bool {
        matches!(self.client_auth, Some(ClientAuth::PrivateKeyJwt | ClientAuth::ClientSecretJwt))
    }

    pub(crate) fn attach(&self) -> &Arc<Attach> {
        &self.attach
    }

    /// The name of the header that carries the id under which a request is known to both sides.
    pub fn request_id_header(&self) -> &Arc<str> {
        &self.request_id_header
    }

    pub(crate) fn check_transport(&self, url: &Url) -> Result<(), Failure> {
        check_transport(url, self.insecure_loopback)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({}, {}, {})", self.provider.name(), self.environment, self.base)
    }
}

/// `ConnectionBuilder` gathers what is known of a connection before it is checked as a whole.
#[derive(Clone)]
#[must_use]
pub struct ConnectionBuilder {
    provider: Provider,
    environment: Option<String>,
    base_url: Option<String>,
    said: Said,
    client_auth: Option<ClientAuth>,
    header: Option<String>,
    scheme: Option<String>,
    insecure_loopback: bool,
    policy: Policy,
    integration: Option<String>,
    fingerprint_key: Option<[u8; 32]>,
    permissions: Vec<String>,
}

impl ConnectionBuilder {
    /// Declares the environment, by its name in the profile: needed where neither key nor host tells it.
    pub fn environment(mut self, name: impl Into<String>) -> Self {
        self.environment = Some(name.into());
        self
    }

    /// Sends to this base URL instead of the profile's: a workspace's own, a gateway, a test server.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Fetches tokens here instead of at the profile's endpoint.
    pub fn token_url(mut self, url: impl Into<String>) -> Self {
        self.said.token = Some(url.into());
        self
    }

    /// Takes this for the authorization server's name (RFC 8414 section 2), byte for byte, instead of the profile's.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.said.issuer = Some(issuer.into());
        self
    }

    /// Sends persons here for their consent (RFC 6749 section 3.1) instead of to the profile's endpoint.
    pub fn authorization_url(mut self, url: impl Into<String>) -> Self {
        self.said.authorization = Some(url.into());
        self
    }

    /// Asks here for device codes (RFC 8628 section 3.1) instead of at the profile's endpoint.
    pub fn device_authorization_url(mut self, url: impl Into<String>) -> Self {
        self.said.device = Some(url.into());
        self
    }

    /// Revokes tokens here (RFC 7009 section 2) instead of at the profile's endpoint.
    pub fn revocation_url(mut self, url: impl Into<String>) -> Self {
        self.said.revocation = Some(url.into());
        self
    }

    /// Takes the endpoints that neither the caller nor the profile names from what the server says of itself.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.said.metadata = Some(metadata);
        self
    }

    /// Asks the issuer where its endpoints are: send what it says, then hand the result to [`ConnectionBuilder::metadata`].
    ///
    /// # Errors
    /// A [`Failure`] if no issuer is known, it is no https URL, or the environment is not certain.
    pub fn discovery(&self) -> Result<Discovery, Failure> {
        let own_base = self.base_url.as_deref().map(|text| parse_setting("base_url", text)).transpose()?;
        let environment = self.decide_environment(None, own_base.as_ref().map(Url::origin))?;
        let facts = self.provider.environment(&environment).ok_or_else(|| self.unknown_environment(&environment))?;
        let issuer = self.said.issuer(facts).ok_or_else(|| missing(&self.provider, "issuer", "issuer"))?;
        Discovery::new(issuer, facts.endpoint_hosts(), self.insecure_loopback, self.policy.fetch_timeout)
    }

    /// Authenticates the client at the token endpoint in this way instead of the profile's.
    pub fn client_auth(mut self, method: ClientAuth) -> Self {
        self.client_auth = Some(method);
        self
    }

    /// Sends the credential in this header instead of the profile's.
    pub fn header(mut self, name: impl Into<String>) -> Self {
        self.header = Some(name.into());
        self
    }

    /// Puts this scheme word before the credential instead of the profile's; empty for none.
    pub fn scheme(mut self, word: impl Into<String>) -> Self {
        self.scheme = Some(word.into());
        self
    }

    /// Allows http without TLS to this very machine, and to nothing else: for tests.
    pub fn insecure_loopback(mut self, allowed: bool) -> Self {
        self.insecure_loopback = allowed;
        self
    }

    /// Names the integration that uses the credential: what audit events say.
    pub fn integration(mut self, name: impl Into<String>) -> Self {
        self.integration = Some(name.into());
        self
    }

    /// Sets the key under which audit events tell credentials apart; without one they do not.
    pub fn fingerprint_key(mut self, key: [u8; 32]) -> Self {
        self.fingerprint_key = Some(key);
        self
    }

    /// Declares what the credential may do, in the vendor's words, such as `retail` or `Visualization SDK`: calls that the profile says need more are then
    /// refused before they are sent. If not said, it is what the keys' notes or the grant's scopes say.
    pub fn permissions<S: Into<String>>(mut self, permissions: impl IntoIterator<Item = S>) -> Self {
        self.permissions = permissions.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how patient the session is.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The provider that the connection is for.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Checks everything against everything: credential, declaration, hosts.
    ///
    /// # Errors
    /// A [`Failure`] of kind `EnvironmentMismatch`, `ForeignHost` (a placeholder), `InsecureTransport` or `Misuse`, with the remedy.
    pub fn build(self, credential: &Credential) -> Result<Connection, Failure> {
        let own_base = self.base_url.as_deref().map(|text| parse_setting("base_url", text)).transpose()?;
        if credential.is_empty() {
            return Err(Failure::new(FailureKind::Misuse, "the list of keys is empty", "give at least one key"));
        }
        if let Some(most) = self.provider.max_keys().filter(|most| credential.len() > *most as usize) {
            let what = format!("{} keys, but {} allows {most} for an account", credential.len(), self.provider.title());
            return Err(Failure::new(
                FailureKind::Misuse,
                what,
                "leave out the ones that were deleted; delete one before the next is generated",
            ));
        }
        let says = credential.environments().next();
        if let Some(other) = credential.environments().find(|name| Some(*name) != says) {
            let what = format!("the keys are for {} and for {other}", says.unwrap_or_default());
            return Err(Failure::new(FailureKind::EnvironmentMismatch, what, "nothing was sent: use keys of one environment together"));
        }
        let environment = self.decide_environment(says, own_base.as_ref().map(Url::origin))?;
        let facts = self.provider.environment(&environment).ok_or_else(|| self.unknown_environment(&environment))?;
        let base = match (own_base, facts.base_url()) {
            (Some(own), _) => own,
            (None, Some(usual)) => parse_setting("base_url", usual)?,
            (None, None) => {
                let what = format!("{} gives each workspace a base URL of its own, and none was set", self.provider.title());
                return Err(Failure::new(FailureKind::Misuse, what, "set base_url to the one shown in the workspace's API settings"));
            }
        };
        check_transport(&base, self.insecure_loopback)?;
        let endpoints = self.said.resolve(&self.provider, facts, self.insecure_loopback)?;
        if !matches!(credential, Credential::Keys(_)) && endpoints.token.is_none() {
            return Err(missing(&self.provider, "token endpoint", "token_url"));
        }
        let client_auth = self.client_authentication(credential)?;
        let header = self.header.as_deref().unwrap_or(self.provider.attach_header());
        let scheme = self.scheme.as_deref().unwrap_or(self.provider.attach_scheme());
        if !is_header_name(header) || !(scheme.is_empty() || is_header_name(scheme)) {
            return Err(Failure::new(
                FailureKind::Misuse,
                "header or scheme is not a token of RFC 9110 section 5.6.2",
                "take both as the API's documentation spells them",
            ));
        }
        Ok(Connection {
            environment: environment.clone(),
            base,
            endpoints,
            client_auth,
            attach: Arc::new(Attach { header: header.into(), scheme: scheme.into() }),
            request_id_header: self.provider.request_id_header().into(),
            insecure_loopback: self.insecure_loopback,
            policy: self.policy,
            integration: self.integration,
            fingerprint_key: self.fingerprint_key,
            permissions: if self.permissions.is_empty() { credential.permissions() } else { self.permissions },
            refresh_rules: self.provider.refresh_rules(),
            provider: self.provider,
        })
    }

    /// How every client of the credential authenticates at the authorization server; `None` if it has none.
    fn client_authentication(&self, credential: &Credential) -> Result<Option<ClientAuth>, Failure> {
        let Some((form, usual)) = self.provider.token_request() else { return Ok(self.client_auth) };
        let mut methods = credential.grants().map(|grant| grant.client.authentication(self.client_auth, usual));
        let method = methods.next().unwrap_or(Ok(usual))?;
        if methods.any(|other| other != Ok(method)) {
            let what = "the clients of the list authenticate in different ways";
            return Err(Failure::new(FailureKind::Misuse, what, "give each a client of its own, or all of them a secret"));
        }
        if form == TokenRequestForm::Get && method != ClientAuth::ClientSecretBasic {
            let what = format!("{} is asked for tokens by GET, which has no place for {}", self.provider.title(), method.name());
            return Err(Failure::new(FailureKind::Misuse, what, "leave client_auth to the profile"));
        }
        Ok(Some(method))
    }

    /// The one environment that declaration, credential and host agree on.
    fn decide_environment(&self, credential_says: Option<&str>, own_base: Option<&Origin>) -> Result<String, Failure> {
        let declared = self.environment.as_deref();
        if let Some(unknown) = declared.filter(|name| self.provider.environment(name).is_none()) {
            return Err(self.unknown_environment(unknown));
        }
        if let (Some(declared), Some(said)) = (declared, credential_says)
            && declared != said
        {
            let what = format!("the credential is for {said}, the session for {declared}");
            return Err(Failure::new(
                FailureKind::EnvironmentMismatch,
                what,
                format!("nothing was sent: use a {declared} credential here, or open a {said} session"),
            ));
        }
        let named = declared.or(credential_says);
        if let Some(origin) = own_base {
            self.check_placeholder(origin)?;
            let owners: Vec<&str> = environments_of(&self.provider, origin).collect();
            match named {
                Some(named) if !owners.is_empty() && !owners.contains(&named) => {
                    let what = format!("{origin} is {}, the credential is for {named}", owners.join(" and "));
                    return Err(Failure::new(
                        FailureKind::EnvironmentMismatch,
                        what,
                        format!("nothing was sent: use a credential of {} or the base URL of {named}", owners.join(" or ")),
                    ));
                }
                None if owners.len() == 1 => return Ok(owners[0].to_owned()),
                _ if owners.is_empty() && declared.is_none() && !self.hosts_are_the_customers() => {
                    let what =
                        format!("{origin} is not among the hosts of {}, so nothing tells which environment it is", self.provider.title());
                    return Err(Failure::new(
                        FailureKind::EnvironmentMismatch,
                        what,
                        format!("nothing was sent: declare it, {}", self.choices()),
                    ));
                }
                _ => {}
            }
        }
        let mut environments = self.provider.environments().map(Environment::name);
        match (named, environments.next(), environments.next()) {
            (Some(named), ..) => Ok(named.to_owned()),
            (None, Some(only), None) => Ok(only.to_owned()),
            _ => {
                let what = format!("a credential of {} does not tell its environment by itself", self.provider.title());
                Err(Failure::new(FailureKind::EnvironmentMismatch, what, format!("declare it, {}", self.choices())))
            }
        }
    }

    fn check_placeholder(&self, origin: &Origin) -> Result<(), Failure> {
        if self.provider.environments().any(|environment| environment.is_placeholder(origin.host())) {
            let what = format!("{} stands in {}'s examples only", origin.host(), self.provider.title());
            return Err(Failure::new(FailureKind::ForeignHost, what, "set base_url to your workspace's own, as its API settings show it"));
        }
        Ok(())
    }

    /// Whether each customer has hosts of their own, so that an unknown host is what is to be expected.
    fn hosts_are_the_customers(&self) -> bool {
        self.provider.environments().all(|environment| environment.base_url().is_none())
    }

    fn unknown_environment(&self, name: &str) -> Failure {
        Failure::new(FailureKind::Misuse, format!("{} has no environment {name:?}", self.provider.title()), self.choices())
    }

    fn choices(&self) -> String {
        let names: Vec<String> = self.provider.environments().map(|environment| format!("{:?}", environment.name())).collect();
        format!("environment {}", names.join(" or "))
    }
}

/// The environments that a host belongs to by the profile, whatever the port.
pub(crate) fn environments_of<'a>(provider: &'a Provider, origin: &'a Origin) -> impl Iterator<Item = &'a str> {
    let is_of = move |url: Option<&str>| url.and_then(|url| Url::parse(url).ok()).is_some_and(|url| url.origin().host() == origin.host());
    let owns = move |environment: &Environment<'_>| environment.urls().any(is_of);
    provider.environments().filter(owns).map(Environment::name)
}

pub(crate) fn parse_setting(field: &str, text: &str) -> Result<Url, Failure> {
    Url::parse(text).map_err(|error| Failure::new(FailureKind::Misuse, format!("{field} is {error}"), "give an absolute https URL"))
}

fn misuse(error: &crate::origin::UrlError) -> Failure {
    Failure::new(FailureKind::Misuse, format!("{error}"), "nothing was sent: pass a path that starts with '/', or an absolute https URL")
}

pub(crate) fn check_transport(url: &Url, insecure_loopback: bool) -> Result<(), Failure> {
    if url.origin().is_secure() || (insecure_loopback && url.origin().is_loopback()) {
        return Ok(());
    }
    let what = format!("{} is not https, the credential would travel in the clear", url.origin());
    let advice =
        if url.origin().is_loopback() { "use https, or allow it for this machine alone with insecure_loopback" } else { "use https" };
    Err(Failure::new(FailureKind::InsecureTransport, what, advice))
}

//! `ConnectionBuilder`: what is known of a connection, checked against each other, and the one environment that all of it agrees on.

use super::{Connection, check_transport, environments_of, parse_setting, redirect_targets};
use crate::credential::{Attach, Credential};
use crate::headers::{is_of_the_frame, is_token};
use crate::oauth::discovery::{Discovery, Metadata};
use crate::oauth::endpoints::{Said, missing};
use crate::origin::{Origin, Url};
use crate::provider::{ClientAuth, Environment, Provider, TokenRequestForm};
use crate::shown::{Looks, Shown};
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::retry::Policy;
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;

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
    redirect_targets: Vec<String>,
    policy: Policy,
    integration: Option<String>,
    fingerprint_key: Option<[u8; 32]>,
    permissions: Vec<String>,
}

impl ConnectionBuilder {
    pub(super) fn new(provider: Provider) -> Self {
        Self {
            provider,
            environment: None,
            base_url: None,
            said: Said::default(),
            client_auth: None,
            header: None,
            scheme: None,
            insecure_loopback: false,
            redirect_targets: Vec::new(),
            policy: Policy::default(),
            integration: None,
            fingerprint_key: None,
            permissions: Vec::new(),
        }
    }

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

    /// Takes the answers of these hosts for the API's where a redirect leads there, such as the host of signed downloads: `files.example`,
    /// `files.example:8443`. The credential goes to none of them.
    pub fn allow_redirect_to<S: Into<String>>(mut self, hosts: impl IntoIterator<Item = S>) -> Self {
        self.redirect_targets.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// Names the integration that uses the credential: what audit events say.
    pub fn integration(mut self, name: impl Into<String>) -> Self {
        self.integration = Some(Shown::new(&name.into(), Looks::Note).to_string());
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
        let own_settings = own_settings(own_base.as_ref(), &self.said, facts)?;
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
        if !is_token(header) || !(scheme.is_empty() || is_token(scheme)) {
            return Err(Failure::new(
                FailureKind::Misuse,
                "header or scheme is not a token of RFC 9110 section 5.6.2",
                "take both as the API's documentation spells them",
            ));
        }
        if is_of_the_frame(header) {
            return Err(Failure::new(
                FailureKind::Misuse,
                format!(
                    "the header {} frames a message or belongs to one connection, so no credential can stand in it",
                    Shown::new(header, Looks::Word)
                ),
                "take the header as the API's documentation spells it",
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
            redirect_targets: redirect_targets(self.redirect_targets.iter().map(String::as_str))?,
            policy: self.policy,
            integration: self.integration,
            fingerprint_key: self.fingerprint_key,
            permissions: if self.permissions.is_empty() { credential.permissions() } else { self.permissions },
            own_settings,
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
        Failure::new(
            FailureKind::Misuse,
            format!("{} has no environment {:?}", self.provider.title(), Shown::new(name, Looks::Word)),
            self.choices(),
        )
    }

    fn choices(&self) -> String {
        let names: Vec<String> = self.provider.environments().map(|environment| format!("{:?}", environment.name())).collect();
        format!("environment {}", names.join(" or "))
    }
}

/// The settings that lead elsewhere than to the environment's own hosts: base URL and token endpoint by origin, the issuer by origin and path, because one
/// server names each of its tenants by a path.
fn own_settings(base: Option<&Url>, said: &Said, facts: Environment<'_>) -> Result<BTreeMap<Box<str>, String>, Failure> {
    let parse = |field: &str, text: &Option<String>| text.as_deref().map(|text| parse_setting(field, text)).transpose();
    let (token, issuer) = (parse("token_url", &said.token)?, parse("issuer", &said.issuer)?);
    let is_the_profiles = |origin: &Origin| facts.urls().flatten().any(|url| Url::parse(url).is_ok_and(|url| url.origin() == origin));
    let [base, token] = [base, token.as_ref()].map(|url| url.map(|url| (url, url.origin().to_string())));
    // A token endpoint that was set says more than the issuer: a login may have asked that one for the rest.
    let names_issuer = token.is_none() && said.issuer.as_deref() != facts.issuer();
    let issuer = issuer.as_ref().filter(|_| names_issuer).map(|url| (url, url.to_string()));
    let settings = [("base_url", base), ("token_url", token), ("issuer", issuer)];
    let own = settings.into_iter().filter_map(|(name, set)| set.map(|(url, text)| (name, url, text)));
    let own = own.filter(|(name, url, _)| *name == "issuer" || !is_the_profiles(url.origin()));
    Ok(own.map(|(name, _, text)| (name.into(), text)).collect())
}

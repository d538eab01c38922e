//! `Connection`: one account at one provider, with the guard that binds its credential to its hosts.

mod builder;

pub use builder::ConnectionBuilder;

use crate::credential::{Attach, Credential};
use crate::oauth::endpoints::Endpoints;
use crate::origin::{Origin, Url};
use crate::provider::{ClientAuth, Environment, Provider, Requirement};
use crate::token::refresh::RefreshRules;
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::retry::Policy;
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
    /// The hosts whose answers count where a redirect leads there.
    redirect_targets: Vec<Origin>,
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
        ConnectionBuilder::new(provider)
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

    /// Whether a credential is for the connection's environment, as far as it tells.
    pub fn is_for(&self, credential: &Credential) -> bool {
        credential.environments().all(|environment| environment == self.environment)
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

    /// Whether the answer of this host counts as the API's where a redirect leads there.
    pub(crate) fn allows_redirect_to(&self, origin: &Origin) -> bool {
        self.redirect_targets.contains(origin)
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

/// The environments that a host belongs to by the profile, whatever the port.
pub(crate) fn environments_of<'a>(provider: &'a Provider, origin: &'a Origin) -> impl Iterator<Item = &'a str> {
    let is_of = move |url: Option<&str>| url.and_then(|url| Url::parse(url).ok()).is_some_and(|url| url.origin().host() == origin.host());
    let owns = move |environment: &Environment<'_>| environment.urls().any(is_of);
    provider.environments().filter(owns).map(Environment::name)
}

pub(crate) fn parse_setting(field: &str, text: &str) -> Result<Url, Failure> {
    Url::parse(text).map_err(|error| Failure::new(FailureKind::Misuse, format!("{field} is {error}"), "give an absolute https URL"))
}

/// The origins that a caller names for redirects; an entry that is none is told by its place, because it could be a secret.
pub(crate) fn redirect_targets<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Result<Vec<Origin>, Failure> {
    let read = |(place, host): (usize, &str)| {
        let refused = |error| {
            let what = format!("entry {} of allow_redirect_to is {error}", place + 1);
            Failure::new(FailureKind::Misuse, what, "name a host, with its port if that is not 443: nothing was sent")
        };
        Origin::parse(host).map_err(refused)
    };
    hosts.into_iter().enumerate().map(read).collect()
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

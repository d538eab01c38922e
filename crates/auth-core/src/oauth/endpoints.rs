//! Endpoints: where the authorization server is asked for what, said by the caller, the profile or the server's own metadata, in this order.

use super::discovery::Metadata;
use crate::connection::{check_transport, environments_of, parse_setting};
use crate::origin::Url;
use crate::provider::{AssertionAudience, Environment, Provider};
use crate::shown::{Looks, Shown};
use crate::verdict::failure::{Failure, FailureKind};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a caller says instead of the profile, and what was discovered.
#[derive(Clone, Default)]
pub(crate) struct Said {
    pub(crate) issuer: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) authorization: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) revocation: Option<String>,
    pub(crate) metadata: Option<Metadata>,
}

/// The endpoints of one environment, checked.
#[derive(Clone, Default)]
pub(crate) struct Endpoints {
    pub(crate) issuer: Option<String>,
    pub(crate) token: Option<Url>,
    pub(crate) authorization: Option<Url>,
    pub(crate) device: Option<Url>,
    pub(crate) revocation: Option<Url>,
    /// Whether the server promises to name itself in every redirect (RFC 9207 section 3).
    pub(crate) names_itself: bool,
    /// Whom assertions are for; empty if there is no token endpoint.
    pub(crate) audience: String,
}

impl Said {
    /// Each endpoint by the first that names it; all of them https, and none of another environment.
    pub(crate) fn resolve(&self, provider: &Provider, environment: Environment<'_>, insecure_loopback: bool) -> Result<Endpoints, Failure> {
        let metadata = self.metadata.as_ref();
        // The profile's endpoints are those of its own issuer: another one that the caller names has others.
        let is_the_profiles = metadata.is_none() || self.issuer.is_none() || self.issuer.as_deref() == environment.issuer();
        let one = |field: &str, own: &Option<String>, usual: Option<&str>, discovered: Option<&Url>| -> Result<Option<Url>, Failure> {
            let url = match own.as_deref().or(usual.filter(|_| is_the_profiles)) {
                Some(text) => Some(parse_setting(field, text)?),
                None => discovered.cloned(),
            };
            let Some(url) = url else { return Ok(None) };
            check_transport(&url, insecure_loopback)?;
            let owners: Vec<&str> = environments_of(provider, url.origin()).collect();
            if owners.is_empty() || owners.contains(&environment.name()) {
                return Ok(Some(url));
            }
            let what = format!("{field} is at {}, which is {}, the session for {}", url.origin(), owners.join(" and "), environment.name());
            let advice = format!("nothing was sent: use the endpoint of {}", environment.name());
            Err(Failure::new(FailureKind::EnvironmentMismatch, what, advice))
        };
        let token = one("token_url", &self.token, environment.token_url(), metadata.and_then(Metadata::token_endpoint))?;
        // A name that is no such URL would be met only where the server names itself, or in its refusal of an assertion.
        one("issuer", &self.issuer, None, None)?;
        let issuer = self.issuer(environment).map(ToOwned::to_owned);
        if let Some(metadata) = metadata.filter(|metadata| issuer.as_deref() != Some(metadata.issuer())) {
            let what = format!(
                "the metadata is of {:?}, the connection's issuer is {:?}",
                metadata.issuer(),
                Shown::new(&issuer.unwrap_or_default(), Looks::Url)
            );
            return Err(Failure::new(FailureKind::Misuse, what, "discover the connection's own issuer"));
        }
        let endpoint = token.as_ref().map_or("", Url::as_str).to_owned();
        let audience = match provider.assertion_audience() {
            Some(AssertionAudience::Text(text)) => text.clone(),
            Some(AssertionAudience::Issuer) => issuer.clone().unwrap_or(endpoint),
            Some(AssertionAudience::TokenEndpoint) | None => endpoint,
        };
        Ok(Endpoints {
            issuer,
            token,
            authorization: one(
                "authorization_url",
                &self.authorization,
                environment.authorization_url(),
                metadata.and_then(Metadata::authorization_endpoint),
            )?,
            device: one(
                "device_authorization_url",
                &self.device,
                environment.device_authorization_url(),
                metadata.and_then(Metadata::device_authorization_endpoint),
            )?,
            revocation: one(
                "revocation_url",
                &self.revocation,
                environment.revocation_url(),
                metadata.and_then(Metadata::revocation_endpoint),
            )?,
            names_itself: environment.issuer_in_redirects() || metadata.is_some_and(Metadata::names_itself_in_redirects),
            audience,
        })
    }

    /// The issuer: the caller's word before the profile's.
    pub(crate) fn issuer<'a>(&'a self, environment: Environment<'a>) -> Option<&'a str> {
        self.issuer.as_deref().or(environment.issuer())
    }
}

/// Says which endpoint is missing, and how to name it.
pub(crate) fn missing(provider: &Provider, what: &str, field: &str) -> Failure {
    let what = format!("{} has no {what}", provider.title());
    Failure::new(FailureKind::Misuse, what, format!("set {field}, or an issuer to discover it from"))
}

//! Discovery: an authorization server's endpoints from its own metadata (RFC 8414, OIDC Discovery 1.0).

use crate::connection::check_transport;
use crate::credential::Secret;
use crate::origin::Url;
use crate::step::Transport;
use crate::token::request::TokenRequest;
use crate::verdict::answer::Response;
use crate::verdict::body::quote;
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::lenient;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use serde::Deserialize;

/// `Discovery` asks an issuer for its metadata, at each of the places where it may stand.
///
/// Send [`Discovery::request`], hand the answer to [`Discovery::handle_response`], again while that gives `None`; if there is no answer, the end is what
/// [`Discovery::handle_failure`] makes of that.
#[derive(Clone, Debug)]
pub struct Discovery {
    issuer: String,
    places: Vec<Url>,
    hosts: Vec<String>,
    insecure_loopback: bool,
    timeout: Duration,
}

impl Discovery {
    /// Discovery of an issuer, whose endpoints may stand on its own host and on these.
    pub(crate) fn new(issuer: &str, hosts: &[String], insecure_loopback: bool, timeout: Duration) -> Result<Self, Failure> {
        let refuse = |why: String| Failure::new(FailureKind::Misuse, format!("the issuer is {why}"), "take it as the vendor writes it");
        let url = Url::parse(issuer).map_err(|error| refuse(format!("{error}")))?;
        check_transport(&url, insecure_loopback)?;
        if issuer.contains(['?', '#']) {
            return Err(refuse("not one: it has a query or fragment (RFC 8414 section 2)".into()));
        }
        let hosts = hosts.iter().map(|host| host.to_ascii_lowercase()).chain([url.origin().host().to_owned()]).collect();
        let mut places = places(&url).map_err(|error| refuse(format!("{error}")))?;
        places.reverse();
        Ok(Self { issuer: issuer.to_owned(), places, hosts, insecure_loopback, timeout })
    }

    /// What to send next, as it is; no redirect may be followed.
    pub fn request(&self) -> Option<TokenRequest> {
        let url = self.places.last()?.clone();
        Some(TokenRequest::get(url, [("Accept", Secret::new("application/json"))].into(), self.timeout))
    }

    /// Takes the answer: the metadata, or `None` if it may stand in another place.
    ///
    /// # Errors
    /// A [`Failure`] if it stands nowhere, or speaks for another issuer, or names an endpoint that is not https or on a host that it may not have.
    pub fn handle_response(&mut self, response: &Response<'_>) -> Result<Option<Metadata>, Failure> {
        let Some(place) = self.places.pop() else {
            return Err(self.fails("was asked for without a place", "report this as a bug of ledgerauth"));
        };
        match response.status {
            200 => self.read(&place, response.body).map(Some),
            // Not there, or nothing that a stranger may see.
            401 | 403 | 404 | 405 | 410 if !self.places.is_empty() => Ok(None),
            status => {
                let why = format!("could not be had from {place} ({status})");
                let advice = "compare the issuer with the vendor's documentation, or name the endpoints in the profile";
                Err(self.fails(&why, advice).with_status(status))
            }
        }
    }

    /// Takes the news that there is no answer, and gives the failure that it is.
    pub fn handle_failure(&self, transport: Transport) -> Failure {
        let whom = self.places.last().map_or(self.issuer.as_str(), |place| place.as_str());
        transport.failure(whom, FailureKind::Transport).repeatable(true)
    }

    fn read(&self, place: &Url, body: &[u8]) -> Result<Metadata, Failure> {
        // A member that is missing or of another type stays an error; flaws around the members are mended.
        let mended = |error: serde_json::Error| {
            let read = if error.is_data() { None } else { lenient::parse(body).and_then(serde_json::from_value).ok() };
            read.ok_or(error)
        };
        let document: Document = serde_json::from_slice(body).or_else(mended).map_err(|error| {
            let why = format!("at {place} is not the JSON object of RFC 8414 (line {}, column {})", error.line(), error.column());
            self.fails(&why, "compare the issuer with the vendor's documentation, and look for a proxy in between")
        })?;
        // RFC 8414 section 3.3: by code points, so that no server can speak for another.
        if document.issuer != self.issuer {
            let why = format!("at {place} is of the issuer {:?}, and not byte for byte the one asked for", quote(&document.issuer, &[]));
            return Err(self.fails(&why, "if the vendor's documentation names that issuer, use it as it is written there"));
        }
        let endpoint = |name: &str, text: Option<String>| text.map(|text| self.endpoint(name, &text)).transpose();
        Ok(Metadata {
            token: endpoint("token_endpoint", document.token_endpoint)?,
            authorization: endpoint("authorization_endpoint", document.authorization_endpoint)?,
            device: endpoint("device_authorization_endpoint", document.device_authorization_endpoint)?,
            revocation: endpoint("revocation_endpoint", document.revocation_endpoint)?,
            names_itself: document.authorization_response_iss_parameter_supported,
            auth_methods: document.token_endpoint_auth_methods_supported,
            grants: document.grant_types_supported,
            issuer: document.issuer,
        })
    }

    /// An endpoint that a credential may go to: https, and on a host that belongs to the issuer by its own name or by the profile.
    fn endpoint(&self, name: &str, text: &str) -> Result<Url, Failure> {
        let url = Url::parse(text).map_err(|error| self.fails(&format!("names a {name} that is {error}"), "tell the vendor"))?;
        check_transport(&url, self.insecure_loopback)?;
        if self.hosts.iter().any(|host| host == url.origin().host()) {
            return Ok(url);
        }
        let why = format!("names a {name} at {}, which is not the issuer's host", url.origin());
        let advice =
            format!("if the vendor documents it, add {:?} to endpoint_hosts in the profile's [[environment]]", url.origin().host());
        Err(Failure::new(FailureKind::ForeignHost, format!("the metadata of {} {why}", self.issuer), advice))
    }

    fn fails(&self, why: &str, advice: &'static str) -> Failure {
        Failure::new(FailureKind::TokenEndpoint, format!("the metadata of {} {why}", self.issuer), advice).repeatable(true)
    }
}

/// Where an issuer's metadata may stand: RFC 8414 section 3.1 puts the well-known name before the issuer's path, OIDC Discovery section 4 behind it, and
/// RFC 8414 section 5 knows servers that do the first with the name of the second.
fn places(issuer: &Url) -> Result<Vec<Url>, crate::origin::UrlError> {
    let path = issuer.path().trim_end_matches('/');
    let mut texts = Vec::from([
        format!("{}/.well-known/oauth-authorization-server{path}", issuer.origin()),
        format!("{}{path}/.well-known/openid-configuration", issuer.origin()),
    ]);
    if !path.is_empty() {
        texts.push(format!("{}/.well-known/openid-configuration{path}", issuer.origin()));
    }
    texts.iter().map(|text| Url::parse(text)).collect()
}

/// The members of a metadata document that matter here (RFC 8414 section 2, RFC 8628 section 4, RFC 9207 section 3).
#[derive(Deserialize)]
struct Document {
    issuer: String,
    token_endpoint: Option<String>,
    authorization_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    grant_types_supported: Vec<String>,
}

/// `Metadata` is what an authorization server says of itself, checked: its own issuer, https endpoints, hosts that it may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    issuer: String,
    token: Option<Url>,
    authorization: Option<Url>,
    device: Option<Url>,
    revocation: Option<Url>,
    names_itself: bool,
    auth_methods: Vec<String>,
    grants: Vec<String>,
}

impl Metadata {
    /// The server's name for itself.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where tokens are fetched.
    pub fn token_endpoint(&self) -> Option<&Url> {
        self.token.as_ref()
    }

    /// Where a person consents.
    pub fn authorization_endpoint(&self) -> Option<&Url> {
        self.authorization.as_ref()
    }

    /// Where a device asks for a code.
    pub fn device_authorization_endpoint(&self) -> Option<&Url> {
        self.device.as_ref()
    }

    /// Where tokens are revoked.
    pub fn revocation_endpoint(&self) -> Option<&Url> {
        self.revocation.as_ref()
    }

    /// Whether every redirect names the issuer (RFC 9207), so that one without it is refused.
    pub fn names_itself_in_redirects(&self) -> bool {
        self.names_itself
    }

    /// The text of a profile for an API at this server, to be kept in a file and added to; [`crate::Provider::from_toml`] reads it.
    ///
    /// `name` is made of a-z, 0-9 and `-`; `base_url` is where the API is.
    pub fn profile(&self, name: &str, base_url: &str) -> String {
        let hosts: Vec<&str> = [&self.token, &self.authorization, &self.device, &self.revocation]
            .into_iter()
            .flatten()
            .map(|url| url.origin().host())
            .collect();
        let mut hosts: Vec<String> = hosts.iter().map(|host| format!("{host:?}")).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let line = |field: &str, url: &Option<Url>| url.as_ref().map_or(String::new(), |url| format!("{field} = {:?}\n", url.as_str()));
        format!(
            "name = {name:?}\ntitle = {name:?}\n\n[[environment]]\nname = \"production\"\nbase_url = {base_url:?}\nissuer = {:?}\nissuer_in_redirects = {}\n{}{}{}{}endpoint_hosts = [{}]\n\n[token]\ngrants = [{}]\nrequest = \"form\"\nclient_auth = \"{}\"\n",
            self.issuer,
            self.names_itself,
            line("token_url", &self.token),
            line("authorization_url", &self.authorization),
            line("device_authorization_url", &self.device),
            line("revocation_url", &self.revocation),
            hosts.join(", "),
            self.known_grants().join(", "),
            self.client_auth(),
        )
    }

    /// The way in which a client with a secret authenticates; Basic first, and if nothing is said, because RFC 6749 section 2.3.1 makes every server take it.
    fn client_auth(&self) -> &'static str {
        let takes = |method: &&&str| self.auth_methods.iter().any(|known| known == **method);
        ["client_secret_basic", "client_secret_post", "client_secret_jwt"].iter().find(takes).copied().unwrap_or("client_secret_basic")
    }

    /// The grants by their names in a profile; what RFC 8414 section 2 takes for said if nothing is.
    fn known_grants(&self) -> Vec<&'static str> {
        const NAMES: [(&str, &str); 5] = [
            ("client_credentials", "\"client_credentials\""),
            ("refresh_token", "\"refresh_token\""),
            ("authorization_code", "\"authorization_code\""),
            ("urn:ietf:params:oauth:grant-type:device_code", "\"device_code\""),
            ("urn:ietf:params:oauth:grant-type:jwt-bearer", "\"jwt_bearer\""),
        ];
        let known = NAMES.iter().filter(|(name, _)| self.grants.iter().any(|grant| grant == name)).map(|(_, own)| *own);
        let known: Vec<&str> = known.collect();
        if known.is_empty() { Vec::from([NAMES[2].1, NAMES[1].1]) } else { known }
    }
}

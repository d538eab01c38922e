//! What a builder is told of the authorization server, or asks it.

use crate::builder::ClientBuilder;
use crate::error::Error;
use crate::fetch::fetch;

impl ClientBuilder {
    /// Takes this for the authorization server's name (RFC 8414 section 2), byte for byte, instead of the profile's.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.connection = self.connection.issuer(issuer);
        self
    }

    /// Sends persons here for their consent instead of to the profile's endpoint.
    pub fn authorization_url(mut self, url: impl Into<String>) -> Self {
        self.connection = self.connection.authorization_url(url);
        self
    }

    /// Asks here for device codes instead of at the profile's endpoint.
    pub fn device_authorization_url(mut self, url: impl Into<String>) -> Self {
        self.connection = self.connection.device_authorization_url(url);
        self
    }

    /// Revokes tokens here instead of at the profile's endpoint.
    pub fn revocation_url(mut self, url: impl Into<String>) -> Self {
        self.connection = self.connection.revocation_url(url);
        self
    }

    /// Asks the issuer, now, for the endpoints that neither the profile nor the caller names (RFC 8414, OIDC Discovery). If the caller named another issuer than
    /// the profile's, what the profile names is not used, because it is that other one's. Say environment, issuer, certificates and proxies before.
    ///
    /// # Errors
    /// [`Error::Failure`] if no issuer is known, it was not reached, or what it says of itself is refused: another issuer's, an endpoint without https, or on a
    /// host that neither is the issuer's nor stands among the profile's `endpoint_hosts`.
    pub fn discover(mut self) -> Result<Self, Error> {
        let transport = self.way_out(
            #[cfg(feature = "ureq")]
            &std::sync::Arc::default(),
        )?;
        let mut discovery = self.connection.discovery()?;
        while let Some(request) = discovery.request() {
            let answer = fetch(&*transport, request).map_err(|lost| discovery.handle_failure(lost))?;
            if let Some(metadata) = discovery.handle_response(&answer.for_machine())? {
                self.connection = self.connection.metadata(metadata);
                break;
            }
        }
        Ok(self)
    }
}

//! What the rows share: a sandbox on plain http, and clients at it.

use auth_http::{Client, Credential, Error, Provider};
use auth_sandbox::{Options, Sandbox, Service};
use std::net::SocketAddr;
use std::time::Duration;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// A sandbox without TLS and without limits, so that the figures are about the client.
pub(crate) fn sandbox() -> std::io::Result<Sandbox> {
    Sandbox::start(Options { tls: false, limits: false, ..Options::default() })
}

/// A client that authenticates with tokens.
pub(crate) fn with_tokens(sandbox: &Sandbox) -> Result<Client, Error> {
    let keys = sandbox.keys();
    Client::builder(Provider::builtin("numeric")?)
        .environment("production")
        .base_url(sandbox.url(Service::NumericApi))
        .token_url(format!("{}/oauth/token", sandbox.url(Service::NumericAuth)))
        .credential(Credential::client(&keys.numeric.client_id, keys.numeric.client_secret.as_str()))
        .insecure_loopback(true)
        .no_proxy()
        .build()
}

/// The bare client, set up as ours sets its own up, but for the time limit of name resolution: for that, ureq starts a thread for each request.
pub(crate) fn bare() -> ureq::Agent {
    bare_config().into()
}

/// The same, told the address of the one host there is.
pub(crate) fn bare_told(address: SocketAddr) -> ureq::Agent {
    ureq::Agent::with_parts(bare_config(), DefaultConnector::default(), Told(address))
}

/// A resolver that has nothing to resolve.
#[derive(Debug)]
struct Told(SocketAddr);

impl Resolver for Told {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(self.0);
        Ok(addresses)
    }
}

fn bare_config() -> Config {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .allow_non_standard_methods(true)
        .user_agent(concat!("ledgerauth/", env!("CARGO_PKG_VERSION")))
        .proxy(None)
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(Duration::from_mins(1)))
        .timeout_per_read(Some(Duration::from_mins(1)))
        .timeout_per_write(Some(Duration::from_mins(1)))
        .max_idle_connections(256)
        .max_idle_connections_per_host(64)
        .build()
}

//! What the rows share: a sandbox on plain http, and clients at it.

use auth_http::{Client, Credential, Error, Provider};
use auth_sandbox::{Options, Sandbox, Service};

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

/// The bare client, set up as ours sets its own up.
pub(crate) fn bare() -> ureq::Agent {
    use std::time::Duration;
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .allow_non_standard_methods(true)
        .user_agent(concat!("ledgerauth/", env!("CARGO_PKG_VERSION")))
        .proxy(None)
        .timeout_resolve(Some(Duration::from_secs(10)))
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(Duration::from_mins(1)))
        .timeout_per_read(Some(Duration::from_mins(1)))
        .timeout_per_write(Some(Duration::from_mins(1)))
        .max_idle_connections(256)
        .max_idle_connections_per_host(64)
        .build()
        .into()
}

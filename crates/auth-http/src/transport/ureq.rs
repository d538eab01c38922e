//! ureq, set up once.

use super::lost::lost;
use super::names::Names;
use super::proxies::Proxies;
use super::{Body, Lost, Payload, Source, Times, Transport};
use crate::error::Error;
use crate::interrupt::Interrupt;
use auth_core::Unanswered;
use http::{HeaderValue, Request, Response};
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, AsSendBody, Proxy, SendBody};

/// What a client's connections look like.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) proxy: ProxyChoice,
    pub(crate) roots: Roots,
    pub(crate) identity: Option<(Vec<u8>, Vec<u8>)>,
    pub(crate) user_agent: String,
}

/// Which proxy to use.
#[derive(Clone, Debug)]
pub(crate) enum ProxyChoice {
    /// `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, as curl reads them.
    Environment,
    Direct,
    Url(String),
}

/// Whose certificates are trusted.
#[derive(Clone, Debug)]
pub(crate) enum Roots {
    /// Mozilla's list, as compiled in.
    Mozilla,
    /// The operating system's.
    Platform,
    /// These, and no others.
    Own(Vec<u8>),
}

impl Default for Wire {
    fn default() -> Self {
        Self {
            // A minute, because reports over a year's ledger take tens of seconds to begin.
            timeout: Duration::from_mins(1),
            // Ten seconds, because a host that has not answered by then is not there.
            connect_timeout: Duration::from_secs(10),
            proxy: ProxyChoice::Environment,
            roots: Roots::Mozilla,
            identity: None,
            user_agent: concat!("ledgerauth/", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}

/// Sends by ureq.
pub(crate) struct Ureq {
    direct: Agents,
    /// The proxy of the client, with the connections that go through it.
    proxied: Option<(Proxies, Agents)>,
    timeout: Duration,
    connect_timeout: Duration,
}

/// The connections of one way to the servers.
struct Agents {
    calls: Agent,
    /// The same for token requests, which nothing may interrupt: the answer to a single-use refresh
    /// token must be heard.
    tokens: Agent,
}

impl Transport for Ureq {
    fn send(&self, request: Request<Payload<'_>>, times: Times) -> Result<Response<Body>, Lost> {
        let (head, payload) = request.into_parts();
        let proxied = self.proxied.as_ref().filter(|(proxies, _)| proxies.serve(&head.uri));
        let agents = proxied.map_or(&self.direct, |(_, agents)| agents);
        let response = match payload {
            Payload::None => self.run(agents, Request::from_parts(head, ()), times),
            Payload::Bytes(bytes) => self.run(agents, Request::from_parts(head, bytes), times),
            Payload::Stream(mut reader) => self.run(agents, Request::from_parts(head, SendBody::from_reader(&mut reader)), times),
        };
        let read = |body: ureq::Body| Body(Source::Ureq(body.into_with_config().limit(u64::MAX).reader()));
        response.map(|response| response.map(read)).map_err(|error| {
            let lost = lost(&error);
            proxied.map_or(lost.clone(), |(proxies, _)| through(proxies, lost))
        })
    }
}

/// The same failure, with the proxy in it: the proxy may be the one that failed.
fn through(proxies: &Proxies, lost: Lost) -> Lost {
    let what = format!("{}; the way led through {}", lost.what, proxies.in_words());
    let advice = match lost.how {
        Unanswered::NotSent => "check the proxy's address, user name and password".into(),
        _ => lost.advice,
    };
    Lost { what, advice, ..lost }
}

impl Ureq {
    fn run<B: AsSendBody>(&self, agents: &Agents, request: Request<B>, times: Times) -> Result<Response<ureq::Body>, ureq::Error> {
        if let Some(end) = times.end {
            return agents.tokens.run(agents.tokens.configure_request(request).timeout_global(Some(end)).build());
        }
        let request = if times.begin < self.timeout + 2 * self.connect_timeout {
            // Name resolution, connection and answer have their own clocks in ureq; together they must not take longer than what is left.
            let connecting = self.connect_timeout.min(times.begin / 4);
            let answering = self.timeout.min(times.begin.saturating_sub(2 * connecting));
            let configured = agents.calls.configure_request(request).timeout_resolve(Some(connecting)).timeout_connect(Some(connecting));
            configured.timeout_recv_response(Some(answering)).timeout_send_body(Some(answering)).build()
        } else {
            request
        };
        agents.calls.run(request)
    }
}

impl Wire {
    /// The transport of these settings.
    pub(crate) fn transport(&self, interrupt: Option<&Interrupt>) -> Result<Ureq, Error> {
        let proxies = match &self.proxy {
            ProxyChoice::Environment => Proxies::from_environment(|name| std::env::var_os(name))?,
            ProxyChoice::Direct => None,
            ProxyChoice::Url(url) => Some(Proxies::named(url)?),
        };
        let through = |proxies: Proxies| {
            let agents = self.agents(Some(&proxies.proxy), interrupt)?;
            Ok::<_, Error>((proxies, agents))
        };
        Ok(Ureq {
            direct: self.agents(None, interrupt)?,
            proxied: proxies.map(through).transpose()?,
            timeout: self.timeout,
            connect_timeout: self.connect_timeout,
        })
    }

    fn agents(&self, proxy: Option<&Proxy>, interrupt: Option<&Interrupt>) -> Result<Agents, Error> {
        let calls = self.agent(proxy, interrupt)?;
        let tokens = if interrupt.is_some() { self.agent(proxy, None)? } else { calls.clone() };
        Ok(Agents { calls, tokens })
    }

    fn agent(&self, proxy: Option<&Proxy>, interrupt: Option<&Interrupt>) -> Result<Agent, Error> {
        if HeaderValue::from_str(&self.user_agent).is_err() {
            return Err(setting("user_agent", "it cannot be sent: leave line breaks and other control characters out"));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            // Of the codings that are unpacked here, the one that servers agree about.
            .accept_encoding("gzip")
            .user_agent(self.user_agent.as_str())
            .proxy(proxy.cloned())
            .tls_config(self.tls()?)
            .timeout_resolve(Some(self.connect_timeout))
            .timeout_connect(Some(self.connect_timeout))
            .timeout_recv_response(Some(self.timeout))
            .timeout_per_read(Some(self.timeout))
            .timeout_per_write(Some(self.timeout))
            // As many idle connections as a pool of threads keeps busy; ureq's default of 3 a host would reconnect all others.
            .max_idle_connections(256)
            .max_idle_connections_per_host(64)
            .build();
        Ok(match interrupt {
            Some(interrupt) => super::socket::agent(config, interrupt),
            None => Agent::with_parts(config, DefaultConnector::default(), Names::new(Arc::new(|| false))),
        })
    }

    fn tls(&self) -> Result<TlsConfig, Error> {
        let roots = match &self.roots {
            Roots::Mozilla => RootCerts::WebPki,
            Roots::Platform => RootCerts::PlatformVerifier,
            Roots::Own(pem) => RootCerts::new_with_certs(&certificates("ca", pem)?),
        };
        let identity = self.identity.as_ref().map(|(chain, key)| {
            let key = PrivateKey::from_pem(key).map_err(|_| setting("identity", "the key is not a PEM private key"))?;
            Ok::<_, Error>(ClientCert::new_with_certs(&certificates("identity", chain)?, key))
        });
        Ok(TlsConfig::builder().root_certs(roots).client_cert(identity.transpose()?).build())
    }
}

fn certificates(name: &'static str, pem: &[u8]) -> Result<Vec<Certificate<'static>>, Error> {
    let items = parse_pem(pem).collect::<Result<Vec<_>, _>>().map_err(|_| setting(name, "not PEM"))?;
    let certificates: Vec<_> =
        items.into_iter().filter_map(|item| if let PemItem::Certificate(certificate) = item { Some(certificate) } else { None }).collect();
    if certificates.is_empty() {
        Err(setting(name, "there is no certificate in it: give PEM that begins with BEGIN CERTIFICATE"))
    } else {
        Ok(certificates)
    }
}

pub(super) fn setting(name: &'static str, reason: impl Into<String>) -> Error {
    Error::Setting { name, reason: reason.into() }
}

//! ureq, set up once.

use super::lost::{lost, through};
use super::names::Names;
use super::opener::Opener;
use super::proxies::Proxies;
use super::socket::connector;
use super::stage::{Sent, watched};
use super::until::{InTime, Until};
use super::{Body, Lost, OpenConnection, Payload, Source, Times, Transport};
use crate::error::Error;
use crate::interrupt::Interrupt;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, Uri};
use std::sync::Arc;
use std::time::{Duration, Instant};
use ureq::config::{Config, ConfigBuilder};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::typestate::AgentScope;
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
    direct: Way,
    /// The proxy of the client, with the connections that go through it.
    proxied: Option<(Proxies, Way)>,
    interrupt: Option<Interrupt>,
}

/// The connections of one way to the servers.
struct Way {
    calls: Agent,
    /// For token requests, which nothing may interrupt: the answer to a single-use refresh token must be heard.
    tokens: Arc<Opener>,
    /// The proxy in words.
    proxy: Option<String>,
}

impl Transport for Ureq {
    fn send(&self, request: Request<Payload<'_>>, times: Times) -> Result<Response<Body>, Lost> {
        let (head, mut payload) = request.into_parts();
        let way = self.way(&head.uri);
        let begun = Instant::now();
        let (mut result, mut sent) = watched(|| run(&way.calls, head.clone(), &mut payload, times, false));
        if let Err(error) = &result
            && self.is_replaced(error, sent, &head.method, &payload)
        {
            let times = Times { begin: times.begin.saturating_sub(begun.elapsed()), ..times };
            (result, sent) = watched(|| run(&way.calls, head, &mut payload, times, true));
        }
        let read = |body: ureq::Body| Body(Source::Ureq(body.into_with_config().limit(u64::MAX).reader()));
        result.map(|response| response.map(read)).map_err(|error| through(way.proxy.as_deref(), lost(&sent.judge(error))))
    }

    fn connect(&self, url: &Uri, limit: Duration) -> Result<Option<Box<dyn OpenConnection>>, Lost> {
        Ok(Some(Box::new(self.way(url).tokens.open(url, limit)?)))
    }
}

impl Ureq {
    /// The way to a URL.
    fn way(&self, url: &Uri) -> &Way {
        let proxied = self.proxied.as_ref().filter(|(proxies, _)| proxies.serve(url));
        proxied.map_or(&self.direct, |(_, way)| way)
    }

    /// Whether a request is sent again over a new connection, because the kept one turned out to be dead (RFC 9112 section 9.3.1):
    /// nothing of an answer came, and either nothing was written or the method is idempotent.
    fn is_replaced(&self, error: &ureq::Error, sent: Sent, method: &Method, payload: &Payload<'_>) -> bool {
        use std::io::ErrorKind as Kind;
        let is_dead = matches!(error, ureq::Error::Io(error) if matches!(
            error.kind(),
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::NotConnected | Kind::UnexpectedEof
        ));
        let may_be_sent = !sent.began || (method.is_idempotent() && !matches!(payload, Payload::Stream(_)));
        let is_wanted = !self.interrupt.as_ref().is_some_and(|interrupt| interrupt());
        is_dead && sent.kept && !sent.heard && may_be_sent && is_wanted
    }
}

fn run(agent: &Agent, head: Parts, payload: &mut Payload<'_>, times: Times, anew: bool) -> Result<Response<ureq::Body>, ureq::Error> {
    match payload {
        Payload::None => run_with(agent, Request::from_parts(head, ()), times, anew),
        Payload::Bytes(bytes) => run_with(agent, Request::from_parts(head, *bytes), times, anew),
        Payload::Stream(reader) => run_with(agent, Request::from_parts(head, SendBody::from_reader(reader)), times, anew),
    }
}

fn run_with<B: AsSendBody>(agent: &Agent, request: Request<B>, times: Times, anew: bool) -> Result<Response<ureq::Body>, ureq::Error> {
    // No connection is young enough.
    let request = if anew { agent.configure_request(request).max_idle_age(Duration::ZERO).build() } else { request };
    let _in_time = Until::after(times.begin);
    agent.run(request)
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
            let way = self.way(Some(&proxies), interrupt)?;
            Ok::<_, Error>((proxies, way))
        };
        Ok(Ureq { direct: self.way(None, interrupt)?, proxied: proxies.map(through).transpose()?, interrupt: interrupt.cloned() })
    }

    fn way(&self, proxies: Option<&Proxies>, interrupt: Option<&Interrupt>) -> Result<Way, Error> {
        let never: Interrupt = Arc::new(|| false);
        let names = Names::new(interrupt.unwrap_or(&never).clone());
        let connecting = self.config(proxies.map(|proxies| &proxies.proxy))?;
        let calls = Agent::with_parts(connecting.clone(), InTime(connector(interrupt)), InTime(names));
        let sending = self.usual().max_idle_connections(0).build();
        let proxy = proxies.map(Proxies::in_words);
        let tokens = Opener {
            connector: Arc::new(connector(None)),
            names: Names::new(never),
            connecting,
            sending,
            connect_timeout: self.connect_timeout,
            proxy: proxy.clone(),
        };
        Ok(Way { calls, tokens: Arc::new(tokens), proxy })
    }

    /// How every request looks.
    fn usual(&self) -> ConfigBuilder<AgentScope> {
        Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            // Of the codings that are unpacked here, the one that servers agree about.
            .accept_encoding("gzip")
            .user_agent(self.user_agent.as_str())
            .proxy(None)
    }

    fn config(&self, proxy: Option<&Proxy>) -> Result<Config, Error> {
        if HeaderValue::from_str(&self.user_agent).is_err() {
            return Err(setting("user_agent", "it cannot be sent: leave line breaks and other control characters out"));
        }
        Ok(self
            .usual()
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
            .build())
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

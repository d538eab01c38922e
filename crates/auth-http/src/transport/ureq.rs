//! ureq, set up once.

use super::lost::{lost, through};
use super::names::Names;
use super::opener::Opener;
use super::proxies::Proxies;
use super::socket::connector;
use super::stage::{Sent, watched};
use super::tls::{self, Identity, Roots};
use super::until::{InTime, Until};
use super::watch::{News, Watch};
use super::{Body, Lost, OpenConnection, Payload, Source, Times, Transport};
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::language::Language;
use arc_swap::ArcSwap;
use auth_core::Audited;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, Uri};
use std::sync::Arc;
use std::time::{Duration, Instant};
use ureq::config::{Config, ConfigBuilder};
use ureq::tls::TlsConfig;
use ureq::typestate::AgentScope;
use ureq::{Agent, AsSendBody, Proxy, SendBody};

/// What a client's connections look like.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) proxy: ProxyChoice,
    pub(crate) roots: Roots,
    pub(crate) identity: Option<Identity>,
    /// Whose options advice names.
    pub(crate) language: Language,
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
            language: Language::default(),
            user_agent: concat!("ledgerauth/", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}

/// Sends by ureq.
pub(crate) struct Ureq {
    wire: Wire,
    proxies: Option<Proxies>,
    ways: ArcSwap<Ways>,
    /// The files of the client's certificate, if it comes from files.
    watch: Option<Watch>,
    news: Arc<News>,
    interrupt: Option<Interrupt>,
}

/// The connections of a client.
struct Ways {
    direct: Way,
    /// Those that go through its proxy.
    proxied: Option<Way>,
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
        let ways = self.ways();
        let way = self.way(&ways, &head.uri);
        let begun = Instant::now();
        let (mut result, mut sent) = watched(|| run(&way.calls, head.clone(), &mut payload, times, false));
        if let Err(error) = &result
            && self.is_replaced(error, sent, &head.method, &payload)
        {
            let times = Times { begin: times.begin.saturating_sub(begun.elapsed()), ..times };
            (result, sent) = watched(|| run(&way.calls, head, &mut payload, times, true));
        }
        let read = |body: ureq::Body| Body(Source::Ureq(body.into_with_config().limit(u64::MAX).reader()));
        result
            .map(|response| response.map(read))
            .map_err(|error| through(way.proxy.as_deref(), lost(&sent.judge(error), self.wire.language)))
    }

    fn connect(&self, url: &Uri, limit: Duration) -> Result<Option<Box<dyn OpenConnection>>, Lost> {
        Ok(Some(Box::new(self.way(&self.ways(), url).tokens.open(url, limit)?)))
    }
}

impl Ureq {
    /// The way to a URL.
    fn way<'w>(&self, ways: &'w Ways, url: &Uri) -> &'w Way {
        let is_proxied = self.proxies.as_ref().is_some_and(|proxies| proxies.serve(url));
        ways.proxied.as_ref().filter(|_| is_proxied).unwrap_or(&ways.direct)
    }

    /// The connections as they are made now: new ones, if the files of the client's certificate have changed and fit together. Those that
    /// stand under the old certificate are given up, because they would go on to speak for it.
    fn ways(&self) -> Arc<Ways> {
        if let (Some(watch), Some(Identity::Files(chain, key))) = (&self.watch, &self.wire.identity)
            && watch.has_changed([chain, key])
        {
            match self.wire.ways(self.proxies.as_ref(), self.interrupt.as_ref()) {
                Ok(ways) => {
                    self.ways.store(Arc::new(ways));
                    let decision = "the client certificate and its key were read again, because their files have changed";
                    self.news.tell(Audited::IdentityReplaced, decision.into());
                }
                // Who replaces two files writes one first.
                Err(error) => {
                    let decision = format!("the files of the client certificate have changed, and the old one is kept: {error}");
                    self.news.tell(Audited::IdentityKept, decision);
                }
            }
        }
        self.ways.load_full()
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
    pub(crate) fn transport(&self, interrupt: Option<&Interrupt>, news: &Arc<News>) -> Result<Ureq, Error> {
        let proxies = match &self.proxy {
            ProxyChoice::Environment => Proxies::from_environment(|name| std::env::var_os(name))?,
            ProxyChoice::Direct => None,
            ProxyChoice::Url(url) => Some(Proxies::named(url)?),
        };
        let watch = match &self.identity {
            Some(Identity::Files(chain, key)) => Some(Watch::begin([chain, key])),
            _ => None,
        };
        let ways = ArcSwap::from_pointee(self.ways(proxies.as_ref(), interrupt)?);
        Ok(Ureq { wire: self.clone(), proxies, ways, watch, news: Arc::clone(news), interrupt: interrupt.cloned() })
    }

    fn ways(&self, proxies: Option<&Proxies>, interrupt: Option<&Interrupt>) -> Result<Ways, Error> {
        let identity = self.identity.as_ref().map(|identity| identity.read(self.language)).transpose()?;
        let tls = tls::config(&self.roots, identity.as_ref(), self.language)?;
        let proxied = proxies.map(|proxies| self.way(Some(proxies), interrupt, &tls)).transpose()?;
        Ok(Ways { direct: self.way(None, interrupt, &tls)?, proxied })
    }

    fn way(&self, proxies: Option<&Proxies>, interrupt: Option<&Interrupt>, tls: &TlsConfig) -> Result<Way, Error> {
        let never: Interrupt = Arc::new(|| false);
        let names = Names::new(interrupt.unwrap_or(&never).clone());
        let connecting = self.config(proxies.map(|proxies| &proxies.proxy), tls)?;
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
            language: self.language,
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

    fn config(&self, proxy: Option<&Proxy>, tls: &TlsConfig) -> Result<Config, Error> {
        if HeaderValue::from_str(&self.user_agent).is_err() {
            return Err(setting("user_agent", "it cannot be sent: leave line breaks and other control characters out"));
        }
        Ok(self
            .usual()
            .proxy(proxy.cloned())
            .tls_config(tls.clone())
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
}

pub(super) fn setting(name: &'static str, reason: impl Into<String>) -> Error {
    Error::Setting { name, reason: reason.into() }
}

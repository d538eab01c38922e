//! Connections for token requests: each is new, serves one request, and is heard out.

use super::lost::{lost, through};
use super::names::Names;
use super::stage::{Stage, never_sent, over_a_new_connection, watched};
use super::{Body, Lost, OpenConnection, Payload, Source, Times};
use crate::language::Language;
use crate::lock::Mutex;
use http::{Request, Response, Uri};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use ureq::config::Config;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::time::Instant as Moment;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::{Agent, Error, SendBody, Timeout};

/// The shortest wait for an answer: 1 ms, so that an answer is heard that came while the process
/// was stopped, although its time is over.
const LAST_LOOK: Duration = Duration::from_millis(1);

/// Opens connections.
pub(super) struct Opener {
    pub(super) connector: Arc<dyn Connector<Out = Box<dyn Transport>>>,
    pub(super) names: Names,
    /// How connections are made.
    pub(super) connecting: Config,
    /// How a request goes over one that stands: without proxy and time limits.
    pub(super) sending: Config,
    pub(super) connect_timeout: Duration,
    /// The proxy in words.
    pub(super) proxy: Option<String>,
    /// Whose options advice names.
    pub(super) language: Language,
}

impl Opener {
    /// Opens a connection to the origin of a URL.
    pub(super) fn open(self: &Arc<Self>, url: &Uri, limit: Duration) -> Result<Open, Lost> {
        let limit = limit.min(self.connect_timeout);
        let (made, _) = watched(|| self.connect(url, limit));
        let transport = made.map_err(|error| self.told(&never_sent(Stage::Connect, error)))?;
        Ok(Open { transport, opener: Arc::clone(self), url: url.clone() })
    }

    fn told(&self, error: &Error) -> Lost {
        through(self.proxy.as_deref(), lost(error, self.language))
    }

    /// Does what ureq does before a request that finds no kept connection.
    fn connect(&self, url: &Uri, limit: Duration) -> Result<Box<dyn Transport>, Error> {
        let until = Instant::now() + limit;
        let timeout = || NextTimeout { reason: Timeout::Connect, ..left(Some(until)) };
        let proxy = self.connecting.proxy();
        let asks_the_proxy = proxy.is_some_and(|proxy| !proxy.is_no_proxy(url) && !proxy.resolve_target());
        let addrs = if asks_the_proxy { self.names.empty() } else { self.names.resolve(url, &self.connecting, timeout())? };
        let connector = Arc::clone(&self.connector);
        let hop = move |details: &ConnectionDetails<'_>| connector.connect(details, None)?.ok_or(Error::ConnectionFailed);
        let details = ConnectionDetails {
            uri: url,
            addrs,
            config: &self.connecting,
            request_level: false,
            resolver: &self.names,
            now: Moment::now(),
            timeout: timeout(),
            current_time: Arc::new(Moment::now),
            run_connector: Arc::new(hop),
            register_shutdown: Arc::new(|_| Ok(())),
        };
        let transport = self.connector.connect(&details, None)?.ok_or(Error::ConnectionFailed)?;
        if details.needs_tls() && !transport.is_tls() {
            return Err(Error::TlsRequired);
        }
        Ok(transport)
    }
}

/// A connection that stands.
pub(super) struct Open {
    transport: Box<dyn Transport>,
    opener: Arc<Opener>,
    url: Uri,
}

impl Open {
    /// Whether the server has closed it, or said what nobody asked for. TLS has its own words,
    /// which are taken in.
    fn is_over(&mut self) -> bool {
        // It takes no time: a crash between the journal and the request leaves a doubt.
        let look = NextTimeout { after: Duration::ZERO.into(), ..NextTimeout::default() };
        !matches!(self.transport.await_input(look), Err(Error::Timeout(_)))
    }

    fn run(self, request: Request<Payload<'_>>, times: Times) -> Result<Response<ureq::Body>, Error> {
        let until = times.end.and_then(|span| Instant::now().checked_add(span));
        let limited = Box::new(Limited { transport: self.transport, until });
        let given = Given(Mutex::new(Some(limited)));
        // For this request alone.
        let agent = Agent::with_parts(self.opener.sending.clone(), given, NoNames);
        let (head, payload) = request.into_parts();
        match payload {
            Payload::None => agent.run(Request::from_parts(head, ())),
            Payload::Bytes(bytes) => agent.run(Request::from_parts(head, bytes)),
            Payload::Stream(mut reader) => agent.run(Request::from_parts(head, SendBody::from_reader(&mut reader))),
        }
    }
}

impl OpenConnection for Open {
    fn send(mut self: Box<Self>, request: Request<Payload<'_>>, times: Times) -> Result<Response<Body>, Lost> {
        let begun = Instant::now();
        // The journal took its time, and the server did not wait.
        if self.is_over() {
            self = Box::new(self.opener.open(&self.url, self.opener.connect_timeout)?);
        }
        let end = times.end.map(|end| end.saturating_sub(begun.elapsed()));
        let opener = Arc::clone(&self.opener);
        let (result, sent) = watched(|| self.run(request, Times { end, ..times }));
        let response = result.map_err(|error| opener.told(&sent.judge(error)))?;
        let read = |body: ureq::Body| Body(Source::Ureq(body.into_with_config().limit(u64::MAX).reader()));
        Ok(response.map(read))
    }
}

/// What is left until then; a last look if nothing is.
fn left(until: Option<Instant>) -> NextTimeout {
    let mut timeout = NextTimeout::default();
    if let Some(until) = until {
        timeout.after = until.saturating_duration_since(Instant::now()).max(LAST_LOOK).into();
    }
    timeout
}

/// A connection with one limit for all that is sent and heard. ureq's own limit is judged before
/// the socket is looked at.
#[derive(Debug)]
struct Limited {
    transport: Box<dyn Transport>,
    until: Option<Instant>,
}

impl Transport for Limited {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        self.transport.transmit_output(amount, left(self.until))
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        self.transport.await_input(left(self.until))
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }

    fn is_tls(&self) -> bool {
        self.transport.is_tls()
    }
}

/// Gives the connection that stands, once.
struct Given(Mutex<Option<Box<Limited>>>);

impl Connector for Given {
    type Out = Box<Limited>;

    fn connect(&self, _: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Self::Out>, Error> {
        over_a_new_connection();
        Ok(self.0.lock().take())
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given")
    }
}

/// Looks nothing up: the connection stands.
#[derive(Debug)]
struct NoNames;

impl Resolver for NoNames {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}

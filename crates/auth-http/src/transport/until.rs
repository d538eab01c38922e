//! One clock over all that a thread waits for: names, connections, TLS, sending, the answer, its body.
//!
//! ureq gives each of these a span of its own, and cannot end the clock at the head of an answer. So the
//! moment is the thread's, and is looked at before each wait.

use super::names::Names;
use std::cell::Cell;
use std::fmt;
use std::time::{Duration, Instant};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::{Error, Timeout};

thread_local! {
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// `Until` ends every wait of this thread for a socket at one moment, as long as it lives; `None` for no end.
pub(crate) struct Until(Option<Instant>);

impl Until {
    pub(crate) fn new(until: Option<Instant>) -> Self {
        Self(UNTIL.replace(until))
    }

    /// The same, so long from now.
    pub(crate) fn after(span: Duration) -> Self {
        Self::new(Instant::now().checked_add(span))
    }
}

impl Drop for Until {
    fn drop(&mut self) {
        UNTIL.set(self.0);
    }
}

/// The time for the next wait: no longer than what is left to the thread. `reason` is what ended it then.
fn capped(timeout: NextTimeout, reason: Timeout) -> Result<NextTimeout, Error> {
    let Some(until) = UNTIL.get() else { return Ok(timeout) };
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Error::Timeout(reason));
    }
    let left = left.into();
    Ok(if left < timeout.after { NextTimeout { after: left, reason, ..timeout } } else { timeout })
}

/// A connector, and a resolver, whose waits end in time.
#[derive(Debug)]
pub(super) struct InTime<T>(pub(super) T);

impl<C: Connector<()>> Connector<()> for InTime<C> {
    type Out = InTime<C::Out>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<()>) -> Result<Option<Self::Out>, Error> {
        let details = ConnectionDetails {
            uri: details.uri,
            addrs: details.addrs.clone(),
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: capped(details.timeout, Timeout::Connect)?,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        Ok(self.0.connect(&details, chained)?.map(InTime))
    }
}

impl<T: Transport> Transport for InTime<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.0.transmit_output(amount, capped(timeout, Timeout::Global)?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.0.await_input(capped(timeout, Timeout::Global)?)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}

impl Resolver for InTime<Names> {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        self.0.resolve(uri, config, capped(timeout, Timeout::Resolve)?)
    }
}

impl fmt::Debug for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Until")
    }
}

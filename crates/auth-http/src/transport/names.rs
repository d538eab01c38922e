//! Host names, looked up on a thread that can be left behind.

use super::beside::{Cut, beside};
use super::stage::{Stage, never_sent};
use crate::interrupt::Interrupt;
use crate::lock::Mutex;
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::{Authority, Scheme};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// How long an address is good: a second, because ureq looks the name up before each request, also where it then takes a kept connection. A thread and a
/// look-up for each would cost more than all the rest of a short call.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// Looks names up.
pub(super) struct Names {
    interrupt: Interrupt,
    last: Mutex<Option<Known>>,
}

/// What was found for a name.
struct Known {
    scheme: Scheme,
    authority: Authority,
    at: Instant,
    addresses: Vec<SocketAddr>,
}

impl Names {
    pub(super) fn new(interrupt: Interrupt) -> Self {
        Self { interrupt, last: Mutex::new(None) }
    }

    /// The addresses of the wanted family.
    fn wanted(&self, config: &Config, addresses: &[SocketAddr]) -> Result<ResolvedSocketAddrs, Error> {
        let mut wanted = self.empty();
        for address in config.ip_family().keep_wanted(addresses.iter().copied()).take(16) {
            wanted.push(address);
        }
        if wanted.is_empty() { Err(Error::HostNotFound) } else { Ok(wanted) }
    }

    fn look_up(&self, scheme: &Scheme, authority: &Authority, timeout: NextTimeout) -> Result<Vec<SocketAddr>, Error> {
        let name = DefaultResolver::host_and_port(scheme, authority).ok_or_else(|| Error::BadUri("no port".into()))?;
        let found = beside(&self.interrupt, until(timeout), move || name.to_socket_addrs().map(Iterator::collect::<Vec<_>>));
        Ok(found.map_err(|cut| error(&cut, timeout))??)
    }
}

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        self.addresses(uri, config, timeout).map_err(|error| never_sent(Stage::Resolve, error))
    }
}

impl Names {
    fn addresses(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let (scheme, authority) = uri.scheme().zip(uri.authority()).ok_or_else(|| Error::BadUri("no host".into()))?;
        let is_good = |known: &&Known| known.scheme == *scheme && known.authority == *authority && known.at.elapsed() < GOOD_FOR;
        if let Some(known) = self.last.lock().as_ref().filter(is_good) {
            return self.wanted(config, &known.addresses);
        }
        let addresses = self.look_up(scheme, authority, timeout)?;
        let wanted = self.wanted(config, &addresses);
        let (scheme, authority) = (scheme.clone(), authority.clone());
        *self.last.lock() = Some(Known { scheme, authority, at: Instant::now(), addresses });
        wanted
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

/// The end of what may take so long.
pub(super) fn until(timeout: NextTimeout) -> Option<Instant> {
    if timeout.after.is_not_happening() { None } else { Instant::now().checked_add(*timeout.after) }
}

/// What became of something that was left behind.
pub(super) fn error(cut: &Cut, timeout: NextTimeout) -> Error {
    match cut {
        Cut::TimedOut => Error::Timeout(timeout.reason),
        // Not `Interrupted`: TLS would try again. Not `ConnectionAborted`: a body would seem to be over.
        Cut::Interrupted => Error::Io(io::Error::other("given up")),
        Cut::Died => Error::Io(io::Error::other("the thread that connects is gone")),
    }
}

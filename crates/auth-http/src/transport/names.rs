//! Host names, looked up on a thread that can be left behind.

use super::beside::{Cut, beside};
use crate::interrupt::Interrupt;
use crate::lock::Mutex;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// How long an address is good: a second, because ureq looks the name up before each request, also where it then takes a kept connection. A thread and a
/// look-up for each would cost more than all the rest of a short call.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// Looks names up.
pub(super) struct Names {
    interrupt: Interrupt,
    last: Mutex<Option<(String, Instant, Vec<SocketAddr>)>>,
}

impl Names {
    pub(super) fn new(interrupt: Interrupt) -> Self {
        Self { interrupt, last: Mutex::new(None) }
    }

    /// What was found a moment ago.
    fn known(&self, name: &str) -> Option<Vec<SocketAddr>> {
        let last = self.last.lock();
        let same = last.as_ref().filter(|(known, at, _)| known == name && at.elapsed() < GOOD_FOR);
        same.map(|(_, _, addresses)| addresses.clone())
    }

    fn look_up(&self, name: String, timeout: NextTimeout) -> Result<Vec<SocketAddr>, Error> {
        let asked = name.clone();
        let found = beside(&self.interrupt, until(timeout), move || asked.to_socket_addrs().map(Iterator::collect::<Vec<_>>));
        let addresses = found.map_err(|cut| error(&cut, timeout))??;
        *self.last.lock() = Some((name, Instant::now(), addresses.clone()));
        Ok(addresses)
    }
}

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let named = uri.scheme().zip(uri.authority()).and_then(|(scheme, authority)| DefaultResolver::host_and_port(scheme, authority));
        let name = named.ok_or_else(|| Error::BadUri("no host".into()))?;
        let addresses = self.known(&name).map_or_else(|| self.look_up(name, timeout), Ok)?;
        let mut wanted = self.empty();
        for address in config.ip_family().keep_wanted(addresses.into_iter()).take(16) {
            wanted.push(address);
        }
        if wanted.is_empty() { Err(Error::HostNotFound) } else { Ok(wanted) }
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
        // Not `Interrupted`: TLS would try again.
        Cut::Interrupted => Error::Io(io::Error::new(ErrorKind::ConnectionAborted, "given up")),
        Cut::NoThread => Error::Io(io::Error::other("no thread could be started to connect with")),
    }
}

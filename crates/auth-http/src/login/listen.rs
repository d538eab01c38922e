//! The redirect address: open on this machine during a login, and unmoved by whatever else knocks.

use super::page::Page;
use super::visit::{self, Visitor};
use crate::error::Error;
use crate::shared::Shared;
use auth_core::{Redirected, UnixTime};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::mpsc;
use std::time::Duration;

/// How often to look whether somebody came: 20 ms, which no person notices.
const LOOK: Duration = Duration::from_millis(20);

/// The redirect address of one login.
pub(super) struct Listener {
    sockets: Vec<TcpListener>,
    redirect_uri: String,
    path: String,
}

impl Listener {
    /// Listens where a redirect address leads to; its port is a free one if it names none, or 0.
    pub(super) fn bind(redirect_uri: &str) -> Result<Self, Error> {
        let refuse = |reason: String| Error::Setting { name: "the redirect address", reason };
        let unfit =
            || refuse("it is not one of this machine: use http://127.0.0.1:PORT/PATH, [::1] or localhost in place of 127.0.0.1".into());
        let rest = redirect_uri.strip_prefix("http://").ok_or_else(unfit)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| unfit())?),
            _ => (authority, 0),
        };
        let addresses: &[IpAddr] = match host {
            "127.0.0.1" => &[IpAddr::V4(Ipv4Addr::LOCALHOST)],
            "[::1]" => &[IpAddr::V6(Ipv6Addr::LOCALHOST)],
            "localhost" => &[IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)],
            _ => return Err(unfit()),
        };
        let taken = |error: &std::io::Error| {
            let why = if error.kind() == std::io::ErrorKind::AddrInUse { "is taken" } else { "cannot be opened" };
            refuse(format!("port {port} of {host} {why} ({error}): end the program that has it, or register and use another port"))
        };
        let first = TcpListener::bind(SocketAddr::new(addresses[0], port)).map_err(|error| taken(&error))?;
        let port = first.local_addr().map_err(|error| taken(&error))?.port();
        // A browser may take a name for either address; where the machine has only one of them, that one does.
        let more = addresses[1..].iter().filter_map(|address| TcpListener::bind(SocketAddr::new(*address, port)).ok());
        let sockets: Vec<TcpListener> = [first].into_iter().chain(more).collect();
        for socket in &sockets {
            socket.set_nonblocking(true).map_err(|error| taken(&error))?;
        }
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self { sockets, redirect_uri: format!("http://{host}:{port}{path}"), path: path.into() })
    }

    /// The address with its port, as it goes into the authorization request.
    pub(super) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Waits for the browser: each visit of the address is shown to `take` by its query. Who brought the answer to the login waits for a page; nobody came in time: `None`.
    ///
    /// Each connection is read on a thread of its own, so that a browser that only connects, or sends a byte a minute, holds up nobody.
    pub(super) fn listen(
        &self,
        shared: &Shared,
        until: UnixTime,
        take: &mut dyn FnMut(&str) -> Redirected,
    ) -> Result<Option<Visitor>, Error> {
        let (door, visits) = mpsc::channel();
        loop {
            for socket in &self.sockets {
                while let Ok((stream, _)) = socket.accept() {
                    visit::receive(stream, &self.path, door.clone());
                }
            }
            while let Ok((query, visitor)) = visits.try_recv() {
                match take(query.expose()) {
                    Redirected::Taken => return Ok(Some(visitor)),
                    Redirected::Foreign(why) => visitor.answer(&Page::foreign(why)),
                }
            }
            if until <= shared.now() {
                return Ok(None);
            }
            shared.sleep_until(shared.now().after(LOOK).min(until))?;
        }
    }
}

//! The redirect address: open on this machine during a login, and unmoved by whatever else knocks.

use super::page::Page;
use super::visit::{Arrivals, Paths, Place, Visitor};
use crate::error::Error;
use crate::shared::Shared;
use auth_core::{Consent, Redirected, StartVisit, UnixTime};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::mpsc;
use std::time::Duration;

/// How often to look whether somebody came: 20 ms, which no person notices.
const LOOK: Duration = Duration::from_millis(20);

/// How often a free port is looked for that every address of a name has: 16 times, because a port that
/// one program has on one address only is rare.
const TRIES: u32 = 16;

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
        let mut bound = bind_all(addresses, port);
        for _ in 1..TRIES {
            match &bound {
                Err(error) if port == 0 && error.kind() == io::ErrorKind::AddrInUse => bound = bind_all(addresses, port),
                _ => break,
            }
        }
        let (sockets, port) = bound.map_err(|error| taken(&error))?;
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self { sockets, redirect_uri: format!("http://{host}:{port}{path}"), path: path.into() })
    }

    /// The address with its port, as it goes into the authorization request.
    pub(super) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Waits for the browser and shows each visit to the consent. The visitor that ends the wait gets its
    /// page later; `None` if nobody came in time.
    ///
    /// Each connection is read on a thread of its own, so that a browser that only connects, or sends a byte a minute, holds up nobody.
    pub(super) fn listen(&self, shared: &Shared, until: UnixTime, consent: &mut Consent) -> Result<Option<Visitor>, Error> {
        let start = consent.start_path().unwrap_or_default().to_owned();
        let (paths, arrivals) = (Paths { redirect: self.path.clone(), start }, Arrivals::default());
        let (door, visits) = mpsc::channel();
        loop {
            for socket in &self.sockets {
                while let Ok((stream, _)) = socket.accept() {
                    arrivals.receive(stream, &paths, door.clone());
                }
            }
            while let Ok((visit, visitor)) = visits.try_recv() {
                let cookies = visit.cookies.expose();
                let page = match visit.at {
                    Place::Start => match consent.handle_start(cookies) {
                        StartVisit::Redirect { location, set_cookie } => Page::start(location.as_str(), &set_cookie),
                        StartVisit::Foreign(why) => Page::foreign(why),
                        _ => return Ok(Some(visitor)),
                    },
                    Place::Redirect(query) => match consent.handle_redirect(shared.now(), query.expose(), cookies) {
                        Redirected::Taken => return Ok(Some(visitor)),
                        Redirected::Foreign(why) => Page::foreign(why),
                    },
                };
                visitor.answer(&page);
            }
            if until <= shared.now() {
                return Ok(None);
            }
            shared.sleep_until(shared.now().after(LOOK).min(until))?;
        }
    }
}

/// Listens at one port of each address: a browser may take a name for any of them, and whoever listens at
/// the others would get the code. Only an address that this machine does not have is passed over.
fn bind_all(addresses: &[IpAddr], port: u16) -> io::Result<(Vec<TcpListener>, u16)> {
    let mut sockets: Vec<TcpListener> = Vec::new();
    let mut port = port;
    for address in addresses {
        match TcpListener::bind(SocketAddr::new(*address, port)) {
            Ok(socket) => {
                socket.set_nonblocking(true)?;
                port = socket.local_addr()?.port();
                sockets.push(socket);
            }
            Err(error) if !sockets.is_empty() && is_absent(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok((sockets, port))
}

/// Whether the machine does not have the address at all: no IPv6 here.
fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || error.kind() == io::ErrorKind::Unsupported || is_unknown_family(error)
}

#[cfg(unix)]
fn is_unknown_family(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

#[cfg(not(unix))]
fn is_unknown_family(_: &io::Error) -> bool {
    false
}

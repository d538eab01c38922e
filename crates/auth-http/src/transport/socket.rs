//! Sockets whose every wait can be given up, for clients with an [`Interrupt`]; ureq's own wait through signals.

use super::beside::{Cut, beside};
use super::names::{Names, error, until};
use super::until::InTime;
use crate::interrupt::{Interrupt, SLICE};
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use ureq::config::Config;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport};
use ureq::{Agent, Error};

/// An agent all of whose waits ask `interrupt` whether to go on.
pub(crate) fn agent(config: Config, interrupt: &Interrupt) -> Agent {
    use ureq::unversioned::transport::{ConnectProxyConnector, RustlsConnector, SocksConnector};
    let connector =
        ().chain(SocksConnector::default())
            .chain(ConnectProxyConnector::default())
            .chain(SocketConnector(interrupt.clone()))
            .chain(RustlsConnector::default());
    Agent::with_parts(config, InTime(connector), InTime(Names::new(interrupt.clone())))
}

/// Opens sockets.
struct SocketConnector(Interrupt);

impl<In: Transport> Connector<In> for SocketConnector {
    type Out = Either<In, Socket>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        if chained.is_some() {
            return Ok(chained.map(Either::A));
        }
        let (mut failed, addresses) = (Error::ConnectionFailed, &details.addrs);
        let whole = until(details.timeout);
        for (index, address) in addresses.iter().copied().enumerate() {
            // What is left is shared by the addresses that are left, so that a dead first one does not take all of it.
            let left = whole.map(|until| until.saturating_duration_since(Instant::now()));
            let share = left.map(|left| left / u32::try_from(addresses.len() - index).unwrap_or(1));
            let connect = move || match share {
                Some(share) => TcpStream::connect_timeout(&address, share.max(Duration::from_millis(1))),
                None => TcpStream::connect(address),
            };
            match beside(&self.0, whole, connect) {
                Ok(Ok(stream)) => return Socket::new(stream, &self.0, details.config).map(|socket| Some(Either::B(socket))),
                Ok(Err(refused)) if refused.kind() == ErrorKind::TimedOut => failed = Error::Timeout(details.timeout.reason),
                Ok(Err(refused)) => failed = Error::Io(refused),
                Err(cut) => return Err(error(&cut, details.timeout)),
            }
        }
        Err(failed)
    }
}

impl fmt::Debug for SocketConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SocketConnector")
    }
}

/// A socket that waits in slices.
struct Socket {
    stream: TcpStream,
    buffers: LazyBuffers,
    interrupt: Interrupt,
}

impl Socket {
    fn new(stream: TcpStream, interrupt: &Interrupt, config: &Config) -> Result<Self, Error> {
        stream.set_nodelay(config.no_delay())?;
        stream.set_read_timeout(Some(SLICE))?;
        stream.set_write_timeout(Some(SLICE))?;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Self { stream, buffers, interrupt: interrupt.clone() })
    }

    /// Goes on after a slice in which nothing happened, or says why not.
    fn go_on(&self, failed: io::Error, until: Option<Instant>, timeout: NextTimeout) -> Result<(), Error> {
        match failed.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted if (self.interrupt)() => {
                Err(error(&Cut::Interrupted, timeout))
            }
            ErrorKind::WouldBlock | ErrorKind::TimedOut if until.is_some_and(|until| until <= Instant::now()) => {
                Err(error(&Cut::TimedOut, timeout))
            }
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(()),
            _ => Err(failed.into()),
        }
    }
}

impl Transport for Socket {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let timeout = timeout.for_write();
        let until = until(timeout);
        let mut written = 0;
        while written < amount {
            let rest = &self.buffers.output()[written..amount];
            match (&self.stream).write(rest) {
                Ok(0) => return Err(io::Error::from(ErrorKind::WriteZero).into()),
                Ok(count) => written += count,
                Err(failed) => self.go_on(failed, until, timeout)?,
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = timeout.for_read();
        let until = until(timeout);
        loop {
            match (&self.stream).read(self.buffers.input_append_buf()) {
                Ok(count) => {
                    self.buffers.input_appended(count);
                    return Ok(count > 0);
                }
                Err(failed) => self.go_on(failed, until, timeout)?,
            }
        }
    }

    /// A server that has closed, or sent what nobody asked for, cannot be used again.
    fn is_open(&mut self) -> bool {
        let quiet = self.stream.set_nonblocking(true).is_ok()
            && self.stream.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        self.stream.set_nonblocking(false).is_ok() && quiet
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Socket").field(&self.stream.peer_addr().ok()).finish()
    }
}

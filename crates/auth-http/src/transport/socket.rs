//! Sockets that count what they write, and that look once more before they say that time is over.

use super::beside::{Cut, beside};
use super::names::{error, until};
use super::socks::Counting;
use super::stage::{self, Marking};
use crate::interrupt::{Interrupt, SLICE};
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use ureq::Error;
use ureq::config::Config;
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, RustlsConnector, SocksConnector,
    Transport,
};

/// The longest wait within one system call where nobody asks: 1 s, so that the kernel is told the same number again and again.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The shortest: 1 ms, because a wait of nothing is none that ends.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// Connects by proxy, TCP and TLS. Each wait asks `interrupt`, if there is one, whether to go on.
pub(super) fn connector(interrupt: Option<&Interrupt>) -> impl Connector<Out = Box<dyn Transport>> + use<> {
    Marking(
        ().chain(SocksConnector::default())
            .chain(Counting)
            .chain(ConnectProxyConnector::default())
            .chain(SocketConnector(interrupt.cloned()))
            .chain(RustlsConnector::default()),
    )
}

/// Opens sockets.
struct SocketConnector(Option<Interrupt>);

impl SocketConnector {
    /// Connects to one address. With an interrupt this happens on a thread that can be left behind.
    fn open(&self, address: SocketAddr, whole: Option<Instant>, share: Option<Duration>) -> Result<io::Result<TcpStream>, Cut> {
        let connect = move || match share {
            Some(share) => TcpStream::connect_timeout(&address, share.max(SHORTEST_WAIT)),
            None => TcpStream::connect(address),
        };
        match &self.0 {
            Some(interrupt) => beside(interrupt, whole, connect),
            None => Ok(connect()),
        }
    }
}

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
            match self.open(address, whole, share) {
                Ok(Ok(stream)) => {
                    stage::counts_writes();
                    return Socket::new(stream, self.0.as_ref(), details.config).map(|socket| Some(Either::B(socket)));
                }
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
    interrupt: Option<Interrupt>,
    /// What the kernel was told last about reading and writing.
    waits: [Duration; 2],
}

impl Socket {
    fn new(stream: TcpStream, interrupt: Option<&Interrupt>, config: &Config) -> Result<Self, Error> {
        stream.set_nodelay(config.no_delay())?;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Self { stream, buffers, interrupt: interrupt.cloned(), waits: [Duration::ZERO; 2] })
    }

    /// Sets how long the next system call waits. `true` if it is the last one, because the time is over already.
    fn wait_at_most(&mut self, direction: Direction, until: Option<Instant>) -> io::Result<bool> {
        let longest = if self.interrupt.is_some() { SLICE } else { LONGEST_WAIT };
        let left = until.map_or(longest, |until| until.saturating_duration_since(Instant::now()));
        let wait = left.clamp(SHORTEST_WAIT, longest);
        let known = &mut self.waits[direction as usize];
        if *known != wait {
            match direction {
                Direction::Read => self.stream.set_read_timeout(Some(wait))?,
                Direction::Write => self.stream.set_write_timeout(Some(wait))?,
            }
            *known = wait;
        }
        Ok(left.is_zero())
    }

    /// Reads what is there, or waits as long as the kernel was told.
    fn read(&mut self) -> io::Result<usize> {
        (&self.stream).read(self.buffers.input_append_buf())
    }

    /// Reads what is there.
    fn read_at_once(&mut self) -> io::Result<usize> {
        self.stream.set_nonblocking(true)?;
        let read = self.read();
        self.stream.set_nonblocking(false)?;
        read
    }

    /// Goes on after a slice in which nothing happened, or says why not.
    fn go_on(&self, failed: io::Error, was_last: bool, timeout: NextTimeout) -> Result<(), Error> {
        if !matches!(failed.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) {
            return Err(failed.into());
        }
        if self.interrupt.as_ref().is_some_and(|wanted| wanted()) {
            return Err(error(&Cut::Interrupted, timeout));
        }
        if was_last { Err(error(&Cut::TimedOut, timeout)) } else { Ok(()) }
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Read,
    Write,
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
            let is_last = self.wait_at_most(Direction::Write, until)?;
            let rest = &self.buffers.output()[written..amount];
            match (&self.stream).write(rest) {
                Ok(0) => return Err(io::Error::from(ErrorKind::WriteZero).into()),
                Ok(count) => {
                    stage::wrote(count);
                    written += count;
                }
                Err(failed) => self.go_on(failed, is_last, timeout)?,
            }
        }
        Ok(())
    }

    /// An answer that came while the process was stopped is heard: a wait ends only with a look that was begun after its time.
    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = timeout.for_read();
        let until = until(timeout);
        loop {
            let (read, is_last) = if timeout.after.is_zero() {
                (self.read_at_once(), true)
            } else {
                let is_last = self.wait_at_most(Direction::Read, until)?;
                (self.read(), is_last)
            };
            match read {
                Ok(count) => {
                    self.buffers.input_appended(count);
                    return Ok(count > 0);
                }
                Err(failed) => self.go_on(failed, is_last, timeout)?,
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

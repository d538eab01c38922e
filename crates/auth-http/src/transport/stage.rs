//! How far a request got, judged by the stage that failed and not by the error's number.
//!
//! Nothing was sent if resolving or connecting failed (name, proxy, TCP, TLS), and if not one byte
//! was written on a connection that stood already.

use std::cell::Cell;
use std::fmt;
use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

/// What is known of one request on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// Whether it went over a connection that was kept from an earlier request.
    pub(super) kept: bool,
    /// Whether a byte of it may have left.
    pub(super) began: bool,
    /// Whether a byte of the answer came.
    pub(super) heard: bool,
}

impl Sent {
    /// A request that has not begun. Without a connection of its own it gets a kept one.
    const NOTHING: Self = Self { kept: true, began: false, heard: false };

    /// The error of the request, marked if not one byte of it was written.
    pub(super) fn judge(self, error: Error) -> Error {
        if self.began { error } else { never_sent(Stage::Send, error) }
    }
}

thread_local! {
    /// The request that this thread sends.
    static SENT: Cell<Sent> = const { Cell::new(Sent::NOTHING) };
    /// Whether the connection that this thread makes counts what it writes.
    static COUNTS: Cell<bool> = const { Cell::new(false) };
    /// Whether what this thread writes is a request, and not what makes a connection.
    static SENDS: Cell<bool> = const { Cell::new(false) };
}

/// Sends a request in this thread. What came of it, and how far it got.
pub(super) fn watched<T>(send: impl FnOnce() -> T) -> (T, Sent) {
    // The program's own body may send another request while it is read.
    let outer = SENT.replace(Sent::NOTHING);
    let result = send();
    (result, SENT.replace(outer))
}

/// The request goes over a connection that was made for it alone.
pub(super) fn over_a_new_connection() {
    SENT.set(Sent { kept: false, ..Sent::NOTHING });
}

/// The connection that is being made counts what it writes.
pub(super) fn counts_writes() {
    COUNTS.set(true);
}

/// Writes a part of a request in this thread.
pub(super) fn sending<T>(write: impl FnOnce() -> T) -> T {
    let outer = SENDS.replace(true);
    let result = write();
    SENDS.set(outer);
    result
}

/// Whether the next byte that this thread writes is the first one of a request.
pub(super) fn is_first_byte() -> bool {
    SENDS.get() && !SENT.get().began
}

/// So many bytes were written.
pub(super) fn wrote(count: usize) {
    let sent = SENT.get();
    SENT.set(Sent { began: sent.began || count > 0, ..sent });
}

/// Where a request stopped of which nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Resolve,
    Connect,
    /// On a connection that stood.
    Send,
}

/// An error of a request of which nothing was sent.
#[derive(Debug)]
pub(super) struct NeverSent {
    pub(super) stage: Stage,
    pub(super) error: Error,
}

impl fmt::Display for NeverSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for NeverSent {}

/// Marks an error with the stage that failed, once.
pub(super) fn never_sent(stage: Stage, error: Error) -> Error {
    match error {
        Error::Other(inner) if inner.is::<NeverSent>() => Error::Other(inner),
        error => Error::Other(Box::new(NeverSent { stage, error })),
    }
}

/// A connector whose errors say that nothing was sent, and whose connections are watched.
#[derive(Debug)]
pub(super) struct Marking<C>(pub(super) C);

impl<C: Connector> Connector for Marking<C> {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<()>) -> Result<Option<Self::Out>, Error> {
        COUNTS.set(false);
        let made = self.0.connect(details, chained).map_err(|error| never_sent(Stage::Connect, error))?;
        // A connection through a proxy is made by two of these: the outer one counts as the inner.
        let counts = COUNTS.get();
        over_a_new_connection();
        Ok(made.map(|transport| Box::new(Watched { transport, counts }) as Box<dyn Transport>))
    }
}

/// A connection that tells what becomes of a request.
#[derive(Debug)]
struct Watched<T> {
    transport: T,
    /// Whether it counts what it writes.
    counts: bool,
}

impl<T: Transport> Transport for Watched<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if !self.counts {
            wrote(amount);
        }
        sending(|| self.transport.transmit_output(amount, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let more = self.transport.await_input(timeout)?;
        SENT.set(Sent { heard: SENT.get().heard || more, ..SENT.get() });
        Ok(more)
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }

    fn is_tls(&self) -> bool {
        self.transport.is_tls()
    }
}

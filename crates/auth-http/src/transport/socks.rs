//! Connections through a SOCKS proxy, which count what they write.
//!
//! ureq opens their sockets itself, and does not tell how much of a write was done before it failed.
//! So the first byte of a request goes alone: it was written, or nothing was.

use super::stage::{self, counts_writes};
use std::fmt;
use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

/// Counts what is written to the connection of a SOCKS proxy, if there is one.
#[derive(Debug)]
pub(super) struct Counting;

impl<In: Transport> Connector<In> for Counting {
    type Out = Counted<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        if chained.is_some() {
            counts_writes();
        }
        Ok(chained.map(Counted))
    }
}

/// A connection that counts what is written to it.
pub(super) struct Counted<T>(T);

impl<T: Transport> Transport for Counted<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let mut left = amount;
        if left > 0 && stage::is_first_byte() {
            self.0.transmit_output(1, timeout)?;
            stage::wrote(1);
            // What is sent stands at the beginning of the buffer.
            self.0.buffers().output().copy_within(1..amount, 0);
            left -= 1;
        }
        // A part of it may be written although it fails.
        stage::wrote(left);
        if left > 0 { self.0.transmit_output(left, timeout) } else { Ok(()) }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.0.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}

impl<T: Transport> fmt::Debug for Counted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Counted").field(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::stage::{sending, watched};
    use std::io;
    use ureq::unversioned::transport::LazyBuffers;

    /// A connection that dies after so many writes.
    #[derive(Debug)]
    struct Dying {
        buffers: LazyBuffers,
        writes_left: usize,
        written: Vec<u8>,
    }

    impl Transport for Dying {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.buffers
        }

        fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
            let died = io::Error::from(io::ErrorKind::ConnectionReset);
            self.writes_left = self.writes_left.checked_sub(1).ok_or(died)?;
            self.written.extend_from_slice(&self.buffers.output()[..amount]);
            Ok(())
        }

        fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
            Ok(false)
        }

        fn is_open(&mut self) -> bool {
            true
        }
    }

    #[test]
    fn a_request_has_begun_if_its_first_byte_was_written() {
        for (writes, began, written) in [(0, false, ""), (1, true, "P"), (2, true, "POST"), (3, true, "POST/")] {
            let mut connection = Counted(Dying { buffers: LazyBuffers::new(16, 16), writes_left: writes, written: Vec::new() });
            let mut send = |text: &str| {
                connection.buffers().output()[..text.len()].copy_from_slice(text.as_bytes());
                sending(|| connection.transmit_output(text.len(), NextTimeout::default()))
            };
            let (result, sent) = watched(|| send("POST").and_then(|()| send("/")));
            assert_eq!((result.is_ok(), sent.began), (writes == 3, began), "{writes} writes");
            assert_eq!(String::from_utf8_lossy(&connection.0.written), written);
        }
    }

    #[test]
    fn a_handshake_is_not_cut() {
        let mut connection = Counted(Dying { buffers: LazyBuffers::new(16, 16), writes_left: 1, written: Vec::new() });
        connection.buffers().output()[..5].copy_from_slice(b"hello");
        assert!(watched(|| connection.transmit_output(5, NextTimeout::default())).0.is_ok());
    }
}

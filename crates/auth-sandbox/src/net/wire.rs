use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A socket that the accepting thread can shut down while this side is reading.
pub(crate) struct Socket {
    stream: Arc<TcpStream>,
    received: bool,
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&*self.stream).read(buffer)?;
        self.received |= count > 0;
        Ok(count)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.stream).write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self.stream).write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection, with TLS or without.
pub(crate) enum Wire {
    Plain(Socket),
    Tls(Box<StreamOwned<ServerConnection, Socket>>),
}

impl Wire {
    pub(crate) fn new(socket: Arc<TcpStream>, tls: Option<&Arc<ServerConfig>>) -> Result<Self, rustls::Error> {
        let socket = Socket { stream: socket, received: false };
        Ok(match tls {
            None => Self::Plain(socket),
            Some(config) => {
                let connection = ServerConnection::new(Arc::clone(config))?;
                Self::Tls(Box::new(StreamOwned::new(connection, socket)))
            }
        })
    }

    /// Has a TLS handshake begun and not ended? A connection without a byte is not one.
    pub(crate) fn is_handshaking(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.sock.received && stream.conn.is_handshaking(),
        }
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => &socket.stream,
            Self::Tls(stream) => &stream.sock.stream,
        }
    }

    /// Ends the connection with RST.
    pub(crate) fn reset(self) {
        // Lingering for no time at all makes the close a reset; where it cannot be set, this is a plain close.
        let _ = rustix::net::sockopt::set_socket_linger(self.socket(), Some(Duration::ZERO));
    }

    /// Ends the connection in an orderly way (TLS `close_notify`, then FIN).
    pub(crate) fn close(mut self) {
        if let Self::Tls(stream) = &mut self {
            stream.conn.send_close_notify();
            drop(stream.flush());
        }
        drop(self.socket().shutdown(Shutdown::Write));
    }

    /// Closes while the client may still be sending, so that it can read the answer before it sees the end.
    pub(crate) fn close_unread(mut self) {
        if let Self::Tls(stream) = &mut self {
            stream.conn.send_close_notify();
            drop(stream.flush());
        }
        let socket = self.socket();
        drop(socket.shutdown(Shutdown::Write));
        drop(socket.set_read_timeout(Some(Duration::from_millis(50))));
        let mut rest = [0; 8192];
        for _ in 0..64 {
            if !matches!((&mut &*socket).read(&mut rest), Ok(1..)) {
                break;
            }
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

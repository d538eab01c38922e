use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::stop::Stop;

type Serve = dyn Fn(Arc<TcpStream>) + Send + Sync;

/// A listening port with one thread per connection. Dropping it after [`Stop::stop`] joins them all.
pub(crate) struct Listening {
    address: SocketAddr,
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

impl Listening {
    /// Listens on 127.0.0.1; port 0 takes any free one.
    pub(crate) fn start(port: u16, name: &str, stop: &Arc<Stop>, serve: Arc<Serve>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let thread = {
            let stop = Arc::clone(stop);
            thread::Builder::new().name(name.to_owned()).spawn(move || accept_all(&listener, &stop, &serve))?
        };
        Ok(Self { address, stop: Arc::clone(stop), thread: Some(thread) })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop.stop();
        // Wakes the blocking accept; a failure means that it no longer listens.
        drop(TcpStream::connect_timeout(&self.address, Duration::from_millis(50)));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn accept_all(listener: &TcpListener, stop: &Arc<Stop>, serve: &Arc<Serve>) {
    let mut open: Vec<(Weak<TcpStream>, JoinHandle<()>)> = Vec::new();
    let mut sweep_at = 64;
    loop {
        let accepted = listener.accept();
        if stop.is_stopped() {
            break;
        }
        let Ok((socket, _)) = accepted else {
            // Out of descriptors, say: give the open connections a moment to end.
            stop.wait(Duration::from_millis(5));
            continue;
        };
        let socket = Arc::new(socket);
        let weak = Arc::downgrade(&socket);
        let serve = Arc::clone(serve);
        let spawned = thread::Builder::new().spawn(move || {
            drop(socket.set_nodelay(true));
            serve(socket);
        });
        if let Ok(thread) = spawned {
            open.push((weak, thread));
        }
        if open.len() >= sweep_at {
            open.retain(|(_, thread)| !thread.is_finished());
            sweep_at = (open.len() * 2).max(64);
        }
    }
    for (socket, _) in &open {
        if let Some(socket) = socket.upgrade() {
            drop(socket.shutdown(Shutdown::Both));
        }
    }
    for (_, thread) in open {
        drop(thread.join());
    }
}

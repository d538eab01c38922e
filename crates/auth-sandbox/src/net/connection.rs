use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use super::reply::Reply;
use super::request::{Malformed, Read1, Reader, Request};
use super::wire::Wire;
use crate::limits::Permit;
use crate::stop::Stop;

/// How an answer goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Whole,
    Drip { bytes: usize, millis: u64 },
    Truncated,
    Close,
    Reset,
}

/// What a service decided to do with a request.
pub(crate) struct Delivery {
    pub(crate) reply: Reply,
    pub(crate) ending: Ending,
    pub(crate) delay: Duration,
    /// The log entry, to be told when the answer could not be sent.
    pub(crate) entry: Option<u64>,
    /// Holds the request's place among the concurrent ones until the answer is out.
    pub(crate) permit: Option<Permit>,
}

impl Delivery {
    pub(crate) fn plain(reply: Reply) -> Self {
        Self { reply, ending: Ending::Whole, delay: Duration::ZERO, entry: None, permit: None }
    }
}

/// A service, as a connection sees it.
pub(crate) trait Handler: Send + Sync {
    fn handle(&self, request: Request) -> Delivery;
    fn malformed(&self, _malformed: &Malformed) {}
    fn handshake_failed(&self, _why: &str) {}
    fn answer_lost(&self, _entry: u64) {}
    fn date(&self) -> String;
}

/// What a connection needs besides its socket.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) stop: Arc<Stop>,
}

/// Serves one connection until either side ends it.
pub(crate) fn serve(socket: Arc<TcpStream>, around: &Surroundings) {
    let Ok(mut wire) = Wire::new(socket, around.tls.as_ref()) else {
        return;
    };
    let handler = &*around.handler;
    let mut reader = Reader::new();
    let mut out = Vec::with_capacity(4096);
    loop {
        let request = match reader.next(&mut wire) {
            Read1::Request(request) => *request,
            Read1::Malformed(malformed) => {
                handler.malformed(&malformed);
                let reply = Reply::text(malformed.status, "text/plain", &malformed.why);
                out.clear();
                reply.head(&handler.date(), false, &mut out);
                out.extend_from_slice(&reply.body);
                if wire.write_all(&out).and_then(|()| wire.flush()).is_ok() {
                    wire.close_unread();
                }
                return;
            }
            Read1::End(error) => {
                if wire.is_handshaking() {
                    let why = match error {
                        Some(error) if error.kind() == io::ErrorKind::InvalidData => {
                            format!("TLS handshake failed: {error}")
                        }
                        _ => "the client left during the TLS handshake".to_owned(),
                    };
                    handler.handshake_failed(&why);
                }
                return wire.close();
            }
        };
        let keep_alive = request.keep_alive;
        let head_only = request.method == "HEAD";
        let mut delivery = handler.handle(request);
        if !delivery.delay.is_zero() && around.stop.wait(delivery.delay) {
            return;
        }
        // Freed before the answer is out, so that a client that has it never meets its own place still taken.
        drop(delivery.permit.take());
        let sent = match delivery.ending {
            Ending::Reset => return wire.reset(),
            Ending::Close => return wire.close(),
            ending => {
                let keep_alive = keep_alive && ending != Ending::Truncated;
                out.clear();
                delivery.reply.head(&handler.date(), keep_alive, &mut out);
                send(&mut wire, &mut out, &delivery, head_only, &around.stop)
            }
        };
        if sent.is_err() {
            if let Some(entry) = delivery.entry {
                handler.answer_lost(entry);
            }
            return;
        }
        if !keep_alive || delivery.ending == Ending::Truncated {
            return wire.close();
        }
    }
}

fn send(wire: &mut Wire, out: &mut Vec<u8>, delivery: &Delivery, head_only: bool, stop: &Stop) -> io::Result<()> {
    let body: &[u8] = if head_only || !delivery.reply.has_length() { b"" } else { &delivery.reply.body };
    match delivery.ending {
        Ending::Drip { bytes, millis } => {
            wire.write_all(out)?;
            wire.flush()?;
            for piece in body.chunks(bytes.max(1)) {
                if stop.wait(Duration::from_millis(millis)) {
                    return Ok(());
                }
                wire.write_all(piece)?;
                wire.flush()?;
            }
            return Ok(());
        }
        Ending::Truncated => out.extend_from_slice(&body[..body.len() / 2]),
        _ => out.extend_from_slice(body),
    }
    wire.write_all(out)?;
    wire.flush()
}

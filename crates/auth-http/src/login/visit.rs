//! One connection to the redirect address: its request read within limits, its answer one page.

use super::page::Page;
use auth_core::Secret;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long a request may take to arrive: ten seconds, because it comes from this very machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest request head that is read: 32 KiB, because a browser sends its cookies for this host along.
const LONGEST_HEAD: usize = 32 * 1_024;
/// How many requests may be arriving at once: 32, because a browser opens a handful, and more are no browser's.
const MOST: usize = 32;

/// How many there are.
static ARRIVING: AtomicUsize = AtomicUsize::new(0);

/// Whoever asked for the redirect address, waiting for a page.
pub(super) struct Visitor(TcpStream);

impl Visitor {
    /// Answers, and lets go.
    pub(super) fn answer(mut self, page: &Page) {
        // Somebody who has closed the window needs no page.
        let _ = self.0.write_all(&page.response()).and_then(|()| self.0.shutdown(Shutdown::Write));
    }
}

/// Reads a request on a thread of its own; one for `path` goes through the door with its query, any other is answered here.
pub(super) fn receive(stream: TcpStream, path: &str, door: Sender<(Secret, Visitor)>) {
    let path = path.to_owned();
    let read = move || {
        let _seat = Seat;
        match head(&stream).and_then(|head| query(&head, &path)) {
            Ok(query) => {
                // The login is over when nobody is behind the door.
                let _ = door.send((query, Visitor(stream)));
            }
            Err(Some(page)) => Visitor(stream).answer(&page),
            Err(None) => {}
        }
    };
    if ARRIVING.fetch_add(1, Ordering::Relaxed) >= MOST {
        drop(Seat);
    } else if thread::Builder::new().name("ledgerauth-login".into()).spawn(read).is_err() {
        // The closure was dropped without running, and with it no seat.
        drop(Seat);
    }
}

/// A place among those whose request is arriving, given up when this is dropped.
struct Seat;

impl Drop for Seat {
    fn drop(&mut self) {
        ARRIVING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The head of a request; no page is owed to one that never comes to an end.
fn head(mut stream: &TcpStream) -> Result<Zeroizing<Vec<u8>>, Option<Page>> {
    let deadline = Instant::now() + PATIENCE;
    let mut head = Zeroizing::new(Vec::with_capacity(LONGEST_HEAD));
    let mut part = Zeroizing::new([0; 4 * 1_024]);
    stream.set_nonblocking(false).map_err(|_| None)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(|_| None)?;
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let left = deadline.saturating_duration_since(Instant::now());
        let room = LONGEST_HEAD - head.len();
        if left.is_zero() || room == 0 {
            return Err(None);
        }
        stream.set_read_timeout(Some(left)).map_err(|_| None)?;
        match stream.read(part.as_mut_slice()) {
            Ok(0) | Err(_) => return Err(None),
            Ok(length) => head.extend_from_slice(&part[..length.min(room)]),
        }
    }
    Ok(head)
}

/// The query of a GET of `path`; the page that anything else gets.
fn query(head: &[u8], path: &str) -> Result<Secret, Option<Page>> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    let target = match request.parse(head) {
        Ok(_) => request.path.unwrap_or_default(),
        Err(_) => return Err(Some(Page::unreadable())),
    };
    let (found, query) = target.split_once('?').unwrap_or((target, ""));
    match request.method {
        _ if found != path => Err(Some(Page::absent())),
        Some("GET") => Ok(Secret::new(query)),
        _ => Err(Some(Page::unreadable())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_get_of_the_path_brings_a_query() {
        let bring = |head: &str| query(head.as_bytes(), "/callback").map(|query| query.expose().to_owned()).ok();
        assert_eq!(bring("GET /callback?code=c&state=s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").as_deref(), Some("code=c&state=s"));
        assert_eq!(bring("GET /callback HTTP/1.1\r\n\r\n").as_deref(), Some(""));
        for other in [
            "GET /favicon.ico HTTP/1.1\r\n\r\n",
            "GET /callback/x?code=c HTTP/1.1\r\n\r\n",
            "POST /callback?code=c HTTP/1.1\r\n\r\n",
            "GET http://127.0.0.1/callback?code=c HTTP/1.1\r\n\r\n",
            "\u{16}\u{3}\u{1}\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert_eq!(bring(other), None, "{other:?}");
        }
    }
}

//! One connection to the redirect address: its request read within limits, its answer one page.

use super::page::Page;
use crate::lock::Mutex;
use auth_core::Secret;
use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long a request may take to arrive: ten seconds, because it comes from this very machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest request head that is read: 32 KiB, because a browser sends its cookies for this host along.
const LONGEST_HEAD: usize = 32 * 1_024;
/// How many requests may be arriving at once: 32, because a browser opens a handful.
const MOST: usize = 32;

/// A browser that waits for a page.
pub(super) struct Visitor(TcpStream);

impl Visitor {
    /// Answers, and lets go.
    pub(super) fn answer(mut self, page: &Page) {
        // Somebody who has closed the window needs no page.
        let _ = self.0.write_all(&page.response()).and_then(|()| self.0.shutdown(Shutdown::Write));
    }
}

/// The paths that somebody listens at.
#[derive(Clone)]
pub(super) struct Paths {
    pub(super) redirect: String,
    pub(super) start: String,
}

/// A request for one of the paths, with the values of its `Cookie` fields.
pub(super) struct Visit {
    pub(super) at: Place,
    pub(super) cookies: Secret,
}

/// What a request asks for.
pub(super) enum Place {
    /// The page at which the login begins.
    Start,
    /// The redirect address, with this query.
    Redirect(Secret),
}

/// Reads requests, each on a thread of its own.
///
/// A visitor that connects and says nothing must not keep the browser out, so when too many are arriving
/// the oldest is dropped.
#[derive(Default)]
pub(super) struct Arrivals(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    next: u64,
    /// The connections whose request has not arrived, the oldest first.
    streams: VecDeque<(u64, TcpStream)>,
}

impl Arrivals {
    /// Reads one request; one for `paths` goes through the door, any other is answered here.
    pub(super) fn receive(&self, stream: TcpStream, paths: &Paths, door: Sender<(Visit, Visitor)>) {
        let Some(seat) = Seat::take(&self.0, &stream) else { return };
        let paths = paths.clone();
        let read = move || {
            let read = head(&stream).and_then(|head| visit(&head, &paths));
            drop(seat);
            match read {
                Ok(visit) => {
                    // The login is over when nobody is behind the door.
                    let _ = door.send((visit, Visitor(stream)));
                }
                Err(Some(page)) => Visitor(stream).answer(&page),
                Err(None) => {}
            }
        };
        // Without a thread the closure is dropped, and with it the seat and the connection.
        let _ = thread::Builder::new().name("ledgerauth-login".into()).spawn(read);
    }
}

/// A place among the connections whose request is arriving, given up when this is dropped.
struct Seat {
    waiting: Arc<Mutex<Waiting>>,
    number: u64,
}

impl Seat {
    fn take(waiting: &Arc<Mutex<Waiting>>, stream: &TcpStream) -> Option<Self> {
        let handle = stream.try_clone().ok()?;
        let mut held = waiting.lock();
        if held.streams.len() >= MOST
            && let Some((_, oldest)) = held.streams.pop_front()
        {
            // Its thread reads the end and gives up.
            let _ = oldest.shutdown(Shutdown::Both);
        }
        let number = held.next;
        held.next += 1;
        held.streams.push_back((number, handle));
        drop(held);
        Some(Self { waiting: Arc::clone(waiting), number })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.waiting.lock().streams.retain(|(number, _)| *number != self.number);
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

/// What a GET of one of the paths asks for; the page that anything else gets.
fn visit(head: &[u8], paths: &Paths) -> Result<Visit, Option<Page>> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    if request.parse(head).is_err() {
        return Err(Some(Page::unreadable()));
    }
    let target = request.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let at = match (path == paths.redirect, path == paths.start) {
        (true, _) => Place::Redirect(Secret::new(query)),
        (_, true) => Place::Start,
        _ => return Err(Some(Page::absent())),
    };
    if request.method != Some("GET") {
        return Err(Some(Page::unreadable()));
    }
    let mut cookies = Zeroizing::new(String::new());
    for field in request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("cookie")) {
        cookies.push_str(str::from_utf8(field.value).unwrap_or_default());
        cookies.push(';');
    }
    Ok(Visit { at, cookies: Secret::new(cookies.as_str()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_get_of_the_paths_goes_through_the_door() {
        let paths = Paths { redirect: "/callback".into(), start: "/login/x".into() };
        let bring = |head: &str| {
            visit(head.as_bytes(), &paths).ok().map(|visit| {
                let at = match visit.at {
                    Place::Start => "start".to_owned(),
                    Place::Redirect(query) => query.expose().to_owned(),
                };
                (at, visit.cookies.expose().to_owned())
            })
        };
        let brought = |at: &str, cookies: &str| Some((at.to_owned(), cookies.to_owned()));
        let whole = "GET /callback?code=c&state=s HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: a=b; c=d\r\ncookie: e=f\r\n\r\n";
        assert_eq!(bring(whole), brought("code=c&state=s", "a=b; c=d;e=f;"));
        assert_eq!(bring("GET /callback HTTP/1.1\r\n\r\n"), brought("", ""));
        assert_eq!(bring("GET /login/x?y HTTP/1.1\r\n\r\n"), brought("start", ""));
        for other in [
            "GET /favicon.ico HTTP/1.1\r\n\r\n",
            "GET /callback/x?code=c HTTP/1.1\r\n\r\n",
            "POST /callback?code=c HTTP/1.1\r\n\r\n",
            "HEAD /login/x HTTP/1.1\r\n\r\n",
            "GET http://127.0.0.1/callback?code=c HTTP/1.1\r\n\r\n",
            "\u{16}\u{3}\u{1}\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert_eq!(bring(other), None, "{other:?}");
        }
    }
}

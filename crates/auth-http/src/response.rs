//! Responses: what the machine is shown of them, and what the caller gets.

use crate::error::Error;
use crate::received::Received;
use crate::redirect::Redirect;
use crate::shared::Shared;
use crate::transport::Body;
use crate::transport::unpack::unpacked;
use auth_core::Url;
use auth_core::{Failure, FailureKind, Headers, MAX_TOKEN_ANSWER, Processed};
use http::HeaderMap;
use serde::de::DeserializeOwned;
use std::borrow::Borrow;
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much of a token answer is read: one byte more than is understood, so that a longer one is known as such.
pub(crate) const TOKEN_READ_LIMIT: u64 = MAX_TOKEN_ANSWER as u64 + 1;
/// How much of an error's body the machine is shown: 64 KiB, far more than any error says.
const READ_AHEAD: usize = 64 * 1_024;
/// For how long: a second, because an error page is small and a server that drips it is no reason to miss a deadline.
const READ_AHEAD_TIME: Duration = Duration::from_secs(1);
/// How long the rest of an error's body is read into memory: five seconds, because what is wrong is known by then.
const ERROR_TIME: Duration = Duration::from_secs(5);
/// How long a body may be that is read into memory, in bytes, counted unpacked: 256 MiB, because a year's ledger has tens of MiB, and a MiB of gzip can
/// unpack to a GiB.
pub(crate) const MAX_BODY: u64 = 256 * 1_024 * 1_024;

/// What ends the reading of a body into memory.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// The call's deadline.
    pub(crate) until: Option<Instant>,
    /// The longest body, in bytes.
    pub(crate) max_body: u64,
}

/// `Fields` are the header fields of an answer that is kept in a [`HeaderMap`], as the machine reads them ([`auth_core::Response::headers`]).
///
/// ```
/// use auth_http::core::Response;
///
/// let mut fields = auth_http::http::HeaderMap::new();
/// fields.insert("Retry-After", "7".parse()?);
/// let response = Response { status: 429, headers: &auth_http::Fields(&fields), body: b"" };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Fields<H>(pub H);

impl<H: Borrow<HeaderMap>> Headers for Fields<H> {
    fn values(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        for value in self.0.borrow().get_all(name) {
            each(value.as_bytes());
        }
    }
}

/// An answer to the caller's request, as far as it was read.
pub(crate) struct Answer {
    status: u16,
    fields: Fields<HeaderMap>,
    read: Vec<u8>,
    /// How much of what was read ahead the caller has had.
    taken: usize,
    cut_off: Option<io::Error>,
    /// The rest of the body; `None` after its end, and after it broke off.
    rest: Option<Body>,
    bounds: Bounds,
}

impl Answer {
    pub(crate) fn new(response: http::Response<Body>, bounds: Bounds) -> Box<Self> {
        let (head, body) = unpacked(response).into_parts();
        Box::new(Self {
            status: head.status.as_u16(),
            fields: Fields(head.headers),
            read: Vec::new(),
            taken: 0,
            cut_off: None,
            rest: Some(body),
            bounds,
        })
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// Reads the beginning of an error's body: as much as there is, or as comes within a second. If it breaks off, the caller hears of it after the last byte.
    pub(crate) fn read_ahead(&mut self) {
        if self.status < 400 {
            return;
        }
        let Some(rest) = &mut self.rest else { return };
        let until = earlier(self.bounds.until, READ_AHEAD_TIME);
        let mut chunk = [0; 4_096];
        while self.read.len() < READ_AHEAD {
            match (InTime { inner: &mut *rest, until }).read(&mut chunk) {
                Ok(0) => return,
                Ok(count) => self.read.extend_from_slice(&chunk[..count]),
                // The caller may still want to wait for the rest.
                Err(_) if is_over(until) => return,
                Err(error) => {
                    (self.cut_off, self.rest) = (Some(error), None);
                    return;
                }
            }
        }
    }

    /// The whole body, read into memory until the call's deadline. An error's body ends where it is cut off, because the answer itself says what is wrong.
    fn read_whole(&mut self) -> Result<Vec<u8>, Unread> {
        let (is_error, max_body) = (self.status >= 400, self.bounds.max_body);
        let until = if is_error { earlier(self.bounds.until, ERROR_TIME) } else { self.bounds.until };
        let mut bytes = Vec::with_capacity(self.announced());
        let read = InTime { inner: &mut *self, until }.take(max_body.saturating_add(1)).read_to_end(&mut bytes);
        let is_too_long = bytes.len() as u64 > max_body;
        match read {
            _ if is_error => {
                bytes.truncate(usize::try_from(max_body).unwrap_or(usize::MAX));
                Ok(bytes)
            }
            _ if is_too_long => Err(Unread::TooLong(max_body)),
            Ok(_) => Ok(bytes),
            Err(_) if is_over(until) => Err(Unread::Overdue),
            Err(error) => Err(Unread::BrokenOff(error)),
        }
    }

    /// How long the body is by the server's word, up to what that is worth.
    fn announced(&self) -> usize {
        let length = self.fields.0.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        length.unwrap_or(0).min(READ_AHEAD)
    }

    pub(crate) fn for_machine(&self) -> auth_core::Response<'_> {
        auth_core::Response { status: self.status, headers: &self.fields, body: &self.read }
    }

    pub(crate) fn into_response(self: Box<Self>, about: About, failure: Option<Failure>) -> Response {
        Response { answer: self, about, failure }
    }
}

/// The body: what was read ahead, then the error if it broke off there, once, or else the rest.
impl Read for Answer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ahead = (&self.read[self.taken..]).read(buffer)?;
        self.taken += ahead;
        if ahead > 0 || buffer.is_empty() {
            return Ok(ahead);
        }
        match (&mut self.rest, self.cut_off.take()) {
            (_, Some(error)) => Err(error),
            (Some(rest), None) => rest.read(buffer),
            (None, None) => Ok(0),
        }
    }
}

/// Why a body could not be read into memory.
enum Unread {
    BrokenOff(io::Error),
    /// Longer than so many bytes.
    TooLong(u64),
    Overdue,
}

/// A reader whose waits end at a moment.
struct InTime<R> {
    inner: R,
    until: Option<Instant>,
}

impl<R: Read> Read for InTime<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if is_over(self.until) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        #[cfg(feature = "ureq")]
        let _in_time = crate::transport::until::Until::new(self.until);
        self.inner.read(buffer)
    }
}

/// The moment that comes first.
fn earlier(until: Option<Instant>, span: Duration) -> Option<Instant> {
    let end = Instant::now().checked_add(span);
    until.into_iter().chain(end).min()
}

fn is_over(until: Option<Instant>) -> bool {
    until.is_some_and(|until| until <= Instant::now())
}

/// What is known of the call that an answer belongs to.
pub(crate) struct About {
    pub(crate) shared: Arc<Shared>,
    pub(crate) request_id: String,
    /// Whether the call may be sent again even if it was processed.
    pub(crate) repeatable: bool,
    /// Where the answer came from.
    pub(crate) url: Option<Url>,
    pub(crate) history: Vec<Redirect>,
}

/// `Response` is the server's answer to a call: success or not, its body unread and unaltered.
///
/// Where the machine knows what is wrong, [`Response::failure`] says it; [`Response::json`], [`Response::text`] and [`Response::error_for_status`] turn
/// that into an [`Error`], so that an error page is never taken for the document that was asked for.
pub struct Response {
    answer: Box<Answer>,
    about: About,
    failure: Option<Failure>,
}

impl Response {
    /// The status code (RFC 9110 section 15).
    pub fn status(&self) -> u16 {
        self.answer.status
    }

    /// Where the answer came from, with its query: the URL that was asked, or where redirects have led.
    pub fn url(&self) -> &str {
        self.about.url.as_ref().map_or("", Url::as_str)
    }

    /// The redirects that were followed on the way to this answer, in their order.
    pub fn history(&self) -> &[Redirect] {
        &self.about.history
    }

    /// The header fields.
    pub fn headers(&self) -> &HeaderMap {
        &self.answer.fields.0
    }

    /// The first value of a header, if there is one and it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// The id under which the call went out, the same on all of its repeats.
    pub fn request_id(&self) -> &str {
        &self.about.request_id
    }

    /// What is wrong and what to do about it, if the status is 400 or above, or if another host answered than the API's.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The response itself if it is a success, else what is wrong.
    ///
    /// # Errors
    /// [`Error::Failure`] with the machine's verdict.
    pub fn error_for_status(self) -> Result<Self, Error> {
        match self.failure {
            Some(failure) => Err(failure.into()),
            None => Ok(self),
        }
    }

    /// The body of a success, read as JSON.
    ///
    /// # Errors
    /// [`Error::Failure`] if it is none, or, of the kind `Body`, if it was cut off; [`Error::Json`] if it is not that JSON.
    pub fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        Ok(serde_json::from_slice(&self.error_for_status()?.bytes()?)?)
    }

    /// The body of a success, as text.
    ///
    /// # Errors
    /// [`Error::Failure`] if it is none, or, of the kind `Body`, if it was cut off or is not UTF-8.
    pub fn text(self) -> Result<String, Error> {
        let success = self.error_for_status()?;
        let received = success.received();
        String::from_utf8(success.bytes()?).map_err(|error| {
            let what = format!("the body is not UTF-8 ({})", error.utf8_error());
            received.failure(FailureKind::Body, what, "read it as bytes").repeatable(false).into()
        })
    }

    /// The body, whatever the status, read into memory until the call's deadline: at most `max_body` bytes ([`crate::ClientBuilder::max_body`]). An error's
    /// body is read for five seconds, and is what came by then.
    ///
    /// # Errors
    /// [`Error::Failure`] of the kind `Body` if it was cut off or is too long: with status and request id, so that what a cut 201 made can be looked up; of the kind
    /// [`FailureKind::DeadlineExceeded`] if it did not end in time.
    pub fn bytes(mut self) -> Result<Vec<u8>, Error> {
        self.read_whole()
    }

    fn read_whole(&mut self) -> Result<Vec<u8>, Error> {
        let unread = match self.answer.read_whole() {
            Ok(bytes) => return Ok(bytes),
            Err(unread) => unread,
        };
        let received = self.received();
        Err(match unread {
            Unread::BrokenOff(error) => received.broken_off(&error),
            Unread::TooLong(most) => {
                let what = format!("the body is longer than max_body, {most} bytes unpacked");
                received.failure(FailureKind::Body, what, "raise max_body, or read the body as a stream").into()
            }
            Unread::Overdue => {
                let what = "the deadline passed while the body was read";
                let advice = "the server answered: give the call more time, or read the body as a stream";
                received.failure(FailureKind::DeadlineExceeded, what, advice).into()
            }
        })
    }

    /// What stays known of the response when its body is read elsewhere ([`Response::into_reader`]).
    pub fn received(&self) -> Received {
        let (server_request_id, _) = self.about.shared.with(|session, _| session.server_request_id(&self.answer.fields));
        Received {
            status: self.status(),
            request_id: self.about.request_id.clone(),
            server_request_id,
            processed: self.failure.as_ref().map_or(Processed::by_status(self.status()), Failure::processed),
            repeatable: self.about.repeatable,
        }
    }

    /// The body as a stream, whatever the status: for what is too large for memory. Neither deadline nor `max_body` end it; between two reads the server may
    /// pause for as long as the client's `timeout`.
    pub fn into_reader(self) -> impl Read + Send + Sync {
        self.answer
    }

    /// The same response with its body read into memory, and the body.
    pub(crate) fn buffered(mut self) -> Result<(Self, Vec<u8>), Error> {
        let bytes = self.read_whole()?;
        (self.answer.read, self.answer.taken, self.answer.rest) = (bytes.clone(), 0, None);
        Ok((self, bytes))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status()).field("request_id", &self.about.request_id).finish_non_exhaustive()
    }
}

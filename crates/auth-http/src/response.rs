//! Responses: what the machine is shown of them, and what the caller gets.

use crate::error::Error;
use auth_core::{Failure, Headers, MAX_TOKEN_ANSWER};
use serde::de::DeserializeOwned;
use std::borrow::Borrow;
use std::fmt;
use std::io::{self, Cursor, Read};
use std::time::{Duration, Instant};
use ureq::http::{self, HeaderMap};
use ureq::{Body, BodyReader};

/// How much of a token answer is read: one byte more than is understood, so that a longer one is known as such.
pub(crate) const TOKEN_READ_LIMIT: u64 = MAX_TOKEN_ANSWER as u64 + 1;
/// How much of an error's body the machine is shown: 64 KiB, far more than any error says.
const READ_AHEAD: usize = 64 * 1_024;
/// For how long: a second, because an error page is small and a server that drips it is no reason to miss a deadline.
const READ_AHEAD_TIME: Duration = Duration::from_secs(1);

/// The header fields of ureq's responses, as the machine reads them.
pub(crate) struct Fields<H>(pub(crate) H);

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
    cut_off: Option<io::Error>,
    rest: BodyReader<'static>,
}

impl Answer {
    pub(crate) fn new(response: http::Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let rest = body.into_with_config().limit(u64::MAX).reader();
        Self { status: head.status.as_u16(), fields: Fields(head.headers), read: Vec::new(), cut_off: None, rest }
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// Reads the beginning of an error's body: as much as there is, or as comes within a second. If it breaks off, the caller hears of it after the last byte.
    pub(crate) fn read_ahead(&mut self) {
        if self.status < 400 {
            return;
        }
        let start = Instant::now();
        let mut chunk = [0; 4_096];
        while self.read.len() < READ_AHEAD && start.elapsed() < READ_AHEAD_TIME {
            match self.rest.read(&mut chunk) {
                Ok(0) => return,
                Ok(count) => self.read.extend_from_slice(&chunk[..count]),
                Err(error) => {
                    self.cut_off = Some(error);
                    return;
                }
            }
        }
    }

    pub(crate) fn for_machine(&self) -> auth_core::Response<'_> {
        auth_core::Response { status: self.status, headers: &self.fields, body: &self.read }
    }

    pub(crate) fn into_response(self, request_id: String, failure: Option<Failure>) -> Response {
        let rest: Box<dyn Read + Send + Sync> = match self.cut_off {
            None => Box::new(self.rest),
            Some(error) => Box::new(CutOff(Some(error))),
        };
        let body = Box::new(Cursor::new(self.read).chain(rest));
        Response { status: self.status, headers: self.fields.0, body, request_id, failure }
    }
}

/// The end of a body that broke off: the error, once.
struct CutOff(Option<io::Error>);

impl Read for CutOff {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// `Response` is the server's answer to a call: success or not, its body unread and unaltered.
///
/// Where the machine knows what is wrong, [`Response::failure`] says it; [`Response::json`], [`Response::text`] and [`Response::error_for_status`] turn
/// that into an [`Error`], so that an error page is never taken for the document that was asked for.
pub struct Response {
    status: u16,
    headers: HeaderMap,
    body: Box<dyn Read + Send + Sync>,
    request_id: String,
    failure: Option<Failure>,
}

impl Response {
    /// The status code (RFC 9110 section 15).
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The header fields.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first value of a header, if there is one and it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The id under which the call went out, the same on all of its repeats.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// What is wrong and what to do about it, if the status is 400 or above.
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
    /// [`Error::Failure`] if it is none, [`Error::Json`] if it is not that JSON, [`Error::Body`] if it was cut off.
    pub fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        Ok(serde_json::from_slice(&self.error_for_status()?.bytes()?)?)
    }

    /// The body of a success, as text.
    ///
    /// # Errors
    /// [`Error::Failure`] if it is none, [`Error::Body`] if it was cut off or is not UTF-8.
    pub fn text(self) -> Result<String, Error> {
        let bytes = self.error_for_status()?.bytes()?;
        String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()).into())
    }

    /// The body, whatever the status.
    ///
    /// # Errors
    /// [`Error::Body`] if it was cut off.
    pub fn bytes(mut self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.body.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The body as a stream, whatever the status: for what is too large for memory.
    pub fn into_reader(self) -> impl Read + Send + Sync {
        self.body
    }

    /// The same response with its body read into memory, and the body.
    pub(crate) fn buffered(mut self) -> Result<(Self, Vec<u8>), Error> {
        let mut bytes = Vec::new();
        self.body.read_to_end(&mut bytes)?;
        self.body = Box::new(Cursor::new(bytes.clone()));
        Ok((self, bytes))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

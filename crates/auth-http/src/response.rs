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

/// The header fields of an answer, as the machine reads them.
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
    /// How much of what was read ahead the caller has had.
    taken: usize,
    cut_off: Option<io::Error>,
    /// The rest of the body; `None` after its end, and after it broke off.
    rest: Option<Body>,
}

impl Answer {
    pub(crate) fn new(response: http::Response<Body>) -> Box<Self> {
        let (head, body) = unpacked(response).into_parts();
        Box::new(Self {
            status: head.status.as_u16(),
            fields: Fields(head.headers),
            read: Vec::new(),
            taken: 0,
            cut_off: None,
            rest: Some(body),
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
        let start = Instant::now();
        let mut chunk = [0; 4_096];
        while self.read.len() < READ_AHEAD && start.elapsed() < READ_AHEAD_TIME {
            match rest.read(&mut chunk) {
                Ok(0) => return,
                Ok(count) => self.read.extend_from_slice(&chunk[..count]),
                Err(error) => {
                    (self.cut_off, self.rest) = (Some(error), None);
                    return;
                }
            }
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

    /// The body, whatever the status.
    ///
    /// # Errors
    /// [`Error::Failure`] of the kind `Body` if it was cut off: with status and request id, so that what a cut 201 made can be looked up.
    pub fn bytes(mut self) -> Result<Vec<u8>, Error> {
        self.read_whole()
    }

    fn read_whole(&mut self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(self.answer.announced());
        let read = self.answer.read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(|error| self.received().broken_off(&error))
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

    /// The body as a stream, whatever the status: for what is too large for memory.
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

//! `Request`: a call in the making.

use crate::client::Client;
use crate::error::Error;
use crate::exact::Exact;
use crate::redirect::Redirect;
use crate::response::{About, Answer, Bounds, Response};
use crate::run::{Deliver, Delivered, Ended, run};
use crate::transport::{Payload, Times};
use auth_core::{
    Exchange, Failure, FailureKind, Send, Transport, Unanswered, UnixTime, check_field, is_of_the_frame, may_go_anywhere, of_the_frame,
};
use auth_core::{Looks, Shown};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// `Request` is a call in the making: give it what it needs, then [`Request::send`] it.
#[must_use]
pub struct Request<'c> {
    client: &'c Client,
    method: &'static str,
    target: String,
    headers: HeaderMap,
    body: Body<'c>,
    deadline: Option<Duration>,
    id: Option<String>,
    redirect_targets: Vec<String>,
    way: Way,
    fault: Option<Failure>,
}

/// Where the call has been sent.
#[derive(Default)]
struct Way {
    followed: Vec<Redirect>,
    /// The last answer.
    last: Option<Redirect>,
}

impl Way {
    /// The request goes there now.
    fn goes(&mut self, send: &Send) {
        if usize::from(send.redirects) > self.followed.len() {
            self.followed.extend(self.last.take());
        }
    }

    /// The request was answered.
    fn answered(&mut self, send: &Send, status: u16) {
        self.last = Some(Redirect { status, url: send.url.clone() });
    }
}

enum Body<'c> {
    None,
    Bytes(Vec<u8>),
    Stream(Box<dyn Read + 'c>),
    SizedStream(Exact<Box<dyn Read + 'c>>),
}

impl Body<'_> {
    /// What `Content-Length` says where the transport cannot know it: 0 for a method that anticipates a
    /// body and has none (RFC 9110 section 8.6), and what was stated of a stream.
    fn length(&self, method: &str) -> Option<u64> {
        match self {
            Self::None => matches!(method, "POST" | "PUT" | "PATCH").then_some(0),
            Self::SizedStream(reader) => Some(reader.length()),
            Self::Bytes(_) | Self::Stream(_) => None,
        }
    }
}

impl<'c> Request<'c> {
    pub(crate) fn new(client: &'c Client, method: &'static str, target: &str) -> Self {
        Self {
            client,
            method,
            target: target.into(),
            headers: HeaderMap::new(),
            body: Body::None,
            deadline: None,
            id: None,
            redirect_targets: Vec::new(),
            way: Way::default(),
            fault: None,
        }
    }

    /// Adds a query parameter, percent-encoded (RFC 3986 section 2.1).
    pub fn query(mut self, name: &str, value: &str) -> Self {
        let pair = form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
        let end = self.target.find('#').unwrap_or(self.target.len());
        self.target.truncate(end);
        self.target.push(if self.target.contains('?') { '&' } else { '?' });
        self.target.push_str(&pair);
        self
    }

    /// Adds a header field. When a redirect leads to another host, only fields that say what answer is wanted go along.
    ///
    /// Fields that frame the message or belong to one connection, such as `Host` and `Content-Length`, are
    /// the client's own: the call is refused with `Misuse` ([`is_of_the_frame`]).
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Err(failure) = check_field(name, value.as_bytes()) {
            self.fault = Some(failure);
        } else if is_of_the_frame(name) {
            self.fault = Some(of_the_frame(name));
        } else if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            self.headers.append(name, value);
        } else {
            let what = format!("the header {:?} has a name or value that cannot be sent", Shown::new(name, Looks::Word));
            self.fault =
                Some(Failure::new(FailureKind::Misuse, what, "nothing was sent: leave line breaks and other control characters out"));
        }
        self
    }

    /// Sends this as a JSON body, with its `Content-Type`.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => {
                self.headers.entry(http::header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
                self.body = Body::Bytes(bytes);
            }
            Err(error) => {
                let what = format!("the body cannot be written as JSON: {error}");
                self.fault = Some(Failure::new(FailureKind::Misuse, what, "nothing was sent: use text keys and finite numbers"));
            }
        }
        self
    }

    /// Sends these bytes as the body.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Bytes(bytes.into());
        self
    }

    /// Sends the body from a reader, which can be read only once: the call is not repeated after something of it has left.
    pub fn stream(mut self, reader: impl Read + 'c) -> Self {
        self.body = Body::Stream(Box::new(reader));
        self
    }

    /// Sends a body of `length` bytes from a reader, with a `Content-Length` and not in chunks. It can be
    /// read only once, like [`Request::stream`].
    ///
    /// A reader that ends before, or has more, fails the call before its last byte is sent.
    pub fn sized_stream(mut self, reader: impl Read + 'c, length: u64) -> Self {
        self.body = Body::SizedStream(Exact::new(Box::new(reader), length));
        self
    }

    /// How long the call may take with all its waits and repeats, and with the body where that is read into memory; the client's deadline if not said. A body that
    /// is read as a stream has it until the answer begins.
    pub fn deadline(mut self, span: Duration) -> Self {
        self.deadline = Some(span);
        self
    }

    /// Takes the answers of this host for the API's if a redirect leads there, such as that of a signed download: `files.example`, `files.example:8443`. The
    /// credential does not go there.
    pub fn allow_redirect_to(mut self, host: impl Into<String>) -> Self {
        self.redirect_targets.push(host.into());
        self
    }

    /// The id under which the call is known to both sides; a random one if not said.
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sends the call: with the credential, as often as it is right, until the server has answered.
    ///
    /// Blocks the thread until then, at most for the deadline: on an event loop, see [`Delivery::step_async`](crate::Delivery::step_async).
    ///
    /// # Errors
    /// [`Error::Failure`] if there is no answer to it: refused before sending, no token, no connection, out of time. An answer that is not a success is no error
    /// here, see [`Response::failure`].
    pub fn send(mut self) -> Result<Response, Error> {
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        let shared = &self.client.shared;
        let mut call = shared.call(self.method, &self.target)?.allow_redirect_to(self.redirect_targets.iter().map(String::as_str))?;
        call = match &self.body {
            Body::None => call,
            Body::Bytes(bytes) => call.body(bytes),
            Body::Stream(_) | Body::SizedStream(_) => call.once(),
        };
        let deadline = shared.now().after(self.deadline.unwrap_or(shared.connection.policy().deadline));
        call = call.deadline(deadline);
        if let Some(id) = self.id.take() {
            if HeaderValue::try_from(&id).is_err() {
                return Err(Failure::new(
                    FailureKind::Misuse,
                    "the request id has characters that cannot be sent",
                    "nothing was sent: use letters, digits and '-'",
                )
                .into());
            }
            call = call.request_id(id);
        }
        let repeatable = call.is_repeatable();
        let exchange = Exchange::new(call, shared.seed());
        let request_id = exchange.request_id().to_owned();
        let mut deliver = |send: &Send, now: UnixTime| self.deliver(send, now, deadline);
        match run(shared, exchange, Deliver::Request(&mut deliver))? {
            Ended::Answered(answer, failure) => {
                let about = About {
                    shared: Arc::clone(shared),
                    request_id,
                    repeatable,
                    url: self.way.last.map(|last| last.url),
                    history: self.way.followed,
                };
                Ok(answer.into_response(about, failure))
            }
            Ended::Authorized(_) | Ended::Renewed => {
                Err(Failure::new(FailureKind::Misuse, "the exchange ended without an answer", "report this as a bug of ledgerauth").into())
            }
        }
    }

    /// Sends the request once, as the machine says.
    fn deliver(&mut self, send: &Send, now: UnixTime, deadline: UnixTime) -> Delivered {
        self.way.goes(send);
        let mut request = http::Request::builder().method(self.method).uri(send.url.as_str());
        let unsendable = || Transport { how: Unanswered::NotSent, what: "the request cannot be written".into(), advice: String::new() };
        let fields = request.headers_mut().ok_or_else(unsendable)?;
        for (name, value) in self.headers.iter().filter(|(name, _)| !send.foreign || may_go_anywhere(name.as_str())) {
            fields.append(name, value.clone());
        }
        if let Some(authorization) = &send.authorization {
            let name = HeaderName::try_from(authorization.header()).map_err(|_| unsendable())?;
            let mut value = HeaderValue::try_from(authorization.value().expose()).map_err(|_| unsendable())?;
            value.set_sensitive(true);
            fields.insert(name, value);
        }
        let (name, id) = &send.request_id;
        fields.insert(HeaderName::try_from(&**name).map_err(|_| unsendable())?, HeaderValue::try_from(&**id).map_err(|_| unsendable())?);
        if let Some(length) = self.body.length(self.method) {
            fields.insert(CONTENT_LENGTH, length.into());
        }
        let payload = match &mut self.body {
            Body::None => Payload::None,
            Body::Bytes(bytes) => Payload::Bytes(bytes),
            Body::Stream(reader) => Payload::Stream(reader),
            Body::SizedStream(reader) => Payload::Stream(reader),
        };
        let request = request.body(payload).map_err(|_| unsendable())?;
        let times = Times { begin: deadline.since(now), end: None };
        let bounds = Bounds { until: Instant::now().checked_add(times.begin), max_body: self.client.shared.max_body };
        let answer = Answer::new(self.client.shared.transport.send(request, times)?, bounds);
        self.way.answered(send, answer.status());
        Ok(answer)
    }
}

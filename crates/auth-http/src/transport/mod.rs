//! `Transport`: how a request gets to its server, and the answer back. The client's own one is `ureq`; a program may bring another.

#[cfg(feature = "ureq")]
mod beside;
#[cfg(feature = "ureq")]
mod lost;
#[cfg(feature = "ureq")]
mod names;
#[cfg(feature = "ureq")]
mod opener;
#[cfg(feature = "ureq")]
mod proxies;
#[cfg(feature = "ureq")]
mod socket;
#[cfg(feature = "ureq")]
mod socks;
#[cfg(feature = "ureq")]
mod stage;
#[cfg(feature = "ureq")]
pub(crate) mod tls;
pub(crate) mod unpack;
#[cfg(feature = "ureq")]
pub(crate) mod until;
#[cfg(feature = "ureq")]
pub(crate) mod ureq;
#[cfg(feature = "ureq")]
pub(crate) mod watch;

use auth_core::Transport as Lost;
#[cfg(not(feature = "ureq"))]
use auth_core::Unanswered;
use http::{Request, Response, Uri};
use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

/// `Transport` sends requests, each once and exactly as it is: token requests and calls alike.
///
/// It follows no redirect, adds no credential and repeats nothing, because that is decided elsewhere. It is called from many threads at once.
///
/// ```
/// use auth_http::{Body, Client, Credential, Payload, Provider, Times, Transport, core, http};
/// use std::sync::Arc;
///
/// /// A server in a box.
/// struct Box;
///
/// impl Transport for Box {
///     fn send(&self, request: http::Request<Payload<'_>>, _: Times) -> Result<http::Response<Body>, core::Transport> {
///         assert_eq!(request.uri().path(), "/v1/invoices");
///         assert!(request.headers().contains_key("authorization"));
///         Ok(http::Response::new(Body::from_reader(&b"[]"[..])))
///     }
/// }
///
/// let key = format!("test_sk_{}", "0a".repeat(24));
/// let client = Client::builder(Provider::builtin("finora")?).credential(Credential::key(key)).transport(Arc::new(Box)).build()?;
/// assert_eq!(client.get("/v1/invoices").send()?.text()?, "[]");
/// # Ok::<(), auth_http::Error>(())
/// ```
pub trait Transport: Send + Sync {
    /// Sends a request and hands over the answer, whatever its status, with its body still to be read.
    ///
    /// # Errors
    /// A [`Transport`](auth_core::Transport) that says how far the request got, if there is no answer.
    fn send(&self, request: Request<Payload<'_>>, times: Times) -> Result<Response<Body>, Lost>;

    /// Opens a new connection to the origin of `url`, for one token request that follows. It is
    /// called before a single-use refresh token is journaled, so that a connection that cannot be
    /// made spends nothing.
    ///
    /// The default is `None`: this transport cannot, and [`Transport::send`] connects by itself.
    ///
    /// # Errors
    /// A [`Transport`](auth_core::Transport) error if no connection was made within `limit`.
    fn connect(&self, url: &Uri, limit: Duration) -> Result<Option<Box<dyn OpenConnection>>, Lost> {
        let _ = (url, limit);
        Ok(None)
    }
}

/// `OpenConnection` is a connection that stands, for one request ([`Transport::connect`]).
pub trait OpenConnection: Send {
    /// Sends the request over this connection, as [`Transport::send`] does.
    ///
    /// # Errors
    /// As [`Transport::send`].
    fn send(self: Box<Self>, request: Request<Payload<'_>>, times: Times) -> Result<Response<Body>, Lost>;
}

/// `Times` is how long a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Until the answer begins: one span over connecting, sending and waiting.
    pub begin: Duration,
    /// Until its last byte is here; `None` if it may flow for as long as it does.
    pub end: Option<Duration>,
}

/// `Payload` is the body of a request.
pub enum Payload<'a> {
    /// There is none.
    None,
    /// These bytes.
    Bytes(&'a [u8]),
    /// What this gives, to its end.
    Stream(&'a mut dyn Read),
}

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            // A token request's body holds secrets.
            Self::Bytes(bytes) => write!(f, "Bytes([{} bytes])", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// `Body` is the body of an answer, to be read once.
pub struct Body(Source);

enum Source {
    #[cfg(feature = "ureq")]
    Ureq(::ureq::BodyReader<'static>),
    Reader(Box<dyn Read + Send + Sync>),
}

impl Body {
    /// The body that a reader gives.
    pub fn from_reader(reader: impl Read + Send + Sync + 'static) -> Self {
        Self(Source::Reader(Box::new(reader)))
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            #[cfg(feature = "ureq")]
            Source::Ureq(reader) => reader.read(buffer),
            Source::Reader(reader) => reader.read(buffer),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}

/// No way at all: what a client has that was given none, where the crate was built without `ureq`.
#[cfg(not(feature = "ureq"))]
pub(crate) struct Nowhere;

#[cfg(not(feature = "ureq"))]
impl Transport for Nowhere {
    fn send(&self, _: Request<Payload<'_>>, _: Times) -> Result<Response<Body>, Lost> {
        Err(Lost {
            how: Unanswered::NotSent,
            what: "this client has no transport".into(),
            advice: "give it one, or drive its exchanges yourself".into(),
        })
    }
}

//! Requests to an authorization server: signed, sent as they are, answered whole.

use crate::response::{Fields, TOKEN_READ_LIMIT};
use crate::transport::unpack::unpacked;
use crate::transport::{OpenConnection, Payload, Times, Transport};
use auth_core::{Response, TokenRequest, Transport as Lost, Unanswered};
use std::io::Read as _;
use std::time::Instant;
use zeroize::Zeroizing;

/// An authorization server's answer, whose body is wiped when it is dropped.
pub(crate) struct Answer {
    status: u16,
    fields: Fields<http::HeaderMap>,
    body: Zeroizing<Vec<u8>>,
}

impl Answer {
    pub(crate) fn for_machine(&self) -> Response<'_> {
        Response { status: self.status, headers: &self.fields, body: &self.body }
    }
}

pub(crate) fn unsendable(what: &str) -> Lost {
    Lost { how: Unanswered::NotSent, what: what.into(), advice: String::new() }
}

/// Signs a request, sends it, and reads the whole answer, up to the length that is understood. No lock may be held: both can take their time.
pub(crate) fn fetch(transport: &dyn Transport, request: TokenRequest) -> Result<Answer, Lost> {
    fetch_over(transport, None, request)
}

/// The same over a connection that stands; without one, over one that is opened now.
pub(crate) fn fetch_over(
    transport: &dyn Transport,
    standing: Option<Box<dyn OpenConnection>>,
    mut request: TokenRequest,
) -> Result<Answer, Lost> {
    request.sign()?;
    let mut builder = http::Request::builder().method(request.method).uri(request.url.as_str());
    for (name, value) in &request.headers {
        let mut value =
            http::HeaderValue::from_str(value.expose()).map_err(|_| unsendable("the token request has a header that cannot be sent"))?;
        value.set_sensitive(true);
        builder = builder.header(*name, value);
    }
    let payload = request.body.as_ref().map_or(Payload::None, |body| Payload::Bytes(body.expose().as_bytes()));
    let whole = builder.body(payload).map_err(|_| unsendable("the token request cannot be sent"))?;
    let begun = Instant::now();
    let connection = match standing {
        Some(connection) => Some(connection),
        None => transport.connect(whole.uri(), request.timeout)?,
    };
    let left = request.timeout.saturating_sub(begun.elapsed());
    let times = Times { begin: left, end: Some(left) };
    let response = match connection {
        Some(connection) => connection.send(whole, times),
        None => transport.send(whole, times),
    };
    let (head, body) = unpacked(response?).into_parts();
    // Room for the usual answer at once: a growing buffer leaves copies of the token behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1_024));
    let cut_off =
        |error: std::io::Error| Lost { how: Unanswered::Lost, what: format!("the answer was cut off: {error}"), advice: String::new() };
    body.take(TOKEN_READ_LIMIT).read_to_end(&mut bytes).map_err(cut_off)?;
    Ok(Answer { status: head.status.as_u16(), fields: Fields(head.headers), body: bytes })
}

//! `Call`: what the machine has to know of the caller's request, which is never the request itself.

use crate::connection::{Connection, redirect_targets};
use crate::origin::{Origin, Url};
use crate::provider::IdempotencyFacts;
use crate::time::UnixTime;
use crate::verdict::failure::{Failure, FailureKind};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use serde_json::Value;

/// The longest URL that is sent, in bytes: what HTTP libraries take (`http` 65,534), and far more than the 8,000
/// that every server has to take (RFC 9110 section 4.1).
const LONGEST_URL: usize = 65_534;
/// The longest header field that is sent, name and value, in bytes: 64 KiB, because no server takes more, and HTTP
/// libraries write one field into one buffer.
const LONGEST_FIELD: usize = 64 * 1_024;

/// Whether a header field of the caller's can be sent.
///
/// # Errors
/// A [`Failure`] of the kind [`FailureKind::Misuse`]: nothing was sent, and sending it again changes nothing.
pub fn check_field(name: &str, value: &[u8]) -> Result<(), Failure> {
    let length = name.len() + value.len();
    if length <= LONGEST_FIELD {
        return Ok(());
    }
    // A name that is too long may be a value by mistake.
    let name = if name.len() <= 64 { format!(" {name:?}") } else { String::new() };
    let what = format!("the header field{name} has {length} bytes, and {LONGEST_FIELD} can be sent");
    Err(Failure::new(FailureKind::Misuse, what, "nothing was sent: put what is that long into the body"))
}

/// `Call` is what the machine knows of one request: method, admitted URL, whether it can be sent again, and until when the answer is wanted.
#[derive(Clone, Debug)]
#[must_use]
pub struct Call {
    pub(crate) connection: Arc<Connection>,
    pub(crate) method: String,
    pub(crate) url: Url,
    pub(crate) has_body: bool,
    pub(crate) replayable: bool,
    pub(crate) repeatable: bool,
    pub(crate) deadline: Option<UnixTime>,
    pub(crate) request_id: Option<Arc<str>>,
    redirect_targets: Vec<Origin>,
}

/// Why a caller's field of that name is refused, if it belongs to the frame.
pub fn of_the_frame(name: &str) -> Failure {
    let what = format!("the header {name} frames the message or belongs to the connection, so the client sets it");
    Failure::new(FailureKind::Misuse, what, "nothing was sent: leave it out")
}

/// Whether a request of that method may be sent again, whatever became of the first (RFC 9110 section
/// 9.2.2). Methods are compared with regard to case (section 9.1).
pub fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE")
}

impl Call {
    /// A call of a method (in capitals) to a path or URL, if the connection's credential may go there.
    ///
    /// It counts as repeatable if the method is idempotent (RFC 9110 section 9.2.2).
    ///
    /// # Errors
    /// The [`Failure`] of [`Connection::admit`], or that of a requirement which the credential is declared not to meet; nothing was sent.
    pub fn new(connection: &Arc<Connection>, method: &str, path_or_url: &str) -> Result<Self, Failure> {
        fits(path_or_url.len())?;
        let url = connection.admit(path_or_url)?;
        fits(url.as_str().len())?;
        connection.permits(&url)?;
        let repeatable = is_idempotent(method);
        Ok(Self {
            connection: Arc::clone(connection),
            method: method.into(),
            url,
            has_body: false,
            replayable: true,
            repeatable,
            deadline: None,
            request_id: None,
            redirect_targets: Vec::new(),
        })
    }

    /// Looks at the body: where the provider has a convention that makes a repeat harmless, and the body keeps it, the call is repeatable.
    pub fn body(mut self, body: &[u8]) -> Self {
        let keeps = |facts: &IdempotencyFacts| {
            let here = facts.method == self.method && self.url.path().ends_with(facts.path.as_str());
            here && serde_json::from_slice::<Value>(body)
                .is_ok_and(|body| body.get(&facts.body_field).is_some_and(|value| !value.is_null() && value != ""))
        };
        self.has_body = true;
        self.repeatable |= self.connection.provider().idempotency().is_some_and(keeps);
        self
    }

    /// Says that the body is a stream that can be sent only once: the call is never repeated once something of it has left.
    pub fn once(mut self) -> Self {
        (self.has_body, self.replayable) = (true, false);
        self
    }

    /// Whether the call may be sent again even if it was processed: by its method, or by the provider's convention and its body.
    pub fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// Takes the answers of these hosts for the API's where a redirect leads there, beside those of the connection.
    ///
    /// # Errors
    /// A [`Failure`] of kind `Misuse` if one of them is no host.
    pub fn allow_redirect_to<'a>(mut self, hosts: impl IntoIterator<Item = &'a str>) -> Result<Self, Failure> {
        self.redirect_targets.extend(redirect_targets(hosts)?);
        Ok(self)
    }

    /// Whether the answer of this host counts as the API's where a redirect leads there.
    pub(crate) fn allows_redirect_to(&self, origin: &Origin) -> bool {
        self.redirect_targets.contains(origin) || self.connection.allows_redirect_to(origin)
    }

    /// Sets the moment after which the answer is no longer wanted; the policy's deadline if never called.
    pub fn deadline(mut self, at: UnixTime) -> Self {
        self.deadline = Some(at);
        self
    }

    /// Sets the id under which the call is known to both sides; made from the seed if never called.
    pub fn request_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.request_id = Some(id.into());
        self
    }
}

/// Whether a URL of so many bytes can be sent.
fn fits(length: usize) -> Result<(), Failure> {
    if length <= LONGEST_URL {
        return Ok(());
    }
    let what = format!("the URL has {length} bytes, and {LONGEST_URL} can be sent");
    Err(Failure::new(FailureKind::Misuse, what, "nothing was sent: put what is that long into the body"))
}

//! `Ahead`: a call that is sent before its exchange begins, because most answers are successes that no exchange is needed for.

use crate::audit::Heard;
use crate::client::Client;
use crate::delivery::Delivery;
use crate::error::Error;
use auth_core::{Authorization, Exchange, Fresh, UnixTime};
use std::sync::Arc;

/// `Ahead` is what a request to the client's own host carries while there is something fresh to send with: for adapters whose whole work has to take a
/// microsecond. An answer that [ends](Ahead::ends_with) the call needs nothing more; any other is handed to the [`Delivery`] of [`Client::overtake`], as if it
/// had been there from the start.
pub struct Ahead {
    fresh: Arc<Fresh>,
    sent_at: UnixTime,
    request_id: [u8; 32],
}

impl Client {
    /// What requests may carry at the moment to a URL that begins with [`Connection::own_prefix`](auth_core::Connection::own_prefix); `None` if the session has to
    /// be asked, if each path has to be looked at (permissions were declared), or if somebody listens to every call.
    pub fn ahead(&self) -> Option<Ahead> {
        let shared = &self.shared;
        if !shared.connection.permissions().is_empty() || shared.audit.heard() == Heard::Everything {
            return None;
        }
        let (fresh, now) = (shared.fresh(), shared.now());
        fresh.send_at(now)?;
        Some(Ahead { fresh: arc_swap::Guard::into_inner(fresh), sent_at: now, request_id: auth_core::request_id(shared.seed()) })
    }

    /// The delivery of a call that was sent ahead and whose answer is no success: report that to it next. `body` is the request's, if it can be sent again; `once` says that
    /// it cannot.
    ///
    /// # Errors
    /// [`Error::Failure`] if the credential may not go there.
    pub fn overtake(&self, ahead: &Ahead, method: &str, url: &str, body: Option<&[u8]>, once: bool) -> Result<Delivery, Error> {
        let shared = &self.shared;
        let mut call = shared.call(method, url)?;
        call = match body {
            _ if once => call.once(),
            Some(body) => call.body(body),
            None => call,
        };
        let call = call.deadline(ahead.sent_at.after(shared.connection.policy().deadline)).request_id(ahead.request_id());
        let mut exchange = shared.audited(Exchange::new(call, shared.seed()));
        // What it wants sent has been sent.
        let _sent = exchange.poll_fresh(&ahead.fresh, ahead.sent_at);
        Ok(Delivery::begun(shared, exchange))
    }
}

impl Ahead {
    /// What the request carries.
    pub fn authorization(&self) -> &Authorization {
        &self.fresh.authorization
    }

    /// Whether an answer of this status ends the call.
    pub fn ends_with(&self, status: u16) -> bool {
        auth_core::is_success(status)
    }

    /// The id under which it is known to both sides.
    pub fn request_id(&self) -> &str {
        std::str::from_utf8(&self.request_id).unwrap_or_default()
    }
}

impl std::fmt::Debug for Ahead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ahead").field("request_id", &self.request_id()).finish_non_exhaustive()
    }
}

//! What an exchange notes for the audit.

use super::Exchange;
use crate::audit::{AuditEvent, Audited};
use crate::connection::Connection;
use crate::credential::Authorization;
use crate::shown::path_without_keys;
use crate::time::UnixTime;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

impl Exchange {
    /// The same exchange, keeping audit events until [`Exchange::take_events`]; without this none are made.
    #[must_use]
    pub fn audited(self) -> Self {
        Self { audits_calls: true, ..self.audited_but_calls() }
    }

    /// The same without [`Audited::Sent`] and [`Audited::Answered`]: for whoever wants to know only what is out of the ordinary, and pays nothing for the rest.
    #[must_use]
    pub fn audited_but_calls(mut self) -> Self {
        self.audit = Some(Vec::new());
        self
    }

    /// The audit events since the last time, oldest first.
    pub fn take_events(&mut self) -> Vec<AuditEvent> {
        self.audit.as_mut().map(core::mem::take).unwrap_or_default()
    }

    /// Notes an event for the audit, if one is kept.
    pub(super) fn note(
        &mut self,
        connection: &Connection,
        at: UnixTime,
        what: Audited,
        with: Option<&Authorization>,
        decision: impl FnOnce() -> String,
    ) {
        let is_of_a_call = matches!(what, Audited::Sent | Audited::Answered);
        let Some(events) = self.audit.as_mut().filter(|_| self.audits_calls || !is_of_a_call) else { return };
        let mut event = AuditEvent::new(connection, at, what, decision());
        if let Some(authorization) = with {
            event = event.with_credential(connection, authorization);
        }
        if let Some(call) = &self.call {
            event.method = Some(call.method.clone());
            event.path = self.deliveries.url.as_ref().map(|url| path_without_keys(url.path()));
            event.request_id = Some((*self.deliveries.request_id).to_owned());
        }
        events.push(event);
    }

    /// Notes the answer to the caller's request; `server_id` is quoted without the session's secrets.
    pub(super) fn note_answer(
        &mut self,
        connection: &Connection,
        at: UnixTime,
        with: Option<&Authorization>,
        status: u16,
        server_id: impl FnOnce() -> Option<String>,
    ) {
        self.note(connection, at, Audited::Answered, with, || format!("answered {status}"));
        if let Some(event) = self.audit.as_mut().filter(|_| self.audits_calls).and_then(|events| events.last_mut()) {
            event.status = Some(status);
            event.server_request_id = server_id();
        }
    }
}

//! Where audit events go: to the caller's function, and to `tracing`.

use auth_core::{AuditEvent, Audited, Connection, Failure, UnixTime};
use std::sync::Arc;

/// The target under which events are given to `tracing`.
const TARGET: &str = "ledgerauth";

type Listener = dyn Fn(&AuditEvent) + Send + Sync;

/// Delivers audit events. Cloning is cheap.
#[derive(Clone, Default)]
pub(crate) struct Audit {
    listener: Option<Arc<Listener>>,
    wanted: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

impl Audit {
    pub(crate) fn new(callback: impl Fn(&AuditEvent) + Send + Sync + 'static) -> Self {
        Self { listener: Some(Arc::new(callback)), wanted: None }
    }

    /// The same, but only while `wanted` says so.
    pub(crate) fn only_while(self, wanted: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { wanted: Some(Arc::new(wanted)), ..self }
    }

    /// Whether anybody listens: if not, events are not even made.
    pub(crate) fn is_wanted(&self) -> bool {
        let by_listener = self.listener.is_some() && self.wanted.as_ref().is_none_or(|wanted| wanted());
        by_listener || tracing::enabled!(target: TARGET, tracing::Level::DEBUG)
    }

    /// Delivers events, in order. Calls are at level debug, what happens to tokens and keys at info, what goes wrong at warn.
    pub(crate) fn deliver(&self, events: &[AuditEvent]) {
        for event in events {
            if let Some(callback) = &self.listener {
                callback(event);
            }
            match event.what {
                Audited::Refused | Audited::TokenDenied | Audited::Replaced => trace_at(tracing::Level::WARN, event),
                Audited::Sent | Audited::Answered => trace_at(tracing::Level::DEBUG, event),
                _ => trace_at(tracing::Level::INFO, event),
            }
        }
    }

    /// Delivers the event of a request that was refused before anything was sent.
    pub(crate) fn refused(&self, connection: &Connection, now: UnixTime, method: &str, failure: &Failure) {
        if self.is_wanted() {
            self.deliver(&[AuditEvent::refused(connection, now, method, failure)]);
        }
    }
}

fn trace_at(level: tracing::Level, event: &AuditEvent) {
    macro_rules! at {
        ($level:ident) => {
            tracing::event!(
                target: TARGET,
                tracing::Level::$level,
                what = event.what.name(),
                provider = event.provider,
                environment = event.environment,
                integration = event.integration,
                method = event.method,
                path = event.path,
                status = event.status,
                request_id = event.request_id,
                server_request_id = event.server_request_id,
                fingerprint = event.fingerprint,
                "{}",
                event.decision
            )
        };
    }
    match level {
        tracing::Level::WARN => at!(WARN),
        tracing::Level::INFO => at!(INFO),
        _ => at!(DEBUG),
    }
}

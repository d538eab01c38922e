//! Where audit events go: to the caller's function, and to `tracing`.

use auth_core::{AuditEvent, Connection, Failure, Severity, UnixTime};
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

    /// Delivers events, in order.
    pub(crate) fn deliver(&self, events: &[AuditEvent]) {
        for event in events {
            if let Some(callback) = &self.listener {
                callback(event);
            }
            trace(event);
        }
    }

    /// Delivers the event of a request that was refused before anything was sent.
    pub(crate) fn refused(&self, connection: &Connection, now: UnixTime, method: &str, failure: &Failure) {
        if self.is_wanted() {
            self.deliver(&[AuditEvent::refused(connection, now, method, failure)]);
        }
    }
}

fn trace(event: &AuditEvent) {
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
    match event.what.severity() {
        Severity::Warn => at!(WARN),
        Severity::Info => at!(INFO),
        Severity::Debug => at!(DEBUG),
    }
}

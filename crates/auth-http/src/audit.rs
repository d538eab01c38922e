//! Where audit events go: to the caller's function, and to `tracing`.

use auth_core::{AuditEvent, Connection, Failure, Severity, UnixTime};
use std::sync::Arc;

/// The target under which events are given to `tracing`.
const TARGET: &str = "ledgerauth";

type Listener = dyn Fn(&AuditEvent) + Send + Sync;

/// `Heard` is which events somebody listens to at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heard {
    /// None: they are not even made.
    Nothing,
    /// What is out of the ordinary: all but [`Sent`](auth_core::Audited::Sent) and [`Answered`](auth_core::Audited::Answered).
    AllButCalls,
    /// All of them.
    Everything,
}

/// Delivers audit events. Cloning is cheap.
#[derive(Clone, Default)]
pub(crate) struct Audit {
    listener: Option<Arc<Listener>>,
    heard: Option<Arc<dyn Fn() -> Heard + Send + Sync>>,
}

impl Audit {
    pub(crate) fn new(callback: impl Fn(&AuditEvent) + Send + Sync + 'static) -> Self {
        Self { listener: Some(Arc::new(callback)), heard: None }
    }

    /// The same, but only what `heard` says.
    pub(crate) fn heard_by(self, heard: impl Fn() -> Heard + Send + Sync + 'static) -> Self {
        Self { heard: Some(Arc::new(heard)), ..self }
    }

    /// What anybody listens to.
    pub(crate) fn heard(&self) -> Heard {
        let usual = if self.listener.is_some() { Heard::Everything } else { Heard::Nothing };
        self.heard.as_ref().map_or(usual, |heard| heard()).max(traced())
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
        if self.heard() > Heard::Nothing {
            self.deliver(&[AuditEvent::refused(connection, now, method, failure)]);
        }
    }
}

/// What `tracing` listens to.
fn traced() -> Heard {
    if tracing::enabled!(target: TARGET, tracing::Level::DEBUG) {
        Heard::Everything
    } else if tracing::enabled!(target: TARGET, tracing::Level::WARN) {
        Heard::AllButCalls
    } else {
        Heard::Nothing
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

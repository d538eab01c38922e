//! Where audit events go: to the caller's function, and to `tracing`.

use crate::audit_queue::{Listener, Queue};
use auth_core::{AuditEvent, Connection, Failure, FailureKind, Severity, UnixTime};
use std::sync::Arc;
use std::time::Duration;

/// The target under which events are given to `tracing`.
const TARGET: &str = "ledgerauth";

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

/// How long the end of a client waits for events to be delivered: five seconds, because a sink that is slower
/// may never answer.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);

/// Delivers audit events. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Audit {
    /// The program's function.
    listener: Option<Arc<Listener>>,
    /// A logger, which is called in the thread in which an event happens.
    log: Option<Arc<Listener>>,
    heard: Option<Arc<dyn Fn() -> Heard + Send + Sync>>,
    /// Whether calls wait for the program's function.
    pub(crate) blocks: bool,
    /// Whether the end of the client leaves events to their thread.
    pub(crate) outlives: bool,
    queue: Arc<Queue>,
}

impl Default for Audit {
    fn default() -> Self {
        Self { listener: None, log: None, heard: None, blocks: false, outlives: false, queue: Queue::new() }
    }
}

impl Audit {
    /// Calls this for every event.
    pub(crate) fn listened(self, callback: impl Fn(&AuditEvent) + Send + Sync + 'static) -> Self {
        Self { listener: Some(Arc::new(callback)), ..self }
    }

    /// Calls this for every event, in the thread in which it happens.
    pub(crate) fn logged(self, callback: impl Fn(&AuditEvent) + Send + Sync + 'static) -> Self {
        Self { log: Some(Arc::new(callback)), ..self }
    }

    /// The same, but only what `heard` says.
    pub(crate) fn heard_by(self, heard: impl Fn() -> Heard + Send + Sync + 'static) -> Self {
        Self { heard: Some(Arc::new(heard)), ..self }
    }

    /// The same for another client, with a queue of its own if it may have threads.
    pub(crate) fn of_client(self, has_threads: bool) -> Self {
        Self { queue: Queue::new(), blocks: self.blocks || !has_threads, ..self }
    }

    /// Waits until what was queued is delivered, or for five seconds.
    pub(crate) fn drain(&self) {
        self.queue.drain(DRAIN);
    }

    /// Refuses a call that the program's function makes through its own client: it would wait for itself.
    pub(crate) fn admit(&self) -> Result<(), Failure> {
        if (self.listener.is_none() && self.log.is_none()) || !self.queue.is_listening_here() {
            return Ok(());
        }
        let what = "on_audit called its own client, which waits for on_audit";
        let advice = "nothing was sent: hand the event to another thread, or call through another client";
        Err(Failure::new(FailureKind::Misuse, what, advice))
    }

    /// What anybody listens to.
    pub(crate) fn heard(&self) -> Heard {
        let listens = self.listener.is_some() || self.log.is_some();
        let usual = if listens { Heard::Everything } else { Heard::Nothing };
        self.heard.as_ref().map_or(usual, |heard| heard()).max(traced())
    }

    /// Delivers events, in order.
    pub(crate) fn deliver(&self, events: &[AuditEvent]) {
        for event in events {
            match &self.listener {
                Some(listener) if self.blocks => self.queue.call(&**listener, event),
                Some(listener) => self.queue.push(listener, event),
                None => {}
            }
            if let Some(log) = &self.log {
                self.queue.call(&**log, event);
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

    /// Delivers the event of a credential that the program handed over.
    pub(crate) fn handed_over(&self, connection: &Connection, now: UnixTime) {
        if self.heard() > Heard::Nothing {
            self.deliver(&[AuditEvent::handed_over(connection, now)]);
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

//! Audit events: to the program's own function, and to `logging`.

use crate::callbacks::Callbacks;
use crate::interrupt;
use crate::time;
use auth_http::core::Severity;
use auth_http::{AuditEvent, Audited, ClientBuilder, Heard};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

/// The lowest level that somebody reads; `logging`'s numbers are multiples of ten.
static LOGGED_FROM: AtomicU8 = AtomicU8::new(NEVER);
const NEVER: u8 = u8::MAX;
const DEBUG: u8 = 10;
const INFO: u8 = 20;
const WARNING: u8 = 30;

/// Lets a client's events go where somebody listens.
pub(crate) fn listen(builder: ClientBuilder, callbacks: &Arc<Callbacks>) -> ClientBuilder {
    let (heard, callbacks) = (Arc::new(AtomicBool::new(false)), Arc::clone(callbacks));
    Python::attach(|py| heard.store(callbacks.on_audit(py).is_some(), Ordering::Relaxed));
    let hears = Arc::clone(&heard);
    let all = move || match LOGGED_FROM.load(Ordering::Relaxed) {
        _ if hears.load(Ordering::Relaxed) => Heard::Everything,
        NEVER => Heard::Nothing,
        from if from > DEBUG => Heard::AllButCalls,
        _ => Heard::Everything,
    };
    let listens = heard.load(Ordering::Relaxed);
    let builder = builder.audit_as_heard(all).audit_outlives(true).on_audit_log(|event| {
        let level = level(event.what);
        if level >= LOGGED_FROM.load(Ordering::Relaxed) {
            interrupt::attached(|py| log(py, event, level));
        }
    });
    if !listens {
        return builder;
    }
    builder.on_audit(move |event| {
        interrupt::attached(|py| deliver(py, &callbacks, event));
    })
}

/// How long an exit or a fork waits for events that `on_audit` has not had.
const DRAIN: Duration = Duration::from_secs(5);

/// Waits for the events that `on_audit` of any client has not had: before the interpreter goes away, and before a fork.
pub(crate) fn drain(py: Python<'_>) {
    py.detach(|| auth_http::drain_audit(DRAIN));
}

/// Looks whether `logging` is in use, and from which level on. Called with the interpreter at hand, before each call.
pub(crate) fn look_at_logging(py: Python<'_>) {
    let from = logged_from(py).unwrap_or(NEVER);
    LOGGED_FROM.store(from, Ordering::Relaxed);
}

fn logged_from(py: Python<'_>) -> Option<u8> {
    static LOGGER: PyOnceLock<Logger> = PyOnceLock::new();
    let logger = LOGGER.get(py).or_else(|| {
        let logger = Logger::find(py)?;
        Some(LOGGER.get_or_init(py, || logger))
    })?;
    // Few programs read more than warnings, and the usual answer comes first. Warnings are rare enough to be handed to `logging` unasked.
    if !logger.reads(py, INFO) {
        return Some(WARNING);
    }
    Some(if logger.reads(py, DEBUG) { DEBUG } else { INFO })
}

/// Python's logger of ours, with what it remembers of its own answers: asking a function of Python's before each call would be the most expensive part of some calls.
struct Logger {
    is_enabled: Py<PyAny>,
    /// Its attributes, and the answers that it gave before; `logging` empties them when a level changes.
    known: Option<(Py<PyDict>, Py<PyDict>)>,
}

impl Logger {
    /// `None` in a program that has not imported `logging`, which reads nothing and need not pay for the import.
    fn find(py: Python<'_>) -> Option<Self> {
        static MODULES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
        let modules = MODULES.get_or_try_init(py, || PyResult::Ok(py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?.unbind()));
        let logging = modules.ok()?.bind(py).get_item("logging").ok()??;
        let logger = logging.call_method1("getLogger", ("ledgerauth",)).ok()?;
        let is_usual = || -> PyResult<bool> { Ok(logging.getattr("Logger")?.getattr(ASKED)?.is(logger.get_type().getattr(ASKED)?)) };
        let dict = |name| logger.getattr(name).ok()?.cast_into::<PyDict>().ok().map(Bound::unbind);
        let known = if is_usual().unwrap_or(false) { dict("__dict__").zip(dict("_cache")) } else { None };
        Some(Self { is_enabled: logger.getattr(ASKED).ok()?.unbind(), known })
    }

    fn reads(&self, py: Python<'_>, level: u8) -> bool {
        let known = self.known.as_ref().and_then(|(attributes, answers)| {
            let disabled = attributes.bind(py).get_item(intern!(py, "disabled")).ok()??;
            let answer = answers.bind(py).get_item(level).ok()??;
            Some(!disabled.is_truthy().ok()? && answer.is_truthy().ok()?)
        });
        known.unwrap_or_else(|| self.is_enabled.call1(py, (level,)).and_then(|reads| reads.is_truthy(py)).unwrap_or(false))
    }
}

/// The method that says whether a level is read.
const ASKED: &str = "isEnabledFor";

fn level(what: Audited) -> u8 {
    match what.severity() {
        Severity::Warn => WARNING,
        Severity::Info => INFO,
        Severity::Debug => DEBUG,
    }
}

fn deliver(py: Python<'_>, callbacks: &Callbacks, event: &AuditEvent) {
    let Some(listener) = callbacks.on_audit(py) else { return };
    let told = Bound::new(py, Event(event.clone())).and_then(|event| listener.call1(py, (event,)));
    if let Err(raised) = told {
        // Whatever the call that it is about comes to, it must not fail because of a listener.
        raised.write_unraisable(py, Some(listener.bind(py)));
    }
}

fn log(py: Python<'_>, event: &AuditEvent, level: u8) {
    let event = Bound::new(py, Event(event.clone()));
    let logged = event.and_then(|event| py.import("ledgerauth.logging")?.call_method1("_log", (level, event)));
    if let Err(raised) = logged {
        raised.write_unraisable(py, None);
    }
}

#[doc = doc!("AuditEvent")]
#[pyclass(frozen, module = "ledgerauth", name = "AuditEvent")]
pub(crate) struct Event(AuditEvent);

#[pymethods]
impl Event {
    #[doc = doc!("AuditEvent.at")]
    #[getter]
    fn at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        time::moment(py, self.0.at)
    }

    #[doc = doc!("AuditEvent.what")]
    #[getter]
    fn what(&self) -> &'static str {
        self.0.what.name()
    }

    #[doc = doc!("AuditEvent.decision")]
    #[getter]
    fn decision(&self) -> &str {
        &self.0.decision
    }

    #[doc = doc!("AuditEvent.provider")]
    #[getter]
    fn provider(&self) -> &str {
        &self.0.provider
    }

    #[doc = doc!("AuditEvent.environment")]
    #[getter]
    fn environment(&self) -> &str {
        &self.0.environment
    }

    #[doc = doc!("AuditEvent.integration")]
    #[getter]
    fn integration(&self) -> Option<&str> {
        self.0.integration.as_deref()
    }

    #[doc = doc!("AuditEvent.method")]
    #[getter]
    fn method(&self) -> Option<&str> {
        self.0.method.as_deref()
    }

    #[doc = doc!("AuditEvent.path")]
    #[getter]
    fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    #[doc = doc!("AuditEvent.status")]
    #[getter]
    fn status(&self) -> Option<u16> {
        self.0.status
    }

    #[doc = doc!("AuditEvent.request_id")]
    #[getter]
    fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    #[doc = doc!("AuditEvent.server_request_id")]
    #[getter]
    fn server_request_id(&self) -> Option<&str> {
        self.0.server_request_id.as_deref()
    }

    #[doc = doc!("AuditEvent.fingerprint")]
    #[getter]
    fn fingerprint(&self) -> Option<&str> {
        self.0.fingerprint.as_deref()
    }

    #[doc = doc!("AuditEvent.as_dict")]
    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let fields = PyDict::new(py);
        fields.set_item("at", self.0.at.to_string())?;
        fields.set_item("what", self.what())?;
        fields.set_item("decision", self.decision())?;
        for (name, value) in [
            ("provider", Some(self.provider())),
            ("environment", Some(self.environment())),
            ("integration", self.integration()),
            ("method", self.method()),
            ("path", self.path()),
            ("request_id", self.request_id()),
            ("server_request_id", self.server_request_id()),
            ("fingerprint", self.fingerprint()),
        ] {
            fields.set_item(name, value)?;
        }
        fields.set_item("status", self.status())?;
        Ok(fields)
    }

    fn __str__(&self) -> String {
        format!("{} {}: {}", self.0.provider, self.what(), self.0.decision)
    }

    fn __repr__(&self) -> String {
        format!("<ledgerauth.AuditEvent {}>", self.__str__())
    }
}

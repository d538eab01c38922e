//! Errors of Rust as exceptions of `ledgerauth.errors`, where their classes are written.

use auth_http::{Error, Failure};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// An error as an exception.
pub(crate) fn raised(py: Python<'_>, error: &Error, provider: Option<&str>) -> PyErr {
    let facts = PyDict::new(py);
    let filled = facts.set_item("provider", provider).and_then(|()| match error {
        Error::Failure(failure) => return_failure(&facts, failure),
        Error::Key(key) => {
            facts.set_item("fault", key.fault().name())?;
            facts.set_item("position", key.fault().position())?;
            facts.set_item("advice", error.advice())
        }
        _ => facts.set_item("advice", error.advice()),
    });
    let filled = filled.and_then(|()| facts.set_item("processed", error.processed().name()));
    filled.map_or_else(|failed| failed, |()| made(py, kind(error), &error.to_string(), &facts))
}

/// What is wrong with an answer, as an exception that is not raised.
pub(crate) fn failure(py: Python<'_>, failure: &Failure, provider: &str) -> PyErr {
    let facts = PyDict::new(py);
    let filled = facts.set_item("provider", provider).and_then(|()| return_failure(&facts, failure));
    filled.map_or_else(|failed| failed, |()| made(py, failure.kind().name(), &failure.to_string(), &facts))
}

/// An error that has nothing to tell but its kind, what happened and what to do.
pub(crate) fn plain(py: Python<'_>, kind: &str, what: &str, advice: &str) -> PyErr {
    let facts = PyDict::new(py);
    let filled = facts.set_item("advice", advice);
    filled.map_or_else(|failed| failed, |()| made(py, kind, &format!("{what}; {advice}"), &facts))
}

fn return_failure(facts: &Bound<'_, PyDict>, failure: &Failure) -> PyResult<()> {
    facts.set_item("advice", failure.advice())?;
    facts.set_item("status", failure.status())?;
    facts.set_item("code", failure.code())?;
    facts.set_item("server_message", failure.message())?;
    facts.set_item("request_id", failure.server_request_id().or(failure.request_id()))?;
    facts.set_item("limit", failure.limit())?;
    facts.set_item("retryable", failure.is_retryable())?;
    facts.set_item("processed", failure.processed().name())?;
    facts.set_item("come_back_at_millis", failure.come_back_at().map(auth_http::UnixTime::as_millis))
}

fn made(py: Python<'_>, kind: &str, message: &str, facts: &Bound<'_, PyDict>) -> PyErr {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let error = MAKE.import(py, "ledgerauth.errors", "_error").and_then(|make| make.call1((kind, message, facts)));
    error.map_or_else(|failed| failed, PyErr::from_value)
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::Failure(failure) => failure.kind().name(),
        Error::Key(_) => "key_format",
        Error::Profile(_) => "profile",
        Error::Source { .. } => "source_unavailable",
        Error::Json(_) => "body",
        Error::Interrupted(_) => "transport",
        _ => "setting",
    }
}

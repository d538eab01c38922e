//! Moments and spans between Rust and Python.

use crate::error;
use auth_http::UnixTime;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use std::time::Duration;

/// A moment as `datetime` in UTC.
pub(crate) fn moment(py: Python<'_>, at: UnixTime) -> PyResult<Bound<'_, PyAny>> {
    static MOMENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    MOMENT.import(py, "ledgerauth._time", "moment")?.call1((at.as_millis(),))
}

/// Seconds since the Unix epoch, out of whatever Python people write for a moment.
pub(crate) fn seconds(given: &Bound<'_, PyAny>) -> PyResult<f64> {
    given.py().import("ledgerauth._time")?.getattr("seconds")?.call1((given,))?.extract()
}

/// A span out of seconds.
pub(crate) fn span(py: Python<'_>, name: &str, seconds: f64) -> PyResult<Duration> {
    let fits = Duration::try_from_secs_f64(seconds).ok().filter(|span| !span.is_zero());
    fits.ok_or_else(|| error::plain(py, "setting", &format!("{name}={seconds} is not a span of time"), "give seconds, more than 0"))
}

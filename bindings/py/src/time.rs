//! Moments and spans between Rust and Python.

use crate::argument;
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

/// A moment, out of whatever Python people write for one; what is before 1970 is taken for its beginning.
pub(crate) fn read(name: &str, given: &Bound<'_, PyAny>) -> PyResult<UnixTime> {
    let py = given.py();
    let seconds = py.import("ledgerauth._time")?.getattr("seconds")?.call1((given,)).and_then(|seconds| seconds.extract::<f64>());
    let seconds = seconds.map_err(|failed| argument::about(name, py, failed))?;
    let since = Duration::try_from_secs_f64(if seconds < 0.0 { 0.0 } else { seconds }).ok();
    since.map(|since| UnixTime::default().after(since)).ok_or_else(|| {
        error::plain(py, "setting", &format!("{name}={seconds} is not a moment"), "give seconds since 1970, a datetime or ISO 8601")
    })
}

/// A span out of seconds.
pub(crate) fn span(py: Python<'_>, name: &str, seconds: f64) -> PyResult<Duration> {
    let fits = Duration::try_from_secs_f64(seconds).ok().filter(|span| !span.is_zero());
    fits.ok_or_else(|| error::plain(py, "setting", &format!("{name}={seconds} is not a span of time"), "give seconds, more than 0"))
}

//! The sandbox, in this process: for users' own tests.

use crate::error;
use auth_sandbox::{Options, Sandbox as Started, Service};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use std::sync::{Mutex, PoisonError};

/// Private to the package: `ledgerauth.testing.Sandbox` is what users see.
#[pyclass(frozen, module = "ledgerauth._ledgerauth", name = "_Sandbox")]
pub(crate) struct Sandbox {
    started: Mutex<Option<Started>>,
    /// The process that started it, which alone has its threads.
    process: u32,
}

impl Sandbox {
    fn with<R>(&self, py: Python<'_>, ask: impl FnOnce(&Started) -> R + Send) -> PyResult<R>
    where
        R: Send,
    {
        let asked = py.detach(|| self.started.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(ask));
        asked.ok_or_else(|| error::plain(py, "misuse", "the sandbox was closed", "start another one"))
    }
}

#[pymethods]
impl Sandbox {
    #[new]
    #[pyo3(signature = (*, tls, seed, ports, client_auth, limits, control))]
    fn new(py: Python<'_>, tls: bool, seed: Option<u64>, ports: u16, client_auth: bool, limits: bool, control: bool) -> PyResult<Self> {
        let options = Options { tls, seed, ports, client_auth, limits, control, ..Options::default() };
        let started =
            py.detach(|| Started::start(options)).map_err(|failed| PyOSError::new_err(format!("the sandbox did not start: {failed}")))?;
        Ok(Self { started: Mutex::new(Some(started)), process: std::process::id() })
    }

    /// The base URL of each service, by its name.
    fn urls(&self, py: Python<'_>) -> PyResult<Vec<(String, String)>> {
        self.with(py, |sandbox| Service::ALL.iter().map(|service| (service.name().to_owned(), sandbox.url(*service))).collect())
    }

    fn ca_pem(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |sandbox| sandbox.ca_pem().to_owned())
    }

    fn control_url(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.with(py, |sandbox| sandbox.control_url().map(ToOwned::to_owned))
    }

    /// What the control service answers to such a request, as JSON.
    fn steer(&self, py: Python<'_>, method: String, target: String, body: String) -> PyResult<String> {
        let answered = self.with(py, |sandbox| sandbox.steer(&method, &target, &body))?;
        answered.map(|answer| answer.to_string()).map_err(PyValueError::new_err)
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.end());
    }
}

impl Sandbox {
    fn end(&self) {
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner).take();
        if std::process::id() != self.process {
            // A forked child has none of its threads, and would wait for them for ever.
            std::mem::forget(started);
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.end();
    }
}

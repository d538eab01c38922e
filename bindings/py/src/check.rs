//! `Check`: is the credential good, and if not, what to do?

use crate::error;
use auth_http::Check as Checked;
use pyo3::prelude::*;
use std::sync::Arc;

#[doc = doc!("Check")]
#[pyclass(frozen, module = "ledgerauth", name = "Check")]
pub(crate) struct Check {
    checked: Checked,
    provider: Arc<str>,
}

impl Check {
    pub(crate) fn new(checked: Checked, provider: Arc<str>) -> Self {
        Self { checked, provider }
    }
}

#[pymethods]
impl Check {
    #[doc = doc!("Check.ok")]
    #[getter]
    fn ok(&self) -> bool {
        self.checked.is_ok()
    }

    #[doc = doc!("Check.status")]
    #[getter]
    fn status(&self) -> Option<u16> {
        self.checked.status()
    }

    #[doc = doc!("Check.advice")]
    #[getter]
    fn advice(&self) -> Option<String> {
        self.checked.advice()
    }

    #[doc = doc!("Check.error")]
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let failed = self.checked.error()?;
        Some(error::raised(py, failed, Some(&self.provider)).into_value(py).into_bound(py).into_any())
    }

    fn __bool__(&self) -> bool {
        self.checked.is_ok()
    }

    fn __str__(&self) -> String {
        self.checked.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<ledgerauth.Check {}>", self.checked)
    }
}

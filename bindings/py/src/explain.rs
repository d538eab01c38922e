//! `Explanation`: how a credential stands, to be pasted into a ticket.

use crate::key::KeyState;
use crate::time;
use auth_http::{SessionState, UnixTime};
use pyo3::prelude::*;
use pyo3::types::PyDict;

#[doc = doc!("Explanation")]
#[pyclass(frozen, module = "ledgerauth", name = "Explanation")]
pub(crate) struct Explanation(auth_http::Explanation);

impl From<auth_http::Explanation> for Explanation {
    fn from(explanation: auth_http::Explanation) -> Self {
        Self(explanation)
    }
}

#[pymethods]
impl Explanation {
    #[doc = doc!("Explanation.ok")]
    #[getter]
    fn ok(&self) -> bool {
        self.0.is_well()
    }

    #[doc = doc!("Explanation.advice")]
    #[getter]
    fn advice(&self) -> Option<String> {
        self.0.advice()
    }

    #[doc = doc!("Explanation.state")]
    #[getter]
    fn state(&self) -> &'static str {
        match self.0.state {
            SessionState::Empty => "empty",
            SessionState::Fresh => "fresh",
            SessionState::Stale => "stale",
            SessionState::Refreshing { .. } => "refreshing",
            SessionState::Unsaved => "unsaved",
            SessionState::Dead { .. } => "dead",
            _ => "unknown",
        }
    }

    #[doc = doc!("Explanation.provider")]
    #[getter]
    fn provider(&self) -> &str {
        &self.0.provider
    }

    #[doc = doc!("Explanation.environment")]
    #[getter]
    fn environment(&self) -> &str {
        &self.0.environment
    }

    #[doc = doc!("Explanation.integration")]
    #[getter]
    fn integration(&self) -> Option<&str> {
        self.0.integration.as_deref()
    }

    #[doc = doc!("Explanation.credential")]
    #[getter]
    fn credential(&self) -> &str {
        &self.0.credential
    }

    #[doc = doc!("Explanation.generation")]
    #[getter]
    fn generation(&self) -> u64 {
        self.0.generation
    }

    #[doc = doc!("Explanation.stored_generation")]
    #[getter]
    fn stored_generation(&self) -> Option<u64> {
        self.0.stored_generation
    }

    #[doc = doc!("Explanation.store_error")]
    #[getter]
    fn store_error(&self) -> Option<String> {
        self.0.store_error.as_ref().map(ToString::to_string)
    }

    #[doc = doc!("Explanation.stored_token_ends")]
    #[getter]
    fn stored_token_ends<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.stored_token_ends.map(|at| time::moment(py, at)).transpose()
    }

    #[doc = doc!("Explanation.token_ends")]
    #[getter]
    fn token_ends<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.token_ends.map(|at| time::moment(py, at)).transpose()
    }

    #[doc = doc!("Explanation.next_renewal")]
    #[getter]
    fn next_renewal<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.next_renewal.map(|at| time::moment(py, at)).transpose()
    }

    #[doc = doc!("Explanation.paused_until")]
    #[getter]
    fn paused_until<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.pause.as_ref().map(|(at, _)| time::moment(py, *at)).transpose()
    }

    #[doc = doc!("Explanation.needs_consent")]
    #[getter]
    fn needs_consent(&self) -> bool {
        self.0.needs_consent
    }

    #[doc = doc!("Explanation.needs_store")]
    #[getter]
    fn needs_store(&self) -> bool {
        self.0.needs_store
    }

    #[doc = doc!("Explanation.refused_since")]
    #[getter]
    fn refused_since<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.refusal.as_ref().map(|refusal| time::moment(py, refusal.since)).transpose()
    }

    #[doc = doc!("Explanation.next_probe")]
    #[getter]
    fn next_probe<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.refusal.as_ref().and_then(auth_http::core::Refusal::next_probe).map(|at| time::moment(py, at)).transpose()
    }

    #[doc = doc!("Explanation.last_error")]
    #[getter]
    fn last_error(&self) -> Option<String> {
        self.0.last_error.as_ref().map(|(_, failure)| failure.to_string())
    }

    #[doc = doc!("Explanation.keys")]
    #[getter]
    fn keys(&self) -> Vec<KeyState> {
        self.0.keys.iter().cloned().map(KeyState::from).collect()
    }

    #[doc = doc!("Explanation.skew_millis")]
    #[getter]
    fn skew_millis(&self) -> Option<i64> {
        self.0.skew_millis
    }

    #[doc = doc!("Explanation.as_dict")]
    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let fields = PyDict::new(py);
        let text = |at: Option<UnixTime>| at.map(|at| at.to_string());
        fields.set_item("at", self.0.at.to_string())?;
        fields.set_item("provider", self.provider())?;
        fields.set_item("environment", self.environment())?;
        fields.set_item("integration", self.integration())?;
        fields.set_item("credential", self.credential())?;
        fields.set_item("ok", self.ok())?;
        fields.set_item("state", self.state())?;
        fields.set_item("generation", self.generation())?;
        fields.set_item("stored_generation", self.stored_generation())?;
        fields.set_item("store_error", self.store_error())?;
        fields.set_item("stored_token_ends", text(self.0.stored_token_ends))?;
        fields.set_item("token_ends", text(self.0.token_ends))?;
        fields.set_item("next_renewal", text(self.0.next_renewal))?;
        fields.set_item("forecast", self.0.forecast.map(|forecast| forecast.to_string()))?;
        fields.set_item("needs_consent", self.needs_consent())?;
        fields.set_item("needs_store", self.needs_store())?;
        fields.set_item("spending_since", text(self.0.spending_since))?;
        let refusal = self.0.refusal.as_ref();
        fields.set_item("refused_since", text(refusal.map(|refusal| refusal.since)))?;
        fields.set_item("next_probe", text(refusal.and_then(auth_http::core::Refusal::next_probe)))?;
        fields.set_item("spending_attempts", self.0.spending_attempts)?;
        fields.set_item("paused_until", text(self.0.pause.as_ref().map(|(at, _)| *at)))?;
        fields.set_item("last_error", self.last_error())?;
        fields.set_item("advice", self.advice())?;
        fields.set_item("skew_millis", self.skew_millis())?;
        Ok(fields)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<ledgerauth.Explanation {} {}: {}>", self.0.provider, self.0.environment, self.state())
    }
}

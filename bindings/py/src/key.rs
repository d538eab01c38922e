//! Keys as Python sees them: what is given, and how they stand.

use crate::argument::Text;
use crate::time;
use auth_http::{KeyAge, KeyNotes, Secret};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::time::SystemTime;

#[doc = doc!("Key")]
#[pyclass(frozen, module = "ledgerauth", name = "Key")]
pub(crate) struct Key {
    given: auth_http::Key,
    notes: KeyNotes,
}

#[pymethods]
impl Key {
    #[new]
    #[pyo3(signature = (key, *, name=None, id=None, created=None, integration=None, permissions=None, relaxed=false))]
    fn new(
        key: &Bound<'_, PyString>,
        name: Option<Text>,
        id: Option<Text>,
        created: Option<&Bound<'_, PyAny>>,
        integration: Option<Text>,
        permissions: Option<Vec<Text>>,
        relaxed: bool,
    ) -> PyResult<Self> {
        let mut given = auth_http::Key::new(secret(key)?);
        let mut notes = KeyNotes {
            name: Text::given(name),
            id: Text::given(id),
            integration: Text::given(integration),
            permissions: permissions.unwrap_or_default().into_iter().map(|word| word.0).collect(),
            ..KeyNotes::default()
        }
        .showable();
        if let Some(created) = created {
            notes.created = Some(time::read("created", created)?);
        }
        given = given.notes(notes.clone());
        if relaxed {
            given = given.relaxed();
        }
        Ok(Self { given, notes })
    }

    #[doc = doc!("Key.name")]
    #[getter]
    fn name(&self) -> Option<&str> {
        self.notes.name.as_deref()
    }

    fn __repr__(&self) -> String {
        match &self.notes.name {
            Some(name) => format!("<ledgerauth.Key {name:?} [redacted]>"),
            None => "<ledgerauth.Key [redacted]>".into(),
        }
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let advice = "let each process read it: Client.from_env, Client.from_file or Client.from_callable";
        Err(crate::error::plain(py, "misuse", "a key is not pickled, because the secret would be in it", advice))
    }
}

/// Reads a key from a text or a [`Key`].
pub(crate) fn given(key: &Bound<'_, PyAny>) -> PyResult<auth_http::Key> {
    if let Ok(key) = key.cast::<Key>() {
        return Ok(key.get().given.clone());
    }
    if let Ok(notes) = key.cast::<PyDict>() {
        let text =
            notes.get_item("key")?.ok_or_else(|| PyTypeError::new_err("the dict has no \"key\": give the key itself under that name"))?;
        let others = notes.copy()?;
        others.del_item("key")?;
        let key = key.py().get_type::<Key>().call((text,), Some(&others))?;
        return given(&key);
    }
    Ok(auth_http::Key::new(secret(key.cast()?)?))
}

/// A secret out of a Python text. That text itself cannot be wiped.
pub(crate) fn secret(text: &Bound<'_, PyString>) -> PyResult<Secret> {
    Ok(Secret::new(crate::argument::text("the secret", text)?))
}

#[doc = doc!("KeyState")]
#[pyclass(frozen, module = "ledgerauth", name = "KeyState")]
pub(crate) struct KeyState(auth_http::KeyState);

impl From<auth_http::KeyState> for KeyState {
    fn from(state: auth_http::KeyState) -> Self {
        Self(state)
    }
}

#[pymethods]
impl KeyState {
    #[doc = doc!("KeyState.name")]
    #[getter]
    fn name(&self) -> Option<&str> {
        self.0.notes.name.as_deref()
    }

    #[doc = doc!("KeyState.id")]
    #[getter]
    fn id(&self) -> Option<&str> {
        self.0.notes.id.as_deref()
    }

    #[doc = doc!("KeyState.prefix")]
    #[getter]
    fn prefix(&self) -> &str {
        &self.0.prefix
    }

    #[doc = doc!("KeyState.integrations")]
    #[getter]
    fn integrations(&self) -> Vec<String> {
        self.0.integrations.clone()
    }

    #[doc = doc!("KeyState.in_use")]
    #[getter]
    fn in_use(&self) -> bool {
        self.0.in_use
    }

    #[doc = doc!("KeyState.age")]
    #[getter]
    fn age(&self) -> String {
        self.0.age.to_string()
    }

    #[doc = doc!("KeyState.ends")]
    #[getter]
    fn ends<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.age.ends().map(|at| time::moment(py, at)).transpose()
    }

    #[doc = doc!("KeyState.expires")]
    #[getter]
    fn expires(&self) -> bool {
        self.0.age != KeyAge::Unlimited
    }

    #[doc = doc!("KeyState.days_left")]
    #[getter]
    fn days_left(&self) -> Option<f64> {
        let now = auth_http::UnixTime::default().after(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
        match self.0.age {
            KeyAge::Expired { .. } => Some(0.0),
            age => age.ends().map(|ends| ends.since(now).as_secs_f64() / 86_400.0),
        }
    }

    #[doc = doc!("KeyState.refused")]
    #[getter]
    fn refused(&self) -> Option<String> {
        self.0.refused.as_ref().map(ToString::to_string)
    }

    #[doc = doc!("KeyState.last_needed")]
    #[getter]
    fn last_needed<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.last_needed.map(|at| time::moment(py, at)).transpose()
    }

    fn __repr__(&self) -> String {
        let name = self.name().or(self.id()).map_or_else(|| format!("{}…", self.0.prefix), |name| format!("{name:?}"));
        let place = if self.0.in_use { "in use, " } else { "" };
        let refused = if self.0.refused.is_some() { ", refused" } else { "" };
        format!("<ledgerauth.KeyState {name}: {place}{}{refused}>", self.0.age)
    }
}

#[doc = doc!("PlanStep")]
#[pyclass(frozen, module = "ledgerauth", name = "PlanStep")]
pub(crate) struct PlanStep {
    by: auth_http::UnixTime,
    what: String,
}

impl PlanStep {
    pub(crate) fn all(plan: auth_http::RotationPlan) -> Vec<Self> {
        plan.steps.into_iter().map(|step| Self { by: step.by, what: step.what }).collect()
    }
}

#[pymethods]
impl PlanStep {
    #[doc = doc!("PlanStep.by")]
    #[getter]
    fn by<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        time::moment(py, self.by)
    }

    #[doc = doc!("PlanStep.what")]
    #[getter]
    fn what(&self) -> &str {
        &self.what
    }

    fn __str__(&self) -> String {
        format!("by {}: {}", self.by, self.what)
    }

    fn __repr__(&self) -> String {
        format!("<ledgerauth.PlanStep {}>", self.__str__())
    }
}

//! Header fields as a mapping whose names are compared without case.

use auth_http::http::{HeaderMap, HeaderName};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::PyList;

#[doc = doc!("Headers")]
#[pyclass(frozen, mapping, module = "ledgerauth", name = "Headers")]
pub(crate) struct Headers(HeaderMap);

impl Headers {
    pub(crate) fn new(fields: HeaderMap) -> Self {
        Self(fields)
    }

    /// All values of a field, joined by commas (RFC 9110 section 5.3); what is not UTF-8 is read as Latin-1.
    fn joined(&self, name: &str) -> Option<String> {
        let values: Vec<String> = self.0.get_all(name).iter().map(text).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.keys()
    }
}

#[pymethods]
impl Headers {
    fn __getitem__(&self, name: String) -> PyResult<String> {
        self.joined(&name).ok_or_else(|| PyKeyError::new_err(name))
    }

    fn __contains__(&self, name: &Bound<'_, PyAny>) -> bool {
        name.extract::<String>().is_ok_and(|name| self.0.contains_key(name))
    }

    fn __len__(&self) -> usize {
        self.0.keys_len()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyList::new(py, self.keys())?.try_iter()?.into_any())
    }

    #[pyo3(signature = (name, default=None, /))]
    fn get<'py>(&self, py: Python<'py>, name: String, default: Option<Bound<'py, PyAny>>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.joined(&name) {
            Some(value) => Ok(Some(value.into_pyobject(py)?.into_any())),
            None => Ok(default),
        }
    }

    #[doc = doc!("Headers.get_list")]
    fn get_list(&self, name: String) -> Vec<String> {
        self.0.get_all(&name).iter().map(text).collect()
    }

    fn keys(&self) -> Vec<String> {
        self.names().map(ToString::to_string).collect()
    }

    fn values(&self) -> Vec<String> {
        self.names().filter_map(|name| self.joined(name.as_str())).collect()
    }

    fn items(&self) -> Vec<(String, String)> {
        self.names().filter_map(|name| Some((name.to_string(), self.joined(name.as_str())?))).collect()
    }

    fn __repr__(&self) -> String {
        format!("<ledgerauth.Headers {}>", self.keys().join(", "))
    }
}

fn text(value: &auth_http::http::HeaderValue) -> String {
    let bytes = value.as_bytes();
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), Into::into)
}

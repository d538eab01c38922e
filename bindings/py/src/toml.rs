//! TOML for Python: a reader that all supported versions have, with the line of a fault.

use crate::error;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The table of a text in TOML as a dict. What is no text, whole number, number, truth value, list or table is refused.
#[pyfunction]
pub(crate) fn _read_toml<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyDict>> {
    let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let refused = |at: usize, what: &str| error::plain(py, "setting", &format!("line {}: {}", line(at), what.trim()), "write it as TOML");
    let table = DeTable::parse(text).map_err(|failed| refused(failed.span().map_or(0, |span| span.start), failed.message()))?;
    dict(py, table.get_ref(), &refused)
}

type Refused<'a> = &'a dyn Fn(usize, &str) -> PyErr;

fn dict<'py>(py: Python<'py>, table: &DeTable<'_>, refused: Refused<'_>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in table {
        dict.set_item(name.get_ref(), object(py, value, refused)?)?;
    }
    Ok(dict)
}

fn object<'py>(py: Python<'py>, value: &Spanned<DeValue<'_>>, refused: Refused<'_>) -> PyResult<Bound<'py, PyAny>> {
    let fault = |what: &str| refused(value.span().start, what);
    Ok(match value.get_ref() {
        DeValue::String(text) => PyString::new(py, text).into_any(),
        DeValue::Boolean(is) => is.into_pyobject(py)?.to_owned().into_any(),
        DeValue::Integer(number) => {
            let number = i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| fault("this number is too large"))?;
            number.into_pyobject(py)?.into_any()
        }
        DeValue::Float(number) => {
            let number: f64 = number.as_str().parse().map_err(|_| fault("this is no number"))?;
            number.into_pyobject(py)?.into_any()
        }
        DeValue::Array(values) => {
            PyList::new(py, values.iter().map(|value| object(py, value, refused)).collect::<PyResult<Vec<_>>>()?)?.into_any()
        }
        DeValue::Table(table) => dict(py, table, refused)?.into_any(),
        DeValue::Datetime(_) => return Err(fault("a date is expected nowhere here")),
    })
}

//! Arguments that are read one by one, because they come as a dict: an error says which of them it is about.

use crate::error;
use auth_http::{Looks, Shown};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyUnicodeEncodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// Takes an argument out of what was given; `None` counts as not given.
pub(crate) fn take<'py>(arguments: &Bound<'py, PyDict>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let value = arguments.get_item(name)?;
    if value.is_some() {
        arguments.del_item(name)?;
    }
    Ok(value.filter(|value| !value.is_none()))
}

/// An argument in Rust's words.
pub(crate) fn read<'a, 'py, T: FromPyObject<'a, 'py>>(name: &str, given: &'a Bound<'py, PyAny>) -> PyResult<T> {
    given.extract().map_err(|failed: T::Error| about(name, given.py(), failed.into()))
}

/// A text in UTF-8; one that is none is refused without being held by the error.
pub(crate) fn text(name: &str, given: &Bound<'_, PyString>) -> PyResult<String> {
    Ok(given.to_cow().map_err(|failed| about(name, given.py(), failed))?.into_owned())
}

/// A text argument that a signature takes: where it is no text in UTF-8, the error holds none of it.
pub(crate) struct Text(pub(crate) String);

impl<'a, 'py> FromPyObject<'a, 'py> for Text {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        given.extract().map(Self).map_err(|failed: PyErr| about("the text", given.py(), failed))
    }
}

impl Text {
    pub(crate) fn given(text: Option<Self>) -> Option<String> {
        text.map(|text| text.0)
    }
}

/// A path that a signature takes, as [`Text`].
pub(crate) struct Place(pub(crate) std::path::PathBuf);

impl<'a, 'py> FromPyObject<'a, 'py> for Place {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        given.extract().map(Self).map_err(|failed: PyErr| about("the path", given.py(), failed))
    }
}

/// Takes an argument and reads it.
pub(crate) fn taken<'py, T>(arguments: &Bound<'py, PyDict>, name: &str) -> PyResult<Option<T>>
where
    T: for<'a> FromPyObject<'a, 'py>,
{
    take(arguments, name)?.map(|given| read(name, &given)).transpose()
}

/// Reads each element of an argument.
pub(crate) fn each<'py, T>(name: &str, given: &Bound<'py, PyAny>, read: impl Fn(&Bound<'py, PyAny>) -> PyResult<T>) -> PyResult<Vec<T>> {
    if given.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err(format!("{name} takes several, and this is one text; put it into a list")));
    }
    let py = given.py();
    let items = given.try_iter().map_err(|failed| about(name, py, failed))?;
    items.enumerate().map(|(index, item)| read(&item?).map_err(|failed| about(&format!("{name}[{index}]"), py, failed))).collect()
}

/// Refuses what nobody has taken.
pub(crate) fn refuse_others(function: &str, arguments: &Bound<'_, PyDict>) -> PyResult<()> {
    match arguments.keys().iter().next() {
        None => Ok(()),
        Some(name) => Err(PyTypeError::new_err(format!("{function} got an unexpected keyword argument '{}'", name.extract::<String>()?))),
    }
}

/// The same error of Python's, which says what is wrong with a value, with the argument's name before it; other errors say so by themselves.
pub(crate) fn about(name: &str, py: Python<'_>, failed: PyErr) -> PyErr {
    let kind = failed.get_type(py);
    if failed.is_instance_of::<PyUnicodeEncodeError>(py) {
        // Python's error holds the whole text, which could be a secret.
        let what = format!("{name} has half of a surrogate pair in it, so it is no text in UTF-8");
        return error::plain(py, "key_format", &what, "read it as UTF-8, and copy it again");
    }
    let is_plain =
        [py.get_type::<PyTypeError>(), py.get_type::<PyValueError>(), py.get_type::<PyOverflowError>()].iter().any(|known| kind.is(known));
    if is_plain { PyErr::from_type(kind, format!("{name}: {}", failed.value(py))) } else { failed }
}

/// Whether a request of that method may be sent again, whatever became of the first.
#[pyfunction]
pub(crate) fn _is_idempotent(method: &str) -> bool {
    auth_http::core::is_idempotent(method)
}

/// A text as an error that Python code raises may quote it.
#[pyfunction]
pub(crate) fn _shown(text: Text, looks: &str) -> String {
    let looks = match looks {
        "variable" => Looks::Variable,
        "path" => Looks::Path,
        _ => Looks::Word,
    };
    Shown::new(&text.0, looks).to_string()
}

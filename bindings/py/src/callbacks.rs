//! The functions of Python's that a client calls. They are kept in one place, so that the garbage collector finds them.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use std::sync::{Mutex, PoisonError};

/// What a client calls.
#[derive(Default)]
pub(crate) struct Callbacks {
    source: Mutex<Option<Py<PyAny>>>,
    on_audit: Mutex<Option<Py<PyAny>>>,
}

impl Callbacks {
    pub(crate) fn set_source(&self, function: Py<PyAny>) {
        *self.source.lock().unwrap_or_else(PoisonError::into_inner) = Some(function);
    }

    pub(crate) fn set_on_audit(&self, function: Py<PyAny>) {
        *self.on_audit.lock().unwrap_or_else(PoisonError::into_inner) = Some(function);
    }

    pub(crate) fn source(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|function| function.clone_ref(py))
    }

    pub(crate) fn on_audit(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.on_audit.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|function| function.clone_ref(py))
    }

    /// The name of the credential's function, as its author wrote it.
    pub(crate) fn source_name(&self, py: Python<'_>) -> String {
        let name = self.source(py).and_then(|function| function.bind(py).getattr("__qualname__").ok()?.extract().ok());
        name.unwrap_or_else(|| "given".into())
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        for slot in [&self.source, &self.on_audit] {
            // While it is being read it is in use, and so are we.
            if let Ok(slot) = slot.try_lock() {
                visit.call(&*slot)?;
            }
        }
        Ok(())
    }

    pub(crate) fn clear(&self) {
        for slot in [&self.source, &self.on_audit] {
            drop(slot.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

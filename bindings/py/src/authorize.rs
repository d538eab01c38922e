//! `Client.authorize` as a bare method of the interpreter's: it is called for every request of whoever sends by himself, and its work takes less time than the usual
//! unpacking of arguments.

#![expect(unsafe_code, reason = "a method with one argument, called by the interpreter itself")]

use crate::client::Client;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// The interpreter keeps a pointer to it for ever.
struct Method(std::cell::UnsafeCell<ffi::PyMethodDef>);

// SAFETY: nobody writes to it after it was made.
unsafe impl Sync for Method {}

static METHOD: Method = Method(std::cell::UnsafeCell::new(ffi::PyMethodDef {
    ml_name: c"authorize".as_ptr(),
    ml_meth: ffi::PyMethodDefPointer { PyCFunction: authorize },
    ml_flags: ffi::METH_O,
    ml_doc: concat!("authorize($self, path, /)\n--\n\n", doc!("Client.authorize"), "\0").as_ptr().cast(),
}));

/// Adds the method to the class.
pub(crate) fn add(py: Python<'_>) -> PyResult<()> {
    let class = py.get_type::<Client>();
    // SAFETY: we are attached, the class is alive, and the definition lives for ever. A failure is an exception and a null pointer.
    let method = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewMethod(class.as_type_ptr(), METHOD.0.get()))? };
    class.setattr("authorize", method)
}

unsafe extern "C" fn authorize(client: *mut ffi::PyObject, path: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: CPython calls methods attached, with living arguments.
    let (py, client, path) = unsafe {
        let py = Python::assume_attached();
        (py, Borrowed::from_ptr(py, client), Borrowed::from_ptr(py, path))
    };
    // SAFETY: the descriptor has checked that the object is of the class, or of one derived from it.
    let client = unsafe { client.cast_unchecked::<Client>() };
    // Without permissions declared, a path of the own host needs no look.
    if is_path(path)
        && let Ok(engine) = client.get().engine(py)
        && let Some(value) = engine.fresh_header(py)
    {
        return value.into_ptr();
    }
    // From here on it takes its time. No panic may reach CPython.
    let slowly = catch_unwind(AssertUnwindSafe(|| {
        Python::attach(|py| {
            let path = path.cast::<PyString>().map_err(|_| PyTypeError::new_err("path is not a str"))?.extract::<String>()?;
            client.get().engine(py)?.authorize(py, &path)
        })
    }));
    match slowly {
        Ok(Ok(value)) => value.into_ptr(),
        Ok(Err(raised)) => {
            raised.restore(py);
            ptr::null_mut()
        }
        Err(_) => {
            pyo3::exceptions::PySystemError::new_err("ledgerauth failed in authorize; report this as a bug of ledgerauth").restore(py);
            ptr::null_mut()
        }
    }
}

/// Whether a path starts with one slash, so that it stays on the client's own host: `//host` names another.
fn is_path(path: Borrowed<'_, '_, PyAny>) -> bool {
    let slash = |index| {
        // SAFETY: `path` is alive and we are attached; what is no text, or too short, is answered with an exception, which is taken away.
        let character = unsafe { ffi::PyUnicode_ReadChar(path.as_ptr(), index) };
        if character == u32::MAX {
            drop(PyErr::take(path.py()));
        }
        character == u32::from(b'/')
    };
    slash(0) && !slash(1)
}

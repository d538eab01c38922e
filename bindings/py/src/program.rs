//! The programs of Rust that the command line `ledgerauth` has beside its own.

use pyo3::prelude::*;
use std::ffi::OsString;

/// The sandbox as `ledgerauth sandbox`, until it is stopped; its exit status.
#[pyfunction]
pub(crate) fn _run_sandbox(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<u8> {
    Ok(py.detach(|| auth_sandbox::program::run("ledgerauth sandbox", arguments))?)
}

/// The demo as `ledgerauth demo`; its exit status.
#[pyfunction]
pub(crate) fn _run_demo(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<u8> {
    Ok(py.detach(|| auth_demo::run("ledgerauth demo", arguments))?)
}

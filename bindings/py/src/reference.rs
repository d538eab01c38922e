//! What a pickled client consists of: the names of its provider, its source, its store and its functions, and nothing secret.
//!
//! Paths are made absolute when the client is made, because a worker has a working folder of its own. What Python does with the names stands in `_attach.py`.

use crate::callbacks::Callbacks;
use crate::client::Client;
use crate::engine::Cell;
use crate::error;
use crate::provider;
use crate::store;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::path::{Path, PathBuf};

/// Where a client's credential came from.
#[derive(Clone)]
pub(crate) enum Origin {
    /// A value in the program.
    Literal,
    /// These environment variables.
    Env(Vec<String>),
    /// This file.
    File(PathBuf),
    /// A function.
    Callable,
}

/// What a pickle names, kept from when the client was made: neither the provider nor the options hold a secret.
pub(crate) struct Reference {
    origin: Origin,
    provider: Py<PyAny>,
    options: Py<PyDict>,
}

impl Reference {
    pub(crate) fn new(origin: Origin, provider: &Bound<'_, PyAny>, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let options = options.copy()?;
        for name in ["ca_file", "client_certificate", "client_key", "store"] {
            if let Some(path) = options.get_item(name)?.and_then(|given| given.extract::<PathBuf>().ok())
                && !path.to_str().is_some_and(store::is_redis)
            {
                options.set_item(name, absolute(&path))?;
            }
        }
        Ok(Self { origin, provider: provider::name(provider)?.unbind(), options: options.unbind() })
    }

    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        Self { origin: self.origin.clone(), provider: self.provider.clone_ref(py), options: self.options.clone_ref(py) }
    }

    /// What `__reduce__` returns; refused where a secret would have to be in it, or be used by two processes that cannot see each other.
    pub(crate) fn reduce<'py>(&self, client: &Bound<'py, Client>, cell: &Cell, callbacks: &Callbacks) -> PyResult<Bound<'py, PyAny>> {
        let (py, options) = (client.py(), self.options.bind(client.py()));
        let refused = |what: &str, advice: &str| Err(error::plain(py, "misuse", what, advice));
        let (maker, source) = match &self.origin {
            Origin::Literal => {
                return refused(
                    "a client made from a literal secret is not pickled, because the secret would be in it",
                    "make it with Client.from_env, Client.from_file or Client.from_callable: then the pickle names the source, and the worker reads it",
                );
            }
            Origin::Env(names) => ("from_env", PyTuple::new(py, names)?),
            Origin::File(path) => ("from_file", PyTuple::new(py, [path])?),
            Origin::Callable => ("from_callable", PyTuple::new(py, [callbacks.source(py)])?),
        };
        if cell.is_alone() {
            let what = "a client with a refresh token and no shared store is not pickled, because two processes that use one refresh token kill it";
            return refused(what, "share it by store=");
        }
        if options.get_item("proxy")?.is_some_and(|proxy| proxy.extract::<String>().is_ok_and(|proxy| proxy.contains('@'))) {
            let what = "the client's proxy has a password, which would be in the pickle";
            return refused(what, "leave proxy out and set HTTPS_PROXY where the workers run");
        }
        if let Some(store) = options.get_item("store")? {
            store::check_nameable(&store)?;
        }
        py.import("ledgerauth._attach")?.call_method1("reference", (client, maker, &self.provider, source, options))
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.provider)?;
        visit.call(&self.options)
    }
}

/// The same path from wherever it is opened.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    // An empty path stays what it is, and is refused where it is opened.
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}

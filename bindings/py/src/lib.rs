//! The extension module `ledgerauth._ledgerauth`: `auth-http` behind Python's conventions.
//!
//! Nothing is decided here. Each file is one thing that Python sees; what they are for is said in `_ledgerauth.pyi`, where Python's readers look. Waits are done
//! without the interpreter (`interrupt`), errors are raised as the classes of `ledgerauth/errors.py` (`error`), a forked child gets clients of its own (`engine`).

include!(concat!(env!("OUT_DIR"), "/docs.rs"));

mod argument;
mod audit;
mod authorize;
mod call;
mod callbacks;
mod check;
mod client;
mod credential;
mod engine;
mod error;
mod exchange;
mod explain;
mod headers;
mod interrupt;
mod kept;
mod key;
mod login;
mod options;
mod program;
mod provider;
mod redact;
mod reference;
mod response;
mod sandbox;
mod store;
mod time;
mod toml;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// Safe without the global lock: every class is frozen, and what changes is behind locks of its own.
#[pymodule(gil_used = false)]
mod _ledgerauth {
    use super::{Bound, PyModule, PyModuleMethods, PyResult, PyTuple};
    #[pymodule_export]
    use crate::argument::{_is_idempotent, _shown};
    #[pymodule_export]
    use crate::audit::Event;
    #[pymodule_export]
    use crate::check::Check;
    #[pymodule_export]
    use crate::client::Client;
    #[pymodule_export]
    use crate::engine::{_after_fork_in_child, _after_fork_in_parent, _before_fork};
    #[pymodule_export]
    use crate::exchange::Exchange;
    #[pymodule_export]
    use crate::explain::Explanation;
    #[pymodule_export]
    use crate::headers::Headers;
    #[pymodule_export]
    use crate::interrupt::_at_exit;
    #[pymodule_export]
    use crate::key::{Key, KeyState, PlanStep};
    #[pymodule_export]
    use crate::options::_command_line;
    #[pymodule_export]
    use crate::program::{_run_demo, _run_sandbox};
    #[pymodule_export]
    use crate::provider::{profile_page, provider_facts, provider_names, provider_text};
    #[pymodule_export]
    use crate::redact::{Redactor, Stream};
    #[pymodule_export]
    use crate::response::{Pieces, Response};
    #[pymodule_export]
    use crate::sandbox::Sandbox;
    #[pymodule_export]
    use crate::store::{FileStore, RedisStore};
    #[pymodule_export]
    use crate::toml::_read_toml;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::authorize::add(module.py())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("_CREDENTIAL_NAMES", PyTuple::new(module.py(), crate::credential::NAMES)?)
    }
}

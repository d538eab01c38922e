//! Credentials out of what Python gives: values, variables, files, functions.

use crate::callbacks::Callbacks;
use crate::error;
use crate::interrupt;
use crate::key;
use auth_http::{Credential, Error, Secret};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::sync::Arc;

/// Where a client's credential came from: what a pickled client names instead of it.
#[derive(Clone)]
pub(crate) enum Origin {
    /// A value in the program.
    Literal,
    /// These environment variables.
    Env(Vec<String>),
    /// This file.
    File(String),
    /// A function, which Python pickles by its name.
    Callable,
}

/// The arguments that hold secrets. They are read here and kept nowhere else.
const SECRETS: [&str; 5] = ["api_key", "api_keys", "client_id", "client_secret", "refresh_token"];

/// Takes the credential out of a client's arguments.
pub(crate) fn take(py: Python<'_>, arguments: &Bound<'_, PyDict>) -> PyResult<Option<Credential>> {
    let mut given = [None, None, None, None, None];
    for (name, slot) in SECRETS.iter().zip(&mut given) {
        *slot = arguments.get_item(name)?.filter(|value| !value.is_none());
        if arguments.contains(name)? {
            arguments.del_item(name)?;
        }
    }
    let text = |value: &Bound<'_, PyAny>| key::secret(value.cast::<PyString>()?);
    let plain = |value: &Bound<'_, PyAny>| value.extract::<String>();
    Ok(Some(match &given {
        [Some(key), None, None, None, None] => Credential::key(key::given(key)?),
        [None, Some(keys), None, None, None] => Credential::keys(each(keys, key::given)?),
        [None, None, Some(id), Some(secret), None] => Credential::client(plain(id)?, text(secret)?),
        [None, None, Some(id), Some(secret), Some(token)] => Credential::refresh_token(plain(id)?, text(secret)?, text(token)?),
        [None, None, None, None, None] => return Ok(None),
        _ => {
            let advice = "give api_key, or api_keys, or client_id and client_secret, perhaps with refresh_token";
            return Err(error::plain(py, "misuse", "the credential's arguments do not fit together", advice));
        }
    }))
}

/// Whether it can be used by one process only.
pub(crate) fn is_single_use(arguments: &Bound<'_, PyDict>) -> PyResult<bool> {
    Ok(arguments.get_item("refresh_token")?.is_some_and(|token| !token.is_none()))
}

/// From environment variables: one holds a key, two a client's id and secret. Without names, those made of the provider's.
pub(crate) fn from_env(py: Python<'_>, provider: &str, names: &[String]) -> PyResult<(Credential, Origin)> {
    let prefix = provider.to_ascii_uppercase().replace('-', "_");
    let (key, id, secret) = (format!("{prefix}_API_KEY"), format!("{prefix}_CLIENT_ID"), format!("{prefix}_CLIENT_SECRET"));
    let names = match names {
        [] if std::env::var_os(&key).is_some() => vec![key],
        [] if std::env::var_os(&id).is_some() => vec![id, secret],
        [] => {
            let what = format!("none of the environment variables {key} and {id} is set");
            return Err(error::plain(py, "source_unavailable", &what, "export the key, or id and secret, or name other variables"));
        }
        given => given.to_vec(),
    };
    let credential = match names.as_slice() {
        [key] => Credential::from_env(key),
        [id, secret] => Credential::client_from_env(id, secret),
        _ => return Err(error::plain(py, "misuse", "there are more than two variables", "name one for a key, two for id and secret")),
    };
    Ok((credential.map_err(|failed| error::raised(py, &failed, Some(provider)))?, Origin::Env(names)))
}

/// From a function of Python's, which is asked now, and again whenever the API refuses what it gave.
pub(crate) fn from_callable(py: Python<'_>, callbacks: &Arc<Callbacks>) -> PyResult<Credential> {
    let callbacks = Arc::clone(callbacks);
    let name = callbacks.source_name(py);
    let ask = move || {
        let refused = |reason: &str| Error::Source { source: format!("the function {name}"), reason: reason.into() };
        let asked = interrupt::attached(|py| {
            let given = callbacks.source(py).ok_or_else(|| refused("it is gone, with the client it belonged to"))?;
            given.call0(py).and_then(|given| from_returned(given.bind(py))).map_err(|raised| {
                let kind = raised.get_type(py).name().map_or_else(|_| "an error".into(), |kind| kind.to_string());
                interrupt::keep(raised);
                // Its text may hold what it read.
                refused(&format!("it raised {kind}: call it by itself to see why"))
            })
        });
        asked.unwrap_or_else(|| Err(refused("the interpreter is shutting down")))
    };
    interrupt::detached(py, || Credential::from_callback(ask))?.map_err(|failed| error::raised(py, &failed, None))
}

/// What a function returned: a key, a list of keys, or a dict with the names of [`SECRETS`].
fn from_returned(given: &Bound<'_, PyAny>) -> PyResult<Credential> {
    let py = given.py();
    if let Ok(fields) = given.cast::<PyDict>() {
        let fields = fields.copy()?;
        let credential = take(py, &fields)?;
        if let (Some(credential), true) = (credential, fields.is_empty()) {
            return Ok(credential);
        }
    } else if given.is_instance_of::<PyString>() || given.is_instance_of::<key::Key>() {
        return Ok(Credential::key(key::given(given)?));
    } else if let Ok(keys) = each(given, key::given) {
        return Ok(Credential::keys(keys));
    }
    let what = "a credential's function returned something else than a credential";
    Err(error::plain(py, "source_unavailable", what, "return a key, a list of keys, or a dict with client_id and client_secret"))
}

/// Reads each element of an iterable.
fn each<T>(given: &Bound<'_, PyAny>, read: impl Fn(&Bound<'_, PyAny>) -> PyResult<T>) -> PyResult<Vec<T>> {
    if given.is_instance_of::<PyString>() {
        return Err(pyo3::exceptions::PyTypeError::new_err("api_keys is a list; for one key there is api_key"));
    }
    given.try_iter()?.map(|item| read(&item?)).collect()
}

/// Secrets that must show in no text of ours, for a redactor.
pub(crate) fn texts(given: &Bound<'_, PyAny>) -> PyResult<Vec<Secret>> {
    each(given, |item| key::secret(item.cast()?))
}

//! Credentials out of what Python gives: values, variables, files, functions.

use crate::callbacks::Callbacks;
use crate::error;
use crate::interrupt;
use crate::key;
use crate::reference::Origin;
use auth_http::{Assertion, Credential, Error, PrivateKey, Secret, SigningAlgorithm};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::sync::Arc;

/// The arguments that a credential is made of. They are read here and kept nowhere else.
const NAMES: [&str; 10] = [
    "api_key",
    "api_keys",
    "client_id",
    "client_secret",
    "refresh_token",
    "private_key",
    "private_key_id",
    "private_key_algorithm",
    "service_account",
    "subject",
];

/// Takes the credential out of a client's arguments.
pub(crate) fn take(py: Python<'_>, arguments: &Bound<'_, PyDict>) -> PyResult<Option<Credential>> {
    let mut given = [const { None }; NAMES.len()];
    for (name, slot) in NAMES.iter().zip(&mut given) {
        *slot = arguments.get_item(name)?.filter(|value| !value.is_none());
        if arguments.contains(name)? {
            arguments.del_item(name)?;
        }
    }
    let [api_key, api_keys, id, secret, refresh_token, key, key_id, algorithm, account, subject] = given;
    let text = |value: &Bound<'_, PyAny>| key::secret(value.cast::<PyString>()?);
    let plain = |value: &Option<Bound<'_, PyAny>>| value.as_ref().map(PyAnyMethods::extract::<String>).transpose();
    let signer = key.as_ref().map(|key| private_key(key, plain(&key_id)?, plain(&algorithm)?)).transpose()?;
    let unfit = || {
        let advice = "give api_key, or api_keys, or client_id with client_secret or private_key, or service_account with private_key";
        error::plain(py, "misuse", "the credential's arguments do not fit together", advice)
    };
    let is_client = id.is_some() || secret.is_some() || signer.is_some() || account.is_some() || refresh_token.is_some();
    let credential = match (api_key, api_keys, is_client) {
        (None, None, false) => return Ok(None),
        (Some(key), None, false) => Credential::key(key::given(&key)?),
        (None, Some(keys), false) => Credential::keys(each(&keys, key::given)?),
        (None, None, true) => match (plain(&id)?, secret, signer, plain(&account)?) {
            (None, None, Some(signer), Some(account)) => Credential::service_account(assertion(account, plain(&subject)?, signer)),
            (Some(id), secret, Some(signer), Some(account)) => {
                let client = secret.map_or_else(
                    || Ok(Credential::public_client(id.as_str())),
                    |secret| Ok::<_, PyErr>(Credential::client(&id, text(&secret)?)),
                );
                client?.with_assertion(assertion(account, plain(&subject)?, signer))
            }
            (Some(id), Some(secret), None, None) => Credential::client(id, text(&secret)?),
            (Some(id), None, Some(signer), None) => Credential::client_with_key(id, signer),
            (Some(id), None, None, None) => Credential::public_client(id),
            _ => return Err(unfit()),
        },
        _ => return Err(unfit()),
    };
    Ok(Some(match refresh_token {
        Some(token) => credential.with_refresh_token(text(&token)?),
        None => credential,
    }))
}

/// A private key from PEM text, or from the file of that path.
fn private_key(given: &Bound<'_, PyAny>, id: Option<String>, algorithm: Option<String>) -> PyResult<PrivateKey> {
    let py = given.py();
    let algorithm = match algorithm.as_deref() {
        None | Some("RS256") => SigningAlgorithm::Rs256,
        Some("PS256") => SigningAlgorithm::Ps256,
        Some("ES256") => SigningAlgorithm::Es256,
        Some("EdDSA") => SigningAlgorithm::EdDsa,
        Some(other) => {
            return Err(error::plain(py, "setting", &format!("the algorithm {other:?} is not known"), "RS256, PS256, ES256 or EdDSA"));
        }
    };
    let read = match given.cast::<PyString>() {
        Ok(text) if text.to_cow()?.contains("-----BEGIN") => PrivateKey::from_pem(algorithm, key::secret(text)?.expose().as_bytes()),
        _ => PrivateKey::from_file(algorithm, given.extract::<std::path::PathBuf>()?),
    };
    let key = read.map_err(|failed| error::raised(py, &failed, None))?;
    Ok(match id {
        Some(id) => key.key_id(id),
        None => key,
    })
}

fn assertion(account: String, subject: Option<String>, signer: PrivateKey) -> Assertion {
    let assertion = Assertion::new(account, Arc::new(signer));
    match subject {
        Some(subject) => assertion.subject(subject),
        None => assertion,
    }
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

/// What a function returned: a key, a list of keys, or a dict with the names of [`NAMES`].
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

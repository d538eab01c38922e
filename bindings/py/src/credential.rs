//! Credentials out of what Python gives: values, variables, files, functions.

use crate::argument;
use crate::callbacks::Callbacks;
use crate::error;
use crate::interrupt;
use crate::key;
use crate::reference::Origin;
use auth_http::{Assertion, Credential, Error, PrivateKey, SigningAlgorithm};
use auth_http::{Looks, Shown};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::sync::Arc;

/// The arguments that a credential is made of. They are read here and kept nowhere else.
pub(crate) const NAMES: [&str; 10] = [
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
    let is_given = |name: &&str| matches!(arguments.get_item(name), Ok(Some(value)) if !value.is_none());
    let given: Vec<&str> = NAMES.into_iter().filter(is_given).collect();
    let text = |name: &str| argument::taken::<String>(arguments, name);
    let secret = |name: &str| argument::taken::<Bound<'_, PyString>>(arguments, name)?.map(|text| key::secret(&text)).transpose();

    let (api_key, api_keys) = (argument::take(arguments, "api_key")?, argument::take(arguments, "api_keys")?);
    let (id, client_secret, refresh_token) = (text("client_id")?, secret("client_secret")?, secret("refresh_token")?);
    let (private, key_id, algorithm) = (argument::take(arguments, "private_key")?, text("private_key_id")?, text("private_key_algorithm")?);
    let (account, subject) = (text("service_account")?, text("subject")?);

    let is_unfit = private.is_none() && (key_id.is_some() || algorithm.is_some())
        || account.is_none() && subject.is_some()
        || (api_key.is_some() || api_keys.is_some()) && refresh_token.is_some();
    let unfit = || {
        let what = format!("the credential's arguments ({}) do not fit together", given.join(", "));
        let advice = "give api_key, or api_keys, or client_id with client_secret or private_key, or service_account with private_key";
        Err(error::plain(py, "misuse", &what, advice))
    };
    if is_unfit {
        return unfit();
    }
    let signer = private.map(|private| private_key(&private, key_id, algorithm)).transpose()?;
    let credential = match (api_key, api_keys, id, client_secret, signer, account) {
        (None, None, None, None, None, None) if refresh_token.is_none() => return Ok(None),
        (Some(key), None, None, None, None, None) => {
            Credential::key(key::given(&key).map_err(|failed| argument::about("api_key", py, failed))?)
        }
        (None, Some(keys), None, None, None, None) => Credential::keys(argument::each("api_keys", &keys, key::given)?),
        (None, None, Some(id), Some(secret), None, None) => Credential::client(id, secret),
        (None, None, Some(id), None, Some(signer), None) => Credential::client_with_key(id, signer),
        (None, None, Some(id), None, None, None) => Credential::public_client(id),
        (None, None, None, None, Some(signer), Some(account)) => Credential::service_account(assertion(account, subject, signer)),
        (None, None, Some(id), secret, Some(signer), Some(account)) => {
            let client = match secret {
                Some(secret) => Credential::client(id, secret),
                None => Credential::public_client(id),
            };
            client.with_assertion(assertion(account, subject, signer))
        }
        _ => return unfit(),
    };
    Ok(Some(match refresh_token {
        Some(token) => credential.with_refresh_token(token),
        None => credential,
    }))
}

/// A private key from PEM text, or from the file of that path.
fn private_key(given: &Bound<'_, PyAny>, id: Option<String>, algorithm: Option<String>) -> PyResult<PrivateKey> {
    let py = given.py();
    let name = algorithm.as_deref().unwrap_or(SigningAlgorithm::Rs256.name());
    let Some(algorithm) = SigningAlgorithm::named(name) else {
        return Err(error::plain(
            py,
            "setting",
            &format!("the algorithm {:?} is not known", Shown::new(name, Looks::Word)),
            "RS256, PS256, ES256 or EdDSA",
        ));
    };
    let read = match given.cast::<PyString>() {
        Ok(text) if argument::text("private_key", text)?.contains("-----BEGIN") => {
            PrivateKey::from_pem(algorithm, key::secret(text)?.expose().as_bytes())
        }
        _ => PrivateKey::from_file(algorithm, argument::read::<std::path::PathBuf>("private_key", given)?),
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
            given.call0(py).and_then(|given| from_returned(given.bind(py), &name)).map_err(|raised| {
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
fn from_returned(given: &Bound<'_, PyAny>, function: &str) -> PyResult<Credential> {
    let py = given.py();
    if let Ok(fields) = given.cast::<PyDict>() {
        let fields = fields.copy()?;
        let credential = take(py, &fields)?;
        if let (Some(credential), true) = (credential, fields.is_empty()) {
            return Ok(credential);
        }
    } else if given.is_instance_of::<PyString>() || given.is_instance_of::<key::Key>() {
        return Ok(Credential::key(key::given(given)?));
    } else if let Ok(keys) = argument::each("keys", given, key::given) {
        return Ok(Credential::keys(keys));
    }
    let what = format!("the function {function} returned {}, which is no credential", given.get_type().name()?);
    Err(error::plain(py, "source_unavailable", &what, "return a key, a list of keys, or a dict with client_id and client_secret"))
}

//! A client's keyword arguments that are no secrets.

use crate::audit;
use crate::callbacks::Callbacks;
use crate::error;
use crate::interrupt;
use crate::store::Store;
use crate::time;
use auth_http::{ClientAuth, ClientBuilder, Credential};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString};
use std::sync::Arc;

/// Reads the arguments into a builder, which can build again in a forked child, and a store; each is taken out of `arguments`, and what is left over is refused.
pub(crate) fn read(
    mut builder: ClientBuilder,
    credential: Credential,
    arguments: &Bound<'_, PyDict>,
    callbacks: &Arc<Callbacks>,
) -> PyResult<(ClientBuilder, Store)> {
    let py = arguments.py();
    let take = |name: &str| -> PyResult<Option<Bound<'_, PyAny>>> {
        let value = arguments.get_item(name)?;
        if value.is_some() {
            arguments.del_item(name)?;
        }
        Ok(value.filter(|value| !value.is_none()))
    };
    let text = |name: &str| -> PyResult<Option<String>> { take(name)?.map(|value| value.extract()).transpose() };
    let span = |name: &str| take(name)?.map(|value| time::span(py, name, value.extract()?)).transpose();

    let several = |name: &str| take(name)?.map(|given| words(&given)).transpose();

    let flag = |name: &str| take(name)?.map_or(Ok(false), |given| given.extract::<bool>());
    let store = Store::read(py, take("store")?.as_ref())?;
    let credential = if flag("stored")? { credential.stored() } else { credential };
    builder = builder.credential(credential.scopes(several("scopes")?.unwrap_or_default())).interrupt(interrupt::is_wanted);
    if let Some(permissions) = several("permissions")? {
        builder = builder.permissions(permissions);
    }
    for (name, set) in [
        ("environment", ClientBuilder::environment as fn(ClientBuilder, String) -> ClientBuilder),
        ("base_url", ClientBuilder::base_url),
        ("token_url", ClientBuilder::token_url),
        ("header", ClientBuilder::header),
        ("scheme", ClientBuilder::scheme),
        ("integration", ClientBuilder::integration),
        ("name", ClientBuilder::name),
        ("user_agent", ClientBuilder::user_agent),
        ("issuer", ClientBuilder::issuer),
        ("authorization_url", ClientBuilder::authorization_url),
        ("device_authorization_url", ClientBuilder::device_authorization_url),
        ("revocation_url", ClientBuilder::revocation_url),
    ] {
        if let Some(value) = text(name)? {
            builder = set(builder, value);
        }
    }
    if let Some(method) = text("client_auth")? {
        builder = builder.client_auth(client_auth(py, &method)?);
    }
    if let Some(timeout) = span("timeout")? {
        builder = builder.timeout(timeout);
    }
    if let Some(deadline) = span("deadline")? {
        builder = builder.deadline(deadline);
    }
    if let Some(attempts) = take("max_attempts")? {
        builder = builder.max_attempts(attempts.extract()?);
    }
    if let Some(path) = take("ca_file")? {
        let path: std::path::PathBuf = path.extract()?;
        let pem = std::fs::read(&path).map_err(|failed| {
            error::plain(py, "setting", &format!("ca_file {}: {failed}", path.display()), "give the path of a PEM file")
        })?;
        builder = builder.ca(pem);
    }
    match take("proxy")? {
        None => {}
        Some(proxy) if proxy.is_instance_of::<PyBool>() && !proxy.is_truthy()? => builder = builder.no_proxy(),
        Some(proxy) => builder = builder.proxy(proxy.extract::<String>()?),
    }
    builder = builder.insecure_loopback(flag("insecure_loopback")?);
    let discovers = flag("discover")?;
    if let Some(listener) = take("on_audit")? {
        if !listener.is_callable() {
            return Err(PyTypeError::new_err("on_audit is not callable"));
        }
        callbacks.set_on_audit(listener.unbind());
    }
    builder = audit::listen(builder, callbacks);
    if let Some(unknown) = arguments.keys().iter().next() {
        return Err(PyTypeError::new_err(format!("Client() got an unexpected keyword argument '{}'", unknown.extract::<String>()?)));
    }
    if discovers {
        builder = interrupt::detached(py, || builder.discover())?.map_err(|failed| error::raised(py, &failed, None))?;
    }
    Ok((builder, store))
}

/// Words out of a list, or out of a text with spaces between them.
fn words(given: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    match given.cast::<PyString>() {
        Ok(text) => Ok(text.extract::<String>()?.split_whitespace().map(Into::into).collect()),
        Err(_) => given.try_iter()?.map(|word| word?.extract()).collect(),
    }
}

fn client_auth(py: Python<'_>, name: &str) -> PyResult<ClientAuth> {
    use ClientAuth::{ClientSecretBasic, ClientSecretJwt, ClientSecretPost, None, PrivateKeyJwt, TlsClientAuth};
    let known = [ClientSecretBasic, ClientSecretPost, ClientSecretJwt, PrivateKeyJwt, TlsClientAuth, None];
    known.into_iter().find(|method| method.name() == name).ok_or_else(|| {
        let names = known.map(ClientAuth::name).join(", ");
        error::plain(py, "setting", &format!("client_auth={name:?} is not known"), &format!("there are {names}"))
    })
}

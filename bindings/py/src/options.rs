//! A client's keyword arguments that are no secrets.

use crate::argument;
use crate::audit;
use crate::callbacks::Callbacks;
use crate::error;
use crate::interrupt;
use crate::store::Store;
use crate::time;
use auth_http::{ClientAuth, ClientBuilder, Credential, Language};
use auth_http::{Looks, Shown};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Reads the arguments into a builder, which can build again in a forked child, and a store; each is taken out of `arguments`, and what is left over is refused.
pub(crate) fn read(
    mut builder: ClientBuilder,
    credential: Credential,
    arguments: &Bound<'_, PyDict>,
    callbacks: &Arc<Callbacks>,
) -> PyResult<(ClientBuilder, Store)> {
    let py = arguments.py();
    let span = |name: &str| argument::taken(arguments, name)?.map(|seconds| time::span(py, name, seconds)).transpose();
    let several = |name: &str| argument::take(arguments, name)?.map(|given| words(name, &given)).transpose();
    let flag = |name: &str| Ok::<bool, PyErr>(argument::taken(arguments, name)?.unwrap_or(false));
    let store = Store::read(py, argument::take(arguments, "store")?.as_ref())?;
    let credential = if flag("stored")? { credential.stored() } else { credential };
    builder = builder.credential(credential.scopes(several("scopes")?.unwrap_or_default())).interrupt(interrupt::is_wanted);
    if let Some(permissions) = several("permissions")? {
        builder = builder.permissions(permissions);
    }
    if let Some(hosts) = several("allow_redirect_to")? {
        builder = builder.allow_redirect_to(hosts);
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
        if let Some(value) = argument::taken(arguments, name)? {
            builder = set(builder, value);
        }
    }
    if let Some(method) = argument::taken::<String>(arguments, "client_auth")? {
        builder = builder.client_auth(client_auth(py, &method)?);
    }
    if let Some(timeout) = span("timeout")? {
        builder = builder.timeout(timeout);
    }
    if let Some(deadline) = span("deadline")? {
        builder = builder.deadline(deadline);
    }
    if let Some(attempts) = argument::taken::<NonZeroU32>(arguments, "max_attempts")? {
        builder = builder.max_attempts(attempts.get());
    }
    if let Some(bytes) = argument::taken::<u64>(arguments, "max_body")? {
        builder = builder.max_body(bytes);
    }
    let ca_file = argument::taken::<PathBuf>(arguments, "ca_file")?;
    let has_ca = ca_file.is_some();
    if let Some(path) = ca_file {
        let pem = std::fs::read(&path).map_err(|failed| {
            error::plain(
                py,
                "setting",
                &format!("ca_file {}: {failed}", Shown::new(&path.to_string_lossy(), Looks::Path)),
                "give the path of a PEM file",
            )
        })?;
        builder = builder.ca(pem);
    }
    builder = tls(builder.language(language()), arguments, has_ca)?;
    match argument::take(arguments, "proxy")? {
        None => {}
        Some(proxy) if proxy.is_instance_of::<PyBool>() && !proxy.is_truthy()? => builder = builder.no_proxy(),
        Some(proxy) => builder = builder.proxy(argument::read::<String>("proxy", &proxy)?),
    }
    builder = builder.insecure_loopback(flag("insecure_loopback")?);
    let discovers = flag("discover")?;
    if let Some(listener) = argument::take(arguments, "on_audit")? {
        if !listener.is_callable() {
            return Err(PyTypeError::new_err("on_audit is not callable"));
        }
        callbacks.set_on_audit(listener.unbind());
    }
    builder = audit::listen(builder, callbacks).audit_blocks(flag("audit_blocks")?);
    argument::refuse_others("Client()", arguments)?;
    if discovers {
        builder = interrupt::detached(py, || builder.discover())?.map_err(|failed| error::raised(py, &failed, None))?;
    }
    Ok((builder, store))
}

/// Whom the client trusts beside a file, and who it says it is.
fn tls(mut builder: ClientBuilder, arguments: &Bound<'_, PyDict>, has_ca: bool) -> PyResult<ClientBuilder> {
    let py = arguments.py();
    match argument::taken::<String>(arguments, "trust")?.as_deref() {
        None => {}
        Some("mozilla") if !has_ca => {}
        Some("platform") if !has_ca => builder = builder.platform_roots(),
        Some("platform" | "mozilla") => return Err(error::plain(py, "setting", "both ca_file and trust are given", "give one of them")),
        Some(other) => {
            let what = format!("trust={:?} is not known", Shown::new(other, Looks::Word));
            return Err(error::plain(py, "setting", &what, "there are \"mozilla\", which is the default, and \"platform\""));
        }
    }
    let path = |name: &str| argument::taken::<PathBuf>(arguments, name);
    match (path("client_certificate")?, path("client_key")?) {
        (Some(chain), Some(key)) => Ok(builder.identity_files(chain, key)),
        (None, None) => Ok(builder),
        _ => {
            let what = "of client_certificate and client_key only one is given";
            Err(error::plain(py, "setting", what, "give both, as paths of PEM files"))
        }
    }
}

/// Whether the command line is running: advice then names its arguments.
static COMMAND_LINE: AtomicBool = AtomicBool::new(false);

fn language() -> Language {
    if COMMAND_LINE.load(Ordering::Relaxed) { Language::CommandLine } else { Language::Python }
}

/// Says whether the clients that are made from now on are the command line's; whether they were.
#[pyfunction]
pub(crate) fn _command_line(runs: bool) -> bool {
    COMMAND_LINE.swap(runs, Ordering::Relaxed)
}

/// Words out of a list, or out of a text with spaces between them.
pub(crate) fn words(name: &str, given: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    match given.cast::<PyString>() {
        Ok(text) => Ok(argument::text(name, text)?.split_whitespace().map(Into::into).collect()),
        Err(_) => argument::each(name, given, |word| word.extract::<argument::Text>().map(|word| word.0)),
    }
}

fn client_auth(py: Python<'_>, name: &str) -> PyResult<ClientAuth> {
    use ClientAuth::{ClientSecretBasic, ClientSecretJwt, ClientSecretPost, None, PrivateKeyJwt, TlsClientAuth};
    let known = [ClientSecretBasic, ClientSecretPost, ClientSecretJwt, PrivateKeyJwt, TlsClientAuth, None];
    known.into_iter().find(|method| method.name() == name).ok_or_else(|| {
        let names = known.map(ClientAuth::name).join(", ");
        error::plain(py, "setting", &format!("client_auth={:?} is not known", Shown::new(name, Looks::Word)), &format!("there are {names}"))
    })
}

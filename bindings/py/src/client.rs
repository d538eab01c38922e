//! `Client`: authenticated calls to one account at one provider.

use crate::argument::{self, Place, Text};
use crate::call::{self, Given, Takes};
use crate::callbacks::Callbacks;
use crate::check::Check;
use crate::credential;
use crate::engine::{Cell, Engine};
use crate::error;
use crate::exchange::Exchange;
use crate::explain::Explanation;
use crate::interrupt;
use crate::key::{KeyState, PlanStep};
use crate::options;
use crate::provider;
use crate::reference::{self, Origin, Reference};
use crate::response::{Answer, Response};
use crate::time;
use auth_http::Credential;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[doc = doc!("Client")]
#[pyclass(frozen, subclass, weakref, module = "ledgerauth", name = "Client")]
pub(crate) struct Client {
    cell: Arc<Cell>,
    callbacks: Arc<Callbacks>,
    reference: Reference,
    /// Whether the program handed over another credential, which no pickle names.
    handed_over: Arc<AtomicBool>,
}

impl Client {
    pub(crate) fn engine(&self, py: Python<'_>) -> PyResult<&Arc<Engine>> {
        self.cell.engine(py)
    }

    fn build(
        given: &Bound<'_, PyAny>,
        credential: Credential,
        origin: Origin,
        callbacks: Arc<Callbacks>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let py = given.py();
        let provider = provider::read(given)?;
        let name = provider.name().to_owned();
        let reference = Reference::new(origin, given, options)?;
        let single_use = credential.holds_refresh_token();
        let (builder, store) = options::read(auth_http::Client::builder(provider), credential, options, &callbacks)?;
        let cell = Cell::new(py, builder, store, single_use, &name)?;
        Ok(Self { cell, callbacks, reference, handed_over: Arc::default() })
    }

    /// A client from somewhere else than a value: what holds a secret is not taken.
    fn from_source(
        class: &Bound<'_, PyType>,
        given: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
        source: impl FnOnce(&Arc<Callbacks>) -> PyResult<(Credential, Origin)>,
    ) -> PyResult<Py<PyAny>> {
        let py = given.py();
        let options = options.map_or_else(|| Ok(PyDict::new(py)), PyDictMethods::copy)?;
        if credential::take(py, &options)?.is_some() {
            let advice = "leave the secret out, or make a Client(...) of it";
            return Err(error::plain(py, "misuse", "a credential was given beside its source", advice));
        }
        let callbacks = Arc::new(Callbacks::default());
        let (credential, origin) = source(&callbacks)?;
        let client = Self::build(given, credential, origin, callbacks, &options)?;
        made(class, client)
    }
}

/// An object of the class that was asked for, which may be a program's own.
fn made(class: &Bound<'_, PyType>, client: Client) -> PyResult<Py<PyAny>> {
    let py = class.py();
    if class.is(py.get_type::<Client>()) {
        return Ok(Py::new(py, client)?.into_any());
    }
    // A subclass is made by its own constructor, out of what was made here.
    Ok(class.call1((Py::new(py, client)?,))?.unbind())
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (provider, **options))]
    fn new(provider: &Bound<'_, PyAny>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let py = provider.py();
        if let Ok(other) = provider.cast::<Self>() {
            let other = other.get();
            let (cell, callbacks) = (Arc::clone(&other.cell), Arc::clone(&other.callbacks));
            let handed_over = Arc::clone(&other.handed_over);
            return Ok(Self { cell, callbacks, reference: other.reference.clone_ref(py), handed_over });
        }
        let options = options.map_or_else(|| Ok(PyDict::new(py)), PyDictMethods::copy)?;
        let credential = credential::take(py, &options)?.ok_or_else(|| {
            let advice = "give api_key or client_id and client_secret, or use Client.from_env, from_file or from_callable";
            error::plain(py, "misuse", "the client has no credential", advice)
        })?;
        Self::build(provider, credential, Origin::Literal, Arc::default(), &options)
    }

    #[doc = doc!("Client.from_env")]
    #[classmethod]
    #[pyo3(signature = (provider, *variables, **options))]
    fn from_env(
        class: &Bound<'_, PyType>,
        provider: &Bound<'_, PyAny>,
        variables: Vec<Text>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        Self::from_source(class, provider, options, |_| {
            let name = provider::read(provider)?.name().to_owned();
            let variables: Vec<String> = variables.into_iter().map(|name| name.0).collect();
            credential::from_env(provider.py(), &name, &variables)
        })
    }

    #[doc = doc!("Client.from_file")]
    #[classmethod]
    #[pyo3(signature = (provider, path, **options))]
    fn from_file(
        class: &Bound<'_, PyType>,
        provider: &Bound<'_, PyAny>,
        path: Place,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        Self::from_source(class, provider, options, |_| {
            let credential = Credential::from_file(&path.0).map_err(|failed| error::raised(provider.py(), &failed, None))?;
            Ok((credential, Origin::File(reference::absolute(&path.0))))
        })
    }

    #[doc = doc!("Client.from_config")]
    #[classmethod]
    #[pyo3(signature = (connection, /, *, path=None, **options))]
    fn from_config<'py>(
        class: &Bound<'py, PyType>,
        connection: Text,
        path: Option<Bound<'py, PyAny>>,
        options: Option<Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = class.py();
        let options = options.unwrap_or_else(|| PyDict::new(py));
        py.import("ledgerauth._config")?.call_method1("client", (class, connection.0, path, options))
    }

    #[doc = doc!("Client.from_callable")]
    #[classmethod]
    #[pyo3(signature = (provider, function, **options))]
    fn from_callable(
        class: &Bound<'_, PyType>,
        provider: &Bound<'_, PyAny>,
        function: Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        Self::from_source(class, provider, options, |callbacks| {
            callbacks.set_source(function.unbind());
            Ok((credential::from_callable(provider.py(), callbacks)?, Origin::Callable))
        })
    }

    #[doc = doc!("Client.get")]
    #[pyo3(
        signature = (path, **given),
        text_signature = "($self, path, *, params=None, headers=None, deadline=None, request_id=None, allow_redirect_to=None, stream=False)"
    )]
    fn get(&self, py: Python<'_>, path: Text, given: Option<Bound<'_, PyDict>>) -> PyResult<Response> {
        call::send(py, self, "GET", &path.0, Given::read("get", Takes::Stream, given.as_ref())?)
    }

    #[doc = doc!("Client.head")]
    #[pyo3(
        signature = (path, **given),
        text_signature = "($self, path, *, params=None, headers=None, deadline=None, request_id=None, allow_redirect_to=None)"
    )]
    fn head(&self, py: Python<'_>, path: Text, given: Option<Bound<'_, PyDict>>) -> PyResult<Response> {
        call::send(py, self, "HEAD", &path.0, Given::read("head", Takes::Fields, given.as_ref())?)
    }

    #[doc = doc!("Client.post")]
    #[pyo3(
        signature = (path, **given),
        text_signature = "($self, path, *, json=None, data=None, content=None, params=None, headers=None, deadline=None, request_id=None, allow_redirect_to=None, stream=False)"
    )]
    fn post(&self, py: Python<'_>, path: Text, given: Option<Bound<'_, PyDict>>) -> PyResult<Response> {
        call::send(py, self, "POST", &path.0, Given::read("post", Takes::Body, given.as_ref())?)
    }

    #[doc = doc!("Client.put")]
    #[pyo3(
        signature = (path, **given),
        text_signature = "($self, path, *, json=None, data=None, content=None, params=None, headers=None, deadline=None, request_id=None, allow_redirect_to=None, stream=False)"
    )]
    fn put(&self, py: Python<'_>, path: Text, given: Option<Bound<'_, PyDict>>) -> PyResult<Response> {
        call::send(py, self, "PUT", &path.0, Given::read("put", Takes::Body, given.as_ref())?)
    }

    #[doc = doc!("Client.patch")]
    #[pyo3(
        signature = (path, **given),
        text_signature = "($self, path, *, json=None, data=None, content=None, params=None, headers=None, deadline=None, request_id=None, allow_redirect_to=None, stream=False)"
    )]
    fn patch(&self, py: Python<'_>, path: Text, given: Option<Bound<'_, PyDict>>) -> PyResult<Response> {
        call::send(py, self, "PATCH", &path.0, Given::read("patch", Takes::Body, given.as_ref())?)
    }

    #[doc = doc!("Client.delete")]
    #[pyo3(
        signature = (path, **given),
        text_signature = "($self, path, *, params=None, headers=None, deadline=None, request_id=None, allow_redirect_to=None, stream=False)"
    )]
    fn delete(&self, py: Python<'_>, path: Text, given: Option<Bound<'_, PyDict>>) -> PyResult<Response> {
        call::send(py, self, "DELETE", &path.0, Given::read("delete", Takes::Stream, given.as_ref())?)
    }

    #[doc = doc!("Client.request")]
    #[pyo3(
        signature = (method, path, **given),
        text_signature = "($self, method, path, *, json=None, data=None, content=None, params=None, headers=None, deadline=None, request_id=None, allow_redirect_to=None, stream=False)"
    )]
    fn request(&self, py: Python<'_>, method: Text, path: Text, given: Option<Bound<'_, PyDict>>) -> PyResult<Response> {
        call::send(py, self, &method.0, &path.0, Given::read("request", Takes::Body, given.as_ref())?)
    }

    #[doc = doc!("Client.check")]
    fn check(&self, py: Python<'_>) -> PyResult<Check> {
        let engine = self.engine(py)?;
        crate::audit::look_at_logging(py);
        let check = interrupt::detached(py, || engine.client.check())?;
        Ok(Check::new(check, Arc::clone(&engine.provider)))
    }

    #[doc = doc!("Client.poll")]
    #[pyo3(signature = (path, *, deadline=300.0, first_pause=1.0))]
    fn poll(&self, py: Python<'_>, path: Text, deadline: f64, first_pause: f64) -> PyResult<Response> {
        let engine = self.engine(py)?;
        let (deadline, pause) = (time::span(py, "deadline", deadline)?, time::span(py, "first_pause", first_pause)?);
        crate::audit::look_at_logging(py);
        let polled = interrupt::detached(py, || {
            let response = engine.client.poll(&path.0).deadline(deadline).first_pause(pause).wait()?;
            Answer::take(response, false)
        })?;
        let answer = polled.map_err(|failed| error::raised(py, &failed, Some(&engine.provider)))?;
        Ok(Response::new(answer, Arc::clone(&engine.provider)))
    }

    #[doc = doc!("Client.explain")]
    fn explain(&self, py: Python<'_>) -> PyResult<Explanation> {
        let engine = self.engine(py)?;
        Ok(Explanation::from(interrupt::detached(py, || engine.client.explain())?))
    }

    #[doc = doc!("Client.login")]
    #[pyo3(signature = (*, show=None, open_browser=true, redirect_uri=None, patience=300.0, parameters=None))]
    fn login(
        &self,
        py: Python<'_>,
        show: Option<Py<PyAny>>,
        open_browser: bool,
        redirect_uri: Option<Text>,
        patience: f64,
        parameters: Option<Vec<(Text, Text)>>,
    ) -> PyResult<()> {
        let parameters = parameters.map(|pairs| pairs.into_iter().map(|(name, value)| (name.0, value.0)).collect());
        crate::login::by_browser(
            py,
            self.engine(py)?,
            show,
            open_browser,
            Text::given(redirect_uri),
            time::span(py, "patience", patience)?,
            parameters,
        )
    }

    #[doc = doc!("Client.login_on_device")]
    #[pyo3(signature = (*, show=None))]
    fn login_on_device(&self, py: Python<'_>, show: Option<Py<PyAny>>) -> PyResult<()> {
        crate::login::on_device(py, self.engine(py)?, show)
    }

    #[doc = doc!("Client.revoke")]
    fn revoke(&self, py: Python<'_>) -> PyResult<()> {
        let engine = self.engine(py)?;
        let revoked = interrupt::detached(py, || engine.client.revoke())?;
        revoked.map_err(|failed| error::raised(py, &failed, Some(&engine.provider)))
    }

    #[doc = doc!("Client.replace_credential")]
    #[pyo3(signature = (**credential))]
    fn replace_credential(&self, py: Python<'_>, credential: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        let arguments = credential.map_or_else(|| Ok(PyDict::new(py)), PyDictMethods::copy)?;
        let engine = self.engine(py)?;
        let Some(credential) = credential::take(py, &arguments)? else {
            let advice = "give api_key, or api_keys, or client_id with client_secret or private_key, or service_account with private_key";
            return Err(error::plain(py, "misuse", "no credential was handed over", advice));
        };
        argument::refuse_others("Client.replace_credential()", &arguments)?;
        let replaced = interrupt::detached(py, || engine.client.replace_credential(credential))?;
        replaced.map_err(|failed| error::raised(py, &failed, Some(&engine.provider)))?;
        self.handed_over.store(true, Ordering::Relaxed);
        Ok(())
    }

    #[doc = doc!("Client.reload")]
    fn reload(&self, py: Python<'_>) -> PyResult<()> {
        let engine = self.engine(py)?;
        let reloaded = interrupt::detached(py, || engine.client.reload())?;
        reloaded.map_err(|failed| error::raised(py, &failed, Some(&engine.provider)))
    }

    #[doc = doc!("Client.keys")]
    #[getter]
    fn keys(&self, py: Python<'_>) -> PyResult<Vec<KeyState>> {
        Ok(self.engine(py)?.client.keys().into_iter().map(KeyState::from).collect())
    }

    #[doc = doc!("Client.rotation_plan")]
    #[getter]
    fn rotation_plan(&self, py: Python<'_>) -> PyResult<Vec<PlanStep>> {
        Ok(PlanStep::all(self.engine(py)?.client.rotation_plan()))
    }

    #[doc = doc!("Client.provider")]
    #[getter]
    fn provider(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.engine(py)?.provider.to_string())
    }

    #[doc = doc!("Client.environment")]
    #[getter]
    fn environment(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.engine(py)?.client.connection().environment().to_owned())
    }

    #[doc = doc!("Client.base_url")]
    #[getter]
    fn base_url(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.engine(py)?.client.connection().base_url().as_str().trim_end_matches('/').to_owned())
    }

    #[doc = doc!("Client.header")]
    #[getter]
    fn header(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.engine(py)?.client.connection().header().to_owned())
    }

    /// Starts a call that an adapter sends and that needs no exchange by now, with its header fields put into `headers`; `None` if it needs one.
    #[pyo3(signature = (method, url, headers, /))]
    fn _ahead(&self, method: Bound<'_, PyString>, url: Bound<'_, PyAny>, headers: &Bound<'_, PyAny>) -> PyResult<Option<Exchange>> {
        Exchange::ahead(self, method, url, headers)
    }

    /// Starts a call that an adapter sends. The first step's header fields are put into `headers`; unless it `waits`, only if there are any by now.
    #[pyo3(signature = (method, url, body, headers, waits, /))]
    fn _exchange(
        &self,
        method: &str,
        url: &Bound<'_, PyAny>,
        body: Option<&Bound<'_, PyAny>>,
        headers: &Bound<'_, PyAny>,
        waits: bool,
    ) -> PyResult<Exchange> {
        Exchange::start(self, method, url, body, headers, waits)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    /// By reference: where the credential comes from, never the credential.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let client = slf.get();
        if client.handed_over.load(Ordering::Relaxed) {
            let what = "a client that was handed another credential is not pickled, because no source names that credential";
            let advice = "change what the source holds, and call reload()";
            return Err(error::plain(slf.py(), "misuse", what, advice));
        }
        client.reference.reduce(slf, &client.cell, &client.callbacks)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let py = slf.py();
        let name = slf.get_type().name()?;
        Ok(match slf.get().engine(py) {
            Ok(engine) => {
                let connection = engine.client.connection();
                let base = connection.base_url().as_str().trim_end_matches('/');
                format!("<ledgerauth.{name} {} {} {base}>", engine.provider, connection.environment())
            }
            Err(_) => format!("<ledgerauth.{name} of the parent process>"),
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.callbacks.traverse(&visit)?;
        self.reference.traverse(&visit)
    }

    fn __clear__(&self) {
        self.callbacks.clear();
    }
}

//! Responses that feel like those of requests and httpx.

use crate::error;
use crate::headers::Headers;
use crate::interrupt;
use auth_http::http::HeaderMap;
use auth_http::{Error, Failure, FailureKind, Received, Redirect};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict};
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An answer as it came out of Rust, made without the interpreter.
pub(crate) struct Answer {
    status: u16,
    headers: HeaderMap,
    url: String,
    history: Vec<Redirect>,
    request_id: String,
    failure: Option<Failure>,
    received: Received,
    body: Body,
}

/// What is left of a body.
enum Body {
    Read(Vec<u8>),
    /// Not read as a whole; `begun` if pieces of it were given away.
    Stream {
        reader: Box<dyn Read + Send + Sync>,
        begun: bool,
    },
    /// It is in `content`, or was given up.
    Gone,
}

impl Answer {
    /// The answer, with its body read unless that is to be streamed.
    pub(crate) fn take(response: auth_http::Response, stream: bool) -> Result<Self, Error> {
        let (status, headers, request_id) = (response.status(), response.headers().clone(), response.request_id().to_owned());
        let (url, history) = (response.url().to_owned(), response.history().to_vec());
        let (failure, received) = (response.failure().cloned(), response.received());
        let body =
            if stream { Body::Stream { reader: Box::new(response.into_reader()), begun: false } } else { Body::Read(response.bytes()?) };
        Ok(Self { status, headers, url, history, request_id, failure, received, body })
    }
}

/// How much is read at once at most, whatever was asked for: a megabyte, because memory is set aside for all of it before the first byte has come.
const LARGEST_PIECE: usize = 1 << 20;

#[doc = doc!("Response")]
#[pyclass(frozen, weakref, module = "ledgerauth", name = "Response")]
pub(crate) struct Response {
    status: u16,
    headers: HeaderMap,
    shown: PyOnceLock<Py<Headers>>,
    url: String,
    history: Vec<Redirect>,
    request_id: String,
    provider: Arc<str>,
    failure: Option<Failure>,
    received: Received,
    body: Mutex<Body>,
    content: PyOnceLock<Py<PyBytes>>,
}

impl Response {
    pub(crate) fn new(answer: Answer, provider: Arc<str>) -> Self {
        let Answer { status, headers, url, history, request_id, failure, received, body } = answer;
        let (shown, content) = (PyOnceLock::new(), PyOnceLock::new());
        Self { status, headers, shown, url, history, request_id, provider, failure, received, body: Mutex::new(body), content }
    }

    fn body(&self) -> MutexGuard<'_, Body> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece of the body, at `at` in a body that was read as a whole; empty at its end.
    fn piece<'py>(&self, py: Python<'py>, size: usize, at: &AtomicUsize) -> PyResult<Bound<'py, PyBytes>> {
        let read = interrupt::detached(py, || match &mut *self.body() {
            Body::Stream { reader, begun } => {
                *begun = true;
                let mut piece = vec![0; size];
                let count = reader.read(&mut piece)?;
                piece.truncate(count);
                Ok(Some(piece))
            }
            Body::Read(_) | Body::Gone => Ok(None),
        })?;
        if let Some(piece) = read.map_err(|failed| self.broken_off(py, &failed))? {
            return Ok(PyBytes::new(py, &piece));
        }
        let whole = self.whole(py)?.as_bytes(py);
        let begin = at.fetch_add(size, Ordering::Relaxed).min(whole.len());
        Ok(PyBytes::new(py, whole.get(begin..whole.len().min(begin + size)).unwrap_or_default()))
    }

    fn whole(&self, py: Python<'_>) -> PyResult<&Py<PyBytes>> {
        self.content.get_or_try_init(py, || {
            let read = interrupt::detached(py, || {
                let mut body = self.body();
                if matches!(*body, Body::Stream { begun: true, .. }) {
                    return Ok(None);
                }
                match std::mem::replace(&mut *body, Body::Gone) {
                    Body::Read(bytes) => Ok(Some(bytes)),
                    Body::Stream { mut reader, .. } => {
                        let mut bytes = Vec::new();
                        reader.read_to_end(&mut bytes).map(|_| Some(bytes))
                    }
                    Body::Gone => Ok(None),
                }
            })?;
            match read {
                Ok(Some(bytes)) => Ok(PyBytes::new(py, &bytes).unbind()),
                Ok(None) => {
                    let what = "the body is not there any more: it was read in pieces, or closed";
                    let advice = "read content before, or leave stream=True out";
                    Err(error::failure(py, &self.received.failure(FailureKind::Misuse, what, advice), &self.provider))
                }
                Err(failed) => Err(self.broken_off(py, &failed)),
            }
        })
    }

    fn broken_off(&self, py: Python<'_>, failed: &std::io::Error) -> PyErr {
        error::raised(py, &self.received.broken_off(failed), Some(&self.provider))
    }

    fn raised(&self, py: Python<'_>) -> Option<PyErr> {
        let failure = self.failure.as_ref()?;
        Some(error::failure(py, failure, &self.provider))
    }
}

#[pymethods]
impl Response {
    #[doc = doc!("Response.status_code")]
    #[getter]
    fn status_code(&self) -> u16 {
        self.status
    }

    #[doc = doc!("Response.ok")]
    #[getter]
    fn ok(&self) -> bool {
        self.status < 400 && self.failure.is_none()
    }

    #[doc = doc!("Response.headers")]
    #[getter]
    fn headers(&self, py: Python<'_>) -> PyResult<Py<Headers>> {
        self.shown.get_or_try_init(py, || Py::new(py, Headers::new(self.headers.clone()))).map(|shown| shown.clone_ref(py))
    }

    #[doc = doc!("Response.url")]
    #[getter]
    fn url(&self) -> &str {
        &self.url
    }

    #[doc = doc!("Response.history")]
    #[getter]
    fn history(&self) -> Vec<(u16, &str)> {
        self.history.iter().map(|hop| (hop.status(), hop.url())).collect()
    }

    #[doc = doc!("Response.request_id")]
    #[getter]
    fn request_id(&self) -> &str {
        &self.request_id
    }

    #[doc = doc!("Response.failure")]
    #[getter]
    fn failure<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.raised(py).map(|raised| raised.into_value(py).into_bound(py).into_any())
    }

    #[doc = doc!("Response.content")]
    #[getter]
    fn content(&self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        self.whole(py).map(|content| content.clone_ref(py))
    }

    #[doc = doc!("Response.encoding")]
    #[getter]
    fn encoding(&self) -> String {
        let field = self.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let charset = field.split(';').skip(1).find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_owned())
        });
        charset.unwrap_or_else(|| "utf-8".into())
    }

    #[doc = doc!("Response.text")]
    #[getter]
    fn text<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let content = self.whole(py)?.bind(py);
        // A charset that Python does not know is no reason to hide the text.
        content.call_method1("decode", (self.encoding(), "replace")).or_else(|_| content.call_method1("decode", ("utf-8", "replace")))
    }

    #[doc = doc!("Response.json")]
    #[pyo3(signature = (**options))]
    fn json<'py>(&self, py: Python<'py>, options: Option<&Bound<'py, PyDict>>) -> PyResult<Bound<'py, PyAny>> {
        static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        if let Some(raised) = self.raised(py) {
            return Err(raised);
        }
        let content = self.whole(py)?;
        LOADS.import(py, "json", "loads")?.call((content,), options).map_err(|raised| {
            if !raised.is_instance_of::<pyo3::exceptions::PyValueError>(py) {
                return raised;
            }
            // Python's own error carries the whole body with it, into every log.
            let at = |name: &str| raised.value(py).getattr(name).and_then(|at| at.extract::<u64>()).unwrap_or(0);
            let what = format!("the body is not the JSON that was expected (line {}, column {})", at("lineno"), at("colno"));
            let failure = self.received.failure(FailureKind::Body, what, "look at the response's text and its content-type");
            error::failure(py, &failure.repeatable(false), &self.provider)
        })
    }

    #[doc = doc!("Response.raise_for_status")]
    fn raise_for_status(slf: PyRef<'_, Self>) -> PyResult<PyRef<'_, Self>> {
        match slf.raised(slf.py()) {
            Some(raised) => Err(raised),
            None => Ok(slf),
        }
    }

    // 64 KiB at once if not said: the size of a TCP window that nobody has tuned.
    #[doc = doc!("Response.iter_bytes")]
    #[pyo3(signature = (chunk_size=65_536))]
    fn iter_bytes(slf: Bound<'_, Self>, chunk_size: isize) -> PyResult<Pieces> {
        match usize::try_from(chunk_size) {
            Ok(size @ 1..) => Ok(Pieces { response: slf.unbind(), size: size.min(LARGEST_PIECE), at: AtomicUsize::new(0) }),
            _ => {
                Err(error::plain(slf.py(), "setting", &format!("chunk_size={chunk_size} is no size"), "give a number of bytes, 1 or more"))
            }
        }
    }

    #[doc = doc!("Response.close")]
    fn close(&self) {
        let mut body = self.body();
        if matches!(*body, Body::Stream { .. }) {
            *body = Body::Gone;
        }
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, pyo3::types::PyTuple>) {
        self.close();
    }

    fn __repr__(&self) -> String {
        format!("<ledgerauth.Response [{}]>", self.status)
    }
}

/// The pieces of a body, as they come.
#[pyclass(frozen, module = "ledgerauth._ledgerauth", name = "Pieces")]
pub(crate) struct Pieces {
    response: Py<Response>,
    size: usize,
    at: AtomicUsize,
}

#[pymethods]
impl Pieces {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let piece = self.response.get().piece(py, self.size, &self.at)?;
        Ok(Some(piece).filter(|piece| !piece.as_bytes().is_empty()))
    }
}

//! One call: Python's arguments into a request, and sent.

use crate::argument;
use crate::client::Client;
use crate::error;
use crate::interrupt;
use crate::response::{Answer, Response};
use crate::time;
use auth_http::{Error, Request};
use auth_http::{Looks, Shown};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyIterator, PyMapping, PyString};
use std::io::{self, Read};
use std::sync::Arc;

/// The arguments of a call besides its method and path.
#[derive(Default)]
pub(crate) struct Given<'py> {
    params: Option<Bound<'py, PyAny>>,
    headers: Option<Bound<'py, PyAny>>,
    json: Option<Bound<'py, PyAny>>,
    data: Option<Bound<'py, PyAny>>,
    content: Option<Bound<'py, PyAny>>,
    deadline: Option<f64>,
    request_id: Option<String>,
    redirect_targets: Vec<String>,
    stream: bool,
}

/// Which of these a method takes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Takes {
    /// What describes the request.
    Fields,
    /// And how its answer's body is read.
    Stream,
    /// And a body.
    Body,
}

impl<'py> Given<'py> {
    /// Reads the keyword arguments of the method of that name.
    pub(crate) fn read(method: &str, takes: Takes, arguments: Option<&Bound<'py, PyDict>>) -> PyResult<Self> {
        let Some(arguments) = arguments else { return Ok(Self::default()) };
        let mut given = Self {
            params: argument::take(arguments, "params")?,
            headers: argument::take(arguments, "headers")?,
            deadline: argument::taken(arguments, "deadline")?,
            request_id: argument::taken(arguments, "request_id")?,
            redirect_targets: argument::take(arguments, "allow_redirect_to")?
                .map(|given| crate::options::words("allow_redirect_to", &given))
                .transpose()?
                .unwrap_or_default(),
            ..Self::default()
        };
        if takes != Takes::Fields {
            given.stream = argument::taken(arguments, "stream")?.unwrap_or(false);
        }
        if takes == Takes::Body {
            given.json = argument::take(arguments, "json")?;
            given.data = argument::take(arguments, "data")?;
            given.content = argument::take(arguments, "content")?;
        }
        argument::refuse_others(&format!("Client.{method}()"), arguments)?;
        Ok(given)
    }
}

/// A body that can be sent.
enum Body {
    None,
    Bytes(Vec<u8>, Option<&'static str>),
    Stream(Pieces),
}

/// Sends a call and hands over the answer.
pub(crate) fn send(py: Python<'_>, client: &Client, method: &str, path: &str, given: Given<'_>) -> PyResult<Response> {
    let engine = client.engine(py)?;
    crate::audit::look_at_logging(py);
    let params = given.params.as_ref().map_or_else(|| Ok(Vec::new()), |given| pairs("params", given))?;
    let fields = given.headers.as_ref().map_or_else(|| Ok(Vec::new()), |given| pairs("headers", given))?;
    let deadline = given.deadline.map(|seconds| time::span(py, "deadline", seconds)).transpose()?;
    let body = body(py, &given)?;
    let (request_id, redirect_targets, stream) = (given.request_id, given.redirect_targets, given.stream);
    let sent = interrupt::detached(py, || {
        let mut request = start(&engine.client, method, path)?;
        for (name, value) in &params {
            request = request.query(name, value);
        }
        for (name, value) in &fields {
            request = request.header(name, value);
        }
        if let Some(deadline) = deadline {
            request = request.deadline(deadline);
        }
        if let Some(id) = request_id {
            request = request.request_id(id);
        }
        for host in redirect_targets {
            request = request.allow_redirect_to(host);
        }
        let has_type = fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        request = match body {
            Body::None => request,
            Body::Bytes(bytes, kind) => {
                let request = if let Some(kind) = kind.filter(|_| !has_type) { request.header("content-type", kind) } else { request };
                request.body(bytes)
            }
            Body::Stream(pieces) => match pieces.length {
                Some(length) => request.sized_stream(pieces, length),
                None => request.stream(pieces),
            },
        };
        Answer::take(request.send()?, stream)
    })?;
    let answer = sent.map_err(|failed| error::raised(py, &failed, Some(&engine.provider)))?;
    Ok(Response::new(answer, Arc::clone(&engine.provider)))
}

fn start<'c>(client: &'c auth_http::Client, method: &str, path: &str) -> Result<Request<'c>, Error> {
    Ok(match method {
        "GET" => client.get(path),
        "HEAD" => client.head(path),
        "POST" => client.post(path),
        "PUT" => client.put(path),
        "PATCH" => client.patch(path),
        "DELETE" => client.delete(path),
        _ => {
            let what = format!("the method {:?} is not known", Shown::new(method, Looks::Word));
            let advice = "GET, HEAD, POST, PUT, PATCH or DELETE, in capitals";
            return Err(auth_http::Failure::new(auth_http::FailureKind::Misuse, what, advice).into());
        }
    })
}

/// Names and values out of a mapping or an iterable of pairs. A list of values repeats its name; `None` is left out.
fn pairs(name: &str, given: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String)>> {
    let no_pairs = |_| PyTypeError::new_err(format!("{name} is neither a mapping nor an iterable of pairs of a name and a value"));
    let items = match given.cast::<PyMapping>() {
        Ok(mapping) => mapping.items()?.into_any(),
        Err(_) => given.clone(),
    };
    let mut pairs = Vec::new();
    for item in items.try_iter().map_err(no_pairs)? {
        let (name, value): (String, Bound<'_, PyAny>) = item?.extract().map_err(no_pairs)?;
        let is_several = value.is_instance_of::<pyo3::types::PyList>() || value.is_instance_of::<pyo3::types::PyTuple>();
        let values: Vec<_> = if is_several { value.try_iter()?.collect::<PyResult<_>>()? } else { vec![value] };
        for value in values.into_iter().filter(|value| !value.is_none()) {
            pairs.push((name.clone(), plain(&value)?));
        }
    }
    Ok(pairs)
}

/// A value as it is written in a query or a header.
fn plain(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if value.is_instance_of::<pyo3::types::PyBool>() {
        return Ok(if value.is_truthy()? { "true" } else { "false" }.into());
    }
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return String::from_utf8(bytes.as_bytes().to_vec()).map_err(|_| PyValueError::new_err("bytes that are not UTF-8"));
    }
    value.str()?.extract()
}

fn body(py: Python<'_>, given: &Given<'_>) -> PyResult<Body> {
    let several = [&given.json, &given.data, &given.content].into_iter().flatten().count() > 1;
    if several {
        return Err(PyTypeError::new_err("a call has one body: give json, or data, or content"));
    }
    if let Some(value) = &given.json {
        static DUMPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let options = PyDict::new(py);
        options.set_item("ensure_ascii", false)?;
        options.set_item("separators", (",", ":"))?;
        options.set_item("allow_nan", false)?;
        let text: String = DUMPS.import(py, "json", "dumps")?.call((value,), Some(&options))?.extract()?;
        return Ok(Body::Bytes(text.into_bytes(), Some("application/json")));
    }
    let Some(value) = given.data.as_ref().or(given.content.as_ref()) else { return Ok(Body::None) };
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(Body::Bytes(bytes.as_bytes().to_vec(), None));
    }
    if let Ok(bytes) = value.cast::<PyByteArray>() {
        return Ok(Body::Bytes(bytes.to_vec(), None));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Body::Bytes(text.extract::<String>()?.into_bytes(), None));
    }
    if given.data.is_some() && value.cast::<PyMapping>().is_ok() {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs("data", value)?).finish();
        return Ok(Body::Bytes(form.into_bytes(), Some("application/x-www-form-urlencoded")));
    }
    let name = if given.data.is_some() { "data" } else { "content" };
    Ok(Body::Stream(Pieces::of(name, value)?))
}

/// A file or an iterable of bytes, read as it is sent.
struct Pieces {
    source: Source,
    /// How many bytes there are in all, where that is known.
    length: Option<u64>,
    rest: Vec<u8>,
    taken: usize,
}

enum Source {
    File(Py<PyAny>),
    Iterator(Py<PyIterator>),
}

impl Pieces {
    fn of(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let source = match value.getattr("read") {
            Ok(read) => Source::File(read.unbind()),
            Err(_) => Source::Iterator(value.try_iter().map_err(|failed| argument::about(name, value.py(), failed))?.unbind()),
        };
        let length = if matches!(source, Source::File(_)) { length_left(value)? } else { None };
        Ok(Self { source, length, rest: Vec::new(), taken: 0 })
    }

    /// The next piece; empty at the end.
    fn next(&self, py: Python<'_>, size: usize) -> PyResult<Vec<u8>> {
        loop {
            let piece = match &self.source {
                Source::File(read) => return bytes(&read.bind(py).call1((size,))?),
                Source::Iterator(iterator) => iterator.bind(py).clone().next().transpose()?,
            };
            let piece = piece.map_or_else(|| Ok(None), |piece| bytes(&piece).map(Some))?;
            match piece {
                None => return Ok(Vec::new()),
                Some(piece) if piece.is_empty() => {}
                Some(piece) => return Ok(piece),
            }
        }
    }
}

/// How many bytes a file still gives: of a regular file or an `io.BytesIO`; `None` for a pipe, for text and
/// for what only has a `read`.
fn length_left(file: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
    let io = file.py().import("io")?;
    let is = |kind: &str| file.is_instance(&io.getattr(kind)?);
    let size: u64 = if is("BytesIO")? {
        file.call_method0("getbuffer")?.getattr("nbytes")?.extract()?
    } else if (is("BufferedIOBase")? || is("RawIOBase")?) && file.call_method0("seekable")?.is_truthy()? {
        let Ok(descriptor) = file.call_method0("fileno") else { return Ok(None) };
        file.py().import("os")?.call_method1("fstat", (descriptor,))?.getattr("st_size")?.extract()?
    } else {
        return Ok(None);
    };
    let position: u64 = file.call_method0("tell")?.extract()?;
    Ok(Some(size.saturating_sub(position)))
}

fn bytes(piece: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if piece.is_instance_of::<PyString>() {
        piece.extract::<String>().map(String::into_bytes)
    } else {
        argument::read("a piece of the body", piece)
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.rest.len() {
            let next = interrupt::attached(|py| {
                // The program's own error is the one to see.
                self.next(py, buffer.len()).map_err(interrupt::keep)
            });
            let read = next.unwrap_or(Err(())).map_err(|()| io::Error::other("the body could not be read"))?;
            (self.rest, self.taken) = (read, 0);
        }
        let count = buffer.len().min(self.rest.len() - self.taken);
        buffer[..count].copy_from_slice(&self.rest[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

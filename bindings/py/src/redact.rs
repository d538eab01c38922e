//! `Redactor`: secrets out of any text.

use crate::argument;
use crate::interrupt;
use crate::key;
use crate::provider;
use auth_http::core::RedactStream;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyString};
use std::io::{Read, Write};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How much of a file is redacted at once: a megabyte, because smaller pieces cost more calls and larger ones leave the processor's cache.
const PIECE: usize = 1 << 20;
/// How often progress is told: five times a second is as often as a person can read it.
const TOLD_EVERY: Duration = Duration::from_millis(200);

#[doc = doc!("Redactor")]
#[pyclass(frozen, module = "ledgerauth", name = "Redactor")]
pub(crate) struct Redactor(auth_http::Redactor);

#[pymethods]
impl Redactor {
    #[new]
    #[pyo3(signature = (*, secrets=None, headers=None, providers=None))]
    fn new(secrets: Option<Bound<'_, PyAny>>, headers: Option<Bound<'_, PyAny>>, providers: Option<Bound<'_, PyAny>>) -> PyResult<Self> {
        let mut redactor = auth_http::Redactor::new();
        if let Some(providers) = providers {
            for provider in argument::each("providers", &providers, provider::read)? {
                redactor = redactor.with_provider(&provider);
            }
        }
        if let Some(headers) = headers {
            for header in argument::each("headers", &headers, |header| header.extract::<argument::Text>())? {
                redactor = redactor.with_header(&header.0);
            }
        }
        if let Some(secrets) = secrets {
            redactor = redactor.with_secrets(&argument::each("secrets", &secrets, |secret| key::secret(secret.cast()?))?);
        }
        Ok(Self(redactor))
    }

    #[doc = doc!("Redactor.redact")]
    fn redact<'py>(&self, py: Python<'py>, text: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(string) = text.cast::<PyString>() {
            let given = argument::text("text", string)?;
            let clean = self.0.redact(&given);
            return Ok(if *clean == *given { text.clone() } else { PyString::new(py, &clean).into_any() });
        }
        if let Ok(bytes) = text.cast::<PyBytes>() {
            let given = bytes.as_bytes();
            // Other threads may run meanwhile: nobody can change bytes.
            let places = py.detach(|| self.0.places(given));
            return if places.is_empty() { Ok(text.clone()) } else { Ok(without(py, given, &places)?.into_any()) };
        }
        if let Ok(bytes) = text.cast::<PyByteArray>() {
            return Ok(PyBytes::new(py, &self.0.redact_bytes(&bytes.to_vec())).into_any());
        }
        Err(PyTypeError::new_err("redact takes str or bytes"))
    }

    #[doc = doc!("Redactor.stream")]
    fn stream(&self) -> Stream {
        Stream(Mutex::new(Some(self.0.stream())))
    }

    #[doc = doc!("Redactor.copy")]
    #[pyo3(signature = (source, target, *, progress=None))]
    fn copy(&self, py: Python<'_>, source: i32, target: i32, progress: Option<Py<PyAny>>) -> PyResult<u64> {
        let mut told = Instant::now();
        let tell = |total: u64| {
            let Some(progress) = progress.as_ref().filter(|_| told.elapsed() >= TOLD_EVERY) else { return };
            told = Instant::now();
            if let Some(Err(raised)) = interrupt::attached(|py| progress.call1(py, (total,))) {
                interrupt::keep(raised);
            }
        };
        Ok(interrupt::detached(py, || copy(&self.0, source, target, tell))??)
    }

    fn __repr__(&self) -> String {
        format!("<ledgerauth.{:?}>", self.0)
    }
}

#[doc = doc!("RedactStream")]
#[pyclass(frozen, module = "ledgerauth", name = "RedactStream")]
pub(crate) struct Stream(Mutex<Option<RedactStream>>);

#[pymethods]
impl Stream {
    #[doc = doc!("RedactStream.push")]
    fn push<'py>(&self, py: Python<'py>, piece: &Bound<'py, PyBytes>) -> PyResult<Bound<'py, PyBytes>> {
        let given = piece.as_bytes();
        let out = py.detach(|| {
            let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let mut out = Vec::with_capacity(given.len() + 64);
            stream.as_mut().map(|stream| stream.push(given, &mut out)).map(|()| out)
        });
        out.map(|out| PyBytes::new(py, &out)).ok_or_else(|| PyTypeError::new_err("the stream was finished"))
    }

    #[doc = doc!("RedactStream.finish")]
    fn finish<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut out = Vec::new();
        if let Some(mut stream) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            stream.finish(&mut out);
        }
        PyBytes::new(py, &out)
    }
}

/// The bytes without what is at those places, written once, where Python keeps them.
fn without<'py>(py: Python<'py>, bytes: &[u8], places: &[Range<usize>]) -> PyResult<Bound<'py, PyBytes>> {
    let mark = auth_http::Redactor::MARK;
    let length = bytes.len() + places.len() * mark.len() - places.iter().map(ExactSizeIterator::len).sum::<usize>();
    PyBytes::new_with(py, length, |mut out| {
        let mut copied = 0;
        for place in places {
            out.write_all(&bytes[copied..place.start])?;
            out.write_all(mark)?;
            copied = place.end;
        }
        Ok(out.write_all(&bytes[copied..])?)
    })
}

#[cfg(unix)]
fn copy(redactor: &auth_http::Redactor, source: i32, target: i32, mut tell: impl FnMut(u64)) -> std::io::Result<u64> {
    use rustix::fd::BorrowedFd;
    #[expect(unsafe_code, reason = "numbers of open files are what Python has")]
    // SAFETY: the caller keeps both files open during the call, as with `os.read` and `os.write`; a number that is not open is answered with an error.
    let (source, target) = unsafe { (BorrowedFd::borrow_raw(source), BorrowedFd::borrow_raw(target)) };
    let (mut from, mut to) = (std::fs::File::from(source.try_clone_to_owned()?), std::fs::File::from(target.try_clone_to_owned()?));
    let (mut stream, mut piece, mut clean, mut total) = (redactor.stream(), vec![0; PIECE], Vec::with_capacity(PIECE + 1_024), 0);
    loop {
        let count = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            // A signal, which Python's handler may have raised something about.
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        if interrupt::is_wanted() {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        stream.push(&piece[..count], &mut clean);
        to.write_all(&clean)?;
        clean.clear();
        total += count as u64;
        tell(total);
    }
    stream.finish(&mut clean);
    to.write_all(&clean)?;
    Ok(total)
}

#[cfg(not(unix))]
fn copy(_: &auth_http::Redactor, _: i32, _: i32, _: impl FnMut(u64)) -> std::io::Result<u64> {
    Err(std::io::Error::other("open files have no numbers here; use stream()"))
}

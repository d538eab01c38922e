//! What works behind a Python client: the Rust client, and its header as Python text.

use crate::error;
use crate::interrupt;
use crate::options::Blueprint;
use arc_swap::{ArcSwap, ArcSwapOption};
use auth_http::{Client, ClientBuilder, MemoryStore, UnixTime};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// A Rust client with what Python asks of it most often.
pub(crate) struct Engine {
    pub(crate) client: Client,
    pub(crate) provider: Arc<str>,
    header: ArcSwapOption<Header>,
}

/// The header's value as Python text, made once for each key or token.
struct Header {
    generation: u64,
    value: Py<PyAny>,
}

impl Engine {
    fn new(client: Client) -> Self {
        let provider = client.connection().provider().name().into();
        Self { client, provider, header: ArcSwapOption::empty() }
    }

    /// The value of the header that authenticates a request to that path or URL.
    pub(crate) fn authorize(&self, py: Python<'_>, path: &Bound<'_, PyString>) -> PyResult<Py<PyAny>> {
        if let Some(generation) = self.client.fresh_generation().filter(|_| starts_with_slash(path))
            && let Some(header) = self.header.load().as_ref().filter(|header| header.generation == generation)
        {
            return Ok(header.value.clone_ref(py));
        }
        crate::audit::look_at_logging(py);
        let path = path.to_cow()?.into_owned();
        let authorized = interrupt::detached(py, || self.client.authorize(&path))?;
        let authorized = authorized.map_err(|failed| error::raised(py, &failed, Some(&self.provider)))?;
        self.text(py, authorized.generation(), || authorized.value().expose())
    }

    /// The header's value as Python text: the one that was made before, or a new one.
    pub(crate) fn text<'v>(&self, py: Python<'_>, generation: u64, value: impl FnOnce() -> &'v str) -> PyResult<Py<PyAny>> {
        static KIND: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        if let Some(header) = self.header.load().as_ref().filter(|header| header.generation == generation) {
            return Ok(header.value.clone_ref(py));
        }
        // Its `repr` shows nothing.
        let value = KIND.import(py, "ledgerauth._text", "HeaderValue")?.call1((value(),))?.unbind();
        self.header.store(Some(Arc::new(Header { generation, value: value.clone_ref(py) })));
        Ok(value)
    }

    /// The time by the client's clock.
    pub(crate) fn now(&self) -> UnixTime {
        self.client.now()
    }

    /// The URL that a path stands for.
    pub(crate) fn url(&self, path: &str) -> String {
        self.client.connection().admit(path).map_or_else(|_| path.into(), |url| url.as_str().into())
    }
}

/// Whether a path starts with a slash, so that it stays on the client's own host.
#[expect(unsafe_code, reason = "reading one character without a copy of all has no safe name in the stable ABI")]
fn starts_with_slash(path: &Bound<'_, PyString>) -> bool {
    // SAFETY: `path` is a text of Python's and we are attached; an empty one is answered with an exception, which is taken away.
    let first = unsafe { pyo3::ffi::PyUnicode_ReadChar(path.as_ptr(), 0) };
    if first == u32::MAX {
        drop(PyErr::take(path.py()));
    }
    first == u32::from(b'/')
}

/// An engine that a forked child replaces by one of its own.
pub(crate) struct Cell {
    engine: ArcSwap<Engine>,
    builder: ClientBuilder,
    memory: Option<Arc<MemoryStore>>,
    single_use: bool,
    /// Whether this is a child whose parent alone may use the credential.
    orphaned: AtomicBool,
}

impl Cell {
    pub(crate) fn new(py: Python<'_>, blueprint: Blueprint, provider: &str) -> PyResult<Arc<Self>> {
        let Blueprint { builder, memory, single_use } = blueprint;
        let client = builder.clone().build().map_err(|failed| error::raised(py, &failed, Some(provider)))?;
        let engine = ArcSwap::from_pointee(Engine::new(client));
        let cell = Arc::new(Self { engine, builder, memory, single_use, orphaned: AtomicBool::new(false) });
        let mut cells = cells();
        cells.retain(|cell| cell.strong_count() > 0);
        cells.push(Arc::downgrade(&cell));
        Ok(cell)
    }

    pub(crate) fn engine(&self, py: Python<'_>) -> PyResult<arc_swap::Guard<Arc<Engine>>> {
        if self.orphaned.load(Ordering::Relaxed) {
            let what = "the refresh token belongs to the process that made the client, and this one was forked from it";
            let advice = "two processes that use one refresh token kill it: make the client in each process, over a store that they share";
            return Err(error::plain(py, "consent_required", what, advice));
        }
        Ok(self.engine.load())
    }
}

/// All cells of this process.
fn cells() -> MutexGuard<'static, Vec<Weak<Cell>>> {
    static CELLS: Mutex<Vec<Weak<Cell>>> = Mutex::new(Vec::new());
    CELLS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a child is to take along, made before the fork; and the list of cells, held so that no other thread is in the middle of changing it.
struct Luggage {
    _cells: MutexGuard<'static, Vec<Weak<Cell>>>,
    each: Vec<(Arc<Cell>, Option<MemoryStore>)>,
}

thread_local! {
    static LUGGAGE: std::cell::RefCell<Option<Luggage>> = const { std::cell::RefCell::new(None) };
}

/// Called before a fork, in the thread that forks.
#[pyfunction]
pub(crate) fn _before_fork() {
    let cells = cells();
    let living = cells.iter().filter_map(Weak::upgrade);
    let each = living.map(|cell| (Arc::clone(&cell), cell.memory.as_ref().map(|memory| memory.for_child()))).collect();
    LUGGAGE.set(Some(Luggage { _cells: cells, each }));
}

/// Called after a fork, in the parent.
#[pyfunction]
pub(crate) fn _after_fork_in_parent() {
    drop(LUGGAGE.take());
}

/// Called after a fork, in the child: every client is built anew.
#[pyfunction]
pub(crate) fn _after_fork_in_child() {
    auth_http::after_fork();
    interrupt::forget_threads();
    let Some(luggage) = LUGGAGE.take() else { return };
    for (cell, memory) in luggage.each {
        let carried = memory.map_or_else(|| cell.builder.clone(), |memory| cell.builder.clone().store(Arc::new(memory)));
        match carried.build() {
            Ok(client) if !(cell.single_use && cell.memory.is_some()) => {
                // The old one is not even dropped: other threads of the parent's may have been in the middle of it, and its connections are the parent's.
                std::mem::forget(cell.engine.swap(Arc::new(Engine::new(client))));
            }
            _ => cell.orphaned.store(true, Ordering::Relaxed),
        }
        // For the same reason the old memory stays where it is.
        std::mem::forget(cell.memory.clone());
    }
}

//! What works behind a Python client: the Rust client, and its header as Python text.

use crate::audit;
use crate::error;
use crate::interrupt;
use crate::kept::Kept;
use crate::store::Store;
use auth_http::core::Authorization;
use auth_http::{Client, ClientBuilder, Credential, UnixTime};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// A Rust client with what Python asks of it most often.
pub(crate) struct Engine {
    pub(crate) client: Client,
    pub(crate) provider: Arc<str>,
    /// What `authorize` gives.
    header: Kept,
    /// What adapters put on requests: it pickles as a mark.
    sent: Kept,
    names: PyOnceLock<Names>,
}

/// What does not change as long as the client lives, as Python text.
struct Names {
    header: Py<PyString>,
    id_header: Py<PyString>,
    own_prefix: Py<PyString>,
    /// Scheme and authority of the client's own host.
    own_origin: (Py<PyString>, Py<PyString>),
    authority: String,
}

impl Engine {
    fn new(client: Client) -> Self {
        let provider = client.connection().provider().name().into();
        Self { client, provider, header: Kept::default(), sent: Kept::default(), names: PyOnceLock::new() }
    }

    /// The header's value for a request to the client's own host, if there is one that needs neither a wait nor a look at the path.
    pub(crate) fn fresh_header(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.header.get(py, self.client.fresh_generation()?)
    }

    /// The value of the header that authenticates a request to that path or URL.
    pub(crate) fn authorize(&self, py: Python<'_>, path: &str) -> PyResult<Py<PyAny>> {
        crate::audit::look_at_logging(py);
        let authorized = interrupt::detached(py, || self.client.authorize(path))?;
        let authorized = authorized.map_err(|failed| error::raised(py, &failed, Some(&self.provider)))?;
        let value = || authorized.value().expose();
        header_text(py, &self.header, "HeaderValue", authorized.generation(), value)
    }

    fn names(&self, py: Python<'_>) -> &Names {
        self.names.get_or_init(py, || {
            let connection = self.client.connection();
            let text = |text: &str| PyString::new(py, text).unbind();
            let origin = connection.base_url().origin();
            let (scheme, usual) = if origin.is_secure() { ("https", 443) } else { ("http", 80) };
            let authority = if origin.port() == usual { origin.host().to_owned() } else { format!("{}:{}", origin.host(), origin.port()) };
            Names {
                own_origin: (text(scheme), text(&authority)),
                header: text(connection.header()),
                id_header: text(connection.request_id_header()),
                own_prefix: text(&connection.own_prefix()),
                authority,
            }
        })
    }

    /// Host and port of the client's own host, as a URL has them.
    pub(crate) fn own_authority<'a>(&'a self, py: Python<'a>) -> &'a str {
        &self.names(py).authority
    }

    /// Puts the header fields of a request into a mapping.
    pub(crate) fn put(&self, headers: &Bound<'_, PyAny>, authorization: Option<&Authorization>, request_id: &str) -> PyResult<()> {
        let (py, names) = (headers.py(), self.names(headers.py()));
        if let Some(authorization) = authorization {
            let value = || authorization.value().expose();
            let text = header_text(py, &self.sent, "SentValue", authorization.generation(), value)?;
            headers.set_item(&names.header, text)?;
        }
        headers.set_item(&names.id_header, request_id)
    }

    /// Whether a URL is one of the client's own host, as far as its beginning tells; or its parts, where it comes as an object that has them (yarl's): to make a
    /// text of it would take longer than everything else.
    pub(crate) fn is_own(&self, url: &Bound<'_, PyAny>) -> PyResult<bool> {
        let (py, names) = (url.py(), self.names(url.py()));
        if let Ok(text) = url.cast::<PyString>() {
            return begins_with(text, names.own_prefix.bind(py));
        }
        let (scheme, authority) = &names.own_origin;
        Ok(url.getattr(intern!(py, "raw_authority"))?.eq(authority)? && url.getattr(intern!(py, "scheme"))?.eq(scheme)?)
    }

    /// The time by the client's clock.
    pub(crate) fn now(&self) -> UnixTime {
        self.client.now()
    }
}

/// A header's value as Python text of a class whose `repr` shows nothing: the one that was made before, or a
/// new one.
fn header_text<'v>(py: Python<'_>, kept: &Kept, class: &str, generation: u64, value: impl FnOnce() -> &'v str) -> PyResult<Py<PyAny>> {
    if let Some(known) = kept.get(py, generation) {
        return Ok(known);
    }
    let value = py.import("ledgerauth._text")?.getattr(class)?.call1((value(),))?.unbind();
    kept.set(py, generation, value.clone_ref(py));
    Ok(value)
}

/// Whether a text begins with another.
#[expect(unsafe_code, reason = "a comparison without copies has no safe name in the stable ABI")]
fn begins_with(text: &Bound<'_, PyString>, beginning: &Bound<'_, PyString>) -> PyResult<bool> {
    // SAFETY: both are texts of Python's, and we are attached. An error is -1, with an exception.
    let found = unsafe { pyo3::ffi::PyUnicode_Tailmatch(text.as_ptr(), beginning.as_ptr(), 0, isize::MAX, -1) };
    if found < 0 { Err(PyErr::fetch(text.py())) } else { Ok(found > 0) }
}

/// An engine, and the one that took its place after a fork.
struct Link {
    engine: Arc<Engine>,
    next: OnceLock<Box<Link>>,
}

impl Link {
    fn new(client: Client) -> Self {
        Self { engine: Arc::new(Engine::new(client)), next: OnceLock::new() }
    }

    /// The engine of this process.
    fn last(&self) -> &Self {
        let mut link = self;
        while let Some(next) = link.next.get() {
            link = next;
        }
        link
    }
}

/// A client's engine, of which a forked child makes one of its own.
pub(crate) struct Cell {
    first: Link,
    builder: ClientBuilder,
    store: Store,
    single_use: bool,
    /// Whether this is a child whose parent alone may use the credential.
    orphaned: AtomicBool,
}

impl Cell {
    pub(crate) fn new(py: Python<'_>, builder: ClientBuilder, store: Store, single_use: bool, provider: &str) -> PyResult<Arc<Self>> {
        let client = store.given_to(builder.clone()).build().map_err(|failed| error::raised(py, &failed, Some(provider)))?;
        let cell = Arc::new(Self { first: Link::new(client), builder, store, single_use, orphaned: AtomicBool::new(false) });
        let mut cells = cells();
        cells.retain(|cell| cell.strong_count() > 0);
        cells.push(Arc::downgrade(&cell));
        Ok(cell)
    }

    /// Whether only this process may use the credential: a refresh token that no other one can see the successors of.
    pub(crate) fn is_alone(&self) -> bool {
        self.single_use && self.store.is_memory()
    }

    pub(crate) fn engine(&self, py: Python<'_>) -> PyResult<&Arc<Engine>> {
        if self.orphaned.load(Ordering::Relaxed) {
            let what = "the refresh token belongs to the process that made the client, and this one was forked from it";
            let advice = "two processes that use one refresh token kill it: share it by store=";
            return Err(error::plain(py, "consent_required", what, advice));
        }
        Ok(&self.first.last().engine)
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
    /// Each with what takes the place of its store, and with the credential that it has now.
    each: Vec<(Arc<Cell>, Store, Credential)>,
}

thread_local! {
    static LUGGAGE: std::cell::RefCell<Option<Luggage>> = const { std::cell::RefCell::new(None) };
}

/// Called before a fork, in the thread that forks.
#[pyfunction]
pub(crate) fn _before_fork(py: Python<'_>) {
    audit::drain(py);
    let cells = cells();
    let living = cells.iter().filter_map(Weak::upgrade);
    let each = living.map(|cell| (Arc::clone(&cell), cell.store.for_child(), cell.first.last().engine.client.credential())).collect();
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
    for (cell, store, credential) in luggage.each {
        // The old engine and store are never dropped: other threads of the parent's may have been in the middle of them, and the connections are the parent's.
        std::mem::forget((Arc::clone(&cell.first.last().engine), cell.store.clone()));
        let is_ours = !cell.is_alone();
        match store.given_to(cell.builder.clone().credential(credential)).build() {
            Ok(client) if is_ours => drop(cell.first.last().next.set(Box::new(Link::new(client)))),
            _ => cell.orphaned.store(true, Ordering::Relaxed),
        }
    }
}

//! Ctrl-C, and calls into Python from threads that Python does not know.

use pyo3::ffi;
use pyo3::prelude::*;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

thread_local! {
    /// What a signal handler raised while this thread waited in Rust.
    static PENDING: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// Whether a wait is to be given up, because a signal handler raised something (`KeyboardInterrupt`, usually).
pub(crate) fn is_wanted() -> bool {
    if PENDING.with_borrow(Option::is_some) {
        return true;
    }
    // Python runs signal handlers in its main thread only; the others need not be asked, and then do not contend for the interpreter.
    if !is_main_thread() {
        return false;
    }
    let raised = Python::try_attach(|py| py.check_signals().err()).flatten();
    let is_raised = raised.is_some();
    PENDING.set(raised);
    is_raised
}

/// Does something without the interpreter. If a signal handler or a function of the program's raised something meanwhile, that is the outcome.
pub(crate) fn detached<R: Send>(py: Python<'_>, work: impl FnOnce() -> R + Send) -> PyResult<R> {
    PENDING.take();
    let result = py.detach(work);
    match PENDING.take() {
        Some(raised) => Err(raised),
        None => Ok(result),
    }
}

#[cfg(target_os = "linux")]
fn is_main_thread() -> bool {
    rustix::thread::gettid() == rustix::process::getpid()
}

#[cfg(not(target_os = "linux"))]
fn is_main_thread() -> bool {
    true
}

/// No thread of ours may enter the interpreter any more: it is going away.
static CLOSED: AtomicBool = AtomicBool::new(false);
/// How many threads of ours are inside, or about to enter.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// How long the interpreter's end waits for them: five seconds, because what they call are callbacks that should be short.
const PATIENCE: Duration = Duration::from_secs(5);

/// Calls into Python from any thread; `None` if the interpreter is going away, because a thread of ours that entered it then would not come back.
pub(crate) fn attached<R>(work: impl FnOnce(Python<'_>) -> R) -> Option<R> {
    if is_pythons_thread() {
        return Python::try_attach(work);
    }
    INSIDE.fetch_add(1, Ordering::SeqCst);
    let result = if CLOSED.load(Ordering::SeqCst) { None } else { Python::try_attach(work) };
    INSIDE.fetch_sub(1, Ordering::SeqCst);
    result
}

/// Whether Python started this thread, or has seen it before.
#[expect(unsafe_code, reason = "the one question about a thread that needs no interpreter has no safe name")]
fn is_pythons_thread() -> bool {
    // SAFETY: may be called from any thread after the interpreter was initialised, which it was before this module was loaded.
    let state = unsafe { ffi::PyGILState_GetThisThreadState() };
    !state.is_null()
}

/// Called at the interpreter's exit: lets our threads out, and no more in.
#[pyfunction]
pub(crate) fn _at_exit(py: Python<'_>) {
    crate::audit::drain(py);
    CLOSED.store(true, Ordering::SeqCst);
    py.detach(|| {
        let end = Instant::now() + PATIENCE;
        while INSIDE.load(Ordering::SeqCst) > 0 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
}

/// In a forked child none of our threads is left.
pub(crate) fn forget_threads() {
    INSIDE.store(0, Ordering::SeqCst);
}

/// Keeps what a function of the program's raised, for the caller to see instead of what it led to. In a thread of ours nobody does.
pub(crate) fn keep(raised: PyErr) {
    if is_pythons_thread() {
        PENDING.set(Some(raised));
    }
}

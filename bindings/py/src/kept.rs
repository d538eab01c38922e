//! `Kept`: one Python text under a number, read without an atomic operation where the interpreter's lock makes that right.

use pyo3::prelude::*;

/// The text that was made for one generation of the header.
#[derive(Default)]
pub(crate) struct Kept(inner::Slot);

impl Kept {
    pub(crate) fn get(&self, py: Python<'_>, generation: u64) -> Option<Py<PyAny>> {
        self.0.with(py, |kept| kept.as_ref().filter(|(known, _)| *known == generation).map(|(_, text)| text.clone_ref(py)))
    }

    pub(crate) fn set(&self, py: Python<'_>, generation: u64, text: Py<PyAny>) {
        // What was there is dropped afterwards, because dropping may run any code of Python's.
        let before = self.0.with(py, |kept| kept.replace((generation, text)));
        drop(before);
    }
}

#[cfg(not(Py_GIL_DISABLED))]
mod inner {
    #![expect(unsafe_code, reason = "a lock of our own beside the interpreter's would cost as much as the whole look")]

    use pyo3::prelude::*;
    use std::cell::UnsafeCell;

    #[derive(Default)]
    pub(super) struct Slot(UnsafeCell<Option<(u64, Py<PyAny>)>>);

    // SAFETY: `with` is the only way in, and it wants proof that the interpreter's lock is held.
    unsafe impl Sync for Slot {}

    impl Slot {
        pub(super) fn with<R>(&self, _py: Python<'_>, work: impl FnOnce(&mut Option<(u64, Py<PyAny>)>) -> R) -> R {
            // SAFETY: the lock is held, and neither `get` nor `set` above runs code of Python's inside, which could let go of it or come here again.
            work(unsafe { &mut *self.0.get() })
        }
    }
}

#[cfg(Py_GIL_DISABLED)]
mod inner {
    use pyo3::prelude::*;
    use std::sync::{Mutex, PoisonError};

    #[derive(Default)]
    pub(super) struct Slot(Mutex<Option<(u64, Py<PyAny>)>>);

    impl Slot {
        pub(super) fn with<R>(&self, _py: Python<'_>, work: impl FnOnce(&mut Option<(u64, Py<PyAny>)>) -> R) -> R {
            work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }
}

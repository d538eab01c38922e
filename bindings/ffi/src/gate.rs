//! A client's way back into the program: callbacks with their userdata, closed when the client is freed.

use parking_lot::{Condvar, Mutex};
use std::ffi::c_void;

/// The gate between a client and the program's callbacks.
///
/// Threads of the library's own may outlive the client by a moment. Each callback goes through here, and closing waits for those that are inside; so
/// none is called after the client was freed, and the program may free what its userdata points to.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    inside: usize,
}

impl Gate {
    /// Calls back, unless the gate is closed.
    pub(crate) fn call<T>(&self, callback: impl FnOnce() -> T) -> Option<T> {
        {
            let mut state = self.state.lock();
            if state.closed {
                return None;
            }
            state.inside += 1;
        }
        let _inside = Inside(self);
        Some(callback())
    }

    /// Closes, and waits for whoever is inside.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        while state.inside > 0 {
            self.left.wait(&mut state);
        }
    }
}

/// Somebody who is inside.
struct Inside<'a>(&'a Gate);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.state.lock().inside -= 1;
        self.0.left.notify_all();
    }
}

/// A pointer of the program's, handed back to its callbacks and never looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Userdata(pub(crate) *mut c_void);

// SAFETY: the library never looks behind the pointer; the header says that callbacks are called from several threads.
unsafe impl Send for Userdata {}
// SAFETY: as above.
unsafe impl Sync for Userdata {}

//! The standard library's locks, without poisoning: what they guard is put right by whoever holds them next.
//!
//! They are plain words in memory. A lock that keeps lists of waiting threads for the whole process would keep, in a forked child, threads that do not exist there.

use std::sync::{self, MutexGuard, PoisonError};
use std::time::Duration;

/// A mutex.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T: ?Sized>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }
}

impl<T: ?Sized> Mutex<T> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A condition variable.
#[derive(Debug, Default)]
pub(crate) struct Condvar(sync::Condvar);

impl Condvar {
    pub(crate) const fn new() -> Self {
        Self(sync::Condvar::new())
    }

    /// Lets go of the lock until somebody notifies, or until `span` is over.
    pub(crate) fn wait_for<'g, T>(&self, guard: MutexGuard<'g, T>, span: Duration) -> MutexGuard<'g, T> {
        self.0.wait_timeout(guard, span).unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

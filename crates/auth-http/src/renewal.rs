//! Renewals: on a thread of their own, so that no caller waits for them, or within the call that finds one due.

use crate::beside::spawn_or_here;
use crate::interrupt;
use crate::lock::{Condvar, Mutex};
use crate::run::renew;
use crate::shared::Shared;
use auth_core::{Exchange, UnixTime};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The renewals of one client that have threads of their own.
#[derive(Default)]
pub(crate) struct Renewals {
    running: Mutex<usize>,
    ended: Condvar,
    closing: AtomicBool,
}

impl Renewals {
    /// Whether no renewal should wait any longer.
    pub(crate) fn are_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Says that none should wait any longer.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Waits until none is running, or the program gives that up.
    pub(crate) fn wait(&self, is_given_up: impl Fn() -> bool) {
        let mut running = self.running.lock();
        while *running > 0 && !is_given_up() {
            running = self.ended.wait_for(running, interrupt::SLICE);
        }
    }

    fn begin(&self) {
        *self.running.lock() += 1;
    }

    fn end(&self) {
        *self.running.lock() -= 1;
        self.ended.notify_all();
    }
}

/// Renews on a new thread. If the process can start none, the calling thread makes the renewal itself and hears it out; it waits
/// for nothing else after the deadline of its call.
pub(crate) fn spawn(shared: &Arc<Shared>, mut renewal: Exchange, deadline: UnixTime) {
    let (theirs, running) = (Arc::clone(shared), Running::begin(shared));
    let caller = std::thread::current().id();
    spawn_or_here("ledgerauth-renewal", move || {
        if std::thread::current().id() == caller {
            renewal.end_by(deadline);
        }
        renew(&theirs, renewal);
        drop(running);
    });
}

/// A renewal, or another step beside the callers, that counts as running however it ends.
pub(crate) struct Running(Arc<Shared>);

impl Running {
    pub(crate) fn begin(shared: &Arc<Shared>) -> Self {
        shared.renewals.begin();
        Self(Arc::clone(shared))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.renewals.end();
    }
}

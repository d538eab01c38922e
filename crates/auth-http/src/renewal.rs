//! Renewals: on a thread of their own, so that no caller waits for them, or within the call that finds one due.

use crate::lock::{Condvar, Mutex};
use crate::run::{Deliver, run};
use crate::shared::Shared;
use auth_core::Exchange;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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

    /// Waits until none is running.
    pub(crate) fn wait(&self) {
        let mut running = self.running.lock();
        while *running > 0 {
            running = self.ended.wait_for(running, Duration::from_secs(1));
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

/// Renews on a new thread. If the process can start none, the calling thread makes the renewal itself and hears it out.
pub(crate) fn spawn(shared: &Arc<Shared>, renewal: Exchange) {
    let slot = Arc::new(Mutex::new(Some((renewal, Running::begin(shared)))));
    let theirs = Arc::clone(&slot);
    let work = move || {
        if let Some((renewal, running)) = taken(&theirs) {
            drive(&running.0, renewal);
        }
    };
    if std::thread::Builder::new().name("ledgerauth-renewal".into()).spawn(work).is_err()
        && let Some((renewal, running)) = taken(&slot)
    {
        drive(&running.0, renewal);
    }
}

/// What a slot holds. The slot is free again at once, however long the renewal takes.
fn taken<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().take()
}

/// A renewal that counts as running, however it ends.
struct Running(Arc<Shared>);

impl Running {
    fn begin(shared: &Arc<Shared>) -> Self {
        shared.renewals.begin();
        Self(Arc::clone(shared))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.renewals.end();
    }
}

/// Renews here and now.
pub(crate) fn drive(shared: &Arc<Shared>, renewal: Exchange) {
    // A failure is the session's to remember: the token in use is still valid.
    let _ = run(shared, renewal, Deliver::Nothing);
}

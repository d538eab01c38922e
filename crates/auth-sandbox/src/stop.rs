use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Tells every thread that the end has come, and wakes those that are waiting.
#[derive(Default)]
pub(crate) struct Stop {
    stopped: Mutex<bool>,
    woken: Condvar,
}

impl Stop {
    pub(crate) fn stop(&self) {
        *self.stopped.lock() = true;
        self.woken.notify_all();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        *self.stopped.lock()
    }

    /// Waits in real time; returns true when the end came first.
    pub(crate) fn wait(&self, duration: Duration) -> bool {
        let mut stopped = self.stopped.lock();
        let Some(deadline) = Instant::now().checked_add(duration) else {
            while !*stopped {
                self.woken.wait(&mut stopped);
            }
            return true;
        };
        while !*stopped {
            if self.woken.wait_until(&mut stopped, deadline).timed_out() {
                break;
            }
        }
        *stopped
    }
}

//! What cannot be interrupted, done on a thread that can be left behind.

use crate::interrupt::{Interrupt, SLICE};
use crate::lock::Mutex;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

/// Why there is no result.
pub(crate) enum Cut {
    Interrupted,
    TimedOut,
    /// The thread ended without a result.
    Died,
}

/// Does what cannot be interrupted on a thread of its own, which is left behind when it takes too long or nobody wants it any more.
/// Where the process can start no thread, it is done here and takes its time.
pub(crate) fn beside<T: Send + 'static>(
    interrupt: &Interrupt,
    until: Option<Instant>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Cut> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let slot = Arc::new(Mutex::new(Some(work)));
    let theirs = Arc::clone(&slot);
    let there = move || {
        let work = theirs.lock().take();
        if let Some(work) = work {
            // Nobody listens any more if it took too long.
            drop(sender.send(work()));
        }
    };
    if thread::Builder::new().name("ledgerauth-connect".into()).spawn(there).is_err() {
        let work = slot.lock().take();
        return work.map(|work| work()).ok_or(Cut::Died);
    }
    loop {
        let left = until.map_or(SLICE, |until| until.saturating_duration_since(Instant::now()));
        match receiver.recv_timeout(left.min(SLICE)) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Disconnected) => return Err(Cut::Died),
            Err(RecvTimeoutError::Timeout) if interrupt() => return Err(Cut::Interrupted),
            Err(RecvTimeoutError::Timeout) if until.is_some_and(|until| until <= Instant::now()) => return Err(Cut::TimedOut),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    #[test]
    fn what_takes_too_long_is_left_behind() {
        let forever = || thread::sleep(Duration::from_secs(20));
        let (start, asked) = (Instant::now(), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&asked);
        let interrupt: Interrupt = Arc::new(move || counted.fetch_add(1, Ordering::Relaxed) == 2);
        assert!(matches!(beside(&interrupt, None, forever), Err(Cut::Interrupted)));
        assert!(start.elapsed() < Duration::from_millis(400) && asked.load(Ordering::Relaxed) == 3);
        let never: Interrupt = Arc::new(|| false);
        assert!(matches!(beside(&never, Some(Instant::now() + Duration::from_millis(20)), forever), Err(Cut::TimedOut)));
        assert!(matches!(beside(&never, None, || 7), Ok(7)));
    }
}

//! Who wants to be woken, without a thread that sleeps, when a session changes.

use crate::lock::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is called, once, from whatever thread changes the session.
pub(crate) type Waker = Box<dyn FnOnce() + Send>;

/// The wakers of a session.
#[derive(Default)]
pub(crate) struct Wakers {
    waiting: Mutex<Vec<(u64, Waker)>>,
    /// How many there are, so that a change that concerns nobody costs no lock.
    count: AtomicUsize,
}

impl Wakers {
    /// Puts a waker in place of the one that was there under that number.
    pub(crate) fn set(&self, number: u64, waker: Waker) {
        let mut waiting = self.waiting.lock();
        waiting.retain(|(known, _)| *known != number);
        waiting.push((number, waker));
        self.count.store(waiting.len(), Ordering::SeqCst);
    }

    /// Takes the waker of that number away, if it was not called yet.
    pub(crate) fn take(&self, number: u64) -> Option<Waker> {
        if self.count.load(Ordering::SeqCst) == 0 {
            return None;
        }
        let mut waiting = self.waiting.lock();
        let place = waiting.iter().position(|(known, _)| *known == number)?;
        let (_, waker) = waiting.swap_remove(place);
        self.count.store(waiting.len(), Ordering::SeqCst);
        Some(waker)
    }

    /// Calls all of them, each for the last time. No lock is held meanwhile: a waker may do as it likes.
    pub(crate) fn wake(&self) {
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut waiting = self.waiting.lock();
        let woken = std::mem::take(&mut *waiting);
        self.count.store(0, Ordering::SeqCst);
        drop(waiting);
        for (_, waker) in woken {
            waker();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_waker_is_called_once_and_not_at_all_when_it_was_replaced_or_taken_away() {
        let (wakers, calls) = (Wakers::default(), Arc::new(Mutex::new(Vec::new())));
        let waker = |name: &'static str| -> Waker {
            let calls = Arc::clone(&calls);
            Box::new(move || calls.lock().push(name))
        };
        wakers.set(1, waker("replaced"));
        wakers.set(1, waker("one"));
        wakers.set(2, waker("taken away"));
        drop(wakers.take(2));
        wakers.wake();
        wakers.wake();
        assert_eq!(*calls.lock(), ["one"]);
    }
}

//! `Mark`: which header is in use and until when, as two numbers that any thread reads without writing anything.

use auth_core::{Fresh, UnixTime};
use std::sync::atomic::{AtomicU64, Ordering};

/// The generation of what is fresh, and until when. One thread at a time writes: the one that holds the session's lock.
#[derive(Default)]
pub(crate) struct Mark {
    generation: AtomicU64,
    until_millis: AtomicU64,
}

impl Mark {
    pub(crate) fn set(&self, fresh: &Fresh) {
        // Between the two writes nothing is fresh, so that no generation is read with the time of another.
        self.until_millis.store(0, Ordering::SeqCst);
        self.generation.store(fresh.authorization.generation(), Ordering::SeqCst);
        self.until_millis.store(fresh.until.as_millis(), Ordering::SeqCst);
    }

    /// The generation in use, if it still is at that moment.
    pub(crate) fn read(&self, now: UnixTime) -> Option<u64> {
        let generation = self.generation.load(Ordering::Acquire);
        let is_fresh = now.as_millis() < self.until_millis.load(Ordering::Acquire);
        (is_fresh && self.generation.load(Ordering::Acquire) == generation).then_some(generation)
    }
}

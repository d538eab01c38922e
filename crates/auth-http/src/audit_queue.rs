//! Events on their way to the program's function, so that a slow one holds no call up.

use crate::lock::{Condvar, Mutex};
use auth_core::AuditEvent;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The program's function.
pub(crate) type Listener = dyn Fn(&AuditEvent) + Send + Sync;

/// How many events wait at most: 16,384, some MiB, because a sink that is away for a moment should lose
/// nothing of 8,000 calls.
const MOST: usize = 16_384;
/// How long a thread without events stays: a second, because starting one for each call would cost more
/// than the call.
const IDLE: Duration = Duration::from_secs(1);
/// How often [`drain_audit`] looks.
const LOOK: Duration = Duration::from_millis(1);

/// How many events of all clients wait, or are being delivered. No lock, because a forked child could find it held.
static PENDING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The clients whose function runs in this thread.
    static LISTENING: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Waits until the events of all clients of this process are delivered, for `limit` at most; `false` if some
/// are left. For the end of a program, and for the moment before a fork.
pub fn drain_audit(limit: Duration) -> bool {
    let end = Instant::now() + limit;
    let is_listener = LISTENING.with_borrow(|clients| !clients.is_empty());
    while PENDING.load(Ordering::Acquire) > 0 && !is_listener && Instant::now() < end {
        std::thread::sleep(LOOK);
    }
    PENDING.load(Ordering::Acquire) == 0
}

/// In a forked child there is no thread that delivers, and nothing to deliver: the parent does.
pub(crate) fn forget() {
    PENDING.store(0, Ordering::Release);
}

/// The events of one client.
pub(crate) struct Queue {
    number: u64,
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<AuditEvent>,
    /// How many found no room since the last one that did, and the last of them.
    lost: Option<(u64, AuditEvent)>,
    /// Whether a thread is there that delivers.
    has_thread: bool,
    /// How many events were given to the program's function and are not through.
    under_way: usize,
}

impl Queue {
    pub(crate) fn new() -> Arc<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { number, state: Mutex::default(), moved: Condvar::new() })
    }

    /// Whether the client's own function runs in this thread.
    pub(crate) fn is_listening_here(&self) -> bool {
        LISTENING.with_borrow(|clients| clients.contains(&self.number))
    }

    /// Calls the program's function, in this thread.
    pub(crate) fn call(&self, listener: &Listener, event: &AuditEvent) {
        /// However the function ends.
        struct Listening;
        impl Drop for Listening {
            fn drop(&mut self) {
                LISTENING.with_borrow_mut(Vec::pop);
            }
        }
        LISTENING.with_borrow_mut(|clients| clients.push(self.number));
        let _listening = Listening;
        listener(event);
    }

    /// Lets a thread deliver an event after all that came before. An event that finds no room is counted.
    pub(crate) fn push(self: &Arc<Self>, listener: &Arc<Listener>, event: &AuditEvent) {
        let mut state = self.state.lock();
        if state.waiting.len() >= MOST {
            let before = state.lost.as_ref().map_or(0, |(count, _)| *count);
            state.lost = Some((before + 1, event.clone()));
            return;
        }
        if let Some((count, last)) = state.lost.take() {
            state.push(AuditEvent::dropped(&last, count));
        }
        state.push(event.clone());
        let begins = !std::mem::replace(&mut state.has_thread, true);
        drop(state);
        self.moved.notify_all();
        if begins {
            let (queue, theirs) = (Arc::clone(self), Arc::clone(listener));
            let work = move || queue.deliver(&*theirs, IDLE);
            if std::thread::Builder::new().name("ledgerauth-audit".into()).spawn(work).is_err() {
                self.deliver(&**listener, Duration::ZERO);
            }
        }
    }

    /// Delivers until nothing has come for a while.
    fn deliver(&self, listener: &Listener, idle: Duration) {
        /// However the function ends, the event is no longer on its way.
        struct Delivered<'a>(&'a Queue);
        impl Drop for Delivered<'_> {
            fn drop(&mut self) {
                self.0.state.lock().under_way -= 1;
                PENDING.fetch_sub(1, Ordering::AcqRel);
            }
        }
        while let Some(event) = self.next(idle) {
            let _delivered = Delivered(self);
            // A function that panics has said so by the panic hook; the next event is another matter.
            let _ = catch_unwind(AssertUnwindSafe(|| self.call(listener, &event)));
        }
    }

    /// The next event; `None` if there is none for so long, and the thread no longer counts then.
    fn next(&self, idle: Duration) -> Option<AuditEvent> {
        let end = Instant::now() + idle;
        let mut state = self.state.lock();
        loop {
            let lost = if state.waiting.is_empty() { state.lost.take() } else { None };
            if let Some((count, last)) = lost {
                state.push(AuditEvent::dropped(&last, count));
            }
            if let Some(event) = state.waiting.pop_front() {
                state.under_way += 1;
                return Some(event);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.has_thread = false;
                return None;
            }
            state = self.moved.wait_for(state, left);
        }
    }

    /// Waits until all events are delivered, for `limit` at most. The program's function itself does not wait.
    pub(crate) fn drain(&self, limit: Duration) {
        let end = Instant::now() + limit;
        let is_busy = || {
            let state = self.state.lock();
            !state.waiting.is_empty() || state.lost.is_some() || state.under_way > 0
        };
        while !self.is_listening_here() && is_busy() && Instant::now() < end {
            std::thread::sleep(LOOK);
        }
    }
}

impl State {
    fn push(&mut self, event: AuditEvent) {
        PENDING.fetch_add(1, Ordering::AcqRel);
        self.waiting.push_back(event);
    }
}

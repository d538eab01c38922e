//! Steps that may block, done beside the caller: it stops waiting when it likes, and the step goes on.

use crate::lock::{Condvar, Mutex};
use crate::renewal;
use crate::run::Running;
use crate::shared::Shared;
use crate::wakers::Waker;
use auth_core::{Failure, FailureKind, Step, UnixTime};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long a call waits for what it does not need: the first look for limits, telling the others of one,
/// giving a lease back. Two seconds, because a store on another continent connects and answers in one.
const HINT_TIME: Duration = Duration::from_secs(2);
/// How often a call that waits for a thread looks whether its time is over.
const SLICE: Duration = crate::interrupt::SLICE;

/// Does `work` on a thread of its own, or here if the process can start none.
pub(crate) fn spawn_or_here(name: &str, work: impl FnOnce() + Send + 'static) {
    let slot = Arc::new(Mutex::new(Some(work)));
    let theirs = Arc::clone(&slot);
    let work = move || {
        let work = theirs.lock().take();
        if let Some(work) = work {
            work();
        }
    };
    if std::thread::Builder::new().name(name.into()).spawn(work).is_err() {
        let work = slot.lock().take();
        if let Some(work) = work {
            work();
        }
    }
}

/// An exchange whose step is with a thread.
pub(crate) struct Away {
    state: Mutex<State>,
    done: Condvar,
    /// When the caller no longer waits for the step.
    deadline: UnixTime,
    /// When the exchange goes on without the step, if it can.
    patience: Option<Instant>,
    /// What to tell a caller whose time is over.
    late: Failure,
    /// What became of the call's request before; the thread sends none of it.
    processed: auth_core::Processed,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    is_done: bool,
    waker: Option<Waker>,
    /// Whether the caller is gone, so that the thread finishes what it has.
    is_left: bool,
}

/// How waiting for a step ended.
pub(crate) enum Waited {
    Back(Box<Running>),
    /// The time of the call is over.
    Overdue(Failure),
    /// The thread ended without a word.
    Gone,
}

impl Away {
    /// Lets a thread do a step that may block.
    pub(crate) fn send(mut running: Running, step: Step) -> Arc<Self> {
        let shared = Arc::clone(running.shared());
        match step {
            Step::Look => {
                running.look_elsewhere();
                Self::hint(running, move || shared.look())
            }
            Step::Pause(pause) => Self::hint(running, move || shared.pause(&pause)),
            Step::Release(lease) => Self::hint(running, move || shared.release(&lease)),
            step => Self::carry(running, step),
        }
    }

    fn new(running: &Running, patience: Option<Instant>, what: &'static str) -> Arc<Self> {
        let whose = running.shared().connection.provider().name();
        let what = format!("the deadline passed while the {what} of {whose} was asked");
        let advice = "nothing is lost, and the step goes on: look why it takes so long, or give the call more time";
        let processed = running.processed();
        let late = running.told_to_call(Failure::new(FailureKind::DeadlineExceeded, what, advice));
        let (state, done, deadline) = (Mutex::default(), Condvar::new(), running.deadline());
        Arc::new(Self { state, done, deadline, patience, late, processed })
    }

    /// A step whose result the exchange does not need.
    fn hint(running: Running, step: impl FnOnce() + Send + 'static) -> Arc<Self> {
        // A deadline does not end such a step: the exchange has its own word on that.
        let left = running.deadline().since(running.shared().now()).min(HINT_TIME);
        let away = Self::new(&running, Some(Instant::now() + left), "token store");
        away.state.lock().running = Some(running);
        let theirs = Arc::clone(&away);
        spawn_or_here("ledgerauth-chore", move || {
            step();
            theirs.finish();
        });
        away
    }

    /// A step whose result the exchange needs: the thread takes it along.
    fn carry(mut running: Running, step: Step) -> Arc<Self> {
        let what = match step {
            Step::Load => "source of the credential",
            Step::Fetch(_) | Step::Connect(_) => "token endpoint",
            _ => "token store",
        };
        let away = Self::new(&running, None, what);
        let (theirs, counted) = (Arc::clone(&away), renewal::Running::begin(running.shared()));
        spawn_or_here("ledgerauth-chore", move || {
            running.oblige(step);
            let mut state = theirs.state.lock();
            if state.is_left {
                drop(state);
                running.finish_chores();
            } else {
                state.running = Some(running);
                drop(state);
                theirs.finish();
            }
            drop(counted);
        });
        away
    }

    fn finish(&self) {
        let mut state = self.state.lock();
        state.is_done = true;
        let waker = state.waker.take();
        drop(state);
        self.done.notify_all();
        if let Some(waker) = waker {
            waker();
        }
    }

    /// The exchange, if it can go on.
    pub(crate) fn take(&self) -> Option<Running> {
        let mut state = self.state.lock();
        let is_ready = state.is_done || self.patience.is_some_and(|patience| patience <= Instant::now());
        if is_ready { state.running.take() } else { None }
    }

    /// Whether the thread ended without a word.
    pub(crate) fn is_gone(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) == 1
    }

    /// Leaves the exchange to the thread, which finishes what may not be left half-done.
    pub(crate) fn leave(&self) {
        let mut state = self.state.lock();
        state.is_left = true;
        let running = state.running.take();
        drop(state);
        if let Some(running) = running {
            spawn_or_here("ledgerauth-chore", move || running.finish_chores());
        }
    }

    /// An error that ends the call from outside, told with what became of its request before the thread had it.
    pub(crate) fn told(&self, error: crate::error::Error) -> crate::error::Error {
        error.of_call(self.processed)
    }

    /// What to tell a caller whose time is over.
    pub(crate) fn overdue(&self, shared: &Shared) -> Option<Failure> {
        (shared.now() >= self.deadline).then(|| self.late.clone())
    }

    /// Sets what is called as soon as the exchange can go on; it comes back if that is so already.
    pub(crate) fn on_done(&self, waker: Waker) -> Option<Waker> {
        let mut state = self.state.lock();
        if state.is_done {
            return Some(waker);
        }
        state.waker = Some(waker);
        None
    }

    /// When to look again at the latest.
    pub(crate) fn look_again(&self, latest: UnixTime) -> UnixTime {
        latest.min(self.deadline)
    }

    /// Waits until the thread is done, or for a moment.
    pub(crate) fn rest(&self) {
        let state = self.state.lock();
        if !state.is_done {
            drop(self.done.wait_for(state, SLICE));
        }
    }

    /// Waits until the exchange can go on.
    ///
    /// # Errors
    /// If the program gives the wait up.
    pub(crate) fn wait(self: &Arc<Self>, shared: &Shared) -> Result<Waited, crate::error::Error> {
        loop {
            if let Some(running) = self.take() {
                return Ok(Waited::Back(Box::new(running)));
            }
            if self.is_gone() {
                return Ok(self.take().map_or(Waited::Gone, |running| Waited::Back(Box::new(running))));
            }
            if let Some(failure) = self.overdue(shared) {
                self.leave();
                return Ok(Waited::Overdue(failure));
            }
            shared.go_on().map_err(|error| {
                self.leave();
                self.told(error)
            })?;
            self.rest();
        }
    }
}

/// What `work` gives, done on a thread of its own if the client may have one; `None` if the program gives the wait up, or the time of
/// a call is over.
pub(crate) fn value<T: Send + 'static>(shared: &Arc<Shared>, work: impl FnOnce(&Shared) -> T + Send + 'static) -> Option<T> {
    if !shared.renews_beside {
        return Some(work(shared));
    }
    let (theirs, (sender, receiver)) = (Arc::clone(shared), mpsc::sync_channel(1));
    // Nobody listens any more if it took too long.
    spawn_or_here("ledgerauth-chore", move || drop(sender.send(work(&theirs))));
    let end = Instant::now() + shared.connection.policy().deadline;
    loop {
        match receiver.recv_timeout(SLICE) {
            Ok(value) => return Some(value),
            Err(RecvTimeoutError::Timeout) if Instant::now() < end && shared.go_on().is_ok() => {}
            Err(_) => return None,
        }
    }
}

/// Looks for limits of other processes on a thread of its own; no call waits for it.
pub(crate) fn look(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    spawn_or_here("ledgerauth-look", move || shared.look());
}

impl Shared {
    /// Asks the store for limits of other processes, if nobody is at it.
    fn look(&self) {
        /// However the look ends, the next one may begin.
        struct Looking<'a>(&'a Shared);
        impl Drop for Looking<'_> {
            fn drop(&mut self) {
                self.0.looking.store(false, Ordering::Release);
            }
        }
        if self.looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let _looking = Looking(self);
        let pause = self.paused();
        self.with(|session, now| session.end_look(now, pause));
    }
}

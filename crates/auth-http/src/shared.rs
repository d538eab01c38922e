//! What all threads of a client share: the session behind its lock, and what can be had without the lock.

use crate::audit::Audit;
use crate::clock;
use crate::credential::Credential;
use crate::error::Error;
use crate::interrupt::{self, Interrupt};
use crate::lock::{Condvar, Mutex};
use crate::store::TokenStore;
use crate::transport::Wire;
use crate::wakers::Wakers;
use arc_swap::ArcSwapOption;
use auth_core::{Connection, Fresh, Session, UnixTime};
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;

/// The longest single sleep: half a minute, because a condition variable's clock stands still while the machine is suspended.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The state of one client. The session's lock is held for microseconds, never across I/O.
pub(crate) struct Shared {
    pub(crate) connection: Arc<Connection>,
    pub(crate) agent: Agent,
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) store_id: String,
    pub(crate) credential: Mutex<Credential>,
    pub(crate) audit: Audit,
    pub(crate) wakers: Wakers,
    interrupt: Option<Interrupt>,
    session: Mutex<Session>,
    moved: Condvar,
    fresh: ArcSwapOption<Fresh>,
}

impl Shared {
    pub(crate) fn new(
        session: Session,
        credential: Credential,
        wire: &Wire,
        store: Arc<dyn TokenStore>,
        store_id: String,
        audit: Audit,
    ) -> Result<Self, Error> {
        Ok(Self {
            connection: Arc::clone(session.connection()),
            agent: wire.agent()?,
            timeout: wire.timeout,
            connect_timeout: wire.connect_timeout,
            store,
            store_id,
            credential: Mutex::new(credential),
            audit,
            wakers: Wakers::default(),
            interrupt: wire.interrupt.clone(),
            fresh: ArcSwapOption::new(session.fresh().map(Arc::new)),
            session: Mutex::new(session),
            moved: Condvar::new(),
        })
    }

    /// What can be put on a request without the lock; the caller has to look at its `until`.
    pub(crate) fn fresh(&self) -> arc_swap::Guard<Option<Arc<Fresh>>> {
        self.fresh.load()
    }

    /// Calls `f` with the session, then wakes the waiters if anything changed for them. Returns what `f` returned and the session's change number.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Session, UnixTime) -> R) -> (R, u64) {
        let mut session = self.session.lock();
        let before = session.changes();
        let result = f(&mut session, clock::now());
        let changes = session.changes();
        if changes != before {
            self.fresh.store(session.fresh().map(Arc::new));
            drop(session);
            self.moved.notify_all();
            self.wakers.wake();
        }
        (result, changes)
    }

    /// Whether the session has changed since `seen`.
    pub(crate) fn has_moved(&self, seen: u64) -> bool {
        self.session.lock().changes() != seen
    }

    /// Sleeps until `until`, or until the session has changed since `seen`.
    pub(crate) fn wait(&self, until: UnixTime, seen: u64) -> Result<(), Error> {
        loop {
            self.go_on()?;
            let session = self.session.lock();
            let now = clock::now();
            if session.changes() != seen || until <= now {
                return Ok(());
            }
            // One millisecond more, because the machine counts whole ones.
            let span = until.since(now) + Duration::from_millis(1);
            let longest = if self.interrupt.is_some() { interrupt::SLICE } else { LONGEST_SLEEP };
            drop(self.moved.wait_for(session, span.min(longest)));
        }
    }

    /// Sleeps until `until`, whatever happens to the session.
    pub(crate) fn sleep(&self, until: UnixTime) -> Result<(), Error> {
        loop {
            self.go_on()?;
            let left = until.since(clock::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(if self.interrupt.is_some() { left.min(interrupt::SLICE) } else { left });
        }
    }

    /// Whether the program still wants to wait.
    pub(crate) fn go_on(&self) -> Result<(), Error> {
        if self.interrupt.as_ref().is_some_and(|wanted| wanted()) { Err(Error::Interrupted) } else { Ok(()) }
    }
}

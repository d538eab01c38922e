//! What all threads of a client share: the session behind its lock, and what can be had without the lock.

use crate::audit::Audit;
use crate::clock;
use crate::credential::Credential;
use crate::error::Error;
use crate::store::TokenStore;
use crate::transport::Wire;
use arc_swap::{ArcSwap, Guard};
use auth_core::{Connection, Fresh, Session, UnixTime};
use parking_lot::{Condvar, Mutex};
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
    session: Mutex<Session>,
    moved: Condvar,
    fresh: ArcSwap<Fresh>,
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
            fresh: ArcSwap::from_pointee(session.fresh().unwrap_or_default()),
            session: Mutex::new(session),
            moved: Condvar::new(),
        })
    }

    /// What can be put on a request without the lock; the caller has to look at its `until`.
    pub(crate) fn fresh(&self) -> Guard<Arc<Fresh>> {
        self.fresh.load()
    }

    /// Calls `f` with the session, then wakes the waiters if anything changed for them. Returns what `f` returned and the session's change number.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Session, UnixTime) -> R) -> (R, u64) {
        let mut session = self.session.lock();
        let before = session.changes();
        let result = f(&mut session, clock::now());
        let changes = session.changes();
        if changes != before {
            self.fresh.store(Arc::new(session.fresh().unwrap_or_default()));
            drop(session);
            self.moved.notify_all();
        }
        (result, changes)
    }

    /// Sleeps until `until`, or until the session has changed since `seen`.
    pub(crate) fn wait(&self, until: UnixTime, seen: u64) {
        let mut session = self.session.lock();
        if session.changes() == seen {
            // One millisecond more, because the machine counts whole ones.
            let span = until.since(clock::now()) + Duration::from_millis(1);
            self.moved.wait_for(&mut session, span.min(LONGEST_SLEEP));
        }
    }
}

//! What all threads of a client share: the session behind its lock, and what can be had without the lock.

use crate::audit::{Audit, Heard};
use crate::clock::{self, Clock};
use crate::credential::Credential;
use crate::error::Error;
use crate::interrupt::{self, Interrupt};
use crate::lock::{Condvar, Mutex};
use crate::mark::Mark;
use crate::records::Ids;
use crate::renewal::Renewals;
use crate::store::TokenStore;
use crate::transport::Transport;
use crate::wakers::Wakers;
use arc_swap::{ArcSwap, Guard};
use auth_core::{Call, Connection, Exchange, Failure, FailureKind, Fresh, Processed, Session, UnixTime};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The longest single sleep: half a minute, because a condition variable's clock stands still while the machine is suspended.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// The same by a clock of the caller's, which nothing wakes: 50 ms, because that is about how late a person does not notice.
const LONGEST_FOREIGN_SLEEP: Duration = Duration::from_millis(50);

/// The state of one client. The session's lock is held for microseconds, never across I/O.
pub(crate) struct Shared {
    pub(crate) connection: Arc<Connection>,
    pub(crate) transport: Arc<dyn Transport>,
    /// Whether renewals have threads of their own.
    pub(crate) renews_beside: bool,
    pub(crate) store: Arc<dyn TokenStore>,
    /// Whether the last claim found the record under the id of version 1.
    pub(crate) at_former: AtomicBool,
    /// The longest body that is read into memory, in bytes.
    pub(crate) max_body: u64,
    /// The name that the client was given for a shared store.
    name: Option<String>,
    pub(crate) credential: Mutex<Credential>,
    pub(crate) audit: Audit,
    /// Where it is not the system's.
    clock: Option<Arc<dyn Clock>>,
    interrupt: Option<Interrupt>,
    pub(crate) wakers: Wakers,
    pub(crate) renewals: Renewals,
    /// Whether a look for limits of other processes is under way.
    pub(crate) looking: AtomicBool,
    session: Mutex<Session>,
    moved: Condvar,
    fresh: ArcSwap<Fresh>,
    pub(crate) mark: Mark,
}

/// What surrounds a session: the ways out, and who listens.
pub(crate) struct Surroundings {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) renews_beside: bool,
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) max_body: u64,
    pub(crate) name: Option<String>,
    pub(crate) audit: Audit,
    pub(crate) clock: Option<Arc<dyn Clock>>,
    pub(crate) interrupt: Option<Interrupt>,
}

impl Shared {
    pub(crate) fn new(session: Session, credential: Credential, around: Surroundings) -> Self {
        let Surroundings { transport, renews_beside, store, max_body, name, audit, clock, interrupt } = around;
        let (fresh, mark) = (session.fresh().unwrap_or_default(), Mark::default());
        mark.set(&fresh);
        Self {
            connection: Arc::clone(session.connection()),
            transport,
            renews_beside,
            store,
            at_former: AtomicBool::new(false),
            max_body,
            name,
            credential: Mutex::new(credential),
            audit,
            clock,
            interrupt,
            wakers: Wakers::default(),
            renewals: Renewals::default(),
            looking: AtomicBool::new(false),
            fresh: ArcSwap::from_pointee(fresh),
            mark,
            session: Mutex::new(session),
            moved: Condvar::new(),
        }
    }

    /// The time by the client's clock.
    pub(crate) fn now(&self) -> UnixTime {
        match &self.clock {
            None => clock::now(),
            Some(clock) => clock.now(),
        }
    }

    /// Dice for one exchange.
    pub(crate) fn seed(&self) -> u64 {
        match &self.clock {
            None => fastrand::u64(..),
            Some(clock) => clock.seed(),
        }
    }

    /// A call, if the credential may go there; a refusal is an event.
    pub(crate) fn call(&self, method: &str, path_or_url: &str) -> Result<Call, Failure> {
        self.audit.admit()?;
        let refused = |failure: &Failure| self.audit.refused(&self.connection, self.now(), method, failure);
        Call::new(&self.connection, method, path_or_url).inspect_err(refused)
    }

    /// The exchange, with events if anybody listens.
    pub(crate) fn audited(&self, exchange: Exchange) -> Exchange {
        match self.audit.heard() {
            Heard::Nothing => exchange,
            Heard::AllButCalls => exchange.audited_but_calls(),
            Heard::Everything => exchange.audited(),
        }
    }

    /// What can be put on a request without the lock; the caller has to look at its `until`.
    pub(crate) fn fresh(&self) -> Guard<Arc<Fresh>> {
        self.fresh.load()
    }

    /// Calls `f` with the session, then wakes the waiters if anything changed for them. Returns what `f` returned and the session's change number.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Session, UnixTime) -> R) -> (R, u64) {
        let mut session = self.session.lock();
        let before = session.changes();
        let result = f(&mut session, self.now());
        let changes = session.changes();
        if changes != before {
            let fresh = session.fresh().unwrap_or_default();
            self.mark.set(&fresh);
            self.fresh.store(Arc::new(fresh));
            drop(session);
            self.moved.notify_all();
            self.wakers.wake();
        }
        (result, changes)
    }

    /// The ids under which the store keeps what is the session's now, and under which version 1 kept it.
    pub(crate) fn store_ids(&self) -> Ids {
        self.ids_of(&self.session.lock())
    }

    /// The same, of the session that the caller has.
    pub(crate) fn ids_of(&self, session: &Session) -> Ids {
        let name = self.name.as_deref();
        Ids { own: session.store_id(name), former: session.former_store_id(name) }
    }

    /// Whether the session has changed since `seen`.
    pub(crate) fn has_moved(&self, seen: u64) -> bool {
        self.session.lock().changes() != seen
    }

    /// Sleeps until `until`, or until the session has changed since `seen`; sooner, now and then.
    ///
    /// # Errors
    /// If the program, or its clock, gives the wait up.
    pub(crate) fn wait(&self, until: UnixTime, seen: u64) -> Result<(), Error> {
        self.go_on()?;
        let session = self.session.lock();
        if session.changes() != seen {
            return Ok(());
        }
        // One millisecond more, because the machine counts whole ones.
        let span = until.since(self.now()) + Duration::from_millis(1);
        match &self.clock {
            None => {
                drop(self.moved.wait_for(session, span.min(self.longest_sleep())));
                self.go_on()
            }
            Some(clock) => {
                drop(session);
                Ok(sleep(&**clock, span)?)
            }
        }
    }

    /// Sleeps until `until`.
    ///
    /// # Errors
    /// If the program, or its clock, gives the wait up.
    pub(crate) fn sleep_until(&self, until: UnixTime) -> Result<(), Error> {
        loop {
            self.go_on()?;
            let left = until.since(self.now());
            match &self.clock {
                _ if left.is_zero() => return Ok(()),
                None => std::thread::sleep(left.min(self.longest_sleep())),
                Some(clock) => sleep(&**clock, left)?,
            }
        }
    }

    /// Whether the program still wants to wait. Whoever runs a call tells what became of its request (`Running::told`).
    pub(crate) fn go_on(&self) -> Result<(), Error> {
        let given_up = self.renewals.are_closing() || self.interrupt.as_ref().is_some_and(|wanted| wanted());
        if given_up { Err(Error::Interrupted(Processed::Unknown)) } else { Ok(()) }
    }

    /// Gives up all waits, and waits for the threads of its own that fetch or store a token.
    pub(crate) fn close(&self) {
        let session = self.session.lock();
        self.renewals.close();
        drop(session);
        self.moved.notify_all();
        self.renewals.wait(|| self.interrupt.as_ref().is_some_and(|wanted| wanted()));
        self.audit.drain();
    }

    fn longest_sleep(&self) -> Duration {
        if self.interrupt.is_some() { interrupt::SLICE } else { LONGEST_SLEEP }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if !self.audit.outlives {
            self.audit.drain();
        }
    }
}

/// One sleep by a clock of the caller's.
fn sleep(clock: &dyn Clock, span: Duration) -> Result<(), Failure> {
    if clock.sleep(span.min(LONGEST_FOREIGN_SLEEP)) {
        return Ok(());
    }
    Err(Failure::new(FailureKind::DeadlineExceeded, "the program ended the wait", "nothing is lost: call again when it goes on"))
}

//! Renewals ahead of time: on a thread of their own, so that no caller waits for them, or within the call that finds one due.

use crate::run::{Deliver, run};
use crate::shared::Shared;
use auth_core::Exchange;
use std::sync::Arc;

/// Renews on a new thread. If none can be started, the renewal is abandoned at once and the next call that needs it does it.
pub(crate) fn spawn(shared: &Arc<Shared>, renewal: Exchange) {
    let slot = Arc::new(crate::lock::Mutex::new(Some(renewal)));
    let (theirs, theirs_shared) = (Arc::clone(&slot), Arc::clone(shared));
    let work = move || {
        if let Some(renewal) = theirs.lock().take() {
            drive(&theirs_shared, renewal);
        }
    };
    if std::thread::Builder::new().name("ledgerauth-renewal".into()).spawn(work).is_err()
        && let Some(mut renewal) = slot.lock().take()
    {
        shared.with(|session, _| renewal.abandon(session));
    }
}

/// Renews here and now.
pub(crate) fn drive(shared: &Arc<Shared>, renewal: Exchange) {
    // A failure is the session's to remember: the token in use is still valid.
    let _ = run(shared, renewal, Deliver::Nothing);
}

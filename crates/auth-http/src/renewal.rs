//! Renewals ahead of time, on a thread of their own, so that no caller waits for them.

use crate::run::{Deliver, run};
use crate::shared::Shared;
use auth_core::Exchange;
use std::sync::Arc;

/// Renews on a new thread. If none can be started, the renewal is abandoned at once and the next call that needs it does it.
pub(crate) fn spawn(shared: &Arc<Shared>, renewal: Exchange) {
    let slot = Arc::new(crate::lock::Mutex::new(Some(renewal)));
    let (theirs, theirs_shared) = (Arc::clone(&slot), Arc::clone(shared));
    let drive = move || {
        if let Some(renewal) = theirs.lock().take() {
            // A failure is the session's to remember: the token in use is still valid.
            let _ = run(&theirs_shared, renewal, Deliver::Nothing);
        }
    };
    if std::thread::Builder::new().name("ledgerauth-renewal".into()).spawn(drive).is_err()
        && let Some(mut renewal) = slot.lock().take()
    {
        shared.with(|session, _| renewal.abandon(session));
    }
}

//! Forks: what a child process may take along of a client, and what it may not.
//!
//! A forked child has one thread, and whatever the parent's other threads were in the middle of stays in the middle for ever. So a client does not survive a
//! fork: the child builds one anew, from a clone of the builder, with what `for_child` makes of its store, and never touches the old one, not even to drop it (its
//! connections are shared with the parent).

use crate::lock::Mutex;
use crate::store::MemoryStore;
use crate::store::memory::Entry;

/// Call this first thing in a child: it gives the child's dice a seed of their own, so that request ids and leases are not the parent's.
pub fn after_fork() {
    crate::audit_queue::forget();
    let mut seed = [0; 8];
    if getrandom::fill(&mut seed).is_ok() {
        fastrand::seed(u64::from_ne_bytes(seed));
    } else {
        fastrand::seed(fastrand::u64(..) ^ u64::from(std::process::id()));
    }
}

impl MemoryStore {
    /// A copy for a child process, to be made before the fork: access tokens without the leases on them. Refresh tokens are left out, because two
    /// processes that use one kill it (RFC 9700 section 4.14.2); share those through a store that processes can share.
    #[must_use]
    pub fn for_child(&self) -> Self {
        let entries = self.entries.lock();
        let shareable = entries.iter().filter(|(_, entry)| entry.record.as_ref().is_some_and(|record| record.refresh_token.is_none()));
        Self {
            entries: Mutex::new(
                shareable.map(|(id, entry)| (id.clone(), Entry { record: entry.record.clone(), ..Entry::default() })).collect(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::TokenStore;
    use auth_core::{Claim, Claimed, Record, Save, Secret};
    use std::time::Duration;

    #[test]
    fn a_child_takes_access_tokens_along_and_no_refresh_token_and_no_lease() {
        let (store, claim) = (MemoryStore::new(), Claim { owner: 1, span: Duration::from_mins(1) });
        for (id, refresh_token) in [("plain", None), ("single use", Some(Secret::new("made-up")))] {
            assert!(matches!(store.claim(id, &claim), Claimed::Granted(None)));
            let record = Record { generation: 1, access_token: Some(Secret::new("made-up too")), refresh_token, ..Record::default() };
            store.save(id, &Save { record, replaces: 0, lease: Some(auth_core::Lease { owner: 1 }) });
        }
        let child = store.for_child();
        let other = Claim { owner: 2, ..claim };
        assert!(matches!(store.claim("plain", &other), Claimed::Busy));
        assert!(matches!(child.claim("plain", &other), Claimed::Granted(Some(record)) if record.generation == 1));
        assert!(matches!(child.claim("single use", &other), Claimed::Granted(None)));
    }

    #[test]
    fn the_dice_of_a_child_are_its_own() {
        fastrand::seed(7);
        let parents = fastrand::u64(..);
        fastrand::seed(7);
        after_fork();
        assert_ne!(fastrand::u64(..), parents);
    }
}

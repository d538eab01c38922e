//! Where tokens are kept between calls.

use crate::lock::Mutex;
use auth_core::{Claim, Claimed, Lease, Record, Save, Saved, SharedPause};
use std::collections::HashMap;
use std::time::Instant;

/// `TokenStore` keeps one [`Record`] for each credential and hands out the lease on it.
///
/// Methods may be called from any thread. A store that does not work says so in its answer; it never panics. `id` names the credential and holds nothing secret.
pub trait TokenStore: Send + Sync {
    /// Takes the lease on a credential, if nobody holds it by the store's clock, and hands over its record.
    fn claim(&self, id: &str, claim: &Claim) -> Claimed;

    /// Keeps a record, if the store holds the generation that it replaces and the lease is still the caller's. Durable on return.
    fn save(&self, id: &str, save: &Save) -> Saved;

    /// Gives a lease back; one that is no longer the caller's is left alone.
    fn release(&self, id: &str, lease: &Lease);

    /// Keeps a limit that a session met, for all that share the store.
    fn pause(&self, _id: &str, _pause: &SharedPause) {}

    /// The limit that is in force, if the store knows of one.
    fn paused(&self, _id: &str) -> Option<SharedPause> {
        None
    }
}

/// `MemoryStore` keeps records in this process's memory: the default, right for tokens that can always be fetched anew.
///
/// One store may serve many clients; those with the same credential then share its tokens.
#[derive(Debug, Default)]
pub struct MemoryStore {
    pub(crate) entries: Mutex<HashMap<String, Entry>>,
}

#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub(crate) record: Option<Record>,
    pub(crate) lease: Option<(u64, Instant)>,
}

impl Entry {
    fn holder(&self) -> Option<u64> {
        self.lease.map(|(owner, _)| owner)
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl TokenStore for MemoryStore {
    fn claim(&self, id: &str, claim: &Claim) -> Claimed {
        let mut entries = self.entries.lock();
        let entry = entries.entry(id.to_owned()).or_default();
        let now = Instant::now();
        if entry.lease.is_some_and(|(owner, until)| owner != claim.owner && now < until) {
            return Claimed::Busy;
        }
        entry.lease = Some((claim.owner, now + claim.span));
        Claimed::Granted(entry.record.clone())
    }

    fn save(&self, id: &str, save: &Save) -> Saved {
        let mut entries = self.entries.lock();
        let entry = entries.entry(id.to_owned()).or_default();
        let generation = entry.record.as_ref().map_or(0, |record| record.generation);
        if entry.holder() != save.lease.as_ref().map(|lease| lease.owner) || generation != save.replaces {
            return Saved::Superseded;
        }
        entry.record = Some(save.record.clone());
        Saved::Durable
    }

    fn release(&self, id: &str, lease: &Lease) {
        let mut entries = self.entries.lock();
        if let Some(entry) = entries.get_mut(id).filter(|entry| entry.holder() == Some(lease.owner)) {
            entry.lease = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn claim(store: &MemoryStore, id: &str, owner: u64, millis: u64) -> Option<Lease> {
        match store.claim(id, &Claim { owner, span: Duration::from_millis(millis) }) {
            Claimed::Granted(_) => Some(Lease { owner }),
            Claimed::Busy => None,
            Claimed::Down(why) => panic!("{why}"),
        }
    }

    #[test]
    fn a_lease_has_one_holder_until_it_ends_or_is_released() {
        let store = MemoryStore::new();
        let first = claim(&store, "a", 1, 60_000).unwrap();
        assert!(claim(&store, "a", 2, 60_000).is_none());
        assert!(claim(&store, "b", 2, 60_000).is_some());
        store.release("a", &first);
        assert!(claim(&store, "a", 2, 0).is_some());
        assert!(claim(&store, "a", 3, 60_000).is_some());
    }

    #[test]
    fn a_late_holder_can_neither_save_nor_release() {
        let store = MemoryStore::new();
        let late = claim(&store, "a", 1, 0).unwrap();
        let current = claim(&store, "a", 2, 60_000).unwrap();
        let save = |lease: &Lease, generation| Save {
            record: Record { generation, ..Record::default() },
            replaces: generation - 1,
            lease: Some(lease.clone()),
        };
        assert_eq!(store.save("a", &save(&late, 1)), Saved::Superseded);
        store.release("a", &late);
        assert!(claim(&store, "a", 3, 60_000).is_none());
        assert_eq!(store.save("a", &save(&current, 1)), Saved::Durable);
        assert_eq!(store.save("a", &save(&current, 1)), Saved::Superseded);
    }
}

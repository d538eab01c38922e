//! Where tokens are kept between calls.

use auth_core::{Claim, Claimed, Lease, Record, Save, Saved, UnixTime};
use parking_lot::Mutex;
use std::collections::HashMap;

/// `TokenStore` keeps one [`Record`] for each credential and hands out the lease on it.
///
/// Methods may be called from any thread. A store that does not work says so in its answer; it never panics. `id` names the credential and holds nothing secret.
pub trait TokenStore: Send + Sync {
    /// Takes the lease on a credential, if nobody holds it at `now`, and hands over its record.
    fn claim(&self, id: &str, claim: &Claim, now: UnixTime) -> Claimed;

    /// Keeps a record, if the store holds the generation that it replaces and the lease is still the caller's. Durable on return.
    fn save(&self, id: &str, save: &Save) -> Saved;

    /// Gives a lease back; one that is no longer the caller's is left alone.
    fn release(&self, id: &str, lease: &Lease);
}

/// `MemoryStore` keeps records in this process's memory: the default, right for tokens that can always be fetched anew.
///
/// One store may serve many clients; those with the same credential then share its tokens.
#[derive(Debug, Default)]
pub struct MemoryStore {
    entries: Mutex<HashMap<String, Entry>>,
}

#[derive(Debug, Default)]
struct Entry {
    record: Option<Record>,
    lease: Option<Lease>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl TokenStore for MemoryStore {
    fn claim(&self, id: &str, claim: &Claim, now: UnixTime) -> Claimed {
        let mut entries = self.entries.lock();
        let entry = entries.entry(id.to_owned()).or_default();
        if let Some(held) = entry.lease.as_ref().filter(|held| held.owner != claim.owner && now < held.until) {
            return Claimed::Busy(held.until);
        }
        let lease = Lease { owner: claim.owner, until: claim.until };
        entry.lease = Some(lease.clone());
        Claimed::Granted(lease, entry.record.clone())
    }

    fn save(&self, id: &str, save: &Save) -> Saved {
        let mut entries = self.entries.lock();
        let entry = entries.entry(id.to_owned()).or_default();
        let generation = entry.record.as_ref().map_or(0, |record| record.generation);
        let ours = entry.lease.as_ref().map(|lease| lease.owner) == save.lease.as_ref().map(|lease| lease.owner);
        // A credential that nobody has stored yet has no generation to compare.
        if !ours || (entry.record.is_some() && generation != save.replaces) {
            return Saved::Superseded;
        }
        entry.record = Some(save.record.clone());
        Saved::Durable
    }

    fn release(&self, id: &str, lease: &Lease) {
        let mut entries = self.entries.lock();
        if let Some(entry) = entries.get_mut(id)
            && entry.lease.as_ref().is_some_and(|held| held.owner == lease.owner)
        {
            entry.lease = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_000);
    const LATER: UnixTime = UnixTime::from_secs(2_000);

    fn claim(owner: u64) -> Claim {
        Claim { owner, until: UnixTime::from_secs(1_500) }
    }

    fn granted(claimed: &Claimed) -> Lease {
        match claimed {
            Claimed::Granted(lease, _) => lease.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lease_has_one_holder_until_it_ends_or_is_released() {
        let store = MemoryStore::new();
        let first = granted(&store.claim("a", &claim(1), NOW));
        assert!(matches!(store.claim("a", &claim(2), NOW), Claimed::Busy(_)));
        granted(&store.claim("b", &claim(2), NOW));
        store.release("a", &first);
        granted(&store.claim("a", &claim(2), NOW));
        granted(&store.claim("a", &claim(3), LATER));
    }

    #[test]
    fn a_late_holder_can_neither_save_nor_release() {
        let store = MemoryStore::new();
        let late = granted(&store.claim("a", &claim(1), NOW));
        let current = granted(&store.claim("a", &Claim { owner: 2, until: UnixTime::from_secs(3_000) }, LATER));
        let save = |lease: &Lease, generation| Save { record: Record { generation, ..Record::default() }, replaces: generation - 1, lease: Some(lease.clone()) };
        assert_eq!(store.save("a", &save(&late, 1)), Saved::Superseded);
        store.release("a", &late);
        assert!(matches!(store.claim("a", &claim(3), LATER), Claimed::Busy(_)));
        assert_eq!(store.save("a", &save(&current, 1)), Saved::Durable);
        assert_eq!(store.save("a", &save(&current, 1)), Saved::Superseded);
    }
}

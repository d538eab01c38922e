//! `MemoryStore`: records in this process's memory.

use super::TokenStore;
use crate::clock;
use crate::lock::Mutex;
use auth_core::{Claim, Claimed, Held, Lease, Record, Save, Saved, SharedPause};
use std::collections::HashMap;
use std::time::Duration;

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
    /// Whose lease it is, and when it ends by the steady clock.
    pub(crate) lease: Option<(u64, Duration)>,
    pub(crate) pause: Option<SharedPause>,
}

impl Entry {
    fn holder(&self) -> Option<u64> {
        self.lease.filter(|(_, end)| clock::steady() < *end).map(|(owner, _)| owner)
    }

    fn generation(&self) -> Option<u64> {
        self.record.as_ref().map(|record| record.generation)
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
        if !claim.may_take(entry.holder()) {
            return Claimed::Busy;
        }
        entry.lease = Some((claim.owner, clock::steady().saturating_add(claim.span)));
        Claimed::Granted(entry.record.clone())
    }

    fn load(&self, id: &str) -> Result<Option<Record>, String> {
        Ok(self.entries.lock().get(id).and_then(|entry| entry.record.clone()))
    }

    fn save(&self, id: &str, save: &Save) -> Saved {
        let mut entries = self.entries.lock();
        let entry = entries.entry(id.to_owned()).or_default();
        if !save.may_replace(entry.generation(), entry.holder()) {
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

    fn pause(&self, id: &str, pause: &SharedPause) {
        let mut entries = self.entries.lock();
        let entry = entries.entry(id.to_owned()).or_default();
        if entry.pause.as_ref().is_none_or(|kept| kept.until < pause.until) {
            entry.pause = Some(pause.clone());
        }
    }

    fn paused(&self, id: &str) -> Option<SharedPause> {
        self.entries.lock().get(id)?.pause.clone().filter(|pause| clock::now() < pause.until)
    }

    fn holder(&self, id: &str) -> Option<Held> {
        let entries = self.entries.lock();
        let entry = entries.get(id)?;
        let (owner, end) = entry.lease.filter(|_| entry.holder().is_some())?;
        Some(Held { owner, until: clock::at_steady(end) })
    }
}

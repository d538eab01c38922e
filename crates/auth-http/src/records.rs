//! What a client does with its store: under the session's id, or under the id of version 1 where the session's record still stands there.

use crate::shared::Shared;
use crate::store::{Claim, Claimed, Held, Lease, Record, Save, Saved, SharedPause};
use std::sync::atomic::Ordering::Relaxed;

/// The ids under which a store keeps what is a session's.
pub(crate) struct Ids {
    pub(crate) own: String,
    /// Where version 1 kept it.
    pub(crate) former: Option<String>,
}

impl Shared {
    /// Takes the lease and hands over the record. Without a record under the session's id, the one of version 1 is looked for under its id.
    ///
    /// The lease is then held under both ids, so that processes of both versions keep it.
    pub(crate) fn claim(&self, claim: &Claim, for_login: bool) -> Claimed {
        let Ids { own: id, former } = self.store_ids();
        let own = self.store.claim(&id, claim);
        // Only who has the lease says where the record stands.
        let (Claimed::Granted(record) | Claimed::TakenOver(record)) = &own else { return own };
        let found = match former.filter(|_| record.is_none()) {
            None => None,
            Some(former) => match self.former_record(&former, for_login) {
                Ok(None) => None,
                Ok(Some(_)) => Some(self.store.claim(&former, claim)),
                Err(why) => Some(Claimed::Down(why)),
            },
        };
        self.at_former.store(matches!(found, Some(Claimed::Granted(_) | Claimed::TakenOver(_))), Relaxed);
        if matches!(found, Some(Claimed::Busy | Claimed::Down(_))) {
            self.store.release(&id, &Lease { owner: claim.owner });
        }
        found.unwrap_or(own)
    }

    /// Keeps a record where the last claim found one.
    pub(crate) fn save(&self, save: &Save) -> Saved {
        self.save_at(&self.store_ids(), save)
    }

    /// The same, of the ids that the caller has noted.
    pub(crate) fn save_at(&self, ids: &Ids, save: &Save) -> Saved {
        let former = ids.former.as_ref().filter(|_| self.at_former.load(Relaxed));
        self.store.save(former.unwrap_or(&ids.own), save)
    }

    /// Gives a lease back.
    pub(crate) fn release(&self, lease: &Lease) {
        self.release_at(&self.store_ids(), lease);
    }

    /// The same, of the ids that the caller has noted.
    pub(crate) fn release_at(&self, ids: &Ids, lease: &Lease) {
        if let Some(former) = ids.former.as_ref().filter(|_| self.at_former.load(Relaxed)) {
            self.store.release(former, lease);
        }
        self.store.release(&ids.own, lease);
    }

    /// The record as it stands, without a lease, or the store's words on why it could not be read; and who
    /// holds the lease, if the store can tell.
    pub(crate) fn stored(&self) -> (Result<Option<Record>, String>, Option<Held>) {
        let Ids { own: id, former } = self.store_ids();
        let record = self.store.load(&id).and_then(|own| match former.filter(|_| own.is_none()) {
            Some(former) => self.former_record(&former, false),
            None => Ok(own),
        });
        (record, self.store.holder(&id))
    }

    pub(crate) fn paused(&self) -> Option<SharedPause> {
        self.store.paused(&self.store_ids().own)
    }

    pub(crate) fn pause(&self, pause: &SharedPause) {
        self.store.pause(&self.store_ids().own, pause);
    }

    /// The record of version 1, if it is for this session.
    fn former_record(&self, former: &str, for_login: bool) -> Result<Option<Record>, String> {
        let record = self.store.load(former)?;
        Ok(record.filter(|record| self.with(|session, _| session.looks_at_former(record, for_login)).0))
    }
}

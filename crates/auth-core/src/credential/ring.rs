//! `KeyRing`: the keys of one account, of which one is in use.

use super::authorization::Authorization;
use super::key::ApiKey;
use super::secret::Secret;
use crate::verdict::failure::Failure;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The keys of a session. The first that was not refused is in use; a refused one is not returned to.
pub(crate) struct KeyRing {
    header: alloc::string::String,
    scheme: alloc::string::String,
    keys: Vec<HeldKey>,
    next_generation: u64,
    forgiven: usize,
}

struct HeldKey {
    key: ApiKey,
    authorization: Arc<Authorization>,
    refused: Option<Failure>,
}

impl KeyRing {
    pub(crate) fn new(header: &str, scheme: &str, keys: Vec<ApiKey>) -> Self {
        let mut ring = Self { header: header.into(), scheme: scheme.into(), keys: Vec::new(), next_generation: 1, forgiven: 0 };
        ring.replace(keys);
        ring
    }

    /// Takes over the keys that a source gave; `true` if one of them can be used.
    ///
    /// A key that was refused stays refused: that the source still names it does not make it better.
    pub(crate) fn replace(&mut self, keys: Vec<ApiKey>) -> bool {
        let mut before = core::mem::take(&mut self.keys);
        for key in keys {
            let known = before.iter().position(|held| held.key.secret().same_as(key.secret()));
            let held = match known {
                Some(index) => before.swap_remove(index),
                None => self.hold(key),
            };
            self.keys.push(held);
        }
        self.in_use().is_some()
    }

    /// Refuses the key of that generation; `true` if another one is there to go on with, or already in use.
    pub(crate) fn refuse(&mut self, generation: u64, failure: Failure) -> bool {
        if let Some(held) = self.keys.iter_mut().find(|held| held.authorization.generation() == generation) {
            held.refused = Some(failure);
        }
        self.in_use().is_some()
    }

    /// Takes the refusal of one key back, for one more try: another one each time, the last of the ring first, because it was in use last.
    pub(crate) fn forgive_next(&mut self) {
        let count = self.keys.len();
        if let Some(held) = self.keys.iter_mut().rev().nth(self.forgiven % count.max(1)) {
            held.refused = None;
        }
        self.forgiven = self.forgiven.wrapping_add(1);
    }

    /// Every key of the ring, for taking them out of what a server says.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.keys.iter().map(|held| held.key.secret())
    }

    /// What the key in use puts on a request.
    pub(crate) fn in_use(&self) -> Option<&Arc<Authorization>> {
        self.keys.iter().find(|held| held.refused.is_none()).map(|held| &held.authorization)
    }

    /// The last refusal, when every key is refused.
    pub(crate) fn refusal(&self) -> Option<&Failure> {
        self.keys.iter().rev().find_map(|held| held.refused.as_ref())
    }

    fn hold(&mut self, key: ApiKey) -> HeldKey {
        let authorization = Authorization::new(&self.header, &self.scheme, key.secret(), self.next_generation);
        self.next_generation += 1;
        HeldKey { key, authorization: Arc::new(authorization), refused: None }
    }
}

//! `KeyRing`: the keys of one account, of which one is in use.

use super::authorization::{Attach, Authorization};
use super::key::ApiKey;
use super::notes::{KeyAge, KeyNotes};
use super::secret::Secret;
use crate::time::UnixTime;
use crate::verdict::failure::Failure;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// The keys of a session. The first that is neither refused nor expired is in use; a refused one is not returned to by itself.
pub(crate) struct KeyRing {
    attach: Arc<Attach>,
    lifetime: Option<Duration>,
    keys: Vec<HeldKey>,
    next_generation: u64,
    forgiven: usize,
}

struct HeldKey {
    key: ApiKey,
    authorization: Arc<Authorization>,
    refused: Option<Failure>,
    /// The integrations that use it: one each, if all is well.
    integrations: Vec<String>,
}

/// `KeyState` is how one key of a ring stands. Nothing in it is secret.
#[derive(Clone, Debug)]
pub struct KeyState {
    /// What its owner noted about it.
    pub notes: KeyNotes,
    /// The prefix that everybody's keys of this form share.
    pub prefix: String,
    /// How old it is.
    pub age: KeyAge,
    /// Whether the next call is sent with it.
    pub in_use: bool,
    /// The integrations that use it. More than one means that it cannot be revoked for one of them alone.
    pub integrations: Vec<String>,
    /// Why the API refused it, if it did.
    pub refused: Option<Failure>,
    /// When a call was last sent with it; `None` if this session never did. The old key of a rotation can be revoked when this no longer moves.
    pub last_needed: Option<UnixTime>,
}

impl KeyRing {
    pub(crate) fn new(attach: &Arc<Attach>, lifetime: Option<Duration>, keys: Vec<ApiKey>) -> Self {
        let mut ring = Self { attach: Arc::clone(attach), lifetime, keys: Vec::new(), next_generation: 1, forgiven: 0 };
        ring.replace(keys);
        ring
    }

    /// Takes over the keys that a source gave; `true` if one of them was not refused.
    ///
    /// A key that was refused stays refused: that the source still names it does not make it better.
    pub(crate) fn replace(&mut self, keys: Vec<ApiKey>) -> bool {
        let mut before = core::mem::take(&mut self.keys);
        for key in keys {
            let integration = key.notes().integration.clone();
            if let Some(same) = self.keys.iter_mut().find(|held| held.key.secret().same_as(key.secret())) {
                same.integrations.extend(integration.filter(|name| !same.integrations.contains(name)));
                continue;
            }
            let known = before.iter().position(|held| held.key.secret().same_as(key.secret()));
            let held = match known {
                Some(index) => HeldKey { key, integrations: integration.into_iter().collect(), ..before.swap_remove(index) },
                None => self.hold(key),
            };
            self.keys.push(held);
        }
        self.has_one_left()
    }

    /// Takes over the keys that the program hands over: none of them counts as refused.
    pub(crate) fn hand_over(&mut self, keys: Vec<ApiKey>) {
        self.replace(keys);
        for held in &mut self.keys {
            held.refused = None;
        }
    }

    /// Refuses the key of that generation; `true` if another one is there to go on with, or already in use.
    pub(crate) fn refuse(&mut self, generation: u64, failure: Failure) -> bool {
        if let Some(held) = self.keys.iter_mut().find(|held| held.authorization.generation() == generation) {
            held.refused = Some(failure);
        }
        self.has_one_left()
    }

    /// Takes the refusal of one key back, for one more try: another one each time, the last of the ring first, because it was in use last.
    pub(crate) fn forgive_next(&mut self) {
        let count = self.keys.len();
        if let Some(held) = self.keys.iter_mut().rev().nth(self.forgiven % count.max(1)) {
            held.refused = None;
        }
        self.forgiven = self.forgiven.wrapping_add(1);
    }

    /// What the key in use puts on a request, and until when it is the one in use by its age. If all that are left have expired by their
    /// owner's notes, the last of them is used all the same: the notes may be wrong, and the API will say so.
    pub(crate) fn in_use(&self, now: UnixTime) -> Option<(&Arc<Authorization>, UnixTime)> {
        let held = self.current(now)?;
        let until = match self.age(&held.key, now) {
            KeyAge::Expired { .. } => UnixTime::NEVER,
            age => age.ends().unwrap_or(UnixTime::NEVER),
        };
        Some((&held.authorization, until))
    }

    /// The last refusal, when every key is refused.
    pub(crate) fn refusal(&self) -> Option<&Failure> {
        self.keys.iter().rev().find_map(|held| held.refused.as_ref())
    }

    /// The age of the key of that generation.
    pub(crate) fn age_of(&self, generation: u64, now: UnixTime) -> Option<KeyAge> {
        self.keys.iter().find(|held| held.authorization.generation() == generation).map(|held| self.age(&held.key, now))
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Every key of the ring, for taking them out of what a server says.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.keys.iter().map(|held| held.key.secret())
    }

    /// How each key stands, in the ring's order.
    pub(crate) fn states(&self, now: UnixTime) -> Vec<KeyState> {
        let current = self.current(now).map(|held| held.authorization.generation());
        let state = |held: &HeldKey| KeyState {
            notes: held.key.notes().clone(),
            prefix: held.key.prefix().into(),
            age: self.age(&held.key, now),
            integrations: held.integrations.clone(),
            in_use: Some(held.authorization.generation()) == current,
            refused: held.refused.clone(),
            last_needed: held.authorization.last_used(),
        };
        self.keys.iter().map(state).collect()
    }

    fn current(&self, now: UnixTime) -> Option<&HeldKey> {
        let left = || self.keys.iter().filter(|held| held.refused.is_none());
        left().find(|held| !matches!(self.age(&held.key, now), KeyAge::Expired { .. })).or_else(|| left().next_back())
    }

    fn has_one_left(&self) -> bool {
        self.keys.iter().any(|held| held.refused.is_none())
    }

    fn age(&self, key: &ApiKey, now: UnixTime) -> KeyAge {
        KeyAge::of(self.lifetime, key.notes().created, now)
    }

    fn hold(&mut self, key: ApiKey) -> HeldKey {
        let authorization = Authorization::new(&self.attach, key.secret(), self.next_generation);
        self.next_generation += 1;
        let integrations = key.notes().integration.iter().cloned().collect();
        HeldKey { key, authorization: Arc::new(authorization), refused: None, integrations }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Provider;
    use crate::verdict::failure::FailureKind;
    use alloc::format;
    use alloc::vec;

    const NOW: UnixTime = UnixTime::from_secs(1_764_000_000);

    fn key(digits: &str, integration: &str) -> ApiKey {
        let finora = Provider::builtin("finora").unwrap();
        let notes = KeyNotes { integration: Some(integration.into()), ..KeyNotes::default() };
        ApiKey::parse(&finora, format!("live_sk_{}", digits.repeat(24))).unwrap().with_notes(notes)
    }

    fn ring(keys: Vec<ApiKey>) -> KeyRing {
        KeyRing::new(&Arc::new(Attach::default()), None, keys)
    }

    fn refusal(what: &'static str) -> Failure {
        Failure::new(FailureKind::KeyRefused, what, "")
    }

    #[test]
    fn one_key_of_two_integrations_is_one_key() {
        let ring = ring(vec![key("0a", "erp"), key("0a", "close"), key("0a", "erp"), key("0b", "erp")]);
        let states = ring.states(NOW);
        assert_eq!(states.iter().map(|state| state.integrations.join(" ")).collect::<Vec<_>>(), ["erp close", "erp"]);
        assert_eq!(states.iter().map(|state| state.in_use).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn a_source_that_names_a_refused_key_again_changes_its_notes_alone() {
        let mut ring = ring(vec![key("0a", "erp"), key("0b", "erp")]);
        assert!(ring.refuse(1, refusal("one")));
        assert!(ring.replace(vec![key("0a", "close"), key("0b", "erp")]));
        let states = ring.states(NOW);
        assert!(
            states[0].refused.is_some() && states[0].integrations == ["close"] && states[0].notes.integration.as_deref() == Some("close")
        );
        assert!(states[1].in_use);
        assert!(!ring.refuse(2, refusal("two")));
        assert_eq!(ring.refusal().map(Failure::what), Some("two"));
        assert!(!ring.replace(vec![key("0b", "erp"), key("0a", "close")]));
        assert!(ring.replace(vec![key("0c", "erp")]) && ring.refusal().is_none());
        assert_eq!(ring.states(NOW).len(), 1);
    }
}

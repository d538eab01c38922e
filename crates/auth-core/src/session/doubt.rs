//! What a session knows about a refresh token in doubt: sent, and its answer never understood.

use super::Session;
use crate::time::UnixTime;
use core::time::Duration;

/// A journal entry whose refresh token may be spent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubt {
    /// The entry's mark.
    mark: u64,
    /// When this session read the entry first, under a lease of its own.
    seen: UnixTime,
    /// Whether no answer is on its way any more: this session lost it, or the process that sent the token has died.
    is_over: bool,
}

impl Session {
    /// Notes the journal entry that the store shows under a lease of this session, and forgets every other entry: none can get there any
    /// more, because the leases are over. `has_died` is the store's proof that the entry's maker is gone.
    pub(crate) fn journal_was_read(&mut self, mark: Option<u64>, has_died: bool, now: UnixTime) {
        if mark.is_none() && self.rare.is_none() {
            return;
        }
        let rare = self.rare_mut();
        rare.unspent.retain(|known| Some(*known) == mark);
        let known = rare.doubt.filter(|doubt| Some(doubt.mark) == mark);
        let read = mark.map(|mark| known.unwrap_or(Doubt { mark, seen: now, is_over: false }));
        rare.doubt = read.map(|doubt| Doubt { is_over: doubt.is_over || has_died, ..doubt });
    }

    /// Notes that the token request of this entry ended here without an answer, or that nobody waits for one any more.
    pub(crate) fn answer_was_lost(&mut self, mark: u64) {
        self.rare_mut().doubt = Some(Doubt { mark, seen: self.latest, is_over: true });
    }

    /// Notes that the token request of this entry is sent once more.
    pub(crate) fn answer_is_awaited(&mut self, mark: u64) {
        if let Some(rare) = &mut self.rare {
            rare.doubt.take_if(|doubt| doubt.mark == mark);
        }
    }

    /// The moment from which a refresh token in doubt may be sent again, as far as another process may still wait for its answer; `None` if
    /// none can.
    pub(crate) fn resend_from(&self, mark: u64, span: Duration) -> Option<UnixTime> {
        let known = self.rare().doubt.filter(|doubt| doubt.mark == mark);
        known.filter(|doubt| !doubt.is_over).map(|doubt| doubt.seen.after(span))
    }
}

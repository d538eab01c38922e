//! Leaving an exchange, finished or not: what it knows stays with the session, and what it holds comes back.

use super::Exchange;
use super::at::{At, Then};
use crate::session::Session;
use crate::step::Outcome;
use crate::time::UnixTime;
use crate::token::life::Event;
use crate::token::record::Lease;
use crate::verdict::failure::{Failure, FailureKind};
use alloc::boxed::Box;

impl Exchange {
    /// Leaves the exchange, finished or not: whoever waits for it is let go on, and a lease that is still held comes back to be released.
    pub fn abandon(&mut self, session: &mut Session) -> Option<Lease> {
        self.keep_what_is_unsaved(session);
        self.keep_what_is_unspent(session);
        self.await_no_more(session);
        if self.id != 0 {
            session.take(Event::Abandoned { by: self.id });
            session.stop_asking(self.id);
        }
        if let At::Look | At::ExpectLooked = self.at {
            let now = session.clock(UnixTime::default());
            session.leave_look(now);
        }
        let unanswered = matches!(self.at, At::ExpectClaimed(_));
        if !matches!(self.at, At::Finished(_)) {
            let failure = Failure::new(FailureKind::Misuse, "the exchange was abandoned", "start a new one");
            self.at = At::Finished(Outcome::Failed(failure));
        }
        // A claim that was not answered may have been granted.
        let lease = if unanswered { Some(Lease { owner: self.owner }) } else { self.lease() };
        self.leased_until = None;
        lease
    }

    /// A token that was granted and not yet stored stays with the session.
    pub(super) fn keep_what_is_unsaved(&mut self, session: &mut Session) {
        if let At::Save(unsaved) | At::ExpectSaved(unsaved) | At::Resting(_, Then::Save(unsaved)) = &self.at {
            session.take(Event::Kept { unsaved: Box::new((unsaved.token.clone(), unsaved.record.clone())) });
        }
    }

    /// A refresh token that was entered in the journal and is not on its way was not spent; of one that is, nobody will hear any more. This session
    /// remembers both.
    fn keep_what_is_unspent(&self, session: &mut Session) {
        match (&self.at, self.journal) {
            (At::ExpectJournaled(spending), _) => self.was_not_sent(session, *spending),
            (At::Connect | At::ExpectConnected | At::Journal | At::Fetch | At::Resting(_, Then::Fetch), Some(journal)) => {
                self.was_not_sent(session, journal);
            }
            // On its way, and nobody will hear the answer.
            (At::ExpectToken(_), Some(journal)) => session.answer_was_lost(journal.mark),
            _ => {}
        }
    }
}

//! A refresh token in doubt: it was sent, and its answer was never understood.
//!
//! Its successor, if there is one, is lost already. So it is sent again once nothing can be lost by that: no access token is valid any more, nobody has
//! stored a newer generation, and no other process can still wait for the answer. See [`crate::RefreshRules::resend_in_doubt`].

use super::Exchange;
use super::journal::possibly_spent;
use crate::session::Session;
use crate::time::UnixTime;
use crate::token::record::Spending;
use crate::verdict::failure::{Failure, FailureKind};
use alloc::format;
use alloc::string::String;

const WHILE_VALID: &str = "it is not sent again while the access token is valid";

impl Exchange {
    /// Decides about the journal entry of an earlier sending; `true` if the refresh token is not sent now, and the exchange goes on from there.
    pub(super) fn leaves_in_doubt(&mut self, session: &mut Session, now: UnixTime, sent: Spending) -> bool {
        (self.spent_since, self.sent_before) = (Some(sent.since), sent.attempt);
        if session.rules().may_send_again(sent.since, session.servers(now)) {
            return false;
        }
        let provider = session.connection().provider().name();
        let failure = if !session.rules().resend_in_doubt {
            possibly_spent(provider, session.rules())
        } else if let Some(ends) = token_ends(session, now) {
            in_doubt(provider, WHILE_VALID, ends)
        } else if let Some(from) = session.resend_from(sent.mark, Self::lease_span(session)).filter(|from| now < *from) {
            in_doubt(provider, "it is not sent again while another process may still wait for the answer", from)
        } else {
            self.is_in_doubt = true;
            return false;
        };
        self.give_up(session, now, failure);
        true
    }

    /// What to tell in place of sending a refresh token again whose answer was lost just now; `None` if it may be sent again.
    pub(super) fn ends_in_doubt(&mut self, session: &mut Session, now: UnixTime, failure: &Failure) -> Option<Failure> {
        let since = self.journal.map_or(now, |journal| journal.since);
        self.spent_since = Some(since);
        if let Some(journal) = self.journal {
            self.sent_before = journal.attempt;
            session.answer_was_lost(journal.mark);
        }
        if session.rules().may_send_again(since, session.servers(now)) {
            return None;
        }
        if !session.rules().resend_in_doubt {
            return Some(possibly_spent(session.connection().provider().name(), session.rules()).caused_by(failure));
        }
        self.is_in_doubt = true;
        let ends = token_ends(session, now)?;
        let at = failure.come_back_at().map_or(ends, |at| at.max(ends));
        let kept = in_doubt(session.connection().provider().name(), WHILE_VALID, ends);
        Some(kept.caused_by(failure).with_come_back_at(at))
    }

    /// The server's refusal of a refresh token, which says why if the token had been in doubt.
    pub(super) fn told_why(&self, refusal: Failure) -> Failure {
        if !self.is_in_doubt {
            return refusal;
        }
        let kind = refusal.kind();
        let advice: String = "a person has to connect the account again: the lost answer most likely held the next refresh token".into();
        refusal.restated(kind, "an earlier answer was lost, and the refresh token was sent again").advised(advice)
    }
}

/// Until when the session has an access token to send.
fn token_ends(session: &Session, now: UnixTime) -> Option<UnixTime> {
    session.life()?.usable(now).map(|token| token.valid_until)
}

fn in_doubt(provider: &str, why: &str, until: UnixTime) -> Failure {
    let what = format!("the answer to a refresh at {provider} was lost, and its single-use refresh token may be spent: {why}");
    Failure::new(FailureKind::TokenEndpoint, what, "nothing has to be done: it is sent again then").with_come_back_at(until)
}

//! What a shell reports: one `handle_*` for each step.

use super::Exchange;
use super::at::At;
use crate::credential::Credential;
use crate::session::Session;
use crate::step::{ConnectOutcome, Outcome, Transport};
use crate::time::UnixTime;
use crate::token::record::{Claimed, Saved, SharedPause};
use crate::verdict::answer::Response;
use crate::verdict::failure::{Failure, FailureKind};

impl Exchange {
    /// Takes what a store answered to [`crate::Step::Claim`].
    pub fn handle_claimed(&mut self, session: &mut Session, now: UnixTime, claimed: Claimed) {
        let now = self.attend(session, now);
        match core::mem::replace(&mut self.at, At::Start) {
            At::ExpectClaimed(asked) => self.claimed(session, now, asked, claimed),
            other => self.misuse_at(session, other, "handle_claimed was called without a Claim"),
        }
    }

    /// Takes what a store answered to [`crate::Step::Save`].
    pub fn handle_saved(&mut self, session: &mut Session, now: UnixTime, saved: Saved) {
        let now = self.attend(session, now);
        match core::mem::replace(&mut self.at, At::Start) {
            At::ExpectJournaled(spending) => self.journaled(session, now, spending, saved),
            At::ExpectSaved(unsaved) => self.saved(session, now, unsaved, saved),
            // If it did not succeed, this session still knows that nothing was spent.
            At::ExpectCleared(next) => self.at = *next,
            other => self.misuse_at(session, other, "handle_saved was called without a Save"),
        }
    }

    /// Takes what a store answered to [`crate::Step::Look`]: the limit that is in force, if there is one. A store that is down says that there is none.
    pub fn handle_looked(&mut self, session: &mut Session, now: UnixTime, pause: Option<SharedPause>) {
        let now = self.attend(session, now);
        match core::mem::replace(&mut self.at, At::Start) {
            At::ExpectLooked => session.end_look(now, pause),
            other => self.misuse_at(session, other, "handle_looked was called without a Look"),
        }
    }

    /// Goes on without the answer to [`crate::Step::Look`], which is only a hint: the shell reports it to
    /// [`Session::end_look`], before or after this.
    pub fn handle_look_elsewhere(&mut self, session: &mut Session, now: UnixTime) {
        self.attend(session, now);
        match core::mem::replace(&mut self.at, At::Start) {
            At::ExpectLooked => {}
            other => self.misuse_at(session, other, "handle_look_elsewhere was called without a Look"),
        }
    }

    /// Takes what the credential's source gave on [`crate::Step::Load`]: `None` if it gave nothing that can be used.
    pub fn handle_loaded(&mut self, session: &mut Session, now: UnixTime, credential: Option<Credential>) {
        let now = self.attend(session, now);
        match core::mem::replace(&mut self.at, At::Start) {
            At::ExpectLoaded => {
                session.loaded(credential, now);
            }
            other => self.misuse_at(session, other, "handle_loaded was called without a Load"),
        }
    }

    /// Takes how [`crate::Step::Connect`] ended.
    pub fn handle_connected(&mut self, session: &mut Session, now: UnixTime, outcome: ConnectOutcome) {
        let now = self.attend(session, now);
        match core::mem::replace(&mut self.at, At::Start) {
            At::ExpectConnected => self.connected(session, now, outcome),
            other => self.misuse_at(session, other, "handle_connected was called without a Connect"),
        }
    }

    /// Takes the response to [`crate::Step::Fetch`] or [`crate::Step::Send`].
    pub fn handle_response(&mut self, session: &mut Session, now: UnixTime, response: &Response<'_>) {
        let now = self.attend(session, now);
        match core::mem::replace(&mut self.at, At::Start) {
            At::ExpectToken(asked) => {
                self.await_no_more(session);
                self.token_answer(session, now, &asked, response);
            }
            At::ExpectAnswer(authorization) => {
                self.deliveries.answered = true;
                self.answer(session, now, authorization.as_deref(), response);
            }
            other => self.misuse_at(session, other, "handle_response was called without a Fetch or Send"),
        }
    }

    /// Takes the news that [`crate::Step::Fetch`] or [`crate::Step::Send`] got no response.
    pub fn handle_failure(&mut self, session: &mut Session, now: UnixTime, transport: Transport) {
        let now = self.attend(session, now);
        match core::mem::replace(&mut self.at, At::Start) {
            At::ExpectToken(_) => {
                self.await_no_more(session);
                self.token_lost(session, now, transport);
            }
            At::ExpectAnswer(_) => {
                self.deliveries.answered = false;
                self.answer_lost(session, now, transport);
            }
            other => self.misuse_at(session, other, "handle_failure was called without a Fetch or Send"),
        }
    }

    /// The answer that this exchange waited for is here, or will not be heard.
    pub(super) fn await_no_more(&self, session: &mut Session) {
        let is_mine = |mark| session.life().is_some_and(|life| life.awaits_answer(mark));
        if self.journal.is_some_and(|journal| is_mine(journal.mark)) {
            session.await_answer(None);
        }
    }

    fn misuse_at(&mut self, session: &mut Session, at: At, what: &'static str) {
        self.at = at;
        self.misuse(session, what);
    }

    pub(super) fn misuse(&mut self, session: &mut Session, what: &'static str) {
        self.keep_what_is_unsaved(session);
        let failure =
            Failure::new(FailureKind::Misuse, what, "poll, do what the step says, report it with the one matching handle_*, poll again");
        self.at = At::Finished(Outcome::Failed(failure));
    }
}

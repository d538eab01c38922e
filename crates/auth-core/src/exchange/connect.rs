//! The connection for a token request that spends a single-use refresh token: it stands before
//! the journal says that the refresh token is sent, so that a connection that cannot be made
//! spends nothing.

use super::at::At;
use super::{Exchange, Transport};
use crate::session::Session;
use crate::step::{Connect, ConnectOutcome, Unanswered};
use crate::time::UnixTime;
use core::time::Duration;

/// How long connecting may take at most: 10 s, because a host that has not answered by then is not
/// there, and because the lease lasts 15 s longer than the token request.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

impl Exchange {
    /// The connection to open; `None` if nothing is spent by the token request.
    pub(super) fn connect(&mut self, session: &mut Session, now: UnixTime) -> Option<Connect> {
        if self.begins_anew(session, now) {
            return None;
        }
        let endpoint = session.connection().endpoints().token.clone();
        let Some(url) = endpoint.filter(|_| session.is_single_use()) else {
            // The journal decides whether something is written first: the probe of a refused token is.
            self.at = At::Journal;
            return None;
        };
        if !self.keeps_the_right(session, now) {
            return None;
        }
        self.at = At::ExpectConnected;
        // Nothing is on its way yet, so a caller's deadline may cut it short.
        let left = self.deadline.since(now).max(Duration::from_millis(1));
        let timeout = session.connection().policy().fetch_timeout.min(CONNECT_LIMIT).min(left);
        Some(Connect { url, timeout })
    }

    /// Goes on to the journal, whose entry is written anew before each sending.
    pub(super) fn connected(&mut self, session: &mut Session, now: UnixTime, outcome: ConnectOutcome) {
        match outcome {
            ConnectOutcome::Connected | ConnectOutcome::NotSupported => {
                self.at = At::Journal;
            }
            ConnectOutcome::Failed(failed) => {
                self.fetches += 1;
                // Whatever the shell calls it, no token request was on its way.
                let how = match failed.how {
                    Unanswered::Lost => Unanswered::NotSent,
                    how => how,
                };
                self.token_lost(session, now, Transport { how, ..failed });
            }
        }
    }
}

//! What happens when a session is handed another credential before the one of now is refused.

use super::{Holding, Session};
use crate::credential::{Credential, Grant};
use crate::provider::GrantKind;
use crate::time::UnixTime;
use crate::verdict::failure::{Failure, FailureKind};
use alloc::format;

/// `HandedOver` is what came of [`Session::hand_over`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum HandedOver {
    /// The next call uses it.
    Taken,
    /// An exchange is getting a token with the credential of before: hand it over again then, or when the session has changed.
    Busy(UnixTime),
}

/// Why nothing else than keys for keys, and client for client, is taken.
const OTHER_KIND: &str = "the client goes on with what it has: make another client for it, and log in for a connection of a person's";

impl Session {
    /// Takes over a credential of the same kind, from the next call on: keys for keys, a client's id and secret or an assertion for another.
    ///
    /// None of the keys counts as refused. A token of the credential before is used no more: the provider may end it together with the old secret. What the
    /// credential may do stays as it was declared when the connection was made. `reloadable` is as in [`Session::new`].
    ///
    /// # Errors
    /// A [`Failure`] of kind `EnvironmentMismatch` or `Misuse`; the session goes on as before.
    pub fn hand_over(&mut self, credential: &Credential, reloadable: bool, now: UnixTime) -> Result<HandedOver, Failure> {
        let now = self.clock(now);
        self.check_kind(credential)?;
        self.check_environment(credential)?;
        let connection = self.connection.clone();
        match (&mut self.holding, credential) {
            (Holding::Keys(ring), Credential::Keys(keys)) => ring.hand_over(keys.clone()),
            (Holding::Token(life), Credential::Grant(first) | Credential::Grants(first, _)) => {
                if let Some(until) = life.held_by_another_until(0, now) {
                    return Ok(HandedOver::Busy(until));
                }
                let same_scopes = life.grant.scopes_in_order() == first.scopes_in_order();
                let same_record = same_scopes && connection.place_of(&life.grant) == connection.place_of(first);
                life.hand_over(first.clone(), credential.grants().skip(1).cloned().collect(), same_record);
            }
            (Holding::Keys(_), _) | (Holding::Token(_), Credential::Keys(_)) => {}
        }
        let source = &mut self.rare_mut().source;
        (source.reloadable, source.next, source.asked, source.fruitless) = (reloadable, now, None, false);
        self.note_change(true);
        Ok(HandedOver::Taken)
    }

    fn check_kind(&self, credential: &Credential) -> Result<(), Failure> {
        match (&self.holding, credential) {
            (Holding::Keys(_), Credential::Keys(keys)) if keys.is_empty() => {
                Err(misuse("no key was handed over", "the client goes on with those that it has"))
            }
            (Holding::Keys(_), Credential::Keys(_)) => Ok(()),
            (Holding::Keys(_), _) => Err(misuse("a client with keys was handed a client's id", OTHER_KIND)),
            (Holding::Token(_), Credential::Keys(_)) => Err(misuse("a client with tokens was handed keys", OTHER_KIND)),
            (Holding::Token(life), _) if is_a_persons(&life.grant) || credential.grants().any(is_a_persons) => {
                Err(misuse("a refresh token belongs to one connection, and is not handed over", OTHER_KIND))
            }
            (Holding::Token(_), _) => Ok(()),
        }
    }

    fn check_environment(&self, credential: &Credential) -> Result<(), Failure> {
        let ours = self.connection.environment();
        credential.environments().find(|other| *other != ours).map_or(Ok(()), |other| {
            let what = format!("the credential that was handed over is for {other}, and the client is for {ours}");
            let advice = format!("the client goes on with what it has: hand over one for {ours}, or make a client for {other}");
            Err(Failure::new(FailureKind::EnvironmentMismatch, what, advice))
        })
    }
}

/// Whether it goes back to a person's consent.
fn is_a_persons(grant: &Grant) -> bool {
    grant.kind() == GrantKind::RefreshToken
}

fn misuse(what: &'static str, advice: &'static str) -> Failure {
    Failure::new(FailureKind::Misuse, what, advice)
}

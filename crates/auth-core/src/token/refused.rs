//! `Refusal`: the server's refusal of a refresh token, kept in the record for every process that shares it.

use crate::oauth::codes::{self, Meaning};
use crate::provider::{GrantKind, Provider};
use crate::time::UnixTime;
use crate::verdict::failure::{Failure, FailureKind};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

/// How long a refused refresh token rests between two probes: an hour, because only a person can mend it, and an hour of a vendor's incident is noticed soon
/// enough.
const BETWEEN_PROBES: Duration = Duration::from_hours(1);
/// For how long it is probed: three days, because an incident at a vendor may last over a weekend, and a refused token has nothing to lose.
const PROBED_FOR: Duration = Duration::from_hours(72);

/// `Refusal` is the server's refusal of a refresh token: why, since when, and when the token may be sent again.
///
/// One process sends it again, once an hour and under the lease, for three days. A newer generation ends the refusal. Moments are in the server's time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status of the refusal.
    pub status: u16,
    /// The server's error code, such as `invalid_grant`.
    pub code: Option<String>,
    /// The server's words, shortened and without secrets.
    pub message: Option<String>,
    /// When the server refused the token first.
    pub since: UnixTime,
    /// The token is not sent again before this moment.
    pub probe_at: UnixTime,
    /// The token is not sent again from this moment on.
    pub ends_at: UnixTime,
}

impl Refusal {
    /// The refusal of a refresh token at `now`, in the server's time; one that was refused before stays refused since then. `None` if the failure is no
    /// server's word that a person has to consent.
    pub(crate) fn of(failure: &Failure, before: Option<&Self>, now: UnixTime) -> Option<Self> {
        let status = failure.status().filter(|_| failure.kind() == FailureKind::ConsentRequired)?;
        let (code, message) = (failure.code().map(ToOwned::to_owned), failure.message().map(ToOwned::to_owned));
        let since = before.map_or(now, |before| before.since);
        let ends_at = before.map_or(now.after(PROBED_FOR), |before| before.ends_at);
        Some(Self { status, code, message, since, probe_at: now.after(BETWEEN_PROBES), ends_at })
    }

    /// The same while it is probed: nobody else probes it before the next time.
    pub(crate) fn probed(&self, now: UnixTime) -> Self {
        Self { probe_at: now.after(BETWEEN_PROBES), ..self.clone() }
    }

    /// Whether the token may be sent once, to see whether the server has changed its mind.
    pub(crate) fn may_be_probed(&self, now: UnixTime) -> bool {
        now < self.ends_at && self.next_probe().is_some_and(|at| at <= now)
    }

    /// When the token may be sent again; `None` if never.
    pub fn next_probe(&self) -> Option<UnixTime> {
        (self.probe_at < self.ends_at).then_some(self.probe_at)
    }

    /// The failure of a call that would have to send the token.
    pub(crate) fn failure(&self, provider: &Provider) -> Failure {
        let meant = self.code.as_deref().and_then(|code| codes::at_token_endpoint(provider, GrantKind::RefreshToken, code));
        let advice = match meant {
            Some(Meaning::Refused(FailureKind::ConsentRequired, advice)) => advice,
            _ => "a person has to connect the account again",
        };
        let what = format!("the token endpoint of {} refused the grant, {self}", provider.name());
        Failure::new(FailureKind::ConsentRequired, what, advice).with_answer(self.status, self.code.clone(), self.message.clone(), None)
    }
}

/// What follows the fact that it was refused.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "since {}", self.since)?;
        match self.next_probe() {
            Some(at) => write!(f, "; the refresh token is not sent again before {at}"),
            None => f.write_str("; the refresh token is not sent again"),
        }
    }
}

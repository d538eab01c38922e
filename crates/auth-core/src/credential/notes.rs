//! What an owner knows about a key beside the key itself, and how old that makes it.

use crate::shown::{Looks, Shown};
use crate::time::UnixTime;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// From how many days before its end a key counts as expiring: 14, because two weeks outlast a month-end freeze.
const EXPIRING_DAYS: u64 = 14;
const DAY: Duration = Duration::from_hours(24);

/// `KeyNotes` is what an owner knows about a key beside the key itself. Nothing in it is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyNotes {
    /// The name it was given in the vendor's dashboard.
    pub name: Option<String>,
    /// The vendor's own id of it.
    pub id: Option<String>,
    /// When it was created: what its age is counted from.
    pub created: Option<UnixTime>,
    /// What it may do, in the vendor's words.
    pub permissions: Vec<String>,
    /// The integration that it belongs to.
    pub integration: Option<String>,
}

impl KeyNotes {
    /// The same notes, in which a text that could be a secret is replaced by its length: they are
    /// shown wherever keys are.
    #[must_use]
    pub fn showable(self) -> Self {
        let note = |text: String| Shown::new(&text, Looks::Note).to_string();
        Self {
            name: self.name.map(note),
            id: self.id.map(|text| Shown::new(&text, Looks::Id).to_string()),
            permissions: self.permissions.into_iter().map(note).collect(),
            integration: self.integration.map(note),
            ..self
        }
    }
}

/// `KeyAge` is where a key stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyAge {
    /// The vendor sets no limit.
    Unlimited,
    /// The vendor sets a limit, but when the key was created is not known.
    Unknown,
    /// It ends then, and there is time.
    Active {
        /// When it ends.
        ends: UnixTime,
    },
    /// It ends within two weeks.
    Expiring {
        /// When it ends.
        ends: UnixTime,
        /// How many whole days are left.
        days_left: u64,
    },
    /// It has ended.
    Expired {
        /// When it ended.
        ended: UnixTime,
    },
}

impl KeyAge {
    /// The age at `now` of a key that was created then, where keys live so long.
    pub fn of(lifetime: Option<Duration>, created: Option<UnixTime>, now: UnixTime) -> Self {
        let Some(lifetime) = lifetime else { return Self::Unlimited };
        let Some(created) = created else { return Self::Unknown };
        let ends = created.after(lifetime);
        let days_left = ends.since(now).as_secs() / DAY.as_secs();
        if ends <= now {
            Self::Expired { ended: ends }
        } else if days_left < EXPIRING_DAYS {
            Self::Expiring { ends, days_left }
        } else {
            Self::Active { ends }
        }
    }

    /// When the key ends, or ended, if that is known.
    pub fn ends(self) -> Option<UnixTime> {
        match self {
            Self::Unlimited | Self::Unknown => None,
            Self::Active { ends } | Self::Expiring { ends, .. } | Self::Expired { ended: ends } => Some(ends),
        }
    }
}

impl fmt::Display for KeyAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("does not expire"),
            Self::Unknown => f.write_str("expires, but its creation date is not known"),
            Self::Active { ends } => write!(f, "active until {ends}"),
            Self::Expiring { ends, days_left } => write!(f, "expires in {days_left} days, on {ends}"),
            Self::Expired { ended } => write!(f, "expired on {ended}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninety_days_are_counted_from_creation() {
        let created = UnixTime::from_secs(1_764_000_000);
        let age = |days: u64| KeyAge::of(Some(DAY * 90), Some(created), created.after(Duration::from_hours(24 * days)));
        let ends = created.after(DAY * 90);
        assert_eq!(age(0), KeyAge::Active { ends });
        assert_eq!(age(75), KeyAge::Active { ends });
        assert_eq!(age(77), KeyAge::Expiring { ends, days_left: 13 });
        assert_eq!(age(89), KeyAge::Expiring { ends, days_left: 1 });
        assert_eq!(age(90), KeyAge::Expired { ended: ends });
        assert_eq!(KeyAge::of(None, Some(created), created), KeyAge::Unlimited);
        assert_eq!(KeyAge::of(Some(DAY), None, created), KeyAge::Unknown);
    }

    #[test]
    fn a_key_is_expiring_from_two_weeks_before_its_end() {
        let created = UnixTime::from_secs(1_764_000_000);
        let ends = created.after(DAY * 90);
        let two_weeks_before = ends.before(DAY * 14);
        let age = |now: UnixTime| KeyAge::of(Some(DAY * 90), Some(created), now);
        assert_eq!(age(two_weeks_before), KeyAge::Active { ends });
        let expiring = age(two_weeks_before.after(Duration::from_secs(1)));
        assert_eq!(expiring, KeyAge::Expiring { ends, days_left: 13 });
        assert_eq!((expiring.ends(), age(ends).ends(), age(created).ends()), (Some(ends), Some(ends), Some(ends)));
        assert_eq!((KeyAge::Unlimited.ends(), KeyAge::Unknown.ends()), (None, None));
        assert_eq!(alloc::format!("{expiring}"), alloc::format!("expires in 13 days, on {ends}"));
        assert_eq!(alloc::format!("{}", KeyAge::Unlimited), "does not expire");
    }
}

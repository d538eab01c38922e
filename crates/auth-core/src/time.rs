//! Time as a number: the machine has no clock, so every entry point is told what time it is.

use crate::date;
use core::fmt;
use core::time::Duration;

/// `UnixTime` is a moment in milliseconds since 1970-01-01T00:00:00 UTC.
///
/// The shell that drives the machine should hand over a clock that neither steps when the wall clock is corrected nor
/// stops while the machine sleeps (on Linux `CLOCK_BOOTTIME`, anchored once to the wall clock): then a token's lifetime
/// is measured in real elapsed time. Should the number go backwards all the same, a session holds its own clock still until
/// it has caught up, because an expired token must not become valid again.
///
/// All arithmetic saturates: no server can overflow it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// A moment that never comes: "not before somebody acts".
    pub const NEVER: Self = Self(u64::MAX);

    /// A moment from milliseconds since the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// A moment from seconds since the Unix epoch.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000))
    }

    /// A moment from text in RFC 3339: a date with time and offset, or a date alone, which is its midnight in UTC; `None` if it is neither or lies before 1970.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        if text.len() > 10 { date::from_rfc3339(text) } else { date::from_day(text) }
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000
    }

    /// This moment and `span` more; [`UnixTime::NEVER`] when that is out of range.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// This moment less `span`; the epoch when that is out of range.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// The time from `earlier` to this moment; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// This moment moved by a signed number of milliseconds, as clocks differ.
    #[must_use]
    pub const fn shifted(self, millis: i64) -> Self {
        Self(self.0.saturating_add_signed(millis))
    }
}

/// `UnixTime` prints as RFC 3339 in UTC.
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        date::write(*self, f)
    }
}

impl fmt::Debug for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The whole milliseconds of a span, saturating.
pub(crate) fn millis(span: Duration) -> u64 {
    span.as_secs().saturating_mul(1_000).saturating_add(u64::from(span.subsec_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(UnixTime::NEVER.after(Duration::MAX), UnixTime::NEVER);
        assert_eq!(UnixTime::from_secs(1).before(Duration::MAX), UnixTime::default());
        assert_eq!(UnixTime::from_secs(1).since(UnixTime::NEVER), Duration::ZERO);
        assert_eq!(UnixTime::from_secs(u64::MAX), UnixTime::NEVER);
    }

    #[test]
    fn reads_rfc_3339() {
        let read = |text| UnixTime::from_rfc3339(text).map(UnixTime::as_secs);
        assert_eq!(read("2025-11-24T16:00:00Z"), Some(1_764_000_000));
        assert_eq!(read("2025-11-24T17:00:00.25+01:00"), Some(1_764_000_000));
        assert_eq!(read("2025-11-24"), Some(1_763_942_400));
        for text in ["", "yesterday", "24.11.2025", "2025-13-01", "1969-12-31", "2025-11-24T16:00:00"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn prints_as_rfc_3339() {
        assert_eq!(UnixTime::from_millis(1_764_000_000_500).to_string(), "2025-11-24T16:00:00.5Z");
        assert_eq!(UnixTime::NEVER.to_string(), "never");
    }
}

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

/// The server's clock: the system clock plus an offset that a test can move.
///
/// It drives key ages, token expiry, rate windows and the `Date` header. All clones share one offset.
/// Moving it wakes nobody: delays asked for by faults run in real time.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset_millis: Arc<AtomicI64>,
}

impl Clock {
    /// The server's time in milliseconds since 1970-01-01 UTC.
    pub fn now_millis(&self) -> u64 {
        let system = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, saturating_millis);
        system.saturating_add_signed(self.offset_millis.load(Ordering::Relaxed))
    }

    /// Moves the server's clock forward.
    pub fn advance(&self, by: Duration) {
        self.shift(i64::try_from(saturating_millis(by)).unwrap_or(i64::MAX));
    }

    /// Moves the server's clock back.
    pub fn rewind(&self, by: Duration) {
        self.shift(i64::try_from(saturating_millis(by)).map_or(i64::MIN, |millis| -millis));
    }

    /// How far the server's clock is from the system clock, in milliseconds.
    pub fn offset_millis(&self) -> i64 {
        self.offset_millis.load(Ordering::Relaxed)
    }

    fn shift(&self, millis: i64) {
        let _ = self.offset_millis.try_update(Ordering::Relaxed, Ordering::Relaxed, |now| Some(now.saturating_add(millis)));
    }
}

pub(crate) fn saturating_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn timestamp(millis: u64) -> Timestamp {
    i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok()).unwrap_or(Timestamp::MAX)
}

/// An HTTP date such as `Sun, 22 Nov 2026 08:38:29 GMT`.
pub(crate) fn http_date(millis: u64) -> String {
    DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp(millis)).unwrap_or_else(|_| "Fri, 31 Dec 9999 23:59:59 GMT".to_owned())
}

/// An RFC 3339 date-time in UTC with milliseconds.
pub(crate) fn date_time(millis: u64) -> String {
    format!("{:.3}", timestamp(millis))
}

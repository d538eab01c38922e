//! The clock that the machine is driven by: it neither steps with the wall clock nor stops while the machine sleeps.

use auth_core::UnixTime;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `Clock` is a client's time, sleep and dice, for programs that bring their own: an event loop's, a test's.
///
/// A client that is given none has the system's, and its waits then end at once when another thread has what they wait for.
pub trait Clock: Send + Sync {
    /// The time. It should neither step with the wall clock nor stop while the machine sleeps, see [`UnixTime`].
    fn now(&self) -> UnixTime;

    /// Sleeps that long, 50 ms at most; `false` ends the wait, and with it the call.
    fn sleep(&self, span: Duration) -> bool;

    /// A number from which the dice of one exchange follow: its request id and the jitter of its pauses. Nothing that it decides needs secrecy.
    fn seed(&self) -> u64 {
        fastrand::u64(..)
    }
}

/// `SystemClock` is the system's own time, sleep and dice: for a [`Clock`] that brings only a part of these.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        now()
    }

    fn sleep(&self, span: Duration) -> bool {
        std::thread::sleep(span);
        true
    }
}

/// The time, by a clock that is set to the wall clock once in a process and runs by itself from then on.
pub(crate) fn now() -> UnixTime {
    at_steady(steady())
}

/// The time at which the steady clock shows, or will show, `reading`.
pub(crate) fn at_steady(reading: Duration) -> UnixTime {
    /// The moment at which the steady clock stood at zero.
    static ZERO: OnceLock<UnixTime> = OnceLock::new();
    let zero = ZERO.get_or_init(|| {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixTime::default().after(wall.saturating_sub(steady()))
    });
    zero.after(reading)
}

/// Time since some moment in the past, suspended time included (`CLOCK_BOOTTIME`), so that a laptop that slept for an hour
/// does not send a token of an hour ago. All processes of a host read the same.
#[cfg(target_os = "linux")]
pub(crate) fn steady() -> Duration {
    read(rustix::time::ClockId::Boottime)
}

/// Time since some moment in the past, the same for all processes of a host. Where the system's monotonic clock stops in suspension, a token that ended meanwhile
/// is renewed on its first 401.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn steady() -> Duration {
    read(rustix::time::ClockId::Monotonic)
}

#[cfg(unix)]
fn read(clock: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Time since the first call.
#[cfg(not(unix))]
pub(crate) fn steady() -> Duration {
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_at_the_wall_clock_and_runs() {
        let first = now();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert!(UnixTime::default().after(wall).since(first) < Duration::from_secs(1));
        std::thread::sleep(Duration::from_millis(5));
        assert!(now() > first);
    }
}

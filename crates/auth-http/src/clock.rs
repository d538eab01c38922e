//! The clock that the machine is driven by: it neither steps with the wall clock nor stops while the machine sleeps.

use auth_core::UnixTime;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A clock that is set to the wall clock once and runs by itself from then on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    wall_at_start: Duration,
    steady_at_start: Duration,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall_at_start: wall, steady_at_start: steady() }
    }

    pub(crate) fn now(&self) -> UnixTime {
        let elapsed = steady().saturating_sub(self.steady_at_start);
        UnixTime::default().after(self.wall_at_start + elapsed)
    }
}

/// Time since some moment in the past, suspended time included (`CLOCK_BOOTTIME`), so that a laptop that slept for an hour
/// does not send a token of an hour ago.
#[cfg(target_os = "linux")]
fn steady() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Time since the first call. Where the system's monotonic clock stops in suspension, a token that ended meanwhile is renewed on its first 401.
#[cfg(not(target_os = "linux"))]
fn steady() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_at_the_wall_clock_and_runs() {
        let clock = Clock::start();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let first = clock.now();
        assert!(UnixTime::default().after(wall).since(first) < Duration::from_secs(1));
        std::thread::sleep(Duration::from_millis(5));
        assert!(clock.now() > first);
    }
}

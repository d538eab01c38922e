//! The time that a thread spent computing, which other programs on the machine do not change.

use std::time::{Duration, Instant};

/// How long some work takes this thread.
pub fn time(work: impl FnOnce()) -> Duration {
    let (start, computed) = (Instant::now(), computed());
    work();
    match (computed, self::computed()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        _ => start.elapsed(),
    }
}

/// What this thread has computed so far, where Linux says so; to a tick of the clock.
fn computed() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

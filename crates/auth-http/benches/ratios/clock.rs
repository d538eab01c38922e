//! The clocks of the measurements, the one that the floors read, and the core that a measurement may keep to.

use std::time::Duration;

/// The clock that the client reads, read the same way (`CLOCK_BOOTTIME`), in milliseconds.
#[cfg(target_os = "linux")]
pub(crate) fn boot_millis() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000
}

/// Processor time of this thread: what another program takes from the machine does not count.
#[cfg(target_os = "linux")]
pub(crate) fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Does it on one core, threads that it starts included: where a request goes from thread to thread, the choice of cores would decide more than the code.
#[cfg(target_os = "linux")]
pub(crate) fn on_one_core<R>(work: impl FnOnce() -> R) -> R {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
    let before = sched_getaffinity(None);
    let mut here = CpuSet::new();
    here.set(sched_getcpu());
    // Where it is not allowed, the figures are noisier.
    let _ = sched_setaffinity(None, &here);
    let result = work();
    let _ = before.map(|before| sched_setaffinity(None, &before));
    result
}

/// Does it, where a core cannot be chosen without `unsafe`.
#[cfg(not(target_os = "linux"))]
pub(crate) fn on_one_core<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(not(target_os = "linux"))]
fn start() -> std::time::Instant {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    *START.get_or_init(std::time::Instant::now)
}

/// Time since the first call, where there is no `CLOCK_BOOTTIME`.
#[cfg(not(target_os = "linux"))]
pub(crate) fn boot_millis() -> u64 {
    u64::try_from(start().elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Time since the first call, where a thread's own is not to be had without `unsafe`.
#[cfg(not(target_os = "linux"))]
pub(crate) fn thread_time() -> Duration {
    start().elapsed()
}

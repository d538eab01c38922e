use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How many requests a service admits for one key (Finora, Numora), one environment (ADaaS) or one credential
/// (Numeric). `None` means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimits {
    /// Requests in a minute: the last 60 seconds at Finora, a fixed window of 60 seconds from its first request at
    /// the others.
    pub per_minute: Option<u32>,
    /// Requests in a clock hour (UTC).
    pub per_hour: Option<u32>,
    /// Requests in a UTC day.
    pub per_day: Option<u32>,
    /// Requests at the same time.
    pub concurrent: Option<u32>,
}

/// The minute window as answers show it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MinuteWindow {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) reset_millis: u64,
}

/// One request in progress; dropping it frees its place.
pub(crate) struct Permit(Arc<AtomicU32>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

#[derive(Default)]
pub(crate) struct Admitted {
    pub(crate) minute: Option<MinuteWindow>,
    pub(crate) permit: Option<Permit>,
}

pub(crate) struct Refused {
    pub(crate) minute: Option<MinuteWindow>,
    pub(crate) retry_after_seconds: u64,
    /// For the log: `60 per minute used up`.
    pub(crate) why: String,
}

#[derive(Default)]
struct Gauge {
    recent: VecDeque<u64>,
    window_start: u64,
    in_window: u32,
    hour: (u64, u32),
    day: (u64, u32),
    in_progress: Arc<AtomicU32>,
}

/// The limits of one service and what has been used of them. Refused requests use nothing up.
pub(crate) struct Limiter {
    rolling: bool,
    used: Mutex<Used>,
}

struct Used {
    limits: RateLimits,
    gauges: HashMap<String, Gauge>,
}

impl Limiter {
    pub(crate) fn new(rolling: bool, limits: RateLimits) -> Self {
        Self { rolling, used: Mutex::new(Used { limits, gauges: HashMap::new() }) }
    }

    /// Changes the limits and forgets what was used.
    pub(crate) fn change(&self, change: impl FnOnce(&mut RateLimits)) {
        let mut used = self.used.lock();
        change(&mut used.limits);
        used.gauges.clear();
    }

    pub(crate) fn limits(&self) -> RateLimits {
        self.used.lock().limits
    }

    pub(crate) fn admit(&self, subject: &str, now: u64) -> Result<Admitted, Refused> {
        let mut used = self.used.lock();
        let limits = used.limits;
        if limits == RateLimits::default() {
            return Ok(Admitted::default());
        }
        if !used.gauges.contains_key(subject) {
            used.gauges.insert(subject.to_owned(), Gauge::default());
        }
        let Some(gauge) = used.gauges.get_mut(subject) else {
            return Ok(Admitted::default());
        };
        gauge.turn_windows(now, self.rolling);
        if let Err((retry_at, why)) = gauge.check(&limits, now, self.rolling) {
            return Err(Refused {
                minute: gauge.minute(&limits, now, self.rolling),
                retry_after_seconds: retry_at.saturating_sub(now).div_ceil(1000).max(1),
                why,
            });
        }
        gauge.recent.push_back(now);
        gauge.in_window += 1;
        gauge.hour.1 += 1;
        gauge.day.1 += 1;
        gauge.in_progress.fetch_add(1, Ordering::AcqRel);
        Ok(Admitted { minute: gauge.minute(&limits, now, self.rolling), permit: Some(Permit(Arc::clone(&gauge.in_progress))) })
    }
}

impl Gauge {
    fn turn_windows(&mut self, now: u64, rolling: bool) {
        if rolling {
            while self.recent.front().is_some_and(|at| at + MINUTE <= now) {
                self.recent.pop_front();
            }
            // After a rewind, requests from "the future" do not count.
            while self.recent.back().is_some_and(|at| *at > now) {
                self.recent.pop_back();
            }
        } else {
            self.recent.clear();
            if now < self.window_start || now >= self.window_start + MINUTE {
                self.window_start = now;
                self.in_window = 0;
            }
        }
        if self.hour.0 != now / HOUR {
            self.hour = (now / HOUR, 0);
        }
        if self.day.0 != now / DAY {
            self.day = (now / DAY, 0);
        }
    }

    fn in_minute(&self, rolling: bool) -> u32 {
        if rolling { u32::try_from(self.recent.len()).unwrap_or(u32::MAX) } else { self.in_window }
    }

    fn minute_reset(&self, now: u64, rolling: bool) -> u64 {
        if rolling { self.recent.front().copied().unwrap_or(now) + MINUTE } else { self.window_start + MINUTE }
    }

    fn check(&self, limits: &RateLimits, now: u64, rolling: bool) -> Result<(), (u64, String)> {
        let full = |limit: Option<u32>, used: u32| limit.filter(|limit| used >= *limit);
        if let Some(limit) = full(limits.per_day, self.day.1) {
            return Err(((self.day.0 + 1) * DAY, format!("{limit} per day used up")));
        }
        if let Some(limit) = full(limits.per_hour, self.hour.1) {
            let next = (self.hour.0 + 1) * HOUR;
            return Err((next, format!("{limit} per hour used up")));
        }
        if let Some(limit) = full(limits.per_minute, self.in_minute(rolling)) {
            let reset = self.minute_reset(now, rolling);
            return Err((reset, format!("{limit} per minute used up")));
        }
        if let Some(limit) = full(limits.concurrent, self.in_progress.load(Ordering::Acquire)) {
            return Err((now + 1000, format!("{limit} at the same time reached")));
        }
        Ok(())
    }

    fn minute(&self, limits: &RateLimits, now: u64, rolling: bool) -> Option<MinuteWindow> {
        limits.per_minute.map(|limit| MinuteWindow {
            limit,
            remaining: limit.saturating_sub(self.in_minute(rolling)),
            reset_millis: self.minute_reset(now, rolling),
        })
    }
}

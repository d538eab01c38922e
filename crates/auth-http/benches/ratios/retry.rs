//! One retry decision, beside one step of backon's iterator, which knows neither `Retry-After` nor a budget nor a deadline.

use crate::measure::pair;
use crate::table::{Bar, Row};
use auth_http::UnixTime;
use auth_http::core::retry::{Budget, Cause, Policy, Situation, decide};
use backon::{BackoffBuilder as _, ExponentialBuilder};
use std::error::Error;
use std::hint::black_box;

/// A 503 with `Retry-After`, its jitter drawn, out of a budget that is kept filled by five seconds between calls.
pub(crate) fn ours(calls: u32) {
    let (policy, mut budget, mut dice) = (Policy::default(), Budget::default(), fastrand::Rng::with_seed(1));
    let mut millis = 1_764_000_000_000;
    for _ in 0..calls {
        millis += 5_000;
        let now = UnixTime::from_millis(millis);
        let situation = Situation {
            cause: Cause::ServerError,
            attempt: 1,
            repeatable: true,
            come_back_at: Some(UnixTime::from_millis(millis + 3_000)),
            now,
            deadline: UnixTime::from_millis(millis + 60_000),
        };
        black_box(decide(black_box(&situation), black_box(&policy), Some(&mut budget), dice.f64()));
    }
}

/// One step of the iterator, with jitter.
pub(crate) fn floor(calls: u32) {
    let mut steps = ExponentialBuilder::default().with_jitter().without_max_times().build();
    for _ in 0..calls {
        black_box(steps.next());
    }
}

#[expect(clippy::unnecessary_wraps, reason = "all tables have one shape")]
pub(crate) fn rows() -> Result<Vec<Row>, Box<dyn Error>> {
    Ok(vec![pair("retry decision (Retry-After, budget) / a step of backon", Bar::Ratio(1.0), 200_000, ours, floor)])
}

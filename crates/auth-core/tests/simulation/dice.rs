//! Dice and clocks: whatever is random in a run comes from its seed, whatever moves in it is moved by the run.

use auth_core::UnixTime;

/// The moment at which every run begins, by a clock that is right.
const START: u64 = 1_764_000_000_000;

/// All that is random in one run.
pub(crate) struct Dice(fastrand::Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// True in `of_10_000` of ten thousand cases.
    pub(crate) fn chance(&mut self, of_10_000: u64) -> bool {
        of_10_000 > 0 && self.0.u64(..10_000) < of_10_000
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.u64(low..=high)
    }

    /// A number from `low` to `high` whose size class, not whose value, is equally likely: as often below a tenth of `high` as above it.
    pub(crate) fn spread(&mut self, low: u64, high: u64) -> u64 {
        let ceiling = [high, high / 10, high / 100][self.0.usize(..3)];
        self.between(low, ceiling.max(low))
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.0.usize(..of.len())]
    }

    pub(crate) fn seed(&mut self) -> u64 {
        self.0.u64(..)
    }
}

/// One machine's clock, which may be wrong, run too fast and be set.
#[derive(Clone, Copy, Default)]
pub(crate) struct Clock {
    /// By how many milliseconds it is ahead of the right time.
    pub(crate) ahead: i64,
    /// By how many millionths it runs too fast.
    pub(crate) parts_per_million: i64,
    /// By how many milliseconds it has been set forth and back in all.
    pub(crate) wandered: u64,
    /// By how many milliseconds it has been set back in all: for so long a session's own clock stood still.
    pub(crate) stood: u64,
}

impl Clock {
    /// What the clock shows `time` milliseconds after the beginning of the run.
    pub(crate) fn at(&self, time: u64) -> UnixTime {
        let gained = i64::try_from(time).unwrap_or(i64::MAX).saturating_mul(self.parts_per_million) / 1_000_000;
        UnixTime::from_millis((START + time).saturating_add_signed(self.ahead + gained))
    }

    /// Sets the clock by so many milliseconds.
    pub(crate) fn set(&mut self, millis: i64) {
        self.ahead += millis;
        self.wandered += millis.unsigned_abs();
        self.stood += if millis < 0 { millis.unsigned_abs() } else { 0 };
    }
}

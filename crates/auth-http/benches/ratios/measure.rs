//! Rounds in turn, and medians.

use crate::clock::thread_time;
use crate::table::{Bar, Row};
use std::time::Instant;

/// How often each side has its turn; odd, so that a median is a measurement.
const ROUNDS: usize = 41;

/// Ours and the floor in nanoseconds a call of this thread's processor time: a loop of `calls` each, in turn, `ROUNDS` times.
pub(crate) fn pair(name: &str, bar: Bar, calls: u32, mut ours: impl FnMut(u32), mut floor: impl FnMut(u32)) -> Row {
    let mut rounds = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        // Whoever goes second finds warmer caches, so they take turns at that too.
        let (mine, least) = if round % 2 == 0 {
            let mine = cost(calls, &mut ours);
            (mine, cost(calls, &mut floor))
        } else {
            let least = cost(calls, &mut floor);
            (cost(calls, &mut ours), least)
        };
        rounds.push((mine, least));
    }
    of_rounds(name, "ns", bar, &rounds)
}

/// The same by the wall clock, in microseconds, for what waits for another thread: many short blocks, so that noise hits both sides alike.
pub(crate) fn pair_by_the_wall(
    name: &str,
    bar: Bar,
    blocks: usize,
    calls: u32,
    mut ours: impl FnMut(u32),
    mut floor: impl FnMut(u32),
) -> Row {
    let micros = |f: &mut dyn FnMut(u32)| {
        let start = Instant::now();
        f(calls);
        start.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
    };
    let mut rounds = Vec::with_capacity(blocks);
    for block in 0..blocks {
        let (mine, least) = if block % 2 == 0 {
            let mine = micros(&mut ours);
            (mine, micros(&mut floor))
        } else {
            let least = micros(&mut floor);
            (micros(&mut ours), least)
        };
        rounds.push((mine, least));
    }
    of_rounds(name, "us", bar, &rounds)
}

/// Nanoseconds of processor time that a call of a loop of `calls` takes.
pub(crate) fn cost(calls: u32, f: &mut impl FnMut(u32)) -> f64 {
    let start = thread_time();
    f(calls);
    (thread_time().saturating_sub(start)).as_secs_f64() * 1e9 / f64::from(calls)
}

/// The row of some rounds: medians of both sides, and the median of the rounds' own ratios.
pub(crate) fn of_rounds(name: &str, unit: &'static str, bar: Bar, rounds: &[(f64, f64)]) -> Row {
    Row {
        name: name.into(),
        unit,
        ours: median(rounds.iter().map(|(ours, _)| *ours)),
        floor: Some(median(rounds.iter().map(|(_, floor)| *floor))),
        ratio: Some(median(rounds.iter().map(|(ours, floor)| ours / floor))),
        bar,
    }
}

/// The middle one.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

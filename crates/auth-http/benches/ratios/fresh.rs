//! `Client::authorize` while the token is fresh, beside the least that a shared, expiring header could cost.

use crate::clock::boot_millis;
use crate::measure::{cost, median, pair};
use crate::stage;
use crate::table::{Bar, Row};
use arc_swap::ArcSwapOption;
use auth_http::Client;
use std::error::Error;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;

const CALLS: u32 = 200_000;

/// The floor: a header that is swapped when it is renewed, and the moment until which it is good.
pub(crate) struct Floor(ArcSwapOption<Held>);

struct Held {
    value: String,
    until: u64,
}

impl Floor {
    pub(crate) fn new(value: &str) -> Self {
        Self(ArcSwapOption::from_pointee(Held { value: value.into(), until: boot_millis() + 3_600_000 }))
    }

    /// Loads, compares with the clock, hands the bytes out.
    pub(crate) fn calls(&self, calls: u32) {
        for _ in 0..calls {
            let held = self.0.load();
            if let Some(held) = held.as_ref().filter(|held| boot_millis() < held.until) {
                black_box(held.value.as_bytes());
            }
        }
    }

    /// The same with the clock read once.
    fn calls_without_clock(&self, calls: u32) {
        let now = boot_millis();
        for _ in 0..calls {
            let held = self.0.load();
            if let Some(held) = held.as_ref().filter(|held| black_box(now) < held.until) {
                black_box(held.value.as_bytes());
            }
        }
    }
}

/// Ours.
pub(crate) fn ours(client: &Client, calls: u32) {
    for _ in 0..calls {
        if let Ok(authorization) = client.authorize(black_box("/v1/invoices")) {
            black_box(authorization.value().expose().as_bytes());
        }
    }
}

pub(crate) fn rows() -> Result<Vec<Row>, Box<dyn Error>> {
    let sandbox = stage::sandbox()?;
    let client = stage::with_tokens(&sandbox)?;
    let floor = Floor::new(client.authorize("/v1/invoices")?.value().expose());
    let one =
        pair("authorize, fresh token / arc-swap load + expiry compare", Bar::Ratio(2.0), CALLS, |n| ours(&client, n), |n| floor.calls(n));
    let clock =
        pair("  of it, the floor / the floor without its clock", Bar::None, CALLS, |n| floor.calls(n), |n| floor.calls_without_clock(n));
    let mine = threads("authorize, 2 threads / 1 thread, a call", Bar::Ratio(1.05), |n| ours(&client, n));
    let least = threads("  the same of the floor", Bar::None, |n| floor.calls(n));
    Ok(vec![one, clock, mine, least])
}

/// What a call costs when two threads make it at once, beside one thread alone. Both are processor time, so a core that is shared with another program
/// counts only by what it does to the caches.
fn threads(name: &str, bar: Bar, f: impl Fn(u32) + Sync) -> Row {
    let alone = || cost(CALLS, &mut |n| f(n));
    let rounds: Vec<(f64, f64)> = (0..21)
        .map(|_| {
            let barrier = Arc::new(Barrier::new(2));
            let both = thread::scope(|scope| {
                let turn = || {
                    barrier.wait();
                    alone()
                };
                let (first, second) = (scope.spawn(turn), scope.spawn(turn));
                first.join().unwrap_or(f64::NAN).midpoint(second.join().unwrap_or(f64::NAN))
            });
            (both, alone())
        })
        .collect();
    let two = median(rounds.iter().map(|(two, _)| *two));
    let one = median(rounds.iter().map(|(_, one)| *one));
    Row::new(name, "ns", two, one, bar)
}

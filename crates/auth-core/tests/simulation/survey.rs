//! Many runs on all processors, and what came of them in numbers.

use crate::checks::{Invariant, Reason, Violation};
use crate::faults::Fate;
use crate::run::{Account, Order, run};
use crate::store::Sabotage;
use std::fmt;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many refreshes a run makes before its world becomes kind.
const EACH: u64 = 200;

/// What was found.
pub(crate) struct Found {
    pub(crate) total: Account,
    pub(crate) runs: u64,
    took: Duration,
    /// The smallest seed that broke something.
    broke: Option<(u64, Violation)>,
}

/// A number from the environment.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let number = text.replace('_', "").parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is {text:?}, which is no number")))
}

/// Runs seeds from 0 until so many refreshes were made, or one breaks something.
pub(crate) fn survey(refreshes: u64) -> Found {
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let found = Mutex::new(Found { total: Account::default(), runs: 0, took: Duration::ZERO, broke: None });
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let account = run_safely(&Order { seed, refreshes: EACH.min(refreshes), sabotage: Sabotage::Nothing, lines: false });
            let mut found = found.lock().expect("no thread panics");
            found.runs += 1;
            found.total.add(&account);
            if let Some(violation) = account.violation
                && found.broke.as_ref().is_none_or(|(earlier, _)| seed < *earlier)
            {
                found.broke = Some((seed, violation));
            }
            if found.broke.is_some() || found.total.refreshes >= refreshes {
                return;
            }
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    Found { took: began.elapsed(), ..found.into_inner().expect("no thread panics") }
}

/// A run whose panic is a violation like any other, so that its seed is told.
fn run_safely(order: &Order) -> Account {
    catch_unwind(|| run(order)).unwrap_or_else(|_| Account {
        violation: Some(Violation::new(Invariant::Steps, "the machine or the simulation panicked")),
        ..Account::default()
    })
}

/// Runs one seed as [`survey`] does, and prints its last steps.
pub(crate) fn replay(seed: u64) {
    let account = run(&Order { seed, refreshes: EACH, sabotage: Sabotage::Nothing, lines: true });
    println!("{}\nseed {seed}: {} refreshes, trace {:016x}", account.lines.join("\n"), account.refreshes, account.hash);
    if let Some(violation) = account.violation {
        panic!("seed {seed} broke {:?}: {}", violation.invariant.to_string(), violation.what);
    }
}

impl Found {
    pub(crate) fn assert_nothing_broke(&self) {
        let Some((seed, violation)) = &self.broke else { return };
        let lines = catch_unwind(|| run(&Order { seed: *seed, refreshes: EACH, sabotage: Sabotage::Nothing, lines: true }).lines);
        let lines = lines.unwrap_or_default().join("\n");
        panic!("{lines}\nseed {seed} broke \"{}\": {}\nreplay it with SIMULATION_SEED={seed}", violation.invariant, violation.what);
    }
}

impl Account {
    fn add(&mut self, other: &Self) {
        self.refreshes += other.refreshes;
        self.steps += other.steps;
        self.calls += other.calls;
        self.lasted += other.lasted;
        self.crashes += other.crashes;
        self.pauses += other.pauses;
        self.clocks_set += other.clocks_set;
        self.callers_gone += other.callers_gone;
        self.connected += other.connected;
        self.fates.iter_mut().zip(other.fates).for_each(|(sum, count)| *sum += count);
        self.consents.iter_mut().zip(other.consents).for_each(|(sum, count)| *sum += count);
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { total, runs, took, .. } = self;
        let years = Duration::from_millis(total.lasted).as_secs_f64() / (365.25 * 86_400.0);
        writeln!(
            f,
            "{} refreshes in {} runs, {:.1} s ({years:.0} years of virtual time, {} calls, {} steps)",
            total.refreshes,
            runs,
            took.as_secs_f64(),
            total.calls,
            total.steps
        )?;
        let Account { crashes, pauses, clocks_set, callers_gone, connected, .. } = total;
        writeln!(
            f,
            "{crashes} crashes, {pauses} pauses, {clocks_set} clocks set, {callers_gone} callers gone, {connected} times connected again"
        )?;
        for (fate, count) in Fate::ALL.iter().zip(total.fates) {
            writeln!(f, "{count:>10} messages met {fate:?}")?;
        }
        for (reason, count) in Reason::ALL.iter().zip(total.consents) {
            writeln!(f, "{count:>10} times a person was asked, because {}", reason.text())?;
        }
        Ok(())
    }
}

//! Many runs on all processors, and what came of them in numbers.

use crate::checks::{Doubts, Invariant, Reason, Violation};
use crate::endpoint::Kind;
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
    /// The same by the kind of the server.
    kinds: [Tally; Kind::ALL.len()],
    resends: bool,
    took: Duration,
    /// The smallest seed that broke something.
    broke: Option<(u64, Violation)>,
}

/// What happened at the servers of one kind.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    refreshes: u64,
    /// For how many connections a person was asked, but where nobody had logged in yet or the consent was taken back at the provider.
    asked: u64,
    doubts: Doubts,
}

/// The rule on refresh tokens in doubt, on and off.
pub(crate) struct Compared<'a> {
    pub(crate) with: &'a Found,
    pub(crate) without: &'a Found,
}

/// A number from the environment.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let number = text.replace('_', "").parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is {text:?}, which is no number")))
}

/// Runs seeds from 0 until so many refreshes were made, or one breaks something.
pub(crate) fn survey(refreshes: u64, resends: bool) -> Found {
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let kinds = [Tally::default(); Kind::ALL.len()];
    let found = Mutex::new(Found { total: Account::default(), runs: 0, kinds, resends, took: Duration::ZERO, broke: None });
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let account = run_safely(&Order { seed, refreshes: EACH.min(refreshes), sabotage: Sabotage::Nothing, resends, lines: false });
            let mut found = found.lock().expect("no thread panics");
            found.runs += 1;
            found.total.add(&account);
            found.count(&account);
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
    let resends = number_of("SIMULATION_RESENDS") != Some(0);
    let account = run(&Order { seed, refreshes: EACH, sabotage: Sabotage::Nothing, resends, lines: true });
    println!("{}\nseed {seed}: {} refreshes, trace {:016x}", account.lines.join("\n"), account.refreshes, account.hash);
    if let Some(violation) = account.violation {
        panic!("seed {seed} broke {:?}: {}", violation.invariant.to_string(), violation.what);
    }
}

impl Found {
    pub(crate) fn assert_nothing_broke(&self) {
        let Some((seed, violation)) = &self.broke else { return };
        let order = Order { seed: *seed, refreshes: EACH, sabotage: Sabotage::Nothing, resends: self.resends, lines: true };
        let lines = catch_unwind(|| run(&order).lines);
        let lines = lines.unwrap_or_default().join("\n");
        let how = format!("SIMULATION_SEED={seed} SIMULATION_RESENDS={}", u8::from(self.resends));
        panic!("{lines}\nseed {seed} broke \"{}\": {}\nreplay it with {how}", violation.invariant, violation.what);
    }

    /// The rule on refresh tokens in doubt has to be worth it at every kind of server.
    pub(crate) fn assert_more_saved_than_lost(&self) {
        for (kind, Tally { doubts, .. }) in Kind::ALL.iter().zip(&self.kinds) {
            assert!(doubts.saved > doubts.lost(), "{}: {doubts:?}", kind.text());
        }
    }

    fn count(&mut self, account: &Account) {
        let Some(tally) = account.kind.map(|kind| &mut self.kinds[kind as usize]) else { return };
        let unavoidable = [Reason::NobodyYet, Reason::Revoked].map(|reason| account.consents[reason as usize]);
        tally.refreshes += account.refreshes;
        tally.asked += account.consents.iter().sum::<u64>() - unavoidable.iter().sum::<u64>();
        tally.doubts.add(&account.doubts);
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
        self.doubts.add(&other.doubts);
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
            writeln!(f, "{count:>10} connections for which a person was asked, because {}", reason.text())?;
        }
        Ok(())
    }
}

impl fmt::Display for Compared<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "refresh tokens in doubt, with the rule that sends them again and without, by the kind of the server, in connections; asked: for how many a \
             person was asked, in all and of 1,000 refreshes:"
        )?;
        for (which, found) in [("with", self.with), ("without", self.without)] {
            for (kind, tally) in Kind::ALL.iter().zip(&found.kinds) {
                let Tally { refreshes, asked, doubts } = tally;
                // In thousandths.
                let per_thousand = asked * 1_000_000 / refreshes.max(&1);
                writeln!(
                    f,
                    "{which:>8}, {:<31}: {refreshes:>8} refreshes, asked {asked:>6}, {:>3}.{:03} of 1,000; {:>6} sent again, {:>6} saved, {:>5} over before, \
                     {:>4} whose first request came late; lost by a second use: {:>4} slept over, {:>4} not stored, {:>4} left late",
                    kind.text(),
                    per_thousand / 1_000,
                    per_thousand % 1_000,
                    doubts.resent,
                    doubts.saved,
                    doubts.over,
                    doubts.came_late,
                    doubts.slept_over,
                    doubts.not_stored,
                    doubts.left_late
                )?;
            }
        }
        Ok(())
    }
}

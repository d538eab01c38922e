//! A deterministic simulation of many processes that share one account: the real machine, a virtual clock, and a world in which everything goes wrong.
//!
//! `SIMULATION_SEED=n` replays one run and prints its last steps; `SIMULATION_REFRESHES=n` says how many refreshes are simulated.

mod arrival;
mod checks;
mod dice;
mod endpoint;
mod exhaustive;
mod faults;
mod process;
mod run;
mod sabotage;
mod setting;
mod store;
mod survey;
mod trace;
mod world;

use exhaustive::{Tried, explore_all};
use faults::Fate;
use run::{Order, run};
use store::Sabotage;
use survey::{number_of, replay, survey};

/// How many refreshes are simulated unless `SIMULATION_REFRESHES` says otherwise: enough for each fault to meet each step, in a few seconds of an unoptimised build.
const REFRESHES: u64 = 10_000;

#[test]
fn processes_that_share_an_account_keep_every_invariant() {
    if let Some(seed) = number_of("SIMULATION_SEED") {
        return replay(seed);
    }
    let wanted = number_of("SIMULATION_REFRESHES").unwrap_or(REFRESHES);
    let found = survey(wanted);
    println!("{found}");
    found.assert_nothing_broke();
    assert!(found.total.refreshes >= wanted, "only {} refreshes came about", found.total.refreshes);
}

#[test]
fn a_seed_is_replayed_exactly() {
    let order = |seed, lines| Order { seed, refreshes: 30, sabotage: Sabotage::Nothing, lines };
    let mut hashes: Vec<u64> = (0..20).map(|seed| run(&order(seed, false)).hash).collect();
    for (seed, hash) in (0..).zip(&hashes) {
        let again = run(&order(seed, true));
        assert_eq!(again.hash, *hash, "seed {seed}");
        assert!(again.lines.len() > 10, "seed {seed}");
    }
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 20, "two seeds gave the same run");
}

#[test]
fn two_processes_keep_every_invariant_in_every_order_whatever_crashes_or_fails() {
    // An unoptimised build tries one fault without a crash, or one crash without a fault.
    let optimised = !cfg!(debug_assertions);
    let starts = [(false, false), (true, false), (true, true)];
    let all: Vec<Tried> = starts
        .into_iter()
        .flat_map(|(stored, grace)| {
            Fate::ALL.map(|fate| {
                let crash = optimised || fate == Fate::Fine;
                Tried { stored, grace, crash, fate: Some(fate), lapse: true, sabotage: Sabotage::Nothing }
            })
        })
        .collect();
    let explored = explore_all(&all);
    println!("{:>9} runs, {:>8} states in all", explored.runs, explored.states);
}

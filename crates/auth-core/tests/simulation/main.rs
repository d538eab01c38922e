//! A deterministic simulation of many processes that share one account: the real machine, a virtual clock, and a world in which everything goes wrong.
//!
//! `SIMULATION_SEED=n` replays one run (`SIMULATION_RESENDS=0` one at a provider that forbids to send a refresh token in doubt again) and prints its last steps, `SIMULATION_LINES=n` of them; `SIMULATION_REFRESHES=n` says how many refreshes are simulated.

#![allow(clippy::struct_excessive_bools, reason = "each is a circumstance of its own, tried with and without")]
#![allow(clippy::trivially_copy_pass_by_ref, clippy::option_option, clippy::wrong_self_convention, clippy::needless_for_each)]

mod arrival;
mod checks;
mod dice;
mod endpoint;
mod exhaustive;
mod faults;
mod login;
mod process;
mod requests;
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
use survey::{Compared, number_of, replay, survey};

/// How many refreshes are simulated unless `SIMULATION_REFRESHES` says otherwise: a few seconds of an unoptimised build.
const REFRESHES: u64 = 4_000;

#[test]
fn processes_that_share_an_account_keep_every_invariant() {
    if let Some(seed) = number_of("SIMULATION_SEED") {
        return replay(seed);
    }
    let wanted = number_of("SIMULATION_REFRESHES").unwrap_or(REFRESHES);
    let found = survey(wanted, true);
    println!("{found}");
    found.assert_nothing_broke();
    assert!(found.total.refreshes >= wanted, "only {} refreshes came about", found.total.refreshes);
    // The same seeds at providers that forbid to send a refresh token in doubt again.
    let without = survey(wanted, false);
    without.assert_nothing_broke();
    println!("{}", Compared { with: &found, without: &without });
    found.assert_more_saved_than_lost();
    assert!(found.total.doubts.saved > 0 && without.total.doubts.resent == 0, "{:?}", found.total.doubts);
}

#[test]
fn a_seed_is_replayed_exactly() {
    let order = |seed, lines| Order { seed, refreshes: 30, sabotage: Sabotage::Nothing, resends: true, lines };
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
    // Where the build is optimised, each fault beside a crash, and beside a lapse; else one at a time, from two beginnings: with the rule on refresh tokens in
    // doubt, and without.
    let in_pairs = !cfg!(debug_assertions);
    let beginnings = [(true, false, true), (true, false, false), (false, false, true), (true, true, true)];
    let beginnings = beginnings.into_iter().take(if in_pairs { 4 } else { 2 });
    let tries = |(stored, grace, resends)| {
        Fate::ALL.into_iter().flat_map(move |fate| {
            let lapses = matches!(fate, Fate::Late | Fate::Stopped);
            let beside = if in_pairs { vec![(true, false), (false, true)] } else { vec![(fate == Fate::Fine, lapses)] };
            beside.into_iter().map(move |(crash, lapse)| Tried {
                stored,
                grace,
                resends,
                proves: stored && !grace,
                fate: Some(fate),
                crash,
                lapse,
                sabotage: Sabotage::Nothing,
            })
        })
    };
    let all: Vec<Tried> = beginnings.flat_map(tries).collect();
    let explored = explore_all(&all);
    println!("{:>9} runs, {:>8} states in all", explored.runs, explored.states);
}

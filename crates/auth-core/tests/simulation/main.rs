//! A deterministic simulation of many processes that share one account: the real machine, a virtual clock, and a world in which everything goes wrong.
//!
//! `SIMULATION_SEED=n` replays one run and prints its last steps; `SIMULATION_REFRESHES=n` says how many refreshes are simulated.

mod arrival;
mod checks;
mod dice;
mod endpoint;
mod faults;
mod process;
mod run;
mod setting;
mod store;
mod trace;
mod world;

use run::{Account, Order, run};
use store::Sabotage;

#[test]
fn smoke() {
    let seeds: u64 = std::env::var("SIMULATION_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(50);
    let first: u64 = std::env::var("SIMULATION_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let began = std::time::Instant::now();
    let mut refreshes = 0;
    let mut kinds: std::collections::BTreeMap<String, Vec<u64>> = Default::default();
    for seed in first..first + seeds {
        let order = Order { seed, refreshes: 200, sabotage: Sabotage::Nothing, lines: seeds == 1 };
        let Account { violation, lines, refreshes: n, .. } = run(&order);
        refreshes += n;
        if let Some(v) = violation {
            for l in lines {
                println!("{l}");
            }
            println!("seed {seed}: {}: {}", v.invariant, v.what);
            kinds.entry(v.invariant.to_string()).or_default().push(seed);
        }
    }
    for (k, v) in &kinds {
        println!("{k}: {} {:?}", v.len(), &v[..v.len().min(8)]);
    }
    println!("{refreshes} refreshes in {:?}", began.elapsed());
}

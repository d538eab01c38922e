//! Each protection, taken away: the simulation has to notice, within a bounded number of seeds, and say which invariant it was.

use crate::checks::Invariant;
use crate::run::{Order, run};
use crate::store::Sabotage;

/// How many seeds it may take.
const SEEDS: u64 = 60;

/// The invariants that runs break under a sabotage, each with the first seed that broke it.
fn broken_by(sabotage: Sabotage) -> Vec<(Invariant, u64)> {
    let mut broken: Vec<(Invariant, u64)> = Vec::new();
    for seed in 0..SEEDS {
        if let Some(violation) = run(&Order { seed, refreshes: 60, sabotage, lines: false }).violation
            && broken.iter().all(|(known, _)| *known != violation.invariant)
        {
            broken.push((violation.invariant, seed));
        }
    }
    for (invariant, seed) in &broken {
        println!("{sabotage:?}: seed {seed} breaks \"{invariant}\"");
    }
    broken
}

fn assert_broken(sabotage: Sabotage, expected: Invariant) {
    let broken = broken_by(sabotage);
    assert!(broken.iter().any(|(invariant, _)| *invariant == expected), "{sabotage:?} breaks {broken:?}, but not {expected:?}");
}

#[test]
fn nothing_is_broken_without_a_sabotage() {
    assert!(broken_by(Sabotage::Nothing).is_empty());
}

#[test]
fn without_fencing_a_late_holder_throws_a_valid_token_away() {
    assert_broken(Sabotage::NoFencing, Invariant::NothingThrownAway);
}

#[test]
fn without_the_journal_a_refresh_token_is_sent_twice() {
    assert_broken(Sabotage::NoJournal, Invariant::SingleUse);
}

#[test]
fn a_reader_that_does_not_see_the_journal_sends_a_refresh_token_twice() {
    assert_broken(Sabotage::BlindToTheJournal, Invariant::SingleUse);
}

#[test]
fn without_the_second_look_a_refresh_token_is_sent_twice() {
    assert_broken(Sabotage::NoReread, Invariant::SingleUse);
}

#[test]
fn a_second_look_at_an_old_record_sends_a_refresh_token_twice() {
    assert_broken(Sabotage::StaleReread, Invariant::SingleUse);
}

//! Each protection, taken away: the simulation has to notice, within a bounded number of seeds, and say which invariant it was.

use crate::checks::Invariant;
use crate::exhaustive::{Tried, explore};
use crate::run::{Order, run};
use crate::store::Sabotage;

/// How many seeds it may take.
const SEEDS: u64 = 200;

/// Runs seeds until one breaks the invariant, with or without the rule that sends a refresh token in doubt again.
fn assert_broken(sabotage: Sabotage, resends: bool, expected: Invariant) {
    let mut broken = Vec::new();
    for seed in 0..SEEDS {
        let Some(violation) = run(&Order { seed, refreshes: 30, sabotage, resends, lines: false }).violation else { continue };
        if violation.invariant == expected {
            println!("{sabotage:?}: seed {seed} breaks \"{expected}\": {}", violation.what);
            return;
        }
        broken.push(violation.invariant);
    }
    panic!("{sabotage:?} breaks {broken:?}, but not {expected:?}");
}

#[test]
fn without_fencing_a_late_holder_throws_a_valid_token_away() {
    assert_broken(Sabotage::NoFencing, true, Invariant::NothingThrownAway);
}

#[test]
fn without_the_journal_a_refresh_token_is_sent_twice() {
    assert_broken(Sabotage::NoJournal, true, Invariant::SingleUse);
}

#[test]
fn a_reader_that_does_not_see_the_journal_sends_a_refresh_token_twice() {
    assert_broken(Sabotage::BlindToTheJournal, true, Invariant::SingleUse);
}

#[test]
fn without_the_second_look_nobody_gets_on_once_the_store_holds_something() {
    // It takes no crash and no fault. That nothing worse happens is the store's doing, which compares generations.
    let tried = Tried {
        stored: false,
        grace: false,
        resends: true,
        proves: false,
        crash: false,
        fate: None,
        lapse: false,
        sabotage: Sabotage::NoReread,
    };
    let (violation, _) = explore(&tried).expect_err("a violation");
    println!("{tried:?} breaks \"{}\": {}", violation.invariant, violation.what);
    assert_eq!(violation.invariant, Invariant::EveryCallEnds);
}

#[test]
fn a_second_look_at_an_old_record_sends_a_refresh_token_twice() {
    // Where one in doubt is sent again, such a reader writes no journal for it, because the store compares generations: so nothing is sent.
    assert_broken(Sabotage::StaleReread, false, Invariant::SingleUse);
}

#[test]
fn a_reader_that_sees_no_access_token_sends_a_refresh_token_in_doubt_while_one_is_valid() {
    assert_broken(Sabotage::HidesTheAccessToken, true, Invariant::InDoubtWhileValid);
}

#[test]
fn a_reader_that_sees_no_refusal_sends_a_refused_refresh_token_out_of_turn() {
    assert_broken(Sabotage::BlindToTheRefusal, true, Invariant::Probes);
}

#[test]
fn a_refusal_whose_beginning_moves_is_probed_for_longer_than_three_days() {
    assert_broken(Sabotage::RefusedJustNow, true, Invariant::Probes);
}

#[test]
fn a_store_that_calls_a_sleeper_dead_lets_a_refresh_token_in_doubt_be_sent_too_early() {
    assert_broken(Sabotage::ProvesTooMuch, true, Invariant::InDoubtTooEarly);
}

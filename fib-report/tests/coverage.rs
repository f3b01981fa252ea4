//! A short form of `docs/coverage.md`: intervals and verdicts are right as often as they promise.

#[path = "../examples/coverage/simulate.rs"]
mod simulate;

use simulate::{Dice, QUIET, World, find};

const SPEEDUPS: [f64; 6] = [0.7, 1.0, 1.0, 1.5, 1.8, 1.9];

#[test]
fn intervals_hold_the_truth_and_the_next_median() {
    for (seed, world) in [QUIET, World { slow: (0.4, 0.15), ..QUIET }].iter().enumerate() {
        let found = find(world, &SPEEDUPS, 200, &mut Dice(seed as u64));
        assert!(found.rows >= 0.97, "rows {}", found.rows);
        assert!(found.cells.iter().all(|&share| share >= 0.985), "cells {:?}", found.cells);
        assert!(found.next >= 0.97, "{}: next {}", world.name, found.next);
        assert!(found.leader >= 0.97, "{}: leader {}", world.name, found.leader);
        assert!(found.half_width < 0.5, "{}: half-width {}", world.name, found.half_width);
    }
}

/// The intervals of rounds in a single run ignore that runners differ for life. This is why a comparison has
/// many runs, and it shows that the simulation would notice intervals that are too narrow.
#[test]
fn one_run_is_not_enough() {
    let world = World { runs: 1, rounds: 60, ..QUIET };
    let found = find(&world, &SPEEDUPS, 100, &mut Dice(3));
    assert!(found.cells[0] < 0.9, "{}", found.cells[0]);
}

#[test]
fn verdicts_are_rarely_wrong_and_small_differences_are_found() {
    let world = World { runs: 40, ..QUIET };
    let verdicts = |speedup: f64| find(&world, &[speedup; 6], 60, &mut Dice(5)).verdicts;
    let [faster, slower, equal, wider] = verdicts(1.0);
    assert!(faster + slower <= 0.01, "equal cells: {faster} faster, {slower} slower");
    assert!(equal + wider > 0.95, "equal cells: {equal} equal, {wider} equal within more");
    let [_, slower, equal, _] = verdicts(0.95);
    assert!(slower > 0.99 && equal == 0.0, "5 % slower: {slower}");
    let [_, slower, equal, _] = verdicts(0.98);
    assert!(slower > 0.8 && equal <= 0.01, "2 % slower: {slower} slower, {equal} equal");
}

/// A participant that slows whatever follows it is named, and nobody else is.
#[test]
fn a_carry_over_is_found() {
    let world = World { runs: 40, ..QUIET };
    let found = |carry_over| find(&World { carry_over, ..world }, &SPEEDUPS, 60, &mut Dice(7));
    let (none, planted) = (found(0.0), found(0.03));
    assert_eq!((none.carry_over, none.other_carry_over), (0.0, 0.0));
    assert!(planted.carry_over > 0.95, "found in {}", planted.carry_over);
    assert!(planted.other_carry_over < 0.02, "another in {}", planted.other_carry_over);
}

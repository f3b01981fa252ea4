//! A bootstrap: what would be predicted if chance had drawn other rounds?
//!
//! Rounds of one run share their runners, so a record of several runs draws whole runs. A record of
//! one run draws the rounds of each scenario.

use crate::analysis::{Matrix, Row};
use crate::rng::SplitMix64;
use crate::sample::Round;
use crate::stats::{CONFIDENCE, quantile};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The number of draws. 0.5 % of these are 5, so the ends of an interval are no extremes.
pub const RESAMPLES: usize = 1000;

/// With fewer runs than this, or with fewer rounds if there is one run, there is no interval: draws
/// of so few differ less than measurements do.
const FEWEST_UNITS: usize = 8;

/// The most draws that are tried. A draw may lack something that a prediction needs, such as a round
/// with a timeline, and then it does not count.
const MOST_ATTEMPTS: usize = 4 * RESAMPLES;

/// What is drawn: the runs of a record, or the rounds of each scenario. Units have numbers from 0.
pub(super) struct Units {
    several_runs: bool,
    /// The number of each unit. The key is a group, and a run or a round in this group.
    numbers: BTreeMap<(usize, usize), usize>,
    /// The numbers of the units of each group. Each group is drawn by itself.
    groups: Vec<Range<usize>>,
}

impl Units {
    pub(super) fn new(matrix: &Matrix) -> Self {
        let several_runs = matrix.rows.iter().any(|row| row.runs > 1);
        let moments = matrix.rows.iter().enumerate().flat_map(|(i, row)| {
            moments(row).map(move |moment| key(several_runs, i, moment)).collect::<BTreeSet<_>>()
        });
        let keys: BTreeSet<(usize, usize)> = moments.collect();
        let mut groups: Vec<Range<usize>> = vec![];
        let mut last_group = None;
        for (number, &(group, _)) in keys.iter().enumerate() {
            if last_group.replace(group) != Some(group) {
                groups.push(number..number);
            }
            if let Some(range) = groups.last_mut() {
                range.end = number + 1;
            }
        }
        Units { several_runs, numbers: keys.into_iter().zip(0..).collect(), groups }
    }

    /// The unit that a round of a row belongs to.
    pub(super) fn number(&self, row: usize, moment: Round) -> Option<usize> {
        self.numbers.get(&key(self.several_runs, row, moment)).copied()
    }

    /// Every unit once: what was measured.
    pub(super) fn each_once(&self) -> Vec<u32> {
        vec![1; self.numbers.len()]
    }

    /// How many times each unit was drawn, if as many units as there are in a group are drawn from
    /// this group, and put back each time.
    fn draw(&self, rng: &mut SplitMix64) -> Vec<u32> {
        let mut draws = vec![0; self.numbers.len()];
        for group in &self.groups {
            for _ in group.clone() {
                draws[group.start + rng.number_below(group.len())] += 1;
            }
        }
        draws
    }

    /// The intervals of some predictions: from the 0.5 % quantile to the 99.5 % quantile of what is
    /// predicted from [`RESAMPLES`] draws. `predict` returns `None` if a draw lacks something.
    /// `None` if there are too few units.
    pub(super) fn intervals(
        &self,
        seed: u64,
        predict: impl Fn(&[u32]) -> Option<Vec<f64>>,
    ) -> Option<Vec<(f64, f64)>> {
        if self.groups.iter().any(|group| group.len() < FEWEST_UNITS) {
            return None;
        }
        let mut rng = SplitMix64(seed);
        let draws = (0..MOST_ATTEMPTS).filter_map(|_| predict(&self.draw(&mut rng)));
        let predictions: Vec<Vec<f64>> = draws.take(RESAMPLES).collect();
        if predictions.len() < RESAMPLES {
            return None;
        }
        let tail = (1.0 - CONFIDENCE) / 2.0;
        let interval = |i: usize| {
            let drawn: Vec<f64> = predictions.iter().map(|values| values[i]).collect();
            Some((quantile(&drawn, tail)?, quantile(&drawn, 1.0 - tail)?))
        };
        (0..predictions.first()?.len()).map(interval).collect()
    }
}

/// The group of a round, and the run or the round that is drawn in this group.
fn key(several_runs: bool, row: usize, (run, round): Round) -> (usize, usize) {
    if several_runs { (0, run) } else { (row, round) }
}

/// The rounds of everything that predictions come from.
fn moments(row: &Row) -> impl Iterator<Item = Round> {
    let ceilings = row.ceilings.iter().flat_map(|ceiling| ceiling.by_round.keys());
    let traced = row.cells.iter().flat_map(|cell| cell.traced.keys());
    let all = row.baseline.times.keys().chain(row.pieces_ns.keys()).chain(ceilings).chain(traced);
    all.copied()
}

//! What a prediction is computed from, and which round or run each number comes from.

use super::bootstrap::Units;
use crate::analysis::{Matrix, Row};
use crate::sample::Round;
use fib_core::{Chunking, Layout};
use fib_simulate::{Costs, Inflation, RunTrace, Simulation, Timelines, ValuesOfUnits};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// How the baseline is cut into pieces: fine enough to simulate any schedule, coarse enough that
/// looking at the clock between the pieces costs little.
pub const PIECES: Chunking = Chunking::Balanced(NonZeroUsize::new(256).unwrap());

/// What the predictions for a batch are computed from.
pub(super) struct Inputs<'m> {
    layout: &'m Layout,
    /// Where the pieces end.
    ends: Vec<usize>,
    baseline_ns: ValuesOfUnits,
    pieces_ns: Vec<ValuesOfUnits>,
    /// The logarithm of the ceiling of each number of copies.
    ceilings: Vec<(usize, ValuesOfUnits)>,
    /// The timelines of each backend.
    pub(super) timelines: BTreeMap<&'m str, Timelines>,
}

impl<'m> Inputs<'m> {
    /// The inputs for the batch in this row of the matrix; `None` if its pieces were not timed.
    pub(super) fn new(
        matrix: &'m Matrix,
        position: usize,
        layout: &'m Layout,
        units: &Units,
    ) -> Option<Self> {
        let row = &matrix.rows[position];
        let values = |values: &mut dyn Iterator<Item = (Round, f64)>| {
            let number = |round| units.number(position, round);
            ValuesOfUnits::new(values.filter_map(|(round, x)| Some((x, number(round)?))))
        };
        let ends = PIECES.cut(layout, NonZeroUsize::MIN);
        let pieces = row.pieces_ns.iter().filter(|(_, pieces)| pieces.len() == ends.len());
        pieces.clone().next()?;
        let piece = |i: usize| {
            values(&mut pieces.clone().map(|(&round, pieces)| (round, pieces[i] as f64)))
        };
        let ceilings = row.ceilings.iter().filter(|ceiling| {
            ceiling.copies <= matrix.header.cores && ceiling.kernel == row.baseline.kernel
        });
        let ceilings = ceilings.map(|ceiling| {
            let logarithms = ceiling.by_round.iter().map(|(&round, ratio)| (round, ratio.ln()));
            (ceiling.copies, values(&mut { logarithms }))
        });
        Some(Inputs {
            layout,
            baseline_ns: values(&mut row.baseline.times.iter().map(|(&round, &ns)| (round, ns))),
            pieces_ns: (0..ends.len()).map(piece).collect(),
            ceilings: ceilings.collect(),
            timelines: timelines(matrix, row, units),
            ends,
        })
    }

    /// The batch on this machine, from the medians of the drawn units. `None` if they lack something.
    pub(super) fn simulation(&self, draws: &[u32]) -> Option<Simulation<'_>> {
        let pieces = self.pieces_ns.iter().map(|piece| piece.median(draws));
        let pieces = pieces.collect::<Option<Vec<f64>>>()?;
        let total_ns = self.baseline_ns.median(draws)?;
        let factor = |(copies, ceiling): &(usize, ValuesOfUnits)| {
            Some((*copies, *copies as f64 / ceiling.median(draws)?.exp()))
        };
        let factors = self.ceilings.iter().map(factor).collect::<Option<Vec<_>>>()?;
        Some(Simulation {
            costs: Costs::measured(self.layout, &self.ends, &pieces, total_ns),
            inflation: Inflation::measured(factors),
        })
    }
}

/// The timelines of each backend, with no more workers than cores. They come from its runs on the
/// other batches, or on this batch if it is the only one.
fn timelines<'m>(matrix: &'m Matrix, row: &Row, units: &Units) -> BTreeMap<&'m str, Timelines> {
    let mut runs: BTreeMap<&str, Vec<(&RunTrace, usize)>> = BTreeMap::new();
    let is_only_row = matrix.rows.len() == 1;
    for (position, other) in matrix.rows.iter().enumerate() {
        if !is_only_row && other.scenario.name == row.scenario.name {
            continue;
        }
        for cell in other.cells.iter().filter(|cell| cell.workers <= matrix.header.cores) {
            let traced = cell.traced.iter();
            let traced = traced.filter_map(|(&at, run)| Some((run, units.number(position, at)?)));
            runs.entry(&cell.backend).or_default().extend(traced);
        }
    }
    runs.into_iter().filter_map(|(label, runs)| Some((label, Timelines::new(runs)?))).collect()
}

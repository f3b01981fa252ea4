//! Looking for the break-even: each cell is measured only where its answer is not known yet.

use super::{BATCH, ITEM};
use crate::analysis::analyse;
use crate::machine;
use crate::measure::{Progress, measure_rounds};
use crate::plan::{Entrant, Plan};
use crate::record::Sample;
use crate::scenario::Batch;
use std::io;
use std::time::Duration;

/// Halving sixty sizes takes this many looks, after one at the largest.
const LOOKS: u32 = 7;

/// Bisects both families of batches of `plan` for every cell, on paired ratios: a look is a small
/// comparison of that cell alone, with runners of its own. Rounds are counted from `first_round`.
///
/// # Errors
/// Those of `sink`.
pub fn search(
    plan: &Plan,
    first_round: usize,
    on_progress: &mut dyn FnMut(&Progress<'_>),
    sink: &mut dyn FnMut(Sample) -> io::Result<()>,
) -> io::Result<()> {
    let cells = plan.cells();
    let searches = 2 * cells.len();
    let each = u32::try_from(searches).unwrap_or(u32::MAX).saturating_mul(LOOKS);
    let mut search = Search { plan, look: plan.budget / each.max(1), round: first_round };
    let families =
        [BATCH, ITEM].into_iter().flat_map(|family| cells.iter().map(move |c| (family, c)));
    for (done, (family, cell)) in families.enumerate() {
        let batches: Vec<&Batch> =
            plan.batches.iter().filter(|batch| batch.name.starts_with(family)).collect();
        let spent = done as f64 / searches as f64;
        on_progress(&Progress { scenario: &cell.label, rounds: search.round - first_round, spent });
        search.bisect(&batches, cell, sink)?;
    }
    Ok(())
}

struct Search<'a> {
    plan: &'a Plan,
    /// Time for one look.
    look: Duration,
    /// The first round that no look has used: rounds pair what was measured together.
    round: usize,
}

impl Search<'_> {
    fn bisect(
        &mut self,
        batches: &[&Batch],
        cell: &Entrant,
        sink: &mut dyn FnMut(Sample) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(largest) = batches.len().checked_sub(1) else { return Ok(()) };
        if !self.is_worth_it(batches[largest], cell, sink)? {
            return Ok(()); // never, as far as was looked
        }
        // It is worth it at `above`, and not, or not known, below `below`.
        let (mut below, mut above) = (0, largest);
        while below < above {
            let middle = below.midpoint(above);
            match self.is_worth_it(batches[middle], cell, sink)? {
                true => above = middle,
                false => below = middle + 1,
            }
        }
        Ok(())
    }

    /// Whether the median speedup is at least 1.
    fn is_worth_it(
        &mut self,
        batch: &Batch,
        cell: &Entrant,
        sink: &mut dyn FnMut(Sample) -> io::Result<()>,
    ) -> io::Result<bool> {
        let plan = Plan {
            batches: vec![batch.clone()],
            backends: vec![cell.backend.clone()],
            workers: vec![cell.workers],
            budget: self.look,
            ..self.plan.clone()
        };
        let mut samples = vec![];
        measure_rounds(&plan, self.round, &mut |_| {}, &mut |sample| {
            samples.push(sample.clone());
            sink(sample)
        })?;
        self.round = samples.iter().map(|s| s.round + 1).max().unwrap_or(0).max(self.round);
        let matrix = analyse(machine::header(&plan), &samples);
        let speedup = matrix.rows.first().and_then(|row| row.cells.first()?.speedup);
        Ok(speedup.is_some_and(|speedup| speedup.median >= 1.0))
    }
}

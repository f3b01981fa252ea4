//! The search for the break-even points: each cell is measured only where the answer is not known
//! yet.

use crate::machine;
use crate::measure::{First, Progress, take_runs, warn_if_longer};
use crate::plan::{CellSpec, Plan};
use crate::scenario::NamedBatch;
use fib::Descriptor;
use fib_report::{BREAK_EVEN_BATCH, BREAK_EVEN_ITEM, Sample, analyse};
use std::io;
use std::time::{Duration, Instant};

/// Bisecting sixty sizes takes this many looks, after one look at the largest size.
const LOOKS: u32 = 7;

/// Bisects both families of batches of `plan` for every cell. Each look is a small comparison of
/// that cell alone in one run, with its own runners and with paired ratios. Runs and rounds are numbered
/// from `first`.
///
/// # Errors
/// The errors of `sink`.
pub fn search(
    plan: &Plan,
    first: First,
    on_progress: &mut dyn FnMut(&Progress),
    sink: &mut dyn FnMut(Sample) -> io::Result<()>,
) -> io::Result<()> {
    let start = Instant::now();
    let cells = plan.cells();
    let searches = 2 * cells.len();
    let looks = u32::try_from(searches).unwrap_or(u32::MAX).saturating_mul(LOOKS);
    let look_time = plan.budget / looks.max(1);
    let mut search = Search { plan, look_time, next: first };
    let families = [BREAK_EVEN_BATCH, BREAK_EVEN_ITEM]
        .into_iter()
        .flat_map(|family| cells.iter().map(move |c| (family, c)));
    for (done, (family, cell)) in families.enumerate() {
        let batches: Vec<&NamedBatch> =
            plan.batches.iter().filter(|batch| batch.name.starts_with(family)).collect();
        let spent = done as f64 / searches as f64;
        let text = format!("{}, {} rounds", cell.label, search.next.round - first.round);
        on_progress(&Progress { text, spent });
        search.bisect(&batches, cell, sink)?;
        if done == 0 {
            warn_if_longer(start.elapsed() * searches as u32, plan.budget);
        }
    }
    Ok(())
}

struct Search<'a> {
    plan: &'a Plan,
    /// The time budget of one look.
    look_time: Duration,
    /// The first run and round that no look has used yet.
    next: First,
}

impl Search<'_> {
    fn backend(&self, cell: &CellSpec) -> Option<Descriptor> {
        self.plan.backends.iter().find(|entry| entry.name == cell.backend).copied()
    }

    fn bisect(
        &mut self,
        batches: &[&NamedBatch],
        cell: &CellSpec,
        sink: &mut dyn FnMut(Sample) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(largest) = batches.len().checked_sub(1) else { return Ok(()) };
        if !self.is_faster(batches[largest], cell, sink)? {
            return Ok(()); // the cell is slower even on the largest batch
        }
        // The cell is faster on batch `fast`. Before `start` every batch that was tried is slower.
        let (mut start, mut fast) = (0, largest);
        while start < fast {
            let middle = start.midpoint(fast);
            match self.is_faster(batches[middle], cell, sink)? {
                true => fast = middle,
                false => start = middle + 1,
            }
        }
        Ok(())
    }

    /// Whether the median speedup is at least 1.
    fn is_faster(
        &mut self,
        batch: &NamedBatch,
        cell: &CellSpec,
        sink: &mut dyn FnMut(Sample) -> io::Result<()>,
    ) -> io::Result<bool> {
        let plan = Plan {
            batches: vec![batch.clone()],
            backends: self.backend(cell).into_iter().collect(),
            workers: vec![cell.workers],
            budget: self.look_time,
            runs: Some(1),
            ..self.plan.clone()
        };
        let mut samples = vec![];
        take_runs(&plan, self.next, &|_, _| {}, &mut |_| {}, &mut |sample| {
            samples.push(sample.clone());
            sink(sample)
        })?;
        let round = samples.iter().map(|s| s.round + 1).max().unwrap_or(0).max(self.next.round);
        self.next = First { run: self.next.run + 1, round };
        let matrix = analyse(machine::header(&plan), &samples).matrix;
        let speedup = matrix.rows.first().and_then(|row| row.cells.first()?.speedup);
        Ok(speedup.is_some_and(|speedup| speedup.median >= 1.0))
    }
}

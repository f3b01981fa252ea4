//! The sweep over cutoffs of a tree of forks: what a fork costs, and the cutoff from which forks pay.

use crate::analysis::{Cell, Matrix, Row};
use crate::laws::{self, Crossing};
use crate::stats::{Estimate, by_run};
use fib_core::kernels::{CUTOFFS, RECURSIVE_CUTOFF, forks, recursive};
use fib_simulate::median;
use schemars::JsonSchema;
use serde::Serialize;

/// What forks cost on a backend at one worker count.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ForkCost {
    /// The name of the backend, without its kernel.
    pub backend: String,
    pub workers: usize,
    /// How often the tree forks with the smallest cutoff.
    pub forks: u64,
    /// Worker time of a fork: (workers x time with the smallest cutoff - time without forks) / forks, in
    /// nanoseconds.
    pub fork_ns: Option<Estimate>,
    /// The smallest cutoff at which several workers are not slower than one thread without forks.
    pub break_even_cutoff: Option<Crossing>,
    /// The speedup over one thread without forks, at each cutoff.
    pub points: Vec<CutoffPoint>,
}

/// A tree of forks with one cutoff.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CutoffPoint {
    /// The index below which nothing forks.
    pub cutoff: u64,
    pub speedup: Option<Estimate>,
}

/// The costs of forks, for each backend in the order of the cells.
pub(super) fn fork_costs(matrix: &Matrix) -> Vec<ForkCost> {
    let Some((row, n)) = matrix.rows.first().and_then(|row| Some((row, row.scenario.index?)))
    else {
        return vec![];
    };
    let mut families: Vec<(&str, usize)> = vec![];
    for cell in &row.cells {
        let family = (name(&cell.backend), cell.workers);
        if !families.contains(&family) {
            families.push(family);
        }
    }
    families.sort_by_key(|(_, workers)| *workers);
    families.into_iter().filter_map(|(name, workers)| fork_cost(row, n, name, workers)).collect()
}

/// A label without its kernel.
fn name(label: &str) -> &str {
    label.split('@').next().unwrap_or(label)
}

fn fork_cost(row: &Row, n: u64, backend: &str, workers: usize) -> Option<ForkCost> {
    let cells = row.cells.iter().filter(|cell| {
        (name(&cell.backend), cell.workers) == (backend, workers) && cutoff(&cell.kernel).is_some()
    });
    let mut cells: Vec<(u64, &Cell)> =
        cells.filter_map(|cell| Some((cutoff(&cell.kernel)?, cell))).collect();
    cells.retain(|(cutoff, _)| *cutoff <= n);
    cells.sort_by_key(|(cutoff, _)| *cutoff);
    let &(smallest, most_forks) = cells.first()?;
    let forks = forks(n, smallest);
    let point = |&(cutoff, cell): &(u64, &Cell)| CutoffPoint { cutoff, speedup: cell.speedup };
    let points: Vec<CutoffPoint> = cells.iter().map(point).collect();
    let speedups: Vec<(f64, Estimate)> =
        points.iter().filter_map(|point| Some((point.cutoff as f64, point.speedup?))).collect();
    Some(ForkCost {
        backend: backend.into(),
        workers,
        forks,
        fork_ns: fork_ns(row, most_forks, forks),
        break_even_cutoff: (workers > 1).then(|| laws::break_even(&speedups)),
        points,
    })
}

/// The cutoff of a kernel; `None` for other kernels.
fn cutoff(kernel: &str) -> Option<u64> {
    let special = CUTOFFS.iter().find(|(_, entry)| entry.name == kernel);
    special
        .map(|(cutoff, _)| *cutoff)
        .or_else(|| (kernel == recursive().name()).then_some(RECURSIVE_CUTOFF))
}

/// The worker time that a fork takes, round by round.
fn fork_ns(row: &Row, cell: &Cell, forks: u64) -> Option<Estimate> {
    let per_fork = |ns: f64| ns / forks as f64;
    let workers = cell.workers as f64;
    let rounds = cell.times.iter().filter_map(|(round, time)| {
        Some((*round, per_fork(workers * time - row.baseline.times.get(round)?)))
    });
    let estimate = Estimate::of_runs(&by_run(rounds), 1)?;
    let all_of_it = median(cell.times.values().map(|time| per_fork(workers * time)).collect())?;
    Some(estimate.for_the_next_comparison(all_of_it, 1))
}

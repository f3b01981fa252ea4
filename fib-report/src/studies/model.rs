//! Predictions for many more workers: a simulation of each schedule with the times that were
//! measured.
//!
//! The costs of the work come from the baseline, timed piece by piece. The overheads of a backend
//! come from the timelines of its runs on the other batches. The ceiling says how much longer work
//! takes while other workers compute; beyond the cores, the last ceiling is used. So no run of a
//! backend on a batch goes into the prediction of that batch, and the prediction can be checked
//! against that run. If there is only one batch, its own timelines are used.

use crate::analysis::{Ceiling, Cell, Matrix, Row};
use crate::laws;
use crate::record::BackendHead;
use fib_core::{Chunking, Kernel, Layout, MemoryLimit, kernels};
use fib_simulate::{Costs, Overheads, RunTrace, makespan};
use serde::Serialize;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// How the baseline is cut into pieces: fine enough to simulate any schedule, coarse enough that
/// looking at the clock between the pieces costs little.
pub const PIECES: Chunking = Chunking::Balanced(NonZeroUsize::new(256).unwrap());

/// The worker counts that are predicted: powers of two.
pub const WORKERS: Counts = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/// A value for each of [`WORKERS`].
pub type Counts<T = usize> = [T; 11];

/// The predicted speedups of a batch.
#[derive(Clone, Debug, Serialize)]
pub struct Model {
    /// The name of the scenario.
    pub scenario: String,
    /// The time of the baseline in nanoseconds.
    pub baseline_ns: Option<f64>,
    /// The worker counts that are predicted.
    pub workers: Counts,
    /// An upper bound for every schedule: the number of workers, and T_s over the longest number.
    pub bound: Counts<f64>,
    /// The share of the sequential time that the longest number takes.
    pub longest: f64,
    /// The prediction for each backend.
    pub predictions: Vec<Prediction>,
}

/// The predicted speedups of a backend.
#[derive(Clone, Debug, Serialize)]
pub struct Prediction {
    /// The label of the backend.
    pub backend: String,
    /// The predicted speedup for each worker count.
    pub speedups: Counts<f64>,
    /// The serial fraction of Karp and Flatt at the largest worker count that was measured; `None` if it is
    /// not from 0 to 1.
    pub serial_fraction: Option<f64>,
    /// The speedups that Amdahl's law allows with that serial fraction.
    pub amdahl: Option<Counts<f64>>,
    /// The predictions that were measured too.
    pub checks: Vec<PredictionCheck>,
}

/// A prediction and the measurement that checks it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PredictionCheck {
    pub workers: usize,
    /// The measured speedup.
    pub measured: f64,
    /// The predicted speedup.
    pub predicted: f64,
}

impl PredictionCheck {
    /// By how much the prediction is too high, as a share.
    pub fn error(&self) -> f64 {
        self.predicted / self.measured - 1.0
    }
}

impl Prediction {
    /// The check with the largest error.
    pub fn worst(&self) -> Option<PredictionCheck> {
        let checks = self.checks.iter().copied();
        checks.max_by(|a, b| a.error().abs().total_cmp(&b.error().abs()))
    }
}

/// The models of a matrix, one for each batch whose record has everything that the simulation
/// needs.
pub(super) fn models(matrix: &Matrix) -> Vec<Model> {
    let Some(kernel) = kernels::by_name(&matrix.header.kernel) else { return vec![] };
    matrix.rows.iter().filter_map(|row| model(matrix, row, &kernel)).collect()
}

fn model(matrix: &Matrix, row: &Row, kernel: &Arc<dyn Kernel>) -> Option<Model> {
    let indices = row.scenario.indices.as_deref()?;
    let layout = Layout::new(Arc::clone(kernel), indices, MemoryLimit::default()).ok()?;
    let ends = PIECES.cut(&layout, NonZeroUsize::MIN);
    let pieces = row.pieces_ns.as_ref().filter(|pieces| pieces.len() == ends.len())?;
    let costs = Costs::measured(&layout, &ends, pieces, row.baseline.wall_ns?);
    let longest = costs.longest_ns() / costs.total_ns();
    let simulation = Simulation { costs, ceilings: &row.ceilings, cores: matrix.header.cores };
    Some(Model {
        scenario: row.scenario.name.clone(),
        baseline_ns: row.baseline.wall_ns,
        workers: WORKERS,
        bound: WORKERS.map(|workers| (workers as f64).min(1.0 / longest)),
        longest,
        predictions: predictions(matrix, row, &simulation),
    })
}

/// The overheads of each backend, with no more workers than cores. They come from its runs on the
/// other batches, or on this batch if it is the only one.
fn overheads<'m>(matrix: &'m Matrix, row: &Row) -> BTreeMap<&'m str, Overheads> {
    let mut runs: BTreeMap<&str, Vec<RunTrace>> = BTreeMap::new();
    let is_only_row = matrix.rows.len() == 1;
    let other_rows =
        matrix.rows.iter().filter(|other| is_only_row || other.scenario.name != row.scenario.name);
    let cells = other_rows.flat_map(|row| &row.cells);
    for cell in cells.filter(|cell| cell.workers <= matrix.header.cores) {
        runs.entry(&cell.backend).or_default().extend_from_slice(&cell.traced);
    }
    runs.into_iter().filter_map(|(label, runs)| Some((label, Overheads::fit(&runs)?))).collect()
}

fn predictions(matrix: &Matrix, row: &Row, simulation: &Simulation<'_>) -> Vec<Prediction> {
    let overheads = overheads(matrix, row);
    let prediction = |head: &BackendHead| {
        let overheads = overheads.get(head.label.as_str())?;
        let speedup = |workers| simulation.speedup(head, workers, overheads);
        let cells = row.cells.iter().filter(|cell| cell.backend == head.label);
        let measured: Vec<&Cell> =
            cells.filter(|cell| cell.workers <= matrix.header.cores).collect();
        let check = |cell: &&Cell| {
            let (workers, measured) = (cell.workers, cell.speedup?.median);
            Some(PredictionCheck { workers, measured, predicted: speedup(workers) })
        };
        let serial_fraction = measured.last().and_then(|cell| cell.karp_flatt);
        let serial_fraction = serial_fraction.and_then(|e| laws::KARP_FLATT.cut(e).ok());
        let serial_fraction = serial_fraction.map(|e| e.median);
        let amdahl = |serial: f64| WORKERS.map(|workers| laws::amdahl_speedup(serial, workers));
        Some(Prediction {
            backend: head.label.clone(),
            speedups: WORKERS.map(speedup),
            serial_fraction,
            amdahl: serial_fraction.map(amdahl),
            checks: measured.iter().filter_map(check).collect(),
        })
    };
    matrix.header.backends.iter().filter_map(prediction).collect()
}

/// A batch whose schedules can be simulated.
struct Simulation<'a> {
    costs: Costs<'a>,
    ceilings: &'a [Ceiling],
    cores: usize,
}

impl Simulation<'_> {
    fn speedup(&self, head: &BackendHead, workers: usize, overheads: &Overheads) -> f64 {
        let workers = NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN);
        let chunks = self.costs.chunks(head.chunking, workers);
        let inflation = |p| self.inflation(p);
        let wall = makespan(head.scheduling, &chunks, workers.get(), overheads, inflation);
        self.costs.total_ns() / wall
    }

    /// The factor by which work takes longer while this many workers compute: p over the ceiling of
    /// p, interpolated between the counts that were measured.
    fn inflation(&self, workers: usize) -> f64 {
        let ceilings = self.ceilings.iter().filter(|ceiling| ceiling.copies <= self.cores);
        let (mut last_copies, mut last) = (1, 1.0);
        for &Ceiling { copies, speedup, .. } in ceilings {
            let inflation = copies as f64 / speedup.median;
            if copies >= workers {
                let part = (workers - last_copies) as f64 / (copies - last_copies).max(1) as f64;
                return last + (inflation - last) * part;
            }
            (last_copies, last) = (copies, inflation);
        }
        last
    }
}

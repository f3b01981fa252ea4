//! Predictions for many more workers: a simulation of each schedule with the times that were
//! measured.
//!
//! The costs of the work come from the baseline, timed piece by piece. The overheads of a backend
//! come from the timelines of its runs on the other batches. The ceiling says how much longer work
//! takes while other workers compute; beyond the cores, the last ceiling is used. So no run of a
//! backend on a batch goes into the prediction of that batch, and the prediction can be checked
//! against that run. If there is only one batch, its own timelines are used.
//!
//! The simulation is the one of `fib-simulate`, which `fib advise` uses too. The intervals come from
//! a bootstrap (`bootstrap.rs`), and `errors.rs` compares predictions and guesses with what was
//! measured.

mod bootstrap;
mod errors;
mod inputs;

pub use bootstrap::RESAMPLES;
pub use errors::{PredictionErrors, PredictionMethod};
pub use inputs::PIECES;

use super::Findings;
use crate::analysis::{Cell, Matrix, Row};
use crate::laws;
use crate::record::BackendHead;
use crate::stats::Estimate;
use bootstrap::Units;
use fib_core::{Kernel, Layout, MemoryLimit, kernels};
use fib_simulate::Schedule;
use inputs::Inputs;
use schemars::JsonSchema;
use serde::Serialize;
use std::array::from_fn;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// The worker counts that are predicted: powers of two.
pub const WORKERS: Counts = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/// A value for each of [`WORKERS`].
pub type Counts<T = usize> = [T; 11];

/// The predicted speedups of a batch.
#[derive(Clone, Debug, Serialize, JsonSchema)]
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
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Prediction {
    /// The label of the backend.
    pub backend: String,
    /// The predicted speedup for each worker count.
    pub speedups: Counts<f64>,
    /// The ends of the interval of each of these speedups: the noise of what they are computed from,
    /// and not the error of the simulation. `None` if there are too few rounds or runs.
    pub intervals: Option<Counts<(f64, f64)>>,
    /// The serial fraction of Karp and Flatt at the largest worker count that was measured; `None` if it is
    /// not from 0 to 1.
    pub serial_fraction: Option<f64>,
    /// The speedups that Amdahl's law allows with that serial fraction.
    pub amdahl: Option<Counts<f64>>,
    /// The predictions that were measured too.
    pub checks: Vec<PredictionCheck>,
}

/// A prediction and the measurement that checks it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PredictionCheck {
    pub workers: usize,
    /// The measured speedup.
    pub measured: f64,
    /// The predicted speedup.
    pub predicted: f64,
    /// The ends of the interval of the predicted speedup.
    pub interval: Option<(f64, f64)>,
    /// A guess: the number of workers that compute at the same time, which is 1 for an exclusive
    /// backend.
    pub computing_workers: usize,
    /// Another guess: the ceiling of that many workers. For one worker it is 1.
    pub ceiling: Option<f64>,
}

impl PredictionCheck {
    /// By how much the prediction is too high, as a share.
    pub fn error(&self) -> f64 {
        self.predicted / self.measured - 1.0
    }

    /// The same for another way to predict; `None` without a ceiling.
    pub fn error_of(&self, method: PredictionMethod) -> Option<f64> {
        let predicted = match method {
            PredictionMethod::Simulation => self.predicted,
            PredictionMethod::Workers => self.computing_workers as f64,
            PredictionMethod::Ceiling => self.ceiling?,
        };
        Some(predicted / self.measured - 1.0)
    }

    /// Whether the measured median lies in the interval; `None` without an interval.
    pub fn is_inside(&self) -> Option<bool> {
        let (low, high) = self.interval?;
        Some((low..=high).contains(&self.measured))
    }
}

impl Prediction {
    /// The check with the largest error.
    pub fn worst(&self) -> Option<PredictionCheck> {
        let checks = self.checks.iter().copied();
        checks.max_by(|a, b| a.error().abs().total_cmp(&b.error().abs()))
    }
}

/// The models of a matrix, and the errors of their predictions.
pub(super) fn find(matrix: &Matrix) -> Findings {
    let models = models(matrix);
    Findings::Model { errors: errors::errors(&models), models }
}

/// The models of a matrix, one for each batch whose record has everything that the simulation
/// needs.
pub(super) fn models(matrix: &Matrix) -> Vec<Model> {
    let Some(kernel) = kernels::by_name(&matrix.header.kernel) else { return vec![] };
    let units = Units::new(matrix);
    (0..matrix.rows.len()).filter_map(|row| model(matrix, row, &units, &kernel)).collect()
}

fn model(
    matrix: &Matrix,
    position: usize,
    units: &Units,
    kernel: &Arc<dyn Kernel>,
) -> Option<Model> {
    let row = &matrix.rows[position];
    let indices = row.scenario.indices.as_deref()?;
    let layout = Layout::new(Arc::clone(kernel), indices, MemoryLimit::default()).ok()?;
    let inputs = Inputs::new(matrix, position, &layout, units)?;
    let costs = inputs.simulation(&units.each_once())?.costs;
    let longest = costs.longest_ns() / costs.total_ns();
    Some(Model {
        scenario: row.scenario.name.clone(),
        baseline_ns: row.baseline.wall_ns,
        workers: WORKERS,
        bound: WORKERS.map(|workers| (workers as f64).min(1.0 / longest)),
        longest,
        predictions: predictions(matrix, row, &layout, &inputs, units),
    })
}

/// A backend whose speedups are predicted, and the cells that check the predictions.
struct Predicted<'m> {
    head: &'m BackendHead,
    /// Its cells with no more workers than cores.
    cells: Vec<&'m Cell>,
    /// [`WORKERS`], and every other worker count of these cells.
    counts: Vec<usize>,
    /// The schedule for each of these counts.
    schedules: Vec<Schedule>,
}

impl<'m> Predicted<'m> {
    fn new(matrix: &'m Matrix, row: &'m Row, head: &'m BackendHead, layout: &Layout) -> Self {
        let own = row.cells.iter().filter(|cell| cell.backend == head.label);
        let cells: Vec<&Cell> = own.filter(|cell| cell.workers <= matrix.header.cores).collect();
        let others = cells.iter().map(|cell| cell.workers).filter(|n| !WORKERS.contains(n));
        let counts: Vec<usize> = WORKERS.into_iter().chain(others).collect();
        let schedule = |&workers: &usize| {
            let workers = NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN);
            Schedule::new(layout, head.scheduling, head.chunking, workers)
        };
        Predicted { head, schedules: counts.iter().map(schedule).collect(), cells, counts }
    }

    /// The prediction, from the speedup for each of the counts.
    fn prediction(&self, row: &Row, speedups: &[Estimate]) -> Prediction {
        let serial_fraction = self.cells.last().and_then(|cell| cell.karp_flatt);
        let serial_fraction = serial_fraction.and_then(|e| laws::KARP_FLATT.cut(e).ok());
        let serial_fraction = serial_fraction.map(|e| e.median);
        let amdahl = |serial: f64| WORKERS.map(|workers| laws::amdahl_speedup(serial, workers));
        let has_intervals = speedups.iter().all(|speedup| speedup.interval.is_some());
        Prediction {
            backend: self.head.label.clone(),
            speedups: from_fn(|i| speedups[i].median),
            intervals: has_intervals.then(|| from_fn(|i| speedups[i].interval.unwrap_or_default())),
            serial_fraction,
            amdahl: serial_fraction.map(amdahl),
            checks: self.cells.iter().filter_map(|cell| self.check(row, cell, speedups)).collect(),
        }
    }

    fn check(&self, row: &Row, cell: &Cell, speedups: &[Estimate]) -> Option<PredictionCheck> {
        let position = self.counts.iter().position(|&count| count == cell.workers)?;
        let Estimate { median: predicted, interval } = speedups[position];
        let computing_workers = self.head.scheduling.computing_workers(cell.workers);
        let ceiling = match computing_workers {
            1 => Some(1.0),
            several => row.ceiling(several).map(|ceiling| ceiling.median),
        };
        let (workers, measured) = (cell.workers, cell.speedup?.median);
        Some(PredictionCheck { workers, measured, predicted, interval, computing_workers, ceiling })
    }
}

fn predictions(
    matrix: &Matrix,
    row: &Row,
    layout: &Layout,
    inputs: &Inputs<'_>,
    units: &Units,
) -> Vec<Prediction> {
    let heads = matrix.header.backends.iter();
    let heads = heads.filter(|head| inputs.timelines.contains_key(head.label.as_str()));
    let backends: Vec<Predicted<'_>> =
        heads.map(|head| Predicted::new(matrix, row, head, layout)).collect();
    let speedups = |draws: &[u32]| speedups(inputs, &backends, draws);
    let Some(medians) = speedups(&units.each_once()) else { return vec![] };
    let intervals = units.intervals(matrix.header.seed, speedups);
    let interval = |i: usize| intervals.as_ref().map(|intervals| intervals[i]);
    let mut estimates =
        medians.iter().enumerate().map(|(i, &median)| Estimate { median, interval: interval(i) });
    let prediction = |backend: &Predicted<'_>| {
        let own: Vec<Estimate> = estimates.by_ref().take(backend.counts.len()).collect();
        backend.prediction(row, &own)
    };
    backends.iter().map(prediction).collect()
}

/// The speedups of all backends for all their counts, from the drawn units. `None` if these lack
/// something.
fn speedups(inputs: &Inputs<'_>, backends: &[Predicted<'_>], draws: &[u32]) -> Option<Vec<f64>> {
    let simulation = inputs.simulation(draws)?;
    let mut speedups = vec![];
    for backend in backends {
        let overheads = inputs.timelines.get(backend.head.label.as_str())?.fit(draws)?;
        let schedules = backend.schedules.iter();
        speedups.extend(schedules.map(|schedule| simulation.speedup(schedule, &overheads)));
    }
    Some(speedups)
}

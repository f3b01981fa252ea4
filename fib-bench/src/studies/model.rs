//! A batch as it would be on many more workers: a simulation over what was measured here.
//!
//! What the work takes comes from the baseline, timed piece by piece; what a backend takes besides,
//! from the timelines of its runs on the other batches; how much slower work is while others work,
//! from the ceiling, and beyond the cores it is taken to be as at the last one. So no run of a backend
//! on a batch goes into the prediction of that batch, which can be held against it. One batch alone
//! has only its own timelines.

use crate::analysis::{Cell, Matrix, Row};
use crate::laws;
use crate::stats::Estimate;
use fib::kernels::KERNELS;
use fib::{Chunking, Descriptor, Layout, MemoryLimit, Scheduling};
use fib_predict::{Costs, Observed, Overheads, Piece, choices, makespan};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// How the baseline is cut for its pieces: fine enough for any schedule to be seen, coarse enough
/// that looking at the clock between them costs little.
pub const PIECES: Chunking = Chunking::Balanced(NonZeroUsize::new(256).unwrap());

/// The worker counts that are predicted: powers of two.
pub const WORKERS: Counts = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/// [`WORKERS`], or something of each.
pub type Counts<T = usize> = [T; 11];

/// What a batch would be on many workers.
#[derive(Clone, Debug)]
pub struct Model<'a> {
    /// Which batch.
    pub row: &'a Row,
    /// What no schedule passes: as many times as there are workers, and the longest number.
    pub bound: Counts<f64>,
    /// The part of the sequential time that the longest number takes.
    pub longest: f64,
    /// What each backend would give.
    pub predictions: Vec<Prediction<'a>>,
}

/// What a backend would give.
#[derive(Clone, Debug)]
pub struct Prediction<'a> {
    /// Its label.
    pub backend: &'a str,
    /// The predicted speedup.
    pub speedups: Counts<f64>,
    /// The serial fraction of Karp and Flatt at the most workers that were measured: Amdahl's law
    /// with it is printed beside.
    pub serial: Option<f64>,
    /// Workers, measured and predicted speedup, where it was measured.
    pub checks: Vec<Check>,
}

/// A prediction against a measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Check {
    /// Workers.
    pub workers: usize,
    /// Speedup as measured.
    pub measured: f64,
    /// Speedup as predicted.
    pub predicted: f64,
}

impl Check {
    /// How much too high the prediction is, as a part.
    pub fn error(&self) -> f64 {
        self.predicted / self.measured - 1.0
    }
}

impl Prediction<'_> {
    /// The speedup that Amdahl's law allows, where there is a serial fraction.
    pub fn amdahl(&self) -> Option<Counts<f64>> {
        let serial = self.serial?.max(0.0);
        Some(WORKERS.map(|workers| laws::amdahl_speedup(serial, workers)))
    }

    /// The check that is off most.
    pub fn worst(&self) -> Option<Check> {
        let checks = self.checks.iter().copied();
        checks.max_by(|a, b| a.error().abs().total_cmp(&b.error().abs()))
    }
}

/// The models of a matrix, one for each batch that can be laid out again.
pub fn models(matrix: &Matrix) -> Vec<Model<'_>> {
    let kernel = KERNELS.iter().find(|entry| entry.name == matrix.header.kernel);
    let chunking = matrix.header.chunking.parse::<Chunking>().ok();
    let Some((kernel, chunking)) = kernel.zip(chunking) else { return vec![] };
    let model = |row| {
        let overheads = overheads(matrix, row);
        let layout = layout(row, kernel)?;
        let ends = PIECES.cut(&layout, NonZeroUsize::MIN);
        let pieces = row.pieces_ns.as_ref().filter(|pieces| pieces.len() == ends.len())?;
        let costs = Costs::measured(&layout, &ends, pieces, row.reference.wall_ns?);
        let simulation =
            Simulation { costs, chunking, ceilings: &row.ceilings, cores: matrix.header.cores };
        Some(Model {
            row,
            bound: WORKERS.map(|workers| (workers as f64).min(1.0 / simulation.longest())),
            longest: simulation.longest(),
            predictions: predictions(matrix, row, &simulation, &overheads),
        })
    };
    matrix.rows.iter().filter_map(model).collect()
}

fn layout(row: &Row, kernel: &fib::kernels::Entry) -> Option<Layout> {
    let indices = row.scenario.indices.as_deref()?;
    Layout::new((kernel.get)(), indices, MemoryLimit::default()).ok()
}

/// Of each backend, from all its runs on other batches than this one, if there are any, and on no
/// more workers than cores.
fn overheads<'m>(matrix: &'m Matrix, row: &Row) -> BTreeMap<&'m str, Overheads> {
    let mut runs: BTreeMap<&str, Vec<Observed>> = BTreeMap::new();
    let alone = matrix.rows.len() == 1;
    let others =
        matrix.rows.iter().filter(|other| alone || other.scenario.name != row.scenario.name);
    let cells = others.flat_map(|row| &row.cells);
    for cell in cells.filter(|cell| cell.workers <= matrix.header.cores) {
        runs.entry(&cell.backend).or_default().extend_from_slice(&cell.observed);
    }
    runs.into_iter().filter_map(|(name, runs)| Some((name, Overheads::fit(&runs)?))).collect()
}

fn predictions<'m>(
    matrix: &'m Matrix,
    row: &Row,
    simulation: &Simulation<'_>,
    overheads: &BTreeMap<&str, Overheads>,
) -> Vec<Prediction<'m>> {
    let prediction = |backend: &'m String| {
        let entry = descriptor(backend)?;
        let overheads = overheads.get(backend.as_str())?;
        let speedup = |workers| simulation.speedup(entry.scheduling, workers, overheads);
        let cells = row.cells.iter().filter(|cell| cell.backend == *backend);
        let measured: Vec<&Cell> =
            cells.filter(|cell| cell.workers <= matrix.header.cores).collect();
        let check = |cell: &&Cell| {
            let (workers, measured) = (cell.workers, cell.speedup?.median);
            Some(Check { workers, measured, predicted: speedup(workers) })
        };
        Some(Prediction {
            backend,
            speedups: WORKERS.map(speedup),
            serial: measured.last().and_then(|cell| Some(cell.karp_flatt?.median)),
            checks: measured.iter().filter_map(check).collect(),
        })
    };
    matrix.header.backends.iter().filter_map(prediction).collect()
}

/// A batch that can be played through.
struct Simulation<'a> {
    costs: Costs<'a>,
    chunking: Chunking,
    ceilings: &'a BTreeMap<usize, Estimate>,
    cores: usize,
}

impl Simulation<'_> {
    /// The part of the longest number.
    fn longest(&self) -> f64 {
        self.costs.longest_ns() / self.costs.total_ns()
    }

    fn speedup(&self, scheduling: Scheduling, workers: usize, overheads: &Overheads) -> f64 {
        self.costs.total_ns() / self.makespan(scheduling, workers, overheads)
    }

    fn makespan(&self, scheduling: Scheduling, workers: usize, overheads: &Overheads) -> f64 {
        let workers = NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN);
        let mut chunks: Vec<Piece> = self.costs.chunks(self.chunking, workers);
        // Of those that compute one at a time, each has the machine for itself.
        let at_once = if scheduling == Scheduling::Exclusive { 1 } else { workers.get() };
        let inflation = self.inflation(at_once);
        chunks.iter_mut().for_each(|chunk| chunk.ns *= inflation);
        makespan(scheduling, &chunks, workers.get(), overheads)
    }

    /// How much longer work takes while so many workers work: p over the ceiling of p, on a straight
    /// line between the counts that were measured.
    fn inflation(&self, workers: usize) -> f64 {
        let ceilings = self.ceilings.iter().filter(|(copies, _)| **copies <= self.cores);
        let (mut below, mut inflation) = (1, 1.0);
        for (&copies, ceiling) in ceilings {
            let here = copies as f64 / ceiling.median;
            if copies >= workers {
                let part = (workers - below) as f64 / (copies - below).max(1) as f64;
                return inflation + (here - inflation) * part;
            }
            (below, inflation) = (copies, here);
        }
        inflation
    }
}

/// The second `rayon` is `rayon#2`.
fn descriptor(label: &str) -> Option<&'static Descriptor> {
    let name = label.split('#').next()?;
    choices().find(|entry| entry.name == name)
}

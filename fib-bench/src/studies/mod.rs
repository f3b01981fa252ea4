//! Sweeps: one thing is changed step by step, and what is asked is where something happens.
//!
//! A study is a list of batches that [`measure`](crate::measure) takes as any other, and a pure
//! function of the matrix they come to.

mod model;
mod search;
#[cfg(test)]
mod tests;

pub use model::{Counts, Model, PIECES, Prediction, WORKERS, models};
pub use search::search;

use crate::analysis::{Cell, Matrix, Row};
use crate::laws::{self, Bracket, Refusal, Usl};
use crate::scenario::Batch;
use crate::stats::Estimate;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

/// Tasks of a granularity sweep: enough to keep many workers busy.
pub const TASKS: usize = 128;

/// The efficiencies that [`granularity`] is read at.
pub const EFFICIENCIES: [f64; 3] = [0.5, 0.75, 0.9];

/// What every item of a break-even batch is, and of a batch whose number of items is fixed how many
/// there are.
const BATCH_INDEX: u64 = 1000;
const ITEM_COUNT: usize = 16;

const BATCH: &str = "batch-";
const ITEM: &str = "item-";
const STRONG: &str = "strong";
const WEAK: &str = "weak-";

fn equal(name: String, summary: String, index: u64, items: usize) -> Batch {
    Batch { name, summary, indices: vec![index; items], workers: None }
}

/// [`TASKS`] tasks each, from 16 to 16,384 additions a task.
pub fn granularity() -> Vec<Batch> {
    let batch =
        |n: u64| equal(format!("{TASKS}xF{n}"), format!("{TASKS} tasks of F({n})"), n, TASKS);
    (4..=14).map(|power| batch(1 << power)).collect()
}

/// From one item to 4,096; and as many items of F(16) to F(16384); both in steps of 2^(1/4).
pub fn break_even() -> Vec<Batch> {
    let many = |k: usize| {
        equal(format!("{BATCH}{k}"), format!("{k} times F({BATCH_INDEX})"), BATCH_INDEX, k)
    };
    let large =
        |n: u64| equal(format!("{ITEM}{n}"), format!("{ITEM_COUNT} times F({n})"), n, ITEM_COUNT);
    let steps = |powers: std::ops::RangeInclusive<u32>| -> BTreeSet<u64> {
        powers.map(|quarter| 2f64.powf(f64::from(quarter) / 4.0).round() as u64).collect()
    };
    let batches = steps(0..=48).into_iter().map(|k| many(k as usize));
    batches.chain(steps(16..=56).into_iter().map(large)).collect()
}

/// The same batch at every worker count, and one that grows with the workers.
pub fn scaling(workers: &[NonZeroUsize]) -> Vec<Batch> {
    let items = 1000;
    let strong = equal(STRONG.into(), format!("{items} times F(1000)"), 1000, items);
    let weak = |&workers: &NonZeroUsize| Batch {
        workers: Some(workers),
        ..equal(
            format!("{WEAK}{workers}"),
            format!("{items} times F(1000) for each of {workers} workers"),
            1000,
            items * workers.get(),
        )
    };
    [strong].into_iter().chain(workers.iter().map(weak)).collect()
}

/// A cell in every batch it was measured on.
#[derive(Clone, Debug)]
pub struct Curve<'a> {
    /// Its label.
    pub backend: &'a str,
    /// Its workers.
    pub workers: usize,
    points: Vec<(&'a Row, &'a Cell)>,
}

/// The cells of a matrix across its batches, those with more workers than cores left out.
pub fn curves(matrix: &Matrix) -> Vec<Curve<'_>> {
    let mut curves: BTreeMap<(usize, usize), Curve<'_>> = BTreeMap::new();
    let order = |label: &str| matrix.header.backends.iter().position(|other| other == label);
    for row in &matrix.rows {
        for cell in row.cells.iter().filter(|cell| cell.workers <= matrix.header.cores) {
            let Some(place) = order(&cell.backend) else { continue };
            let (backend, workers) = (cell.backend.as_str(), cell.workers);
            let new = || Curve { backend, workers, points: vec![] };
            curves.entry((workers, place)).or_insert_with(new).points.push((row, cell));
        }
    }
    curves.into_values().collect()
}

impl Curve<'_> {
    /// METG of an efficiency, in nanoseconds: the mean granularity is wall x workers / tasks.
    pub fn metg(&self, efficiency: f64) -> Bracket {
        let mut points = self
            .by(|row, cell| Some(cell.wall_ns? * cell.workers as f64 / row.scenario.items? as f64));
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let workers = self.workers as f64;
        let efficiencies = points.into_iter().map(|(x, y)| (x, y.scaled(1.0 / workers)));
        laws::metg(&efficiencies.collect::<Vec<_>>(), efficiency)
    }

    /// How many items of F(1000) make it worth it.
    pub fn break_even_batch(&self) -> Bracket {
        let size = |row: &Row, _: &Cell| Some(row.scenario.items? as f64);
        laws::break_even(&self.family(BATCH).by(size))
    }

    /// From which index on sixteen items make it worth it.
    pub fn break_even_item(&self) -> Bracket {
        let size = |row: &Row, _: &Cell| Some(row.scenario.index? as f64);
        laws::break_even(&self.family(ITEM).by(size))
    }

    fn family(&self, prefix: &str) -> Self {
        let points = self.points.iter().filter(|(row, _)| row.scenario.name.starts_with(prefix));
        Curve { points: points.copied().collect(), ..*self }
    }

    /// The speedup by something, ascending as the batches are.
    fn by(&self, x: impl Fn(&Row, &Cell) -> Option<f64>) -> Vec<(f64, Estimate)> {
        let points = self.points.iter();
        points.filter_map(|(row, cell)| Some((x(row, cell)?, cell.speedup?))).collect()
    }
}

/// What the laws of scaling say of a backend.
#[derive(Clone, Debug)]
pub struct Scaling<'a> {
    /// Its label.
    pub backend: &'a str,
    /// Speedup and Karp and Flatt's serial fraction at each worker count.
    pub strong: Vec<(usize, Option<Estimate>, Option<Estimate>)>,
    /// Amdahl's serial fraction.
    pub amdahl: Result<Estimate, Refusal>,
    /// Gustafson's serial fraction.
    pub gustafson: Result<Estimate, Refusal>,
    /// Contention, coherency and, where there is one, the peak of the USL.
    pub usl: Result<[Option<Estimate>; 3], Refusal>,
}

/// The laws of scaling, backend by backend.
pub fn scalings(matrix: &Matrix) -> Vec<Scaling<'_>> {
    let curves = curves(matrix);
    matrix.header.backends.iter().map(|backend| scaling_of(backend, &curves)).collect()
}

/// A serial fraction from points of workers and speedup.
type Law = fn(&[(usize, f64)]) -> Result<f64, Refusal>;

fn scaling_of<'a>(backend: &'a str, curves: &[Curve<'a>]) -> Scaling<'a> {
    let own: Vec<_> = curves.iter().filter(|curve| curve.backend == backend).collect();
    let cells = |prefix: &str| -> Vec<&Cell> {
        let families = own.iter().flat_map(|curve| curve.family(prefix).points);
        families.map(|(_, cell)| cell).collect()
    };
    let (strong, weak) = (cells(STRONG), cells(WEAK));
    let fit = |law: Law, cells: &[&Cell]| {
        each_round(cells, law).and_then(|values| Estimate::new(values, 1).ok_or(Refusal::NoFit))
    };
    let parts: [fn(&Usl) -> Option<f64>; 3] =
        [|law| Some(law.contention), |law| Some(law.coherency), Usl::peak];
    let usl = each_round(&strong, laws::usl)
        .map(|fits| parts.map(|part| Estimate::new(fits.iter().filter_map(part).collect(), 1)));
    Scaling {
        backend,
        strong: strong.iter().map(|cell| (cell.workers, cell.speedup, cell.karp_flatt)).collect(),
        amdahl: fit(laws::amdahl, &strong),
        gustafson: fit(laws::gustafson, &weak),
        usl,
    }
}

/// What a law makes of the speedups of each round; a round in which nothing fits is left out.
fn each_round<T>(
    cells: &[&Cell],
    law: impl Fn(&[(usize, f64)]) -> Result<T, Refusal>,
) -> Result<Vec<T>, Refusal> {
    let mut rounds: BTreeMap<usize, Vec<(usize, f64)>> = BTreeMap::new();
    for cell in cells {
        for (&round, &speedup) in &cell.by_round {
            rounds.entry(round).or_default().push((cell.workers, speedup));
        }
    }
    let whole = rounds.into_values().filter(|points| points.len() == cells.len());
    let fits: Vec<_> = whole.map(|points| law(&points)).collect();
    let refusal = fits.iter().find_map(|fit| fit.as_ref().err().copied());
    let values: Vec<T> = fits.into_iter().filter_map(Result::ok).collect();
    if values.is_empty() { Err(refusal.unwrap_or(Refusal::NoFit)) } else { Ok(values) }
}

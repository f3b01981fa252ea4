//! Sweeps over sizes: a cell across all batches is a curve, and the result is where the curve
//! crosses a line.

use crate::analysis::{Cell, Matrix, Row};
use crate::laws::{self, Crossing};
use crate::stats::Estimate;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The tasks in each batch of a granularity sweep: enough to keep many workers busy.
pub const TASKS: usize = 128;

/// The efficiencies at which a granularity sweep is read.
pub const EFFICIENCIES: [f64; 3] = [0.5, 0.75, 0.9];

/// The scenario names of the break-even sweep over the number of items start with this.
pub const BREAK_EVEN_BATCH: &str = "batch-";

/// The index of every item in the break-even sweep over the number of items.
pub const BREAK_EVEN_INDEX: u64 = 1000;

/// The scenario names of the break-even sweep over the index start with this.
pub const BREAK_EVEN_ITEM: &str = "item-";

/// The number of items in the break-even sweep over the index.
pub const BREAK_EVEN_ITEMS: usize = 16;

/// The smallest mean task granularity at which workers are this efficient.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Metg {
    /// Speedup over number of workers.
    pub efficiency: f64,
    /// The granularity in nanoseconds: wall time x workers / tasks.
    pub granularity_ns: Crossing,
}

/// The smallest tasks at which the workers of a backend are efficient.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Granularity {
    /// The label of the backend.
    pub backend: String,
    pub workers: usize,
    /// METG at each of [`EFFICIENCIES`].
    pub metg: Vec<Metg>,
}

/// The smallest batches that are not slower on a backend than on one thread.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct BreakEven {
    /// The label of the backend.
    pub backend: String,
    pub workers: usize,
    /// The number of items of F(1000).
    pub items: Crossing,
    /// The index of sixteen items.
    pub index: Crossing,
}

/// Reads METG off a granularity sweep.
pub(super) fn granularity(matrix: &Matrix) -> Vec<Granularity> {
    let granularity = |curve: &Curve<'_>| Granularity {
        backend: curve.backend.into(),
        workers: curve.workers,
        metg: EFFICIENCIES.map(|efficiency| curve.metg(efficiency)).into(),
    };
    curves(matrix).iter().map(granularity).collect()
}

/// Reads the break-even points off a break-even sweep.
pub(super) fn break_even(matrix: &Matrix) -> Vec<BreakEven> {
    let crossing = |curve: &Curve<'_>, family, size: fn(&Row) -> Option<f64>| {
        laws::break_even(&curve.family(family).points_by(|row, _| size(row)))
    };
    let break_even = |curve: &Curve<'_>| BreakEven {
        backend: curve.backend.into(),
        workers: curve.workers,
        items: crossing(curve, BREAK_EVEN_BATCH, |row| Some(row.scenario.items as f64)),
        index: crossing(curve, BREAK_EVEN_ITEM, |row| Some(row.scenario.index? as f64)),
    };
    curves(matrix).iter().map(break_even).collect()
}

/// A backend at one worker count, across all batches.
#[derive(Clone, Debug)]
pub(super) struct Curve<'a> {
    pub(super) backend: &'a str,
    pub(super) workers: usize,
    points: Vec<(&'a Row, &'a Cell)>,
}

/// The curves of a matrix. Cells with more workers than cores are left out.
pub(super) fn curves(matrix: &Matrix) -> Vec<Curve<'_>> {
    let mut curves: BTreeMap<(usize, usize), Curve<'_>> = BTreeMap::new();
    let order = |label: &str| matrix.header.backends.iter().position(|head| head.label == label);
    for row in &matrix.rows {
        for cell in row.cells.iter().filter(|cell| cell.workers <= matrix.header.cores) {
            let Some(position) = order(&cell.backend) else { continue };
            let (backend, workers) = (cell.backend.as_str(), cell.workers);
            let new = || Curve { backend, workers, points: vec![] };
            curves.entry((workers, position)).or_insert_with(new).points.push((row, cell));
        }
    }
    curves.into_values().collect()
}

impl<'a> Curve<'a> {
    fn metg(&self, efficiency: f64) -> Metg {
        let mut points = self.points_by(|row, cell| {
            Some(cell.wall_ns? * cell.workers as f64 / row.scenario.items as f64)
        });
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let workers = self.workers as f64;
        let points = points.into_iter().map(|(x, speedup)| (x, speedup.scaled(1.0 / workers)));
        let granularity_ns = laws::metg(&points.collect::<Vec<_>>(), efficiency);
        Metg { efficiency, granularity_ns }
    }

    /// The part of the curve on scenarios whose names start with `prefix`.
    pub(super) fn family(&self, prefix: &str) -> Self {
        let points = self.points.iter().filter(|(row, _)| row.scenario.name.starts_with(prefix));
        Curve { points: points.copied().collect(), ..*self }
    }

    /// The cells of the curve, in the order of the batches.
    pub(super) fn cells(&self) -> impl Iterator<Item = &'a Cell> {
        self.points.iter().map(|(_, cell)| *cell)
    }

    /// The speedup over `x`, in the order of the batches.
    fn points_by(&self, x: impl Fn(&Row, &Cell) -> Option<f64>) -> Vec<(f64, Estimate)> {
        let points = self.points.iter();
        points.filter_map(|(row, cell)| Some((x(row, cell)?, cell.speedup?))).collect()
    }
}

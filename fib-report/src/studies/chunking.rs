//! Sweeps over chunkings: the same batch on the same backend, cut in different ways.

use crate::analysis::{Cell, Matrix, Row, Verdict};
use crate::stats::Estimate;
use schemars::JsonSchema;
use serde::Serialize;

/// The effect of chunking on a backend at one worker count on one scenario.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ChunkingEffect {
    /// The name of the scenario.
    pub scenario: String,
    /// The name of the backend.
    pub backend: String,
    pub kernel: String,
    pub workers: usize,
    /// Each chunking, in the order of the measurement.
    pub points: Vec<ChunkingPoint>,
}

/// One way to cut the batch.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ChunkingPoint {
    pub chunking: String,
    /// Speedup over the baseline.
    pub speedup: Option<Estimate>,
    /// How the cell compares with the baseline.
    pub verdict: Option<Verdict>,
}

impl ChunkingEffect {
    /// The point with the highest speedup.
    pub fn fastest(&self) -> Option<&ChunkingPoint> {
        self.by_speedup().max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, point)| point)
    }

    /// The point with the lowest speedup.
    pub fn slowest(&self) -> Option<&ChunkingPoint> {
        self.by_speedup().min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, point)| point)
    }

    fn by_speedup(&self) -> impl Iterator<Item = (f64, &ChunkingPoint)> {
        self.points.iter().filter_map(|point| Some((point.speedup?.median, point)))
    }

    /// Whether the chunking decides: the intervals of the fastest and the slowest point do not
    /// overlap.
    pub fn matters(&self) -> bool {
        let interval = |point: Option<&ChunkingPoint>| point?.speedup?.interval;
        match (interval(self.slowest()), interval(self.fastest())) {
            (Some((_, high)), Some((low, _))) => high < low,
            _ => false,
        }
    }
}

/// The effects of chunking in a matrix with several chunkings; empty if there is only one.
pub(crate) fn effects(matrix: &Matrix) -> Vec<ChunkingEffect> {
    matrix.rows.iter().flat_map(|row| effects_of(matrix, row)).collect()
}

/// The effects of chunking on one scenario.
pub(crate) fn effects_of(matrix: &Matrix, row: &Row) -> Vec<ChunkingEffect> {
    let mut effects: Vec<ChunkingEffect> = vec![];
    for cell in &row.cells {
        let head = matrix.header.backends.iter().find(|head| head.label == cell.backend);
        let (Some(head), Some(point)) = (head, point(cell)) else { continue };
        let key = (&head.name, &cell.kernel, cell.workers);
        match effects.iter_mut().find(|e| (&e.backend, &e.kernel, e.workers) == key) {
            // A backend that is measured twice has the same chunking twice.
            Some(effect) if effect.points.iter().any(|p| p.chunking == point.chunking) => {}
            Some(effect) => effect.points.push(point),
            None => effects.push(ChunkingEffect {
                scenario: row.scenario.name.clone(),
                backend: head.name.clone(),
                kernel: cell.kernel.clone(),
                workers: cell.workers,
                points: vec![point],
            }),
        }
    }
    effects.retain(|effect| effect.points.len() > 1);
    effects
}

fn point(cell: &Cell) -> Option<ChunkingPoint> {
    let chunking = cell.chunking.clone()?;
    Some(ChunkingPoint { chunking, speedup: cell.speedup, verdict: cell.verdict })
}

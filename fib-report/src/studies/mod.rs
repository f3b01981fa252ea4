//! Studies: what a measurement is for, and which findings follow from its cells.
//!
//! A study varies one parameter, or predicts. Each study is one [`Definition`], and
//! [`Study::definition`] is the only place that matches on the kind of study. `fib-bench` lists the
//! batches of each study.

mod chunking;
mod curves;
mod forks;
mod model;
mod race;
mod scaling;
#[cfg(test)]
mod scaling_tests;
#[cfg(test)]
mod tests;

pub(crate) use chunking::effects_of;
pub use chunking::{ChunkingEffect, ChunkingPoint};
pub use curves::{
    BREAK_EVEN_BATCH, BREAK_EVEN_INDEX, BREAK_EVEN_ITEM, BREAK_EVEN_ITEMS, BreakEven, EFFICIENCIES,
    Granularity, Metg, TASKS,
};
pub use forks::{CutoffPoint, ForkCost};
pub use model::{
    Counts, Model, PIECES, Prediction, PredictionCheck, PredictionErrors, PredictionMethod,
    RESAMPLES, WORKERS,
};
pub use race::RaceResult;
pub use scaling::{STRONG, Scaling, StrongPoint, WEAK};

use crate::analysis::Matrix;
use crate::record::Study;
use crate::sample::{Role, Sample};

/// What a study needs from the measurement, and what it finds.
pub struct Definition {
    /// Whether a reader compares all cells of a scenario at once. A search looks at each cell
    /// alone.
    pub compares_cells: bool,
    /// Whether the ceiling is measured.
    pub has_ceiling: bool,
    /// What is measured in addition to the matrix.
    pub extra_role: Option<Role>,
    /// Whether the record keeps the indices of each scenario.
    pub keeps_indices: bool,
    /// Reads the findings off the cells, or off the samples.
    pub find: fn(&Matrix, &[Sample]) -> Findings,
}

/// What a study found beyond the cells.
#[derive(Clone, Debug)]
pub enum Findings {
    /// The matrix is the result.
    Matrix,
    /// The smallest tasks that keep workers busy.
    Granularity(Vec<Granularity>),
    /// The smallest batches that are faster in parallel.
    BreakEven(Vec<BreakEven>),
    /// The laws of scaling.
    Scaling(Vec<Scaling>),
    /// The effects of chunking.
    Chunking(Vec<ChunkingEffect>),
    /// The costs of forks.
    Forks(Vec<ForkCost>),
    /// Predictions for many more workers, and how wrong they are where they were measured.
    Model { models: Vec<Model>, errors: Vec<PredictionErrors> },
    /// How much each technique computed in the time of a race.
    Race(Vec<RaceResult>),
}

const MATRIX: Definition = Definition {
    compares_cells: true,
    has_ceiling: true,
    extra_role: None,
    keeps_indices: false,
    find: |_, _| Findings::Matrix,
};

impl Study {
    /// How this study is measured and read.
    pub fn definition(self) -> Definition {
        match self {
            Study::Compare => MATRIX,
            Study::Granularity => {
                Definition { find: |m, _| Findings::Granularity(curves::granularity(m)), ..MATRIX }
            }
            Study::BreakEven => Definition {
                compares_cells: false,
                find: |m, _| Findings::BreakEven(curves::break_even(m)),
                ..MATRIX
            },
            Study::Scaling => {
                Definition { find: |m, _| Findings::Scaling(scaling::scalings(m)), ..MATRIX }
            }
            Study::Chunking => {
                Definition { find: |m, _| Findings::Chunking(chunking::effects(m)), ..MATRIX }
            }
            Study::Forks => Definition {
                compares_cells: false,
                has_ceiling: false,
                find: |m, _| Findings::Forks(forks::fork_costs(m)),
                ..MATRIX
            },
            Study::Model => Definition {
                extra_role: Some(Role::Pieces),
                keeps_indices: true,
                find: |m, _| model::find(m),
                ..MATRIX
            },
            Study::Race => Definition {
                compares_cells: false,
                find: |m, samples| Findings::Race(race::results(m, samples)),
                ..MATRIX
            },
        }
    }
}

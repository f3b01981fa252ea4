//! Decides when to stop: when the interval of every cell is as narrow as the target.

use crate::machine;
use crate::plan::Plan;
use fib_report::{Role, Sample, analyse};

/// The samples of a batch so far, if the plan has a target width.
pub(super) struct Widths {
    target: Option<f64>,
    samples: Vec<Sample>,
}

impl Widths {
    pub(super) fn new(plan: &Plan) -> Self {
        Widths { target: plan.width, samples: vec![] }
    }

    pub(super) fn push(&mut self, sample: &Sample) {
        let is_compared = matches!(sample.role, Role::Baseline | Role::Control | Role::Cell);
        if self.target.is_some() && is_compared {
            self.samples.push(sample.clone());
        }
    }

    /// Whether the interval of every cell with times has reached the target; false without a
    /// target. The intervals are those of the report.
    pub(super) fn are_narrow(&self, plan: &Plan) -> bool {
        let Some(target) = self.target else { return false };
        let matrix = analyse(machine::header(plan), &self.samples).matrix;
        let cells = matrix.rows.iter().flat_map(|row| &row.cells);
        let mut speedups = cells.filter_map(|cell| cell.speedup);
        speedups.all(|speedup| speedup.half_width().is_some_and(|half| half <= target))
    }
}

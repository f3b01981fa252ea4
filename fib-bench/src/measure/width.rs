//! Decides when to stop: when the interval of every cell is as narrow as the target.

use crate::plan::Plan;
use fib_report::{Estimate, Role, Sample, Status};
use std::collections::BTreeMap;

/// The times of the cells of a batch so far.
pub(super) struct Widths {
    target: Option<f64>,
    comparisons: usize,
    /// Logarithms of nanoseconds by round: the baseline in even rounds, the control in odd rounds.
    baseline: BTreeMap<usize, f64>,
    cells: BTreeMap<(String, usize), BTreeMap<usize, f64>>,
}

impl Widths {
    pub(super) fn new(plan: &Plan) -> Self {
        Widths {
            target: plan.width,
            comparisons: plan.comparisons(),
            baseline: BTreeMap::new(),
            cells: BTreeMap::new(),
        }
    }

    pub(super) fn push(&mut self, sample: &Sample) {
        if self.target.is_none() || sample.status != Status::Ok {
            return;
        }
        let time = sample.batch_ns().ln();
        match (sample.role, sample.round % 2) {
            (Role::Baseline, 0) | (Role::Control, 1) => {
                self.baseline.insert(sample.round, time);
            }
            (Role::Cell, _) => {
                let cell = self.cells.entry((sample.backend.clone(), sample.workers)).or_default();
                cell.insert(sample.round, time);
            }
            _ => {}
        }
    }

    /// Whether the interval of every cell with times has reached the target; false without a
    /// target.
    pub(super) fn are_narrow(&self) -> bool {
        let Some(target) = self.target else { return false };
        let narrow = |times: &BTreeMap<usize, f64>| {
            let ratio = |(round, time): (&usize, &f64)| Some(self.baseline.get(round)? - time);
            let estimate =
                Estimate::new(times.iter().filter_map(ratio).collect(), self.comparisons);
            estimate.is_some_and(|estimate| {
                estimate.exp().half_width().is_some_and(|half| half <= target)
            })
        };
        self.cells.values().all(narrow)
    }
}

//! When to stop: whether every cell is known as well as was asked for.

use crate::plan::Plan;
use crate::record::{Role, Sample, Status};
use crate::stats::Estimate;
use std::collections::BTreeMap;

/// What is known of the cells of a batch so far.
pub(super) struct Widths {
    target: Option<f64>,
    comparisons: usize,
    /// Logarithms of nanoseconds: those of both baselines in each round, those of each cell.
    baseline: BTreeMap<usize, Vec<f64>>,
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
        match sample.role {
            Role::Baseline | Role::Control => {
                self.baseline.entry(sample.round).or_default().push(time);
            }
            Role::Cell => {
                let cell = self.cells.entry((sample.backend.clone(), sample.workers)).or_default();
                cell.insert(sample.round, time);
            }
            _ => {}
        }
    }

    /// Whether the interval of every cell that has times reaches no further from its median than
    /// was asked for; never, if nothing was.
    pub(super) fn are_narrow(&self) -> bool {
        let Some(target) = self.target else { return false };
        let narrow = |times: &BTreeMap<usize, f64>| {
            let ratio = |(round, time): (&usize, &f64)| match self.baseline.get(round)?[..] {
                [a, b] => Some(a.midpoint(b) - time),
                _ => None,
            };
            let estimate =
                Estimate::new(times.iter().filter_map(ratio).collect(), self.comparisons);
            estimate.is_some_and(|estimate| estimate.exp().reach().is_some_and(|r| r <= target))
        };
        self.cells.values().all(narrow)
    }
}

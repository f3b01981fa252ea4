//! The kernel without arithmetic.

use crate::kernel::{Kernel, Run};

pub(super) const NAME: &str = "empty";

/// Takes its slots, which have no limbs, and computes nothing. What is left is the cost of
/// scheduling.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Empty;

impl Kernel for Empty {
    fn name(&self) -> &'static str {
        NAME
    }

    fn limbs(&self, _n: u64) -> usize {
        0
    }

    fn cost(&self, _n: u64, _previous: Option<u64>) -> f64 {
        1.0
    }

    fn fill(&self, run: &mut Run<'_>) {
        while run.next_slot().is_some() {}
    }
}

//! What is to be compared.

use crate::scenario::Scenario;
use fib::{Chunking, Descriptor, kernels};
use std::num::NonZeroUsize;
use std::time::Duration;

/// One comparison: every backend at every worker count on every scenario, with one kernel.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The batches.
    pub scenarios: Vec<&'static Scenario>,
    /// The backends beside the sequential baseline, which is always there.
    pub backends: Vec<Descriptor>,
    /// The worker counts, ascending.
    pub workers: Vec<NonZeroUsize>,
    /// The arithmetic.
    pub kernel: kernels::Entry,
    /// How batches are cut.
    pub chunking: Chunking,
    /// Whether persistent workers are bound to a CPU each.
    pub pin: bool,
    /// Draws the order of the rounds.
    pub seed: u64,
    /// Time for everything, preparation included.
    pub budget: Duration,
    /// The command line, as a user would repeat it.
    pub command: String,
}

impl Plan {
    /// How many cells one reader compares at once: those of one scenario.
    pub fn comparisons(&self) -> usize {
        self.backends.len() * self.workers.len()
    }
}

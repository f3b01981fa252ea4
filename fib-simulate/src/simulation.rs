//! The one simulation behind every prediction: how long a backend takes for a batch on a machine.

use crate::costs::Costs;
use crate::inflation::Inflation;
use crate::overheads::Overheads;
use crate::schedule::makespan;
use fib_core::{Chunking, Layout, Scheduling};
use std::num::NonZeroUsize;

/// A way to run a batch: who decides which worker runs a chunk, how many workers there are, and
/// where the batch is cut.
#[derive(Clone, Debug)]
pub struct Schedule {
    scheduling: Scheduling,
    workers: NonZeroUsize,
    /// The number of slots before the end of each chunk.
    ends: Vec<usize>,
}

impl Schedule {
    /// The batch of `layout`, cut for this many workers.
    pub fn new(
        layout: &Layout,
        scheduling: Scheduling,
        chunking: Chunking,
        workers: NonZeroUsize,
    ) -> Self {
        Schedule { scheduling, workers, ends: chunking.cut(layout, workers) }
    }
}

/// A batch on a machine: everything that a prediction needs, except the schedule and the overheads
/// of the backend.
#[derive(Clone)]
pub struct Simulation<'a> {
    pub costs: Costs<'a>,
    pub inflation: Inflation,
}

impl Simulation<'_> {
    /// The predicted time of a warm batch that is already laid out, in nanoseconds.
    pub fn wall_ns(&self, schedule: &Schedule, overheads: &Overheads) -> f64 {
        let chunks = self.costs.of_chunks(&schedule.ends);
        let workers = schedule.workers.get();
        makespan(schedule.scheduling, &chunks, workers, overheads, &self.inflation)
    }

    /// The predicted speedup over one thread without any overhead.
    pub fn speedup(&self, schedule: &Schedule, overheads: &Overheads) -> f64 {
        self.costs.total_ns() / self.wall_ns(schedule, overheads)
    }
}

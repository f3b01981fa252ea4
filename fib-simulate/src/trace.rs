//! What the workers of a run did: each chunk, and the chunks of each worker summed up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A chunk of a run. Times count from the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChunkTrace {
    /// The worker that ran the chunk, counted from 0.
    pub worker: usize,
    /// When the chunk started.
    pub start_ns: u64,
    /// When the chunk ended.
    pub end_ns: u64,
    /// The time that the worker waited inside the chunk for a lock that it needs to compute.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub paused_ns: u64,
}

/// A time in which a worker waited inside a chunk for a lock. Times count from the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PauseTrace {
    /// The worker, counted from 0.
    pub worker: usize,
    /// When the waiting began.
    pub start_ns: u64,
    /// When the waiting ended.
    pub end_ns: u64,
}

fn is_zero(ns: &u64) -> bool {
    *ns == 0
}

/// What one worker did in a run. Times count from the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerTrace {
    /// The number of chunks that the worker ran.
    pub chunks: usize,
    /// When its first chunk started.
    pub first_ns: u64,
    /// When its last chunk ended.
    pub last_ns: u64,
    /// The time that it spent in chunks, waiting for a lock included.
    pub busy_ns: u64,
    /// The time that it waited inside chunks for a lock that it needs to compute.
    pub paused_ns: u64,
}

impl WorkerTrace {
    /// Adds a chunk. Chunks may come in any order.
    pub fn add(&mut self, start_ns: u64, end_ns: u64, paused_ns: u64) {
        self.first_ns = if self.chunks == 0 { start_ns } else { self.first_ns.min(start_ns) };
        self.last_ns = self.last_ns.max(end_ns);
        self.busy_ns += end_ns.saturating_sub(start_ns);
        self.paused_ns += paused_ns;
        self.chunks += 1;
    }
}

/// A run with its timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct RunTrace {
    /// The wall time of the run, in nanoseconds.
    pub wall_ns: f64,
    /// One trace for every worker.
    pub workers: Vec<WorkerTrace>,
}

impl RunTrace {
    /// The traces of the workers that ran a chunk.
    pub fn used(&self) -> impl Iterator<Item = &WorkerTrace> {
        self.workers.iter().filter(|worker| worker.chunks > 0)
    }

    /// The time that all workers together spent in chunks, without waiting for a lock, in
    /// nanoseconds.
    pub fn computing_ns(&self) -> f64 {
        self.workers.iter().map(|worker| worker.busy_ns as f64 - worker.paused_ns as f64).sum()
    }

    /// The mean time between two chunks of a worker, in nanoseconds; `None` if no worker ran two
    /// chunks.
    pub(crate) fn mean_gap_ns(&self) -> Option<f64> {
        let gaps: usize = self.used().map(|worker| worker.chunks - 1).sum();
        let idle_ns = |worker: &WorkerTrace| {
            (worker.last_ns - worker.first_ns).saturating_sub(worker.busy_ns)
        };
        (gaps > 0).then(|| self.used().map(idle_ns).sum::<u64>() as f64 / gaps as f64)
    }

    /// The time from the end of the last chunk to the end of the run, in nanoseconds.
    pub(crate) fn join_ns(&self) -> f64 {
        let last = self.used().map(|worker| worker.last_ns).max();
        last.map_or(0.0, |last| (self.wall_ns - last as f64).max(0.0))
    }
}

/// Sums up the chunks of each of `workers` workers. A chunk is given as its worker, start, end and
/// pause; the times are in nanoseconds. `None` if a chunk names a worker that does not exist.
pub fn worker_traces(
    chunks: impl IntoIterator<Item = (usize, u64, u64, u64)>,
    workers: usize,
) -> Option<Vec<WorkerTrace>> {
    let mut traces = vec![WorkerTrace::default(); workers];
    for (worker, start_ns, end_ns, paused_ns) in chunks {
        traces.get_mut(worker)?.add(start_ns, end_ns, paused_ns);
    }
    Some(traces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_summed_up_by_worker_in_any_order() {
        let chunks = [(1, 50, 80, 5), (0, 10, 40, 0), (1, 5, 45, 10)];
        let trace = |chunks, first_ns, last_ns, busy_ns, paused_ns| WorkerTrace {
            chunks,
            first_ns,
            last_ns,
            busy_ns,
            paused_ns,
        };
        let expected =
            vec![trace(1, 10, 40, 30, 0), trace(2, 5, 80, 70, 15), WorkerTrace::default()];
        assert_eq!(worker_traces(chunks, 3), Some(expected));
        assert_eq!(worker_traces(chunks, 1), None);
    }
}

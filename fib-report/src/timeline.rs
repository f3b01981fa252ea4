//! A run with all its chunks: what records keep of it, and whether that is possible at all.

use crate::analysis::Losses;
use crate::sample::Sample;
use fib_simulate::{ChunkTrace, PauseTrace, WorkerTrace, worker_traces};
use schemars::JsonSchema;
use serde::Serialize;

/// A record keeps no more chunks of a run than this. A chart of more chunks shows nothing, and 4096
/// chunks take about 250 KB.
pub const MOST_CHUNKS: usize = 4096;

/// A run with a timeline takes less time than this, 11 days, so that sums of its times fit.
const LONGEST_RUN_NS: u64 = 1_000_000_000_000_000;

/// A run with all its chunks. Times count from the start of the run.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Timeline {
    /// The label of the backend.
    pub backend: String,
    /// The number of workers, used or not.
    pub workers: usize,
    /// The wall time of the run.
    pub wall_ns: u64,
    /// The chunks, in the order of the batch.
    pub chunks: Vec<ChunkTrace>,
    /// When workers waited inside these chunks for a lock; empty if they did not, or if the engine cannot
    /// tell.
    pub pauses: Vec<PauseTrace>,
}

impl Timeline {
    /// The run of a sample, if the record has its chunks.
    pub(crate) fn of_sample(sample: &Sample) -> Option<Self> {
        Some(Timeline {
            backend: sample.backend.clone(),
            workers: sample.workers,
            wall_ns: sample.wall_ns,
            chunks: sample.chunks.clone()?,
            pauses: sample.pauses.clone().unwrap_or_default(),
        })
    }

    /// What each worker did; empty if a chunk names a worker that does not exist.
    pub fn traces(&self) -> Vec<WorkerTrace> {
        let chunks = self.chunks.iter().map(|c| (c.worker, c.start_ns, c.end_ns, c.paused_ns));
        worker_traces(chunks, self.workers).unwrap_or_default()
    }

    /// The parts of the time of all workers. No other run says how much of the computing is inflation, so
    /// all of it counts as useful.
    pub fn parts(&self) -> Option<Losses> {
        let traces = self.traces();
        let computing: f64 =
            traces.iter().map(|trace| trace.busy_ns as f64 - trace.paused_ns as f64).sum();
        Losses::of_run(self.wall_ns as f64, &traces, computing)
    }
}

/// Why these chunks and pauses cannot be those of a run with `workers` workers that took `wall_ns`; `None` if they can.
pub fn chunk_problem(
    chunks: &[ChunkTrace],
    pauses: &[PauseTrace],
    workers: usize,
    wall_ns: u64,
) -> Option<String> {
    if chunks.len().max(pauses.len()) > MOST_CHUNKS {
        return Some(format!("a run has more than {MOST_CHUNKS} chunks or pauses"));
    }
    let is_odd = |pause: &&PauseTrace| {
        let is_inside = pause.start_ns <= pause.end_ns && pause.end_ns <= wall_ns;
        pause.worker >= workers || !is_inside
    };
    if let Some(PauseTrace { worker, start_ns, end_ns }) = pauses.iter().find(is_odd) {
        return Some(format!(
            "a pause of worker {worker} from {start_ns} to {end_ns} ns cannot be of a run of {wall_ns} ns \
             with {workers} workers"
        ));
    }
    if !chunks.is_empty() && wall_ns > LONGEST_RUN_NS {
        return Some(format!("a run with a timeline took more than {LONGEST_RUN_NS} ns"));
    }
    let is_odd = |chunk: &&ChunkTrace| {
        let is_inside = chunk.start_ns <= chunk.end_ns && chunk.end_ns <= wall_ns;
        chunk.worker >= workers || !is_inside || chunk.paused_ns > chunk.end_ns - chunk.start_ns
    };
    let odd = chunks.iter().find(is_odd)?;
    Some(format!(
        "a chunk of worker {} from {} to {} ns, with {} ns of waiting, cannot be of a run of {wall_ns} ns \
         with {workers} workers",
        odd.worker, odd.start_ns, odd.end_ns, odd.paused_ns
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn chunk(worker: usize, start_ns: u64, end_ns: u64, paused_ns: u64) -> ChunkTrace {
        ChunkTrace { worker, start_ns, end_ns, paused_ns }
    }

    #[test]
    fn chunks_that_cannot_be_are_refused() {
        let problem = |chunk| chunk_problem(&[chunk], &[], 2, 100).is_some();
        assert!(!problem(chunk(1, 0, 100, 100)) && !problem(chunk(0, 7, 7, 0)));
        for odd in [chunk(2, 0, 1, 0), chunk(0, 5, 4, 0), chunk(0, 0, 101, 0), chunk(0, 5, 9, 5)] {
            assert!(problem(odd), "{odd:?}");
        }
        assert_eq!(chunk_problem(&[chunk(0, 0, 1, 0); MOST_CHUNKS], &[], 1, 1), None);
        assert!(chunk_problem(&[chunk(0, 0, 1, 0); MOST_CHUNKS + 1], &[], 1, 1).is_some());
        assert!(chunk_problem(&[chunk(0, 0, 1, 0)], &[], 1, u64::MAX).is_some());
        let pause = |worker, start_ns, end_ns| {
            chunk_problem(&[], &[PauseTrace { worker, start_ns, end_ns }], 2, 100).is_some()
        };
        assert!(!pause(1, 0, 100));
        assert!(pause(2, 0, 1) && pause(0, 5, 4) && pause(0, 5, 101));
    }

    #[test]
    fn the_parts_of_a_run_are_its_time() {
        let chunks = vec![chunk(0, 10, 40, 5), chunk(1, 20, 90, 0), chunk(0, 50, 60, 0)];
        let timeline =
            Timeline { backend: "b".into(), workers: 3, wall_ns: 100, chunks, pauses: vec![] };
        let parts = timeline.parts().unwrap();
        let lost: f64 = parts.parts().iter().map(|(_, ns)| ns).sum();
        assert_eq!((parts.useful_ns, parts.paused_ns, parts.dispatch_ns), (105.0, 5.0, 10.0));
        assert_eq!(parts.useful_ns + lost, parts.total_ns());
    }
}

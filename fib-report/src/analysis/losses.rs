//! Where worker time went: p T_p, the time of all workers, split without remainder.

use crate::sample::Sample;
use fib_simulate::WorkerTrace;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// The parts of p T_p, in nanoseconds. They add up to p T_p exactly.
///
/// T_s comes from another run of the same round, so `inflation` may be negative.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Losses {
    /// T_p of the run that is split: of the runs with a timeline, the run with the median speedup.
    #[serde(rename = "traced_wall_ns")]
    #[schemars(with = "Option<f64>")]
    pub wall_ns: f64,
    /// p, the number of workers.
    #[serde(skip)]
    pub workers: usize,
    /// T_s of the same round: work that had to be done anyway.
    #[schemars(with = "Option<f64>")]
    pub useful_ns: f64,
    /// How much longer computing took than T_s: caches, memory, allocation, shared cores.
    #[schemars(with = "Option<f64>")]
    pub inflation_ns: f64,
    /// Waiting for a lock that workers need to compute.
    #[schemars(with = "Option<f64>")]
    pub paused_ns: f64,
    /// From the start of the run to the first chunk of each worker.
    #[schemars(with = "Option<f64>")]
    pub first_chunk_ns: f64,
    /// Between chunks.
    #[schemars(with = "Option<f64>")]
    pub dispatch_ns: f64,
    /// From each worker's last chunk to the end of the run: imbalance and join.
    #[schemars(with = "Option<f64>")]
    pub tail_ns: f64,
    /// The whole run, for each worker that got no chunk.
    #[schemars(with = "Option<f64>")]
    pub unused_ns: f64,
    /// The number of workers that got no chunk.
    #[serde(skip)]
    pub unused: usize,
    /// The number of chunks of the run.
    #[serde(skip)]
    pub chunks: usize,
    /// The worker with the longest tail, and the length of that tail.
    #[serde(skip)]
    pub idlest: (usize, f64),
}

/// A part of the worker time that is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// [`Losses::inflation_ns`].
    Inflation,
    /// [`Losses::paused_ns`].
    Paused,
    /// [`Losses::first_chunk_ns`].
    FirstChunk,
    /// [`Losses::dispatch_ns`].
    Dispatch,
    /// [`Losses::tail_ns`].
    Tail,
    /// [`Losses::unused_ns`].
    Unused,
}

impl Losses {
    /// Splits the time of a run with a timeline, given that a sequential run took `useful_ns`.
    /// `None` if the sample has no timeline.
    pub(super) fn split(sample: &Sample, useful_ns: f64) -> Option<Self> {
        Losses::of_run(sample.wall_ns as f64, sample.traces.as_deref()?, useful_ns)
    }

    /// Splits the time of a run with these workers, given that a sequential run took `useful_ns`. `None`
    /// without workers.
    pub(crate) fn of_run(wall: f64, traces: &[WorkerTrace], useful_ns: f64) -> Option<Self> {
        let (used, unused): (Vec<_>, Vec<_>) =
            traces.iter().enumerate().partition(|(_, trace)| trace.chunks > 0);
        let sum =
            |part: fn(&WorkerTrace) -> f64| used.iter().map(|(_, trace)| part(trace)).sum::<f64>();
        let tail = |trace: &WorkerTrace| wall - trace.last_ns as f64;
        let tails = used.iter().map(|(worker, trace)| (*worker, tail(trace)));
        let computing = sum(|trace| trace.busy_ns as f64 - trace.paused_ns as f64);
        let span = sum(|trace| trace.last_ns as f64 - trace.first_ns as f64);
        (!traces.is_empty()).then_some(Losses {
            wall_ns: wall,
            workers: traces.len(),
            useful_ns,
            inflation_ns: computing - useful_ns,
            paused_ns: sum(|trace| trace.paused_ns as f64),
            first_chunk_ns: sum(|trace| trace.first_ns as f64),
            dispatch_ns: span - sum(|trace| trace.busy_ns as f64),
            tail_ns: tails.clone().map(|(_, tail)| tail).sum(),
            unused_ns: wall * unused.len() as f64,
            unused: unused.len(),
            chunks: traces.iter().map(|trace| trace.chunks).sum(),
            idlest: tails.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default(),
        })
    }

    /// p T_p, in nanoseconds.
    pub fn total_ns(&self) -> f64 {
        self.wall_ns * self.workers as f64
    }

    /// Every lost part, in the order of the table.
    pub fn parts(&self) -> [(Loss, f64); 6] {
        [
            (Loss::Inflation, self.inflation_ns),
            (Loss::Paused, self.paused_ns),
            (Loss::FirstChunk, self.first_chunk_ns),
            (Loss::Dispatch, self.dispatch_ns),
            (Loss::Tail, self.tail_ns),
            (Loss::Unused, self.unused_ns),
        ]
    }

    /// The largest loss.
    pub fn largest(&self) -> (Loss, f64) {
        let parts = self.parts();
        parts.into_iter().fold(parts[0], |a, b| if b.1 > a.1 { b } else { a })
    }
}

/// Serializes losses that may be missing as nulls, so that every line has the same fields.
pub(super) fn with_nulls<S: Serializer>(
    losses: &Option<Losses>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    const NONE: f64 = f64::NAN; // null in JSON
    let missing = Losses {
        wall_ns: NONE,
        workers: 0,
        useful_ns: NONE,
        inflation_ns: NONE,
        paused_ns: NONE,
        first_chunk_ns: NONE,
        dispatch_ns: NONE,
        tail_ns: NONE,
        unused_ns: NONE,
        unused: 0,
        chunks: 0,
        idlest: (0, NONE),
    };
    losses.as_ref().unwrap_or(&missing).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests::sample;
    use crate::sample::Role;
    use proptest::prelude::*;

    fn trace(
        chunks: usize,
        first_ns: u64,
        last_ns: u64,
        busy_ns: u64,
        paused_ns: u64,
    ) -> WorkerTrace {
        WorkerTrace { chunks, first_ns, last_ns, busy_ns, paused_ns }
    }

    fn traced(wall_ns: u64, traces: Vec<WorkerTrace>) -> Sample {
        Sample { wall_ns, traces: Some(traces), ..sample(Role::Traced, "backend", 3, 0, 0.0) }
    }

    #[test]
    fn a_run_is_split_by_hand() {
        // Worker 0 from 10 to 90 with a gap of 5; worker 1 from 30 to 60, 8 of it paused; worker 2
        // has nothing to do. The sequential run takes 70.
        let traces = vec![trace(4, 10, 90, 75, 0), trace(2, 30, 60, 30, 8), trace(0, 0, 0, 0, 0)];
        let losses = Losses::split(&traced(100, traces), 70.0).unwrap();
        let expected = Losses {
            wall_ns: 100.0,
            workers: 3,
            useful_ns: 70.0,
            inflation_ns: 27.0,
            paused_ns: 8.0,
            first_chunk_ns: 40.0,
            dispatch_ns: 5.0,
            tail_ns: 50.0,
            unused_ns: 100.0,
            unused: 1,
            chunks: 6,
            idlest: (1, 40.0),
        };
        assert_eq!(losses, expected);
        assert_eq!(losses.largest(), (Loss::Unused, 100.0));
        assert_eq!(Losses::split(&sample(Role::Traced, "backend", 1, 0, 1.0), 70.0), None);
    }

    const TIMES: std::ops::Range<u64> = 0..1 << 30;

    proptest! {
        #[test]
        fn the_parts_add_up_to_the_time_of_all_workers(
            wall in 1u64..1_000_000_000,
            traces in prop::collection::vec((0usize..3, TIMES, TIMES, TIMES), 1..9),
            useful in 0.0..1e9,
        ) {
            let traces: Vec<WorkerTrace> = traces.into_iter().map(|(chunks, a, b, c)| {
                let first = a % wall;
                let last = first + b % (wall - first + 1);
                trace(chunks, first, last, c % (last - first + 1), 0)
            }).collect();
            let losses = Losses::split(&traced(wall, traces), useful).unwrap();
            let sum: f64 = losses.parts().iter().map(|(_, part)| part).sum();
            prop_assert!((sum + losses.useful_ns - losses.total_ns()).abs() < 1.0);
        }
    }
}

//! A discrete-event simulation of each kind of scheduling.

use crate::costs::ChunkCost;
use crate::inflation::Inflation;
use crate::overheads::Overheads;
use fib_core::Scheduling;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The simulated wall time, in nanoseconds, of a run of `chunks` on `workers` workers.
///
/// Each worker arrives and takes chunks while there are chunks that it may take. The run ends when
/// all chunks are done and all workers are joined. A shared queue hands out one chunk at a time, so
/// a worker waits while the queue hands a chunk to another worker.
///
/// `inflation` says how much longer work takes on the workers that compute at the same time
/// ([`Scheduling::computing_workers`]).
pub fn makespan(
    scheduling: Scheduling,
    chunks: &[ChunkCost],
    workers: usize,
    overheads: &Overheads,
    inflation: &Inflation,
) -> f64 {
    let factor = inflation.factor(scheduling.computing_workers(workers));
    let run = Run { chunks, workers, overheads, factor };
    let end = match scheduling {
        Scheduling::Serial | Scheduling::Exclusive => run.one_by_one_end_ns(),
        Scheduling::Static => run.static_end_ns(),
        Scheduling::Dynamic => run.dynamic_end_ns(),
    };
    end + overheads.join(workers)
}

/// A run to simulate.
struct Run<'a> {
    chunks: &'a [ChunkCost],
    workers: usize,
    overheads: &'a Overheads,
    /// How many times as long work takes as on one worker.
    factor: f64,
}

impl Run<'_> {
    /// The time of a chunk with its handing out.
    fn busy_ns(&self, chunk: &ChunkCost) -> f64 {
        self.overheads.hand(chunk) + chunk.ns * self.factor
    }

    /// When the last chunk ends if one chunk is computed after the other.
    fn one_by_one_end_ns(&self) -> f64 {
        self.overheads.arrival(0) + self.chunks.iter().map(|c| self.busy_ns(c)).sum::<f64>()
    }

    /// When the last chunk ends if each worker has its own group of consecutive chunks, as in
    /// `Job::into_groups`.
    fn static_end_ns(&self) -> f64 {
        let boundary = |worker: usize| self.chunks.len() * worker / self.workers;
        let end = |worker: usize| {
            let group = &self.chunks[boundary(worker)..boundary(worker + 1)];
            let busy: f64 = group.iter().map(|chunk| self.busy_ns(chunk)).sum();
            if group.is_empty() { 0.0 } else { self.overheads.arrival(worker) + busy }
        };
        (0..self.workers).map(end).fold(0.0, f64::max)
    }

    /// When the last chunk ends if idle workers take the next chunk from a shared queue.
    fn dynamic_end_ns(&self) -> f64 {
        // Times are never negative, and the bits of numbers that are not negative sort like the
        // numbers.
        let used = 0..self.workers.min(self.chunks.len());
        let mut idle: BinaryHeap<_> =
            used.map(|worker| Reverse(self.overheads.arrival(worker).to_bits())).collect();
        let (mut queue_free, mut last) = (0.0, 0.0);
        for chunk in self.chunks {
            let Some(mut next) = idle.peek_mut() else { break };
            let begin = f64::from_bits(next.0).max(queue_free) + self.overheads.hand(chunk);
            let end = begin + chunk.ns * self.factor;
            queue_free = begin;
            last = f64::max(last, end);
            *next = Reverse(end.to_bits());
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunks_of(costs: &[f64]) -> Vec<ChunkCost> {
        costs.iter().map(|&ns| ChunkCost { ns, bytes: 0.0 }).collect()
    }

    const FREE: Overheads = Overheads::NONE;

    #[test]
    fn schedules_by_hand() {
        let chunks = chunks_of(&[5.0, 1.0, 1.0, 1.0]);
        let time =
            |scheduling, workers| makespan(scheduling, &chunks, workers, &FREE, &Inflation::NONE);
        assert_eq!(time(Scheduling::Serial, 1), 8.0);
        assert_eq!(time(Scheduling::Exclusive, 4), 8.0);
        assert_eq!(time(Scheduling::Static, 2), 6.0); // 5 + 1 and 1 + 1
        assert_eq!(time(Scheduling::Dynamic, 2), 5.0); // 5 and 1 + 1 + 1
        assert_eq!(time(Scheduling::Dynamic, 1024), 5.0); // the longest chunk
    }

    #[test]
    fn work_is_inflated_only_while_several_workers_compute() {
        let chunks = chunks_of(&[4.0, 4.0]);
        let doubled = Inflation::measured([(2, 2.0)]);
        let time = |scheduling| makespan(scheduling, &chunks, 2, &FREE, &doubled);
        assert_eq!(time(Scheduling::Dynamic), 8.0);
        assert_eq!(time(Scheduling::Exclusive), 8.0); // one after the other, at full speed
    }

    #[test]
    fn overheads_are_paid_where_they_arise() {
        let overheads =
            Overheads { start_ns: 10.0, step_ns: 4.0, hand_ns: 1.0, join_ns: 3.0, ..FREE };
        let chunks = chunks_of(&[6.0, 6.0, 6.0]);
        // Worker 0 arrives at 10 and computes in 11..17 and 18..24. Worker 1 arrives at 14 and
        // computes in 15..21. Joining takes 3.
        assert_eq!(makespan(Scheduling::Dynamic, &chunks, 2, &overheads, &Inflation::NONE), 27.0);
        // The first group has one chunk, the second group has two: 14 + 2 * 7 + 3.
        assert_eq!(makespan(Scheduling::Static, &chunks, 2, &overheads, &Inflation::NONE), 31.0);
        assert_eq!(makespan(Scheduling::Serial, &chunks, 1, &overheads, &Inflation::NONE), 34.0);
    }

    /// With any number of workers, the queue hands out one chunk after another.
    #[test]
    fn the_queue_is_a_bottleneck() {
        let overheads = Overheads { hand_ns: 1.0, ..FREE };
        let chunks = chunks_of(&[10.0; 1000]);
        assert_eq!(
            makespan(Scheduling::Dynamic, &chunks, 1000, &overheads, &Inflation::NONE),
            1010.0
        );
        assert_eq!(
            makespan(Scheduling::Dynamic, &chunks, 11, &overheads, &Inflation::NONE),
            1010.0
        );
    }

    proptest! {
        /// Graham's bounds for list scheduling (SIAM J. Appl. Math. 17(2), 1969).
        #[test]
        fn no_schedule_beats_the_bounds(
            costs in prop::collection::vec(0.0..1e6, 1..200),
            workers in 1usize..1100,
        ) {
            let chunks = chunks_of(&costs);
            let total: f64 = costs.iter().sum();
            let longest = costs.iter().copied().fold(0.0, f64::max);
            let least = longest.max(total / workers as f64) * (1.0 - 1e-9);
            for scheduling in [Scheduling::Static, Scheduling::Dynamic] {
                let time = makespan(scheduling, &chunks, workers, &FREE, &Inflation::NONE);
                prop_assert!(time >= least && time <= total * (1.0 + 1e-9));
            }
            let most = total / workers as f64 + longest;
            let dynamic = makespan(Scheduling::Dynamic, &chunks, workers, &FREE, &Inflation::NONE);
            prop_assert!(dynamic <= most * (1.0 + 1e-9));
        }
    }
}

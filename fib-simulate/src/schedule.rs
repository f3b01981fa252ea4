//! A discrete-event simulation of each kind of scheduling.

use crate::costs::ChunkCost;
use crate::overheads::Overheads;
use fib_core::Scheduling;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The simulated wall time, in nanoseconds, of a run of `chunks` on `workers` workers with a CPU each.
///
/// A worker arrives, takes chunks as long as there are chunks that it may take, and the run ends when
/// all chunks are done and all workers are joined. The chunks of a shared queue are handed out one at a
/// time: a worker waits while another worker is handed a chunk.
///
/// `inflation(p)` is the factor by which work takes longer while p workers compute at once. Under an
/// exclusive schedule only one worker computes at a time, so the factor is `inflation(1)`.
pub fn makespan(
    scheduling: Scheduling,
    chunks: &[ChunkCost],
    workers: usize,
    overheads: &Overheads,
    inflation: impl Fn(usize) -> f64,
) -> f64 {
    let at_once = match scheduling {
        Scheduling::Serial | Scheduling::Exclusive => 1,
        Scheduling::Static | Scheduling::Dynamic => workers,
    };
    let factor = inflation(at_once);
    let inflated = |chunk: &ChunkCost| ChunkCost { ns: chunk.ns * factor, ..*chunk };
    let chunks: Vec<ChunkCost> = chunks.iter().map(inflated).collect();
    let end = match scheduling {
        Scheduling::Serial | Scheduling::Exclusive => {
            let each = chunks.iter().map(|chunk| overheads.hand(chunk) + chunk.ns);
            overheads.arrival(0) + each.sum::<f64>()
        }
        Scheduling::Static => in_groups(&chunks, workers, overheads),
        Scheduling::Dynamic => from_a_queue(&chunks, workers, overheads),
    };
    end + overheads.join(workers)
}

/// Each worker has its own group of consecutive chunks, as in `Job::into_groups`.
fn in_groups(chunks: &[ChunkCost], workers: usize, overheads: &Overheads) -> f64 {
    let boundary = |worker: usize| chunks.len() * worker / workers;
    let end = |worker: usize| {
        let group = &chunks[boundary(worker)..boundary(worker + 1)];
        let busy: f64 = group.iter().map(|chunk| overheads.hand(chunk) + chunk.ns).sum();
        if group.is_empty() { 0.0 } else { overheads.arrival(worker) + busy }
    };
    (0..workers).map(end).fold(0.0, f64::max)
}

fn from_a_queue(chunks: &[ChunkCost], workers: usize, overheads: &Overheads) -> f64 {
    // Times are never negative, and the bits of such numbers sort like the numbers.
    let arrivals = (0..workers.min(chunks.len())).map(|w| Reverse(overheads.arrival(w).to_bits()));
    let mut idle: BinaryHeap<_> = arrivals.collect();
    let (mut queue_free, mut last) = (0.0, 0.0);
    for chunk in chunks {
        let Some(Reverse(since)) = idle.pop() else { break };
        let begin = f64::from_bits(since).max(queue_free) + overheads.hand(chunk);
        let end = begin + chunk.ns;
        queue_free = begin;
        last = f64::max(last, end);
        idle.push(Reverse(end.to_bits()));
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pieces(costs: &[f64]) -> Vec<ChunkCost> {
        costs.iter().map(|&ns| ChunkCost { ns, bytes: 0.0 }).collect()
    }

    const FREE: Overheads = Overheads::NONE;

    #[test]
    fn schedules_by_hand() {
        let chunks = pieces(&[5.0, 1.0, 1.0, 1.0]);
        let time = |scheduling, workers| makespan(scheduling, &chunks, workers, &FREE, |_| 1.0);
        assert_eq!(time(Scheduling::Serial, 1), 8.0);
        assert_eq!(time(Scheduling::Exclusive, 4), 8.0);
        assert_eq!(time(Scheduling::Static, 2), 6.0); // 5 + 1 and 1 + 1
        assert_eq!(time(Scheduling::Dynamic, 2), 5.0); // 5 and 1 + 1 + 1
        assert_eq!(time(Scheduling::Dynamic, 1024), 5.0); // the longest chunk
    }

    #[test]
    fn work_takes_longer_while_others_compute_unless_they_take_turns() {
        let chunks = pieces(&[4.0, 4.0]);
        let time = |scheduling| makespan(scheduling, &chunks, 2, &FREE, |p| p as f64);
        assert_eq!(time(Scheduling::Dynamic), 8.0);
        assert_eq!(time(Scheduling::Exclusive), 8.0); // one after the other, at full speed
    }

    #[test]
    fn overheads_are_paid_where_they_arise() {
        let overheads =
            Overheads { start_ns: 10.0, step_ns: 4.0, hand_ns: 1.0, join_ns: 3.0, ..FREE };
        let chunks = pieces(&[6.0, 6.0, 6.0]);
        // Worker 0 from 10: 11..17, 18..24; worker 1 from 14: 15..21; joined after 3.
        assert_eq!(makespan(Scheduling::Dynamic, &chunks, 2, &overheads, |_| 1.0), 27.0);
        // One chunk in the first group, two in the second: 14 + 2 * 7 + 3.
        assert_eq!(makespan(Scheduling::Static, &chunks, 2, &overheads, |_| 1.0), 31.0);
        assert_eq!(makespan(Scheduling::Serial, &chunks, 1, &overheads, |_| 1.0), 34.0);
    }

    /// However many workers there are, a chunk is not handed out before the one before it.
    #[test]
    fn the_queue_is_a_bottleneck() {
        let overheads = Overheads { hand_ns: 1.0, ..FREE };
        let chunks = pieces(&[10.0; 1000]);
        assert_eq!(makespan(Scheduling::Dynamic, &chunks, 1000, &overheads, |_| 1.0), 1010.0);
        assert_eq!(makespan(Scheduling::Dynamic, &chunks, 11, &overheads, |_| 1.0), 1010.0);
    }

    proptest! {
        /// Graham's bounds for list scheduling (SIAM J. Appl. Math. 17(2), 1969).
        #[test]
        fn no_schedule_beats_the_bounds(
            costs in prop::collection::vec(0.0..1e6, 1..200),
            workers in 1usize..1100,
        ) {
            let chunks = pieces(&costs);
            let total: f64 = costs.iter().sum();
            let longest = costs.iter().copied().fold(0.0, f64::max);
            let least = longest.max(total / workers as f64) * (1.0 - 1e-9);
            for scheduling in [Scheduling::Static, Scheduling::Dynamic] {
                let time = makespan(scheduling, &chunks, workers, &FREE, |_| 1.0);
                prop_assert!(time >= least && time <= total * (1.0 + 1e-9));
            }
            let most = total / workers as f64 + longest;
            let dynamic = makespan(Scheduling::Dynamic, &chunks, workers, &FREE, |_| 1.0);
            prop_assert!(dynamic <= most * (1.0 + 1e-9));
        }
    }
}

//! A discrete-event simulation of each way of scheduling.

use crate::costs::Piece;
use crate::overheads::Overheads;
use fib::Scheduling;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Nanoseconds from the start of a run of `chunks` to its end, on `workers` that have a CPU each.
///
/// A worker arrives, takes chunks while there are any that it may take, and the run ends when all
/// are done and joined. Chunks of a shared queue are handed out one at a time: a worker waits while
/// another one is handed a chunk.
pub fn makespan(
    scheduling: Scheduling,
    chunks: &[Piece],
    workers: usize,
    overheads: &Overheads,
) -> f64 {
    let all = || chunks.iter().map(|chunk| overheads.hand(chunk) + chunk.ns).sum::<f64>();
    let done = match scheduling {
        Scheduling::Serial | Scheduling::Exclusive => overheads.arrival(0) + all(),
        Scheduling::Static => in_groups(chunks, workers, overheads),
        Scheduling::Dynamic => from_a_queue(chunks, workers, overheads),
    };
    done + overheads.join(workers)
}

/// Each worker has its own group of consecutive chunks, as `Job::into_groups` makes them.
fn in_groups(chunks: &[Piece], workers: usize, overheads: &Overheads) -> f64 {
    let boundary = |worker: usize| chunks.len() * worker / workers;
    let end = |worker: usize| {
        let group = &chunks[boundary(worker)..boundary(worker + 1)];
        let busy: f64 = group.iter().map(|chunk| overheads.hand(chunk) + chunk.ns).sum();
        if group.is_empty() { 0.0 } else { overheads.arrival(worker) + busy }
    };
    (0..workers).map(end).fold(0.0, f64::max)
}

fn from_a_queue(chunks: &[Piece], workers: usize, overheads: &Overheads) -> f64 {
    // Times are not negative, and the bits of such numbers are ordered as they are.
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

    fn pieces(costs: &[f64]) -> Vec<Piece> {
        costs.iter().map(|&ns| Piece { ns, bytes: 0.0 }).collect()
    }

    const FREE: Overheads = Overheads::NONE;

    #[test]
    fn schedules_by_hand() {
        let chunks = pieces(&[5.0, 1.0, 1.0, 1.0]);
        let time = |scheduling, workers| makespan(scheduling, &chunks, workers, &FREE);
        assert_eq!(time(Scheduling::Serial, 1), 8.0);
        assert_eq!(time(Scheduling::Exclusive, 4), 8.0);
        assert_eq!(time(Scheduling::Static, 2), 6.0); // 5 + 1 and 1 + 1
        assert_eq!(time(Scheduling::Dynamic, 2), 5.0); // 5 and 1 + 1 + 1
        assert_eq!(time(Scheduling::Dynamic, 1024), 5.0); // the longest chunk
    }

    #[test]
    fn overheads_are_paid_where_they_arise() {
        let overheads =
            Overheads { start_ns: 10.0, step_ns: 4.0, hand_ns: 1.0, join_ns: 3.0, ..FREE };
        let chunks = pieces(&[6.0, 6.0, 6.0]);
        // Worker 0 from 10: 11..17, 18..24; worker 1 from 14: 15..21; joined after 3.
        assert_eq!(makespan(Scheduling::Dynamic, &chunks, 2, &overheads), 27.0);
        // One chunk in the first group, two in the second: 14 + 2 * 7 + 3.
        assert_eq!(makespan(Scheduling::Static, &chunks, 2, &overheads), 31.0);
        assert_eq!(makespan(Scheduling::Serial, &chunks, 1, &overheads), 34.0);
    }

    /// However many workers there are, a chunk is not handed out before the one before it.
    #[test]
    fn the_queue_is_a_bottleneck() {
        let overheads = Overheads { hand_ns: 1.0, ..FREE };
        let chunks = pieces(&[10.0; 1000]);
        assert_eq!(makespan(Scheduling::Dynamic, &chunks, 1000, &overheads), 1010.0);
        assert_eq!(makespan(Scheduling::Dynamic, &chunks, 11, &overheads), 1010.0);
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
                let time = makespan(scheduling, &chunks, workers, &FREE);
                prop_assert!(time >= least && time <= total * (1.0 + 1e-9));
            }
            let most = total / workers as f64 + longest;
            let dynamic = makespan(Scheduling::Dynamic, &chunks, workers, &FREE);
            prop_assert!(dynamic <= most * (1.0 + 1e-9));
        }
    }
}

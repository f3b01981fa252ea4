//! Where the lost speedup went: the time of all workers, p T_p, split without remainder.

use crate::record::{Lane, Sample};

/// The parts of p T_p, in nanoseconds. They add up to it exactly.
///
/// T_s comes from other runs of the same round, so `inflation` may be negative.
#[derive(Clone, Debug, PartialEq)]
pub struct Losses {
    /// T_p of the run that is split: the one with the median speedup of those with a timeline.
    pub wall_ns: f64,
    /// p.
    pub workers: usize,
    /// T_s of the same round: what had to be done anyway.
    pub useful_ns: f64,
    /// What computing took longer than that: caches, memory, allocation, shared cores.
    pub inflation_ns: f64,
    /// Waiting for a lock that is needed to compute.
    pub paused_ns: f64,
    /// From the start of the run to each worker's first chunk.
    pub start_up_ns: f64,
    /// Between chunks.
    pub dispatch_ns: f64,
    /// From each worker's last chunk to the end of the run: imbalance and join.
    pub tail_ns: f64,
    /// Workers that never got a chunk.
    pub unused_ns: f64,
    /// Workers that never got a chunk.
    pub unused: usize,
    /// The worker with the longest tail, and how long it is.
    pub idlest: (usize, f64),
}

/// A part that is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// [`Losses::inflation_ns`].
    Inflation,
    /// [`Losses::paused_ns`].
    Paused,
    /// [`Losses::start_up_ns`].
    StartUp,
    /// [`Losses::dispatch_ns`].
    Dispatch,
    /// [`Losses::tail_ns`].
    Tail,
    /// [`Losses::unused_ns`].
    Unused,
}

impl Losses {
    /// Splits the time of a run whose lanes were recorded, beside a sequential run of `useful_ns`.
    pub(super) fn of(sample: &Sample, useful_ns: f64) -> Option<Self> {
        let lanes = sample.lanes.as_deref().filter(|lanes| !lanes.is_empty())?;
        let wall = sample.wall_ns as f64;
        let (used, unused): (Vec<_>, Vec<_>) =
            lanes.iter().enumerate().partition(|(_, lane)| lane.chunks > 0);
        let sum = |part: fn(&Lane) -> f64| used.iter().map(|(_, lane)| part(lane)).sum::<f64>();
        let tail = |lane: &Lane| wall - lane.last_ns as f64;
        let tails = used.iter().map(|(worker, lane)| (*worker, tail(lane)));
        let computing = sum(|lane| lane.busy_ns as f64 - lane.paused_ns as f64);
        let within = sum(|lane| lane.last_ns as f64 - lane.first_ns as f64);
        Some(Losses {
            wall_ns: wall,
            workers: lanes.len(),
            useful_ns,
            inflation_ns: computing - useful_ns,
            paused_ns: sum(|lane| lane.paused_ns as f64),
            start_up_ns: sum(|lane| lane.first_ns as f64),
            dispatch_ns: within - sum(|lane| lane.busy_ns as f64),
            tail_ns: tails.clone().map(|(_, tail)| tail).sum(),
            unused_ns: wall * unused.len() as f64,
            unused: unused.len(),
            idlest: tails.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default(),
        })
    }

    /// p T_p.
    pub fn total_ns(&self) -> f64 {
        self.wall_ns * self.workers as f64
    }

    /// Every part that is lost, in the order of the table.
    pub fn parts(&self) -> [(Loss, f64); 6] {
        [
            (Loss::Inflation, self.inflation_ns),
            (Loss::Paused, self.paused_ns),
            (Loss::StartUp, self.start_up_ns),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tests::sample;
    use crate::record::Role;
    use proptest::prelude::*;

    fn lane(chunks: usize, first_ns: u64, last_ns: u64, busy_ns: u64, paused_ns: u64) -> Lane {
        Lane { chunks, first_ns, last_ns, busy_ns, paused_ns }
    }

    fn traced(wall_ns: u64, lanes: Vec<Lane>) -> Sample {
        Sample {
            wall_ns,
            lanes: Some(lanes),
            ..sample(Role::Traced, "backend", lanes_len(), 0, 0.0)
        }
    }

    fn lanes_len() -> usize {
        3
    }

    #[test]
    fn a_run_is_split_by_hand() {
        // Worker 0 from 10 to 90 with a gap of 5; worker 1 from 30 to 60, 8 of it paused; worker 2
        // has nothing to do. The sequential run takes 70.
        let lanes = vec![lane(4, 10, 90, 75, 0), lane(2, 30, 60, 30, 8), lane(0, 0, 0, 0, 0)];
        let losses = Losses::of(&traced(100, lanes), 70.0).unwrap();
        let expected = Losses {
            wall_ns: 100.0,
            workers: 3,
            useful_ns: 70.0,
            inflation_ns: 27.0,
            paused_ns: 8.0,
            start_up_ns: 40.0,
            dispatch_ns: 5.0,
            tail_ns: 50.0,
            unused_ns: 100.0,
            unused: 1,
            idlest: (1, 40.0),
        };
        assert_eq!(losses, expected);
        assert_eq!(losses.largest(), (Loss::Unused, 100.0));
        assert_eq!(Losses::of(&sample(Role::Traced, "backend", 1, 0, 1.0), 70.0), None);
    }

    proptest! {
        #[test]
        fn the_parts_add_up_to_the_time_of_all_workers(
            wall in 1u64..1_000_000_000,
            lanes in prop::collection::vec((0usize..3, 0u64..1 << 30, 0u64..1 << 30, 0u64..1 << 30), 1..9),
            useful in 0.0..1e9,
        ) {
            let lanes: Vec<Lane> = lanes.into_iter().map(|(chunks, a, b, c)| {
                let first = a % wall;
                let last = first + b % (wall - first + 1);
                lane(chunks, first, last, c % (last - first + 1), 0)
            }).collect();
            let losses = Losses::of(&traced(wall, lanes), useful).unwrap();
            let sum: f64 = losses.parts().iter().map(|(_, part)| part).sum();
            prop_assert!((sum + losses.useful_ns - losses.total_ns()).abs() < 1.0);
        }
    }
}

//! What a backend takes besides the work, read from the timelines of its runs.

use crate::costs::Piece;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a worker did in a run; times count from the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// How many chunks it ran.
    pub chunks: usize,
    /// When its first chunk began.
    pub first_ns: u64,
    /// When its last chunk ended.
    pub last_ns: u64,
    /// How long it was in chunks, waiting for a lock included.
    pub busy_ns: u64,
    /// How long it waited in chunks for a lock that it needs to compute.
    pub paused_ns: u64,
}

impl Lane {
    /// Adds a chunk; chunks may come in any order.
    pub fn add(&mut self, start_ns: u64, end_ns: u64, paused_ns: u64) {
        self.first_ns = if self.chunks == 0 { start_ns } else { self.first_ns.min(start_ns) };
        self.last_ns = self.last_ns.max(end_ns);
        self.busy_ns += end_ns.saturating_sub(start_ns);
        self.paused_ns += paused_ns;
        self.chunks += 1;
    }
}

/// A run with its timeline: one lane for every worker.
#[derive(Clone, Debug)]
pub struct Observed {
    /// From its start to its end.
    pub wall_ns: f64,
    /// What each worker did.
    pub lanes: Vec<Lane>,
}

impl Observed {
    fn used(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter().filter(|lane| lane.chunks > 0)
    }

    /// Mean time between two chunks of a worker.
    fn gap(&self) -> Option<f64> {
        let gaps: usize = self.used().map(|lane| lane.chunks - 1).sum();
        let between = |lane: &Lane| (lane.last_ns - lane.first_ns).saturating_sub(lane.busy_ns);
        (gaps > 0).then(|| self.used().map(between).sum::<u64>() as f64 / gaps as f64)
    }

    /// From the end of the last chunk to that of the run.
    fn join(&self) -> f64 {
        let last = self.used().map(|lane| lane.last_ns).max();
        last.map_or(0.0, |last| (self.wall_ns - last as f64).max(0.0))
    }
}

/// What a backend takes besides the work, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overheads {
    /// From the start of a run to the first chunk of the first worker.
    pub start_ns: f64,
    /// How much later each further worker arrives.
    pub step_ns: f64,
    /// To hand out a chunk; while it is handed out, no other is.
    pub hand_ns: f64,
    /// To bring back each byte of a result that was not written in place.
    pub byte_ns: f64,
    /// From the end of the last chunk to that of the run.
    pub join_ns: f64,
    /// How much longer that takes for each further worker.
    pub join_step_ns: f64,
}

impl Overheads {
    /// An ideal backend.
    pub const NONE: Overheads = Overheads {
        start_ns: 0.0,
        step_ns: 0.0,
        hand_ns: 0.0,
        byte_ns: 0.0,
        join_ns: 0.0,
        join_step_ns: 0.0,
    };

    /// From runs with one worker up to as many as there are cores; medians, so that a disturbed run
    /// does not count. What grows with the workers is taken to be a straight line. `None` without
    /// runs. It says nothing of bytes.
    pub fn fit(runs: &[Observed]) -> Option<Self> {
        let fewest = runs.iter().map(|run| run.lanes.len()).min()?;
        let mut arrivals: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        let mut joins: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for run in runs {
            let mut firsts: Vec<u64> = run.used().map(|lane| lane.first_ns).collect();
            firsts.sort_unstable();
            for (rank, first) in firsts.into_iter().enumerate() {
                arrivals.entry(rank).or_default().push(first as f64);
            }
            joins.entry(run.lanes.len().saturating_sub(1)).or_default().push(run.join());
        }
        // With several workers a gap is also waiting for each other, which is simulated.
        let alone = runs.iter().filter(|run| run.lanes.len() == fewest);
        let (start_ns, step_ns) = line(arrivals);
        let (join_ns, join_step_ns) = line(joins);
        let hand_ns = median(alone.filter_map(Observed::gap).collect()).unwrap_or(0.0);
        Some(Overheads { start_ns, step_ns, hand_ns, byte_ns: 0.0, join_ns, join_step_ns })
    }

    /// When worker number `worker`, from 0, can take its first chunk.
    pub fn arrival(&self, worker: usize) -> f64 {
        self.start_ns + self.step_ns * worker as f64
    }

    /// What it takes to hand out a chunk and to bring back its results.
    pub fn hand(&self, chunk: &Piece) -> f64 {
        self.hand_ns + self.byte_ns * chunk.bytes
    }

    /// From the end of the last chunk to that of a run with so many workers.
    pub fn join(&self, workers: usize) -> f64 {
        self.join_ns + self.join_step_ns * workers.saturating_sub(1) as f64
    }
}

/// Least squares through the medians at 0, 1, 2 ...: value at 0 and slope, neither below 0.
fn line(values: BTreeMap<usize, Vec<f64>>) -> (f64, f64) {
    let points: Vec<(f64, f64)> =
        values.into_iter().filter_map(|(x, ys)| Some((x as f64, median(ys)?))).collect();
    let count = points.len().max(1) as f64;
    let mean_x = points.iter().map(|p| p.0).sum::<f64>() / count;
    let mean_y = points.iter().map(|p| p.1).sum::<f64>() / count;
    let squares: f64 = points.iter().map(|p| (p.0 - mean_x).powi(2)).sum();
    let products: f64 = points.iter().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum();
    let slope = if squares > 0.0 { (products / squares).max(0.0) } else { 0.0 };
    ((mean_y - slope * mean_x).max(0.0), slope)
}

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some(f64::midpoint(values[low], values[high]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::makespan;
    use fib::Scheduling;

    /// The timeline that a static schedule of equal chunks has with these overheads.
    fn run(overheads: &Overheads, chunk: f64, chunks: usize, workers: usize) -> Observed {
        let lane = |worker| {
            let mut lane = Lane::default();
            let mut now = overheads.arrival(worker);
            for i in 0..chunks {
                now += if i == 0 { 0.0 } else { overheads.hand_ns };
                lane.add(now as u64, (now + chunk) as u64, 0);
                now += chunk;
            }
            lane
        };
        let lanes: Vec<Lane> = (0..workers).map(lane).collect();
        let last = lanes.iter().map(|lane| lane.last_ns).max().unwrap() as f64;
        Observed { wall_ns: last + overheads.join(workers), lanes }
    }

    #[test]
    fn what_generated_the_timelines_is_recovered() {
        let truth = Overheads {
            start_ns: 5000.0,
            step_ns: 700.0,
            hand_ns: 120.0,
            byte_ns: 0.0,
            join_ns: 900.0,
            join_step_ns: 50.0,
        };
        let runs: Vec<_> = [1, 1, 2, 4, 8].map(|p| run(&truth, 10_000.0, 8, p)).into();
        assert_eq!(Overheads::fit(&runs), Some(truth));
        assert_eq!(Overheads::fit(&[]), None);
        // And the simulation gives the times they were read from, the first hand apart.
        let chunks = [Piece { ns: 10_000.0, bytes: 0.0 }; 32];
        let simulated = makespan(Scheduling::Static, &chunks, 4, &truth);
        assert_eq!(simulated, runs[3].wall_ns + truth.hand_ns);
    }

    #[test]
    fn a_disturbed_run_does_not_count() {
        let truth = Overheads { start_ns: 100.0, hand_ns: 7.0, ..Overheads::NONE };
        let mut runs = vec![run(&truth, 50.0, 4, 1); 5];
        runs[2].lanes[0].first_ns += 1_000_000;
        runs[2].lanes[0].last_ns += 2_000_000;
        runs[2].wall_ns += 3_000_000.0;
        assert_eq!(Overheads::fit(&runs), Some(truth));
    }

    #[test]
    fn workers_without_a_chunk_tell_nothing() {
        let mut idle = run(&Overheads { start_ns: 100.0, ..Overheads::NONE }, 50.0, 4, 1);
        idle.lanes.push(Lane::default());
        let fit = Overheads::fit(&[idle]).unwrap();
        assert_eq!((fit.start_ns, fit.step_ns), (100.0, 0.0));
    }
}

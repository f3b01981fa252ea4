//! The overheads of a backend, read from the timelines of its runs.

use crate::costs::ChunkCost;
use crate::median::ValuesOfUnits;
use crate::trace::RunTrace;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The time that a backend adds to the work, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overheads {
    /// The time from the start of a run to the first chunk of the first worker.
    pub start_ns: f64,
    /// How much later each further worker starts its first chunk.
    pub step_ns: f64,
    /// The time to hand out a chunk. During that time a shared queue hands out no other chunk.
    pub hand_ns: f64,
    /// The time to bring back each byte of a result that was not written in place.
    pub byte_ns: f64,
    /// The time from the end of the last chunk to the end of the run.
    pub join_ns: f64,
    /// How much longer joining takes for each further worker.
    pub join_step_ns: f64,
}

impl Overheads {
    /// The overheads of an ideal backend: none.
    pub const NONE: Overheads = Overheads {
        start_ns: 0.0,
        step_ns: 0.0,
        hand_ns: 0.0,
        byte_ns: 0.0,
        join_ns: 0.0,
        join_step_ns: 0.0,
    };

    /// Fits the overheads to runs with different worker counts, from one worker to one for each
    /// core. The fit uses medians, so one disturbed run does not matter. It assumes that the start
    /// and the join grow linearly with the number of workers. Returns `None` without runs.
    /// `byte_ns` is left at 0.
    pub fn fit<'a>(runs: impl IntoIterator<Item = &'a RunTrace>) -> Option<Self> {
        Timelines::new(runs.into_iter().map(|run| (run, 0)))?.fit(&[1])
    }

    /// When worker number `worker`, counted from 0, can take its first chunk: nanoseconds after the
    /// start of the run.
    pub fn arrival(&self, worker: usize) -> f64 {
        self.start_ns + self.step_ns * worker as f64
    }

    /// The time to hand out a chunk and to bring back its results, in nanoseconds.
    pub fn hand(&self, chunk: &ChunkCost) -> f64 {
        self.hand_all(1, chunk.bytes)
    }

    /// The time to hand out this many chunks and to bring back all their bytes, in nanoseconds.
    pub fn hand_all(&self, chunks: usize, bytes: f64) -> f64 {
        self.hand_ns * chunks as f64 + self.byte_ns * bytes
    }

    /// The time from the end of the last chunk to the end of a run with this many workers, in
    /// nanoseconds.
    pub fn join(&self, workers: usize) -> f64 {
        self.join_ns + self.join_step_ns * workers.saturating_sub(1) as f64
    }
}

/// The times in timelines that overheads are fitted to. They are sorted once, so a bootstrap can fit
/// overheads to many draws of the runs. A run belongs to a unit that is drawn: a round, or a run of
/// the comparison.
#[derive(Clone, Debug)]
pub struct Timelines {
    /// When the first, the second ... worker of each run began its first chunk.
    arrivals: BTreeMap<usize, ValuesOfUnits>,
    /// How long joining took, for each number of workers beyond the first.
    joins: BTreeMap<usize, ValuesOfUnits>,
    /// The mean time between two chunks of a worker. With several workers this time includes waiting
    /// for other workers. The simulation adds that wait, so only runs with the fewest workers count.
    gaps: ValuesOfUnits,
}

impl Timelines {
    /// From pairs of a run and the number of its unit. `None` without runs.
    pub fn new<'a>(runs: impl IntoIterator<Item = (&'a RunTrace, usize)>) -> Option<Self> {
        let runs: Vec<(&RunTrace, usize)> = runs.into_iter().collect();
        let fewest = runs.iter().map(|(run, _)| run.workers.len()).min()?;
        let mut arrivals: BTreeMap<usize, Vec<(f64, usize)>> = BTreeMap::new();
        let mut joins: BTreeMap<usize, Vec<(f64, usize)>> = BTreeMap::new();
        for (run, unit) in &runs {
            let mut firsts: Vec<u64> = run.used().map(|worker| worker.first_ns).collect();
            firsts.sort_unstable();
            for (rank, first) in firsts.into_iter().enumerate() {
                arrivals.entry(rank).or_default().push((first as f64, *unit));
            }
            let join = (run.join_ns(), *unit);
            joins.entry(run.workers.len().saturating_sub(1)).or_default().push(join);
        }
        let least_contended = runs.iter().filter(|(run, _)| run.workers.len() == fewest);
        let gaps = least_contended.filter_map(|(run, unit)| Some((run.mean_gap_ns()?, *unit)));
        let sorted = |values: BTreeMap<usize, Vec<(f64, usize)>>| {
            values.into_iter().map(|(key, values)| (key, ValuesOfUnits::new(values))).collect()
        };
        let (arrivals, joins) = (sorted(arrivals), sorted(joins));
        Some(Timelines { arrivals, joins, gaps: ValuesOfUnits::new(gaps) })
    }

    /// Fits the overheads as [`Overheads::fit`] does. `draws[unit]` says how many times each unit
    /// counts. `None` if the drawn units lack something that all units together have.
    pub fn fit(&self, draws: &[u32]) -> Option<Overheads> {
        let (start_ns, step_ns) = fit_line(&self.arrivals, draws)?;
        let (join_ns, join_step_ns) = fit_line(&self.joins, draws)?;
        let hand_ns = if self.gaps.is_empty() { 0.0 } else { self.gaps.median(draws)? };
        Some(Overheads { start_ns, step_ns, hand_ns, byte_ns: 0.0, join_ns, join_step_ns })
    }
}

/// Fits a line by least squares through the median at each key. Returns its value at 0 and its
/// slope. Negative results are replaced by 0. `None` if a key has no value that was drawn.
fn fit_line(values: &BTreeMap<usize, ValuesOfUnits>, draws: &[u32]) -> Option<(f64, f64)> {
    let points = values.iter().map(|(&x, ys)| Some((x as f64, ys.median(draws)?)));
    let points = points.collect::<Option<Vec<(f64, f64)>>>()?;
    let count = points.len().max(1) as f64;
    let mean_x = points.iter().map(|p| p.0).sum::<f64>() / count;
    let mean_y = points.iter().map(|p| p.1).sum::<f64>() / count;
    let squares: f64 = points.iter().map(|p| (p.0 - mean_x).powi(2)).sum();
    let products: f64 = points.iter().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum();
    let slope = if squares > 0.0 { (products / squares).max(0.0) } else { 0.0 };
    Some(((mean_y - slope * mean_x).max(0.0), slope))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inflation::Inflation;
    use crate::schedule::makespan;
    use crate::trace::WorkerTrace;
    use fib_core::Scheduling;

    /// The timeline of a static schedule of equal chunks with these overheads.
    fn run(overheads: &Overheads, chunk: f64, chunks: usize, workers: usize) -> RunTrace {
        let trace = |worker| {
            let mut trace = WorkerTrace::default();
            let mut now = overheads.arrival(worker);
            for i in 0..chunks {
                now += if i == 0 { 0.0 } else { overheads.hand_ns };
                trace.add(now as u64, (now + chunk) as u64, 0);
                now += chunk;
            }
            trace
        };
        let traces: Vec<WorkerTrace> = (0..workers).map(trace).collect();
        let last = traces.iter().map(|trace| trace.last_ns).max().unwrap() as f64;
        RunTrace { wall_ns: last + overheads.join(workers), workers: traces }
    }

    #[test]
    fn the_overheads_of_generated_timelines_are_recovered() {
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
        assert_eq!(Overheads::fit([]), None);
        // The simulation gives the same time, except that it also hands out the first chunk.
        let chunks = [ChunkCost { ns: 10_000.0, bytes: 0.0 }; 32];
        let simulated = makespan(Scheduling::Static, &chunks, 4, &truth, &Inflation::NONE);
        assert_eq!(simulated, runs[3].wall_ns + truth.hand_ns);
    }

    #[test]
    fn a_disturbed_run_does_not_count() {
        let truth = Overheads { start_ns: 100.0, hand_ns: 7.0, ..Overheads::NONE };
        let mut runs = vec![run(&truth, 50.0, 4, 1); 5];
        runs[2].workers[0].first_ns += 1_000_000;
        runs[2].workers[0].last_ns += 2_000_000;
        runs[2].wall_ns += 3_000_000.0;
        assert_eq!(Overheads::fit(&runs), Some(truth));
    }

    #[test]
    fn workers_without_a_chunk_do_not_count() {
        let mut idle = run(&Overheads { start_ns: 100.0, ..Overheads::NONE }, 50.0, 4, 1);
        idle.workers.push(WorkerTrace::default());
        let fit = Overheads::fit([&idle]).unwrap();
        assert_eq!((fit.start_ns, fit.step_ns), (100.0, 0.0));
    }

    #[test]
    fn a_draw_counts_runs_as_often_as_they_were_drawn() {
        let with_start = |start_ns| run(&Overheads { start_ns, ..Overheads::NONE }, 50.0, 4, 1);
        let runs = [with_start(100.0), with_start(200.0), with_start(300.0)];
        let timelines = Timelines::new(runs.iter().zip(0..)).unwrap();
        let start_ns = |draws: [u32; 3]| Some(timelines.fit(&draws)?.start_ns);
        assert_eq!(start_ns([1, 1, 1]), Some(200.0));
        assert_eq!(start_ns([0, 1, 2]), Some(300.0));
        assert_eq!(start_ns([1, 1, 0]), Some(150.0));
        assert_eq!(start_ns([0, 0, 0]), None);
    }
}

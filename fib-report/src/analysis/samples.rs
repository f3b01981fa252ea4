//! The samples of one scenario, round by round, and the cells that are computed from them.

use super::losses::Losses;
use super::{Ceiling, Cell, Row, Verdict};
use crate::laws;
use crate::record::{BaselineCell, EngineHead, Header, ScenarioHead};
use crate::sample::{Role, Sample, Status, Surroundings};
use crate::stats::Estimate;
use fib_core::SEQUENTIAL;
use fib_simulate::{RunTrace, median};
use std::collections::{BTreeMap, BTreeSet};

/// A sample is dropped if the host took more than this share of the CPU time (steal), or if the CPU
/// quota of the control group stopped the runner for more than this share of the time.
const DISTURBED: f64 = 0.02;

/// The kernel of [`Role::Best`].
const FASTEST_KERNEL: &str = "stepping";

/// Role, label and workers of something that is timed once in a round.
type Key<'a> = (Role, &'a str, usize);
/// Nanoseconds of a batch, or a ratio of two times, by round.
type Series = BTreeMap<usize, f64>;

pub(super) struct ScenarioSamples<'a> {
    header: &'a Header,
    scenario: &'a ScenarioHead,
    /// The samples by key, in order of appearance in the record.
    timed: Vec<(Key<'a>, Vec<&'a Sample>)>,
    /// The times that all cells are compared with.
    baseline: Series,
    /// T_s, the times of `sequential`, for each kernel.
    sequential: BTreeMap<&'a str, Series>,
    rounds: usize,
    dropped: usize,
}

impl<'a> ScenarioSamples<'a> {
    pub(super) fn new(
        header: &'a Header,
        scenario: &'a ScenarioHead,
        samples: impl Iterator<Item = &'a Sample>,
    ) -> Self {
        let mut timed: Vec<(Key<'a>, Vec<&'a Sample>)> = vec![];
        let (mut rounds, mut dropped) = (BTreeSet::new(), 0);
        for sample in samples {
            rounds.insert(sample.round);
            if sample.surroundings.is_some_and(|around| is_disturbed(around, header.cores)) {
                dropped += 1;
                continue;
            }
            let key = (sample.role, sample.backend.as_str(), sample.workers);
            match timed.iter_mut().find(|(other, _)| *other == key) {
                Some((_, samples)) => samples.push(sample),
                None => timed.push((key, vec![sample])),
            }
        }
        let (baseline, sequential) = (Series::new(), BTreeMap::new());
        let mut grouped = ScenarioSamples {
            header,
            scenario,
            timed,
            baseline,
            sequential,
            rounds: rounds.len(),
            dropped,
        };
        grouped.baseline = grouped.baselines();
        grouped.sequential = grouped.sequential_times();
        grouped
    }

    fn sequential_times(&self) -> BTreeMap<&'a str, Series> {
        let header = self.header;
        let mut times = BTreeMap::new();
        let is_sequential = |label: &str| label.split('@').next() == Some(SEQUENTIAL.name);
        let BaselineCell { label, .. } = &header.baseline;
        if is_sequential(label) {
            times.insert(header.kernel_of(label), self.baseline.clone());
        }
        for (&(role, label, _), samples) in self.timed.iter().map(|(key, samples)| (key, samples)) {
            if role == Role::Cell && is_sequential(label) {
                times.entry(header.kernel_of(label)).or_insert_with(|| series(samples));
            }
        }
        times
    }

    fn sequential(&self, kernel: &str) -> Series {
        self.sequential.get(kernel).cloned().unwrap_or_default()
    }

    /// The baseline in even rounds, the control in odd rounds. The mean of the two would not be
    /// distributed like a cell that is identical to them: noise only makes runs slower, so the mean
    /// has a higher median.
    fn baselines(&self) -> Series {
        let every_second = |role, odd| {
            let all = series(self.with_role(role)).into_iter();
            all.filter(move |(round, _)| (round % 2 == 1) == odd)
        };
        every_second(Role::Baseline, false).chain(every_second(Role::Control, true)).collect()
    }

    /// The samples with this key.
    fn with_key(&self, key: &Key<'_>) -> &[&'a Sample] {
        let found = self.timed.iter().find(|(other, _)| other == key);
        found.map_or(&[], |(_, samples)| samples)
    }

    /// The samples with this role, for roles that have one key.
    fn with_role(&self, role: Role) -> &[&'a Sample] {
        let found = self.timed.iter().find(|((other, ..), _)| *other == role);
        found.map_or(&[], |(_, samples)| samples)
    }

    pub(super) fn row(&self) -> Row {
        let (baseline, control) = (self.with_role(Role::Baseline), self.with_role(Role::Control));
        let noise = join(&series(baseline), &series(control), |a, b| a / b);
        let noise = estimate(noise, 1);
        Row {
            scenario: self.scenario.clone(),
            rounds: self.rounds,
            noise,
            baseline: self.baseline_cell(noise),
            whole_ns: median(series(self.with_role(Role::Whole)).into_values().collect()),
            ceilings: self.ceiling_estimates(),
            best: self.best(noise),
            cells: self.cells(noise),
            pieces_ns: self.pieces(),
            dropped: self.dropped,
        }
    }

    /// The baseline as a cell: speedup 1, as uncertain as the noise.
    fn baseline_cell(&self, noise: Option<Estimate>) -> Cell {
        let speedup = noise.map(|noise| Estimate { median: 1.0, ..noise });
        Cell { speedup, verdict: None, ..self.cell(self.with_role(Role::Baseline), noise) }
    }

    fn best(&self, noise: Option<Estimate>) -> Option<Cell> {
        let samples = self.with_role(Role::Best);
        if samples.is_empty() || self.header.kernel == FASTEST_KERNEL {
            return None;
        }
        Some(Cell {
            shared: self.scenario.best_shares,
            kernel: FASTEST_KERNEL.into(),
            // These quantities compare schedulers of the same work. The fastest kernel does other
            // work.
            of_ceiling: None,
            overhead_ns: None,
            karp_flatt: None,
            cold_speedup: None,
            chunking: None,
            ..self.cell(samples, noise)
        })
    }

    fn cells(&self, noise: Option<Estimate>) -> Vec<Cell> {
        let cells = self.timed.iter().filter(|((role, ..), _)| *role == Role::Cell);
        let mut cells: Vec<Cell> = cells.map(|(_, samples)| self.cell(samples, noise)).collect();
        let our_position =
            |label: &str| self.header.backends.iter().position(|head| head.label == label);
        let their_position = |label: &str| {
            let mut all = self.header.engines.iter().flat_map(|engine| &engine.backends);
            all.position(|other| other == label)
        };
        // `None` sorts first, so our own backends come before other engines.
        cells.sort_by_key(|cell| {
            (their_position(&cell.backend), cell.workers, our_position(&cell.backend))
        });
        cells
    }

    /// ceiling(p) = p T_s / T_copies in each round, all with the same kernel.
    fn ceiling(&self, kernel: &str, copies: usize) -> Series {
        let copied = |((role, label, workers), _): &&(Key<'_>, Vec<&Sample>)| {
            (*role, *workers, self.header.kernel_of(label)) == (Role::Ceiling, copies, kernel)
        };
        let samples = self.timed.iter().find(copied).map_or(&[][..], |(_, samples)| samples);
        let ceiling = |base, time| copies as f64 * base / time;
        join(&self.sequential(kernel), &series(samples), ceiling)
    }

    fn ceiling_estimates(&self) -> Vec<Ceiling> {
        let keys = self.timed.iter().map(|(key, _)| key);
        let mut keys: Vec<_> = keys.filter(|(role, ..)| *role == Role::Ceiling).collect();
        keys.sort_by_key(|(_, label, copies)| (self.header.kernels.contains_key(*label), *copies));
        let estimates = keys.into_iter().map(|&(_, label, copies)| {
            let kernel = self.header.kernel_of(label);
            let speedup = estimate(self.ceiling(kernel, copies), 1)?;
            Some(Ceiling { kernel: kernel.into(), copies, speedup })
        });
        estimates.flatten().collect()
    }

    fn cell(&self, samples: &[&Sample], noise: Option<Estimate>) -> Cell {
        let fault = samples.iter().find(|sample| sample.status != Status::Ok);
        let times = if fault.is_some() { Series::new() } else { series(samples) };
        let label = samples.first().map_or("", |sample| sample.backend.as_str());
        let workers = samples.first().map_or(1, |sample| sample.workers);
        let engine = self.engine(label);
        let kernel = self.header.kernel_of(label);
        let ratio = |base: &Series| join(base, &times, |base, time| base / time);
        let by_round = ratio(&self.sequential(kernel));
        let speedup = self.estimate(ratio(&self.baseline));
        let cold = series(self.with_key(&(Role::Cold, label, workers)));
        let head = self.header.backends.iter().find(|head| head.label == label);
        let mut cell = Cell {
            scenario: self.scenario.name.clone(),
            kernel: kernel.into(),
            backend: label.into(),
            workers,
            chunking: head.map(|head| head.chunking.to_string()),
            engine: engine.map(|engine| engine.name.clone()),
            status: fault.map_or(Status::Ok, |sample| sample.status),
            message: fault.and_then(|sample| sample.message.clone()),
            rounds: times.len(),
            wall_ns: median(times.values().copied().collect()),
            speedup,
            of_ceiling: None,
            overhead_ns: None,
            pool_start_ns: None,
            cold_speedup: self.estimate(join(&self.baseline, &cold, |base, time| base / time)),
            own_speedup: engine.and_then(|engine| self.estimate(ratio(&self.own_baseline(engine)))),
            karp_flatt: None,
            cpus: median(samples.iter().filter_map(|sample| cpus(sample)).collect()),
            losses: self.losses(label, workers),
            shared: self.scenario.cells_share,
            verdict: speedup.map(|speedup| Verdict::new(speedup, noise)),
            by_round,
            traced: self.traced(label, workers).filter_map(run_trace).collect(),
        };
        if engine.is_none() {
            self.compare_with_ceiling(&mut cell, &times);
        }
        cell
    }

    /// Computes the quantities that need the same work as `sequential`.
    fn compare_with_ceiling(&self, cell: &mut Cell, times: &Series) {
        let workers = cell.workers;
        let ceiling = self.ceiling(&cell.kernel, workers.min(self.header.cores));
        let sequential = self.sequential(&cell.kernel);
        let ideal = join(&sequential, &ceiling, |base, ceiling| base / ceiling);
        let overhead = join(times, &ideal, |time, ideal| time - ideal);
        cell.of_ceiling = self.estimate(join(&cell.by_round, &ceiling, |s, c| s / c));
        cell.karp_flatt = estimate_of(&cell.by_round, |s| laws::karp_flatt(s, workers));
        cell.overhead_ns = median(overhead.into_values().collect());
    }

    /// The engine, other than our own, that has this label.
    fn engine(&self, label: &str) -> Option<&'a EngineHead> {
        let mut engines = self.header.engines.iter();
        engines.find(|engine| engine.backends.iter().any(|backend| backend == label))
    }

    /// The times of the baseline of another engine.
    fn own_baseline(&self, engine: &EngineHead) -> Series {
        match self.header.baseline.label == engine.baseline {
            true => self.baseline.clone(),
            false => series(self.with_key(&(Role::Cell, engine.baseline.as_str(), 1))),
        }
    }

    /// The estimate of ratios, corrected for the number of cells that are compared at once.
    fn estimate(&self, ratios: Series) -> Option<Estimate> {
        estimate(ratios, self.header.comparisons)
    }

    fn traced(&self, label: &str, workers: usize) -> impl Iterator<Item = &'a Sample> {
        let traced = self.with_key(&(Role::Traced, label, workers)).iter().copied();
        traced.filter(|sample| sample.status == Status::Ok && sample.traces.is_some())
    }

    /// The median time of each piece.
    fn pieces(&self) -> Option<Vec<f64>> {
        let runs: Vec<&[u64]> =
            self.with_role(Role::Pieces).iter().filter_map(|s| s.pieces_ns.as_deref()).collect();
        let count = runs.first()?.len();
        let piece =
            |i: usize| median(runs.iter().filter_map(|r| Some(*r.get(i)? as f64)).collect());
        (0..count).map(piece).collect()
    }

    /// Splits the run with the median speedup of all runs with a timeline.
    fn losses(&self, label: &str, workers: usize) -> Option<Losses> {
        let traced = self.traced(label, workers);
        let sequential = self.sequential(self.header.kernel_of(label));
        let mut runs: Vec<(f64, &Sample)> =
            traced.filter_map(|sample| Some((*sequential.get(&sample.round)?, sample))).collect();
        runs.sort_by(|a, b| (a.0 / a.1.batch_ns()).total_cmp(&(b.0 / b.1.batch_ns())));
        let (useful, sample) = runs.get(runs.len().checked_sub(1)? / 2)?;
        Losses::split(sample, *useful)
    }
}

fn is_disturbed(around: Surroundings, cores: usize) -> bool {
    let span = around.span_ns as f64;
    around.steal_ns as f64 > DISTURBED * span * cores as f64
        || around.throttled_ns as f64 > DISTURBED * span
}

fn run_trace(sample: &Sample) -> Option<RunTrace> {
    Some(RunTrace { wall_ns: sample.wall_ns as f64, workers: sample.traces.clone()? })
}

/// CPU time over wall time.
fn cpus(sample: &Sample) -> Option<f64> {
    (sample.wall_ns > 0).then_some(())?;
    Some(sample.usage?.cpu_ns as f64 / sample.wall_ns as f64)
}

/// The median of the logarithms of ratios and its interval, as ratios again.
fn estimate(ratios: Series, comparisons: usize) -> Option<Estimate> {
    Some(Estimate::new(ratios.into_values().map(f64::ln).collect(), comparisons)?.exp())
}

/// The estimate of what a law gives for each round; `None` if the law gives nothing for a round.
fn estimate_of(ratios: &Series, law: impl Fn(f64) -> Option<f64>) -> Option<Estimate> {
    Estimate::new(ratios.values().map(|&ratio| law(ratio)).collect::<Option<_>>()?, 1)
}

/// Nanoseconds of a batch in each round that counts.
fn series(samples: &[&Sample]) -> Series {
    let ok = samples.iter().filter(|sample| sample.status == Status::Ok && sample.wall_ns > 0);
    ok.map(|sample| (sample.round, sample.batch_ns())).collect()
}

/// Combines two series in the rounds that both have.
fn join(a: &Series, b: &Series, f: impl Fn(f64, f64) -> f64) -> Series {
    a.iter().filter_map(|(round, &a)| Some((*round, f(a, *b.get(round)?)))).collect()
}

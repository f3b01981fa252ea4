//! The cells of one scenario, computed from its rounds.

use super::carry_over::carry_overs;
use super::distribution::Distribution;
use super::losses::Losses;
use super::rounds::{Rounds, Series, join, median_of, ratios, series, series_of};
use super::{Ceiling, Cell, Row, Verdict};
use crate::laws;
use crate::record::{BaselineCell, EngineHead, Header, ScenarioHead};
use crate::sample::{Role, Round, Sample, Status};
use crate::stats::Estimate;
use crate::timeline::Timeline;
use fib_core::SEQUENTIAL;
use fib_simulate::{RunTrace, median};
use std::collections::BTreeMap;

/// The kernel of [`Role::Best`].
const FASTEST_KERNEL: &str = "stepping";

/// The speedup of a baseline over itself, which is no estimate.
const ITSELF: Estimate = Estimate { median: 1.0, interval: Some((1.0, 1.0)) };

pub(super) struct Scenario<'a> {
    header: &'a Header,
    head: &'a ScenarioHead,
    rounds: Rounds<'a>,
    /// The times that all cells are compared with.
    baseline: Series,
    /// T_s, the times of `sequential`, for each kernel.
    sequential: BTreeMap<&'a str, Series>,
}

impl<'a> Scenario<'a> {
    pub(super) fn new(
        header: &'a Header,
        head: &'a ScenarioHead,
        samples: impl Iterator<Item = &'a Sample>,
    ) -> Self {
        let rounds = Rounds::new(header, samples);
        let baseline = baselines(&rounds);
        let mut sequential = BTreeMap::new();
        let is_sequential = |label: &str| label.split('@').next() == Some(SEQUENTIAL.name);
        let BaselineCell { label, .. } = &header.baseline;
        if is_sequential(label) {
            sequential.insert(header.kernel_of(label), baseline.clone());
        }
        let sequentials = rounds.keys(Role::Cell).filter(|(_, label, _)| is_sequential(label));
        for key in sequentials.filter(|key| rounds.fault(*key).is_none()) {
            let times = || series(rounds.with_key(key));
            sequential.entry(header.kernel_of(key.1)).or_insert_with(times);
        }
        Scenario { header, head, rounds, baseline, sequential }
    }

    pub(super) fn row(&self) -> Row {
        let [a, control] =
            [Role::Baseline, Role::Control].map(|r| series(self.rounds.with_role(r)));
        Row {
            scenario: self.head.clone(),
            rounds: self.rounds.rounds(),
            runs: self.rounds.runs(),
            noise: self.rounds.estimate_here(&ratios(&a, &control), 1),
            baseline: self.baseline_cell(),
            whole_ns: median_of(&series(self.rounds.with_role(Role::Whole))),
            ceilings: self.ceilings(),
            carry_overs: carry_overs(&self.rounds, self.header.margin),
            best: self.best(),
            cells: self.cells(),
            pieces_ns: self.pieces(),
            dropped: self.rounds.dropped,
            disturbed: self.rounds.disturbed,
        }
    }

    /// The baseline as a cell. Its speedup over itself is 1 and not an estimate.
    fn baseline_cell(&self) -> Cell {
        let key = self.rounds.keys(Role::Baseline).next();
        let Some(key) = key else { return self.cell((Role::Baseline, "", 1), Series::new()) };
        let mut cell = self.cell(key, self.baseline.clone());
        cell.speedup = cell.wall_ns.map(|_| ITSELF);
        Cell { verdict: None, equal_within: None, ..cell }
    }

    fn best(&self) -> Option<Cell> {
        let key = self.rounds.keys(Role::Best).next()?;
        if self.header.kernel == FASTEST_KERNEL {
            return None;
        }
        Some(Cell {
            shared: self.head.best_shares,
            kernel: FASTEST_KERNEL.into(),
            // These quantities compare schedulers of the same work. The fastest kernel does other
            // work.
            of_ceiling: None,
            overhead_ns: None,
            karp_flatt: None,
            cold_speedup: None,
            chunking: None,
            ..self.cell(key, series(self.rounds.with_key(key)))
        })
    }

    fn cells(&self) -> Vec<Cell> {
        let keys = self.rounds.keys(Role::Cell);
        let mut cells: Vec<Cell> =
            keys.map(|key| self.cell(key, series(self.rounds.with_key(key)))).collect();
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
        self.mark_leaders(&mut cells);
        cells
    }

    /// Marks the fastest of our cells, and those that the same rounds do not show to be slower than it: the
    /// comparison with the best (Hsu, Annals of Statistics 9, 1981), restricted to pairs with the best.
    fn mark_leaders(&self, cells: &mut [Cell]) {
        let speed = |cell: &Cell| cell.speedup.map_or(0.0, |speedup| speedup.median);
        let ours = cells.iter().filter(|cell| cell.engine.is_none() && cell.speedup.is_some());
        let Some(best) = ours.max_by(|a, b| speed(a).total_cmp(&speed(b))) else { return };
        let fastest = best.times.clone();
        for cell in cells.iter_mut().filter(|cell| cell.engine.is_none()) {
            let against_best = self.estimate(ratios(&fastest, &cell.times));
            let is_slower =
                |against: Estimate| against.interval.is_some_and(|(_, high)| high < 1.0);
            cell.leads = cell.speedup.is_some() && !against_best.is_none_or(is_slower);
        }
    }

    /// The times of the copies as if all ran at their common rate: the harmonic mean of their times. Records
    /// of older versions have only the time of the slowest copy.
    fn copies(&self, kernel: &str, copies: usize) -> Series {
        let is_kernel =
            |key: &(Role, &str, usize)| (key.2, self.header.kernel_of(key.1)) == (copies, kernel);
        let key = self.rounds.keys(Role::Ceiling).find(is_kernel);
        let samples = key.map_or(&[][..], |key| self.rounds.with_key(key));
        series_of(samples, |sample| match &sample.copies_ns {
            Some(each) if !each.is_empty() => {
                let rate: f64 = each.iter().map(|&ns| 1.0 / ns.max(1) as f64).sum();
                each.len() as f64 / rate / f64::from(sample.repeats.max(1))
            }
            _ => sample.batch_ns(),
        })
    }

    fn ceilings(&self) -> Vec<Ceiling> {
        let mut keys: Vec<_> = self.rounds.keys(Role::Ceiling).collect();
        keys.sort_by_key(|(_, label, copies)| (self.header.kernels.contains_key(*label), *copies));
        let estimates = keys.into_iter().map(|(_, label, copies)| {
            let kernel = self.header.kernel_of(label);
            let ceiling = |base: f64, time: f64| copies as f64 * base / time;
            let ceiling = join(&self.sequential(kernel), &self.copies(kernel, copies), ceiling);
            let speedup = self.rounds.estimate(&ceiling, 1)?;
            Some(Ceiling { kernel: kernel.into(), copies, speedup, by_round: ceiling })
        });
        estimates.flatten().collect()
    }

    /// The cell with this key, whose times are `times`.
    fn cell(&self, (role, label, workers): (Role, &'a str, usize), times: Series) -> Cell {
        let fault = self.rounds.fault((role, label, workers));
        let of_cell = |role| match fault {
            None => self.rounds.with_key((role, label, workers)),
            Some(_) => &[],
        };
        let times = if fault.is_some() { Series::new() } else { times };
        let (kernel, engine) = (self.header.kernel_of(label), self.engine(label));
        let head = self.header.backends.iter().find(|head| head.label == label);
        let speedups = ratios(&self.baseline, &times);
        let speedup = self.estimate(speedups.clone());
        let own_baseline = engine.map(|engine| self.own_baseline(engine));
        let over_own = |times: &Series| self.estimate(ratios(own_baseline.as_ref()?, times));
        let is_own_baseline = engine.is_some_and(|engine| engine.baseline == label);
        let cold = series(of_cell(Role::Cold));
        let traced = || of_cell(Role::Traced).iter().copied();
        let verdict = speedup.map(|speedup| Verdict::new(speedup, self.header.margin));
        let explained = self.explained(traced(), kernel);
        let mut cell = Cell {
            scenario: self.head.name.clone(),
            kernel: kernel.into(),
            backend: label.into(),
            workers,
            chunking: head.map(|head| head.chunking.to_string()),
            engine: engine.map(|engine| engine.name.clone()),
            status: fault.map_or(Status::Ok, |sample| sample.status),
            message: fault.and_then(|sample| sample.message.clone()),
            rounds: speedups.len(),
            wall_ns: median_of(&times),
            speedup,
            distribution: Distribution::new(&speedups),
            of_ceiling: None,
            overhead_ns: None,
            pool_start_ns: None,
            cold_speedup: self.estimate(ratios(&self.baseline, &cold)),
            own_speedup: match is_own_baseline && !times.is_empty() {
                true => Some(ITSELF),
                false => over_own(&times),
            },
            own_cold_speedup: over_own(&cold),
            karp_flatt: None,
            cpus: median(of_cell(role).iter().filter_map(|sample| cpus(sample)).collect()),
            peak_rss_bytes: of_cell(role).iter().filter_map(|sample| peak_rss(sample)).max(),
            losses: explained.and_then(|(useful, sample)| Losses::split(sample, useful)),
            timeline: explained.and_then(|(_, sample)| Timeline::of_sample(sample)),
            left_out_chunks: traced().find_map(|sample| sample.left_out_chunks),
            shared: self.head.cells_share,
            leads: false,
            equal_within: verdict.and_then(Verdict::margin),
            verdict,
            by_round: ratios(&self.sequential(kernel), &times),
            traced: traced().filter_map(|s| Some((s.moment(), run_trace(s)?))).collect(),
            speedups,
            times,
        };
        if engine.is_none() {
            self.compare_with_ceiling(&mut cell);
        }
        cell
    }

    /// Computes the quantities that need the same work as `sequential`. T_s cancels in the share of the
    /// ceiling and in the overhead.
    fn compare_with_ceiling(&self, cell: &mut Cell) {
        let workers = cell.workers;
        let copies = workers.min(self.header.cores);
        let ideal = self.copies(&cell.kernel, copies);
        let ideal: Series =
            ideal.into_iter().map(|(round, ns)| (round, ns / copies as f64)).collect();
        cell.of_ceiling = self.estimate(ratios(&ideal, &cell.times));
        let overhead = join(&cell.times, &ideal, |time, ideal| time - ideal);
        let (time, comparisons) = (cell.wall_ns.unwrap_or(0.0), self.header.comparisons);
        cell.overhead_ns = self.rounds.estimate_of(&overhead, time, comparisons);
        let fraction = |speedup: f64| laws::karp_flatt(speedup, workers).unwrap_or(f64::NAN);
        let speedup = self.estimate(cell.by_round.clone()).filter(|_| workers > 1);
        cell.karp_flatt = speedup.map(|speedup| speedup.falling(fraction));
    }

    fn sequential(&self, kernel: &str) -> Series {
        self.sequential.get(kernel).cloned().unwrap_or_default()
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
            false => {
                let key = (Role::Cell, engine.baseline.as_str(), 1);
                let is_void = self.rounds.fault(key).is_some();
                if is_void { Series::new() } else { series(self.rounds.with_key(key)) }
            }
        }
    }

    /// The estimate of ratios, corrected for the number of cells that are compared at once.
    fn estimate(&self, ratios: Series) -> Option<Estimate> {
        self.rounds.estimate(&ratios, self.header.comparisons)
    }

    /// The time of each piece in each round.
    fn pieces(&self) -> BTreeMap<Round, Vec<u64>> {
        let samples = self.rounds.with_role(Role::Pieces).iter();
        samples.filter_map(|sample| Some((sample.moment(), sample.pieces_ns.clone()?))).collect()
    }

    /// The run with the median speedup of all runs with a timeline, and T_s of its round. If the record has
    /// the chunks of some runs, it is one of those.
    fn explained(
        &self,
        traced: impl Iterator<Item = &'a Sample>,
        kernel: &str,
    ) -> Option<(f64, &'a Sample)> {
        let sequential = self.sequential(kernel);
        let traced = traced.filter(|sample| sample.traces.is_some());
        let mut runs: Vec<(f64, &Sample)> = traced
            .filter_map(|sample| Some((*sequential.get(&sample.moment())?, sample)))
            .collect();
        if runs.iter().any(|(_, sample)| sample.chunks.is_some()) {
            runs.retain(|(_, sample)| sample.chunks.is_some());
        }
        runs.sort_by(|a, b| (a.0 / a.1.batch_ns()).total_cmp(&(b.0 / b.1.batch_ns())));
        runs.get(runs.len().checked_sub(1)? / 2).copied()
    }
}

/// The baseline of each round: the geometric mean of A and A'. If a fault voids one of them, it voids both.
fn baselines(rounds: &Rounds<'_>) -> Series {
    let keys = [Role::Baseline, Role::Control].map(|role| rounds.keys(role).next());
    match keys {
        [Some(a), Some(control)] if rounds.fault(a).is_none() => {
            let times = |key| series(rounds.with_key(key));
            join(&times(a), &times(control), |a, control| (a * control).sqrt())
        }
        _ => Series::new(),
    }
}

fn run_trace(sample: &Sample) -> Option<RunTrace> {
    Some(RunTrace { wall_ns: sample.wall_ns as f64, workers: sample.traces.clone()? })
}

/// CPU time over wall time.
fn cpus(sample: &Sample) -> Option<f64> {
    (sample.wall_ns > 0).then_some(())?;
    Some(sample.usage?.cpu_ns as f64 / sample.wall_ns as f64)
}

/// The most memory that the runner had in use up to the end of the sample.
fn peak_rss(sample: &Sample) -> Option<u64> {
    Some(sample.usage?.peak_rss_bytes)
}

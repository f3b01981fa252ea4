//! The samples of one scenario, round by round, and what they come to.

use super::losses::Losses;
use super::{Cell, Row, Verdict};
use crate::laws;
use crate::record::{Header, Reference, Role, Sample, ScenarioHead, Status, Surroundings};
use crate::stats::{Estimate, median};
use fib_predict::Observed;
use std::collections::{BTreeMap, BTreeSet};

/// A sample is dropped if of its CPU time more than this was taken by the host of this machine, or
/// of its time by the quota of its control group.
const DISTURBED: f64 = 0.02;

type Key<'a> = (Role, &'a str, usize);
/// Nanoseconds a batch, or a ratio of two, by round.
type Series = BTreeMap<usize, f64>;

pub(super) struct Rounds<'a> {
    header: &'a Header,
    scenario: &'a ScenarioHead,
    /// Every contender in order of appearance in the record, with its samples.
    contenders: Vec<(Key<'a>, Vec<&'a Sample>)>,
    /// What everything is compared with.
    baseline: Series,
    /// T_s.
    sequential: Series,
    rounds: usize,
    dropped: usize,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(
        header: &'a Header,
        scenario: &'a ScenarioHead,
        samples: impl Iterator<Item = &'a Sample>,
    ) -> Self {
        let mut contenders: Vec<(Key<'a>, Vec<&'a Sample>)> = vec![];
        let (mut rounds, mut dropped) = (BTreeSet::new(), 0);
        for sample in samples {
            rounds.insert(sample.round);
            if sample.surroundings.is_some_and(|around| is_disturbed(around, header.cores)) {
                dropped += 1;
                continue;
            }
            let key = (sample.role, sample.backend.as_str(), sample.workers);
            match contenders.iter_mut().find(|(other, _)| *other == key) {
                Some((_, samples)) => samples.push(sample),
                None => contenders.push((key, vec![sample])),
            }
        }
        let (baseline, sequential) = (Series::new(), Series::new());
        let mut this = Rounds {
            header,
            scenario,
            contenders,
            baseline,
            sequential,
            rounds: rounds.len(),
            dropped,
        };
        this.baseline = this.baselines();
        this.sequential = match header.against == Reference::default() {
            true => this.baseline.clone(),
            false => series(this.of(&(Role::Cell, fib::SEQUENTIAL.name, 1))),
        };
        this
    }

    /// A in even rounds and A' in odd ones. Their mean would have another distribution than a cell
    /// that is the same as they are: where noise only makes things slower, its median is higher.
    fn baselines(&self) -> Series {
        let of = |role, odd| {
            let all = series(self.of_role(role)).into_iter();
            all.filter(move |(round, _)| (round % 2 == 1) == odd)
        };
        of(Role::Baseline, false).chain(of(Role::Control, true)).collect()
    }

    fn of(&self, key: &Key<'_>) -> &[&'a Sample] {
        let found = self.contenders.iter().find(|(other, _)| other == key);
        found.map_or(&[], |(_, samples)| samples)
    }

    /// Samples of the one contender with this role.
    fn of_role(&self, role: Role) -> &[&'a Sample] {
        let found = self.contenders.iter().find(|((other, ..), _)| *other == role);
        found.map_or(&[], |(_, samples)| samples)
    }

    fn both(&self, a: Role, b: Role, f: impl Fn(f64, f64) -> f64) -> Series {
        join(&series(self.of_role(a)), &series(self.of_role(b)), f)
    }

    pub(super) fn row(&self) -> Row {
        let noise = self.both(Role::Baseline, Role::Control, |a, b| a / b);
        let noise = estimate(noise, 1);
        let best = Cell {
            shared: self.scenario.best_shares,
            kernel: "stepping".into(),
            // What compares schedulers of the same work says nothing of other work.
            of_ceiling: None,
            overhead_ns: None,
            karp_flatt: None,
            cold: None,
            ..self.cell(self.of_role(Role::Best), noise)
        };
        Row {
            scenario: self.scenario.clone(),
            rounds: self.rounds,
            noise,
            reference: self.reference(noise),
            whole_ns: median(series(self.of_role(Role::Whole)).into_values().collect()),
            ceilings: self.ceiling_estimates(),
            best,
            cells: self.cells(noise),
            pieces_ns: self.pieces(),
            dropped: self.dropped,
        }
    }

    /// What is compared with, as a cell: speedup 1, as uncertain as the noise.
    fn reference(&self, noise: Option<Estimate>) -> Cell {
        let speedup = noise.map(|noise| Estimate { median: 1.0, ..noise });
        Cell { speedup, verdict: None, ..self.cell(self.of_role(Role::Baseline), noise) }
    }

    fn cells(&self, noise: Option<Estimate>) -> Vec<Cell> {
        let cells = self.contenders.iter().filter(|((role, ..), _)| *role == Role::Cell);
        let mut cells: Vec<Cell> = cells.map(|(_, samples)| self.cell(samples, noise)).collect();
        let ours = |label: &str| self.header.backends.iter().position(|other| other == label);
        let theirs = |label: &str| {
            let mut all = self.header.engines.iter().flat_map(|engine| &engine.backends);
            all.position(|other| other == label)
        };
        cells.sort_by_key(|cell| {
            (theirs(&cell.backend), cell.workers, ours(&cell.backend)) // ours are none of theirs
        });
        cells
    }

    /// ceiling(p) = p T_s / T_copies in each round.
    fn ceiling(&self, copies: usize) -> Series {
        let samples = self.of(&(Role::Ceiling, crate::engine::COPIES, copies));
        // In records of version 1 the copies have the name of what they copy.
        let samples = match samples {
            [] => self.of(&(Role::Ceiling, fib::SEQUENTIAL.name, copies)),
            samples => samples,
        };
        join(&self.sequential, &series(samples), |base, time| copies as f64 * base / time)
    }

    fn ceiling_estimates(&self) -> BTreeMap<usize, Estimate> {
        let of_role = self.contenders.iter().filter(|((role, ..), _)| *role == Role::Ceiling);
        let estimates =
            of_role.map(|((.., copies), _)| Some((*copies, estimate(self.ceiling(*copies), 1)?)));
        estimates.flatten().collect()
    }

    fn cell(&self, samples: &[&Sample], noise: Option<Estimate>) -> Cell {
        let bad = samples.iter().find(|sample| sample.status != Status::Ok);
        let times = if bad.is_some() { Series::new() } else { series(samples) };
        let label = samples.first().map_or("", |sample| sample.backend.as_str());
        let workers = samples.first().map_or(1, |sample| sample.workers);
        let estimate = |ratios| estimate(ratios, self.header.comparisons);
        let ratio = |base: &Series| join(base, &times, |base, time| base / time);
        let ceiling = self.ceiling(workers.min(self.header.cores));
        let ideal = join(&self.sequential, &ceiling, |base, ceiling| base / ceiling);
        let overhead = join(&times, &ideal, |time, ideal| time - ideal);
        let absolute = ratio(&self.sequential);
        let speedup = estimate(ratio(&self.baseline));
        let cold = series(self.of(&(Role::Cold, label, workers)));
        let engine = self
            .header
            .engines
            .iter()
            .find(|engine| engine.backends.iter().any(|backend| backend == label));
        let own = engine.map(|engine| match self.header.against.backend == engine.baseline {
            true => self.baseline.clone(),
            false => series(self.of(&(Role::Cell, engine.baseline.as_str(), 1))),
        });
        let ours = engine.is_none(); // what is measured against T_s means nothing for others
        Cell {
            backend: label.into(),
            engine: engine.map(|engine| engine.name.clone()),
            kernel: self.header.kernel.clone(),
            workers,
            shared: self.scenario.cells_share,
            status: bad.map_or(Status::Ok, |sample| sample.status),
            message: bad.and_then(|sample| sample.message.clone()),
            rounds: times.len(),
            speedup,
            cold: estimate(join(&self.baseline, &cold, |base, time| base / time)),
            own_speedup: own.and_then(|own| estimate(ratio(&own))),
            of_ceiling: estimate(join(&absolute, &ceiling, |s, c| s / c)).filter(|_| ours),
            karp_flatt: estimate_of(&absolute, |s| laws::karp_flatt(s, workers)).filter(|_| ours),
            cpus: median(samples.iter().filter_map(|sample| cpus(sample)).collect()),
            observed: self.traced(label, workers).filter_map(observed).collect(),
            losses: self.losses(label, workers),
            by_round: absolute,
            wall_ns: median(times.into_values().collect()),
            overhead_ns: median(overhead.into_values().collect()).filter(|_| ours),
            start_up_ns: None,
            verdict: speedup.map(|speedup| Verdict::new(speedup, noise)),
        }
    }

    fn traced(&self, label: &str, workers: usize) -> impl Iterator<Item = &'a Sample> {
        let traced = self.of(&(Role::Traced, label, workers)).iter().copied();
        traced.filter(|sample| sample.status == Status::Ok && sample.lanes.is_some())
    }

    /// The median of each piece.
    fn pieces(&self) -> Option<Vec<f64>> {
        let runs: Vec<&[u64]> =
            self.of_role(Role::Pieces).iter().filter_map(|s| s.pieces_ns.as_deref()).collect();
        let count = runs.first()?.len();
        let piece =
            |i: usize| median(runs.iter().filter_map(|r| Some(*r.get(i)? as f64)).collect());
        (0..count).map(piece).collect()
    }

    /// The run with a timeline whose speedup is the median one, split.
    fn losses(&self, label: &str, workers: usize) -> Option<Losses> {
        let traced = self.traced(label, workers);
        let mut runs: Vec<(f64, &Sample)> = traced
            .filter_map(|sample| Some((*self.sequential.get(&sample.round)?, sample)))
            .collect();
        runs.sort_by(|a, b| (a.0 / a.1.batch_ns()).total_cmp(&(b.0 / b.1.batch_ns())));
        let (useful, sample) = runs.get(runs.len().checked_sub(1)? / 2)?;
        Losses::of(sample, *useful)
    }
}

fn is_disturbed(around: Surroundings, cores: usize) -> bool {
    let span = around.span_ns as f64;
    around.steal_ns as f64 > DISTURBED * span * cores as f64
        || around.throttled_ns as f64 > DISTURBED * span
}

fn observed(sample: &Sample) -> Option<Observed> {
    Some(Observed { wall_ns: sample.wall_ns as f64, lanes: sample.lanes.clone()? })
}

/// CPU time over wall time.
fn cpus(sample: &Sample) -> Option<f64> {
    (sample.wall_ns > 0).then_some(())?;
    Some(sample.usage?.cpu_ns as f64 / sample.wall_ns as f64)
}

/// Of ratios: the median of their logarithms and its interval, as ratios again.
fn estimate(ratios: Series, comparisons: usize) -> Option<Estimate> {
    Some(Estimate::new(ratios.into_values().map(f64::ln).collect(), comparisons)?.exp())
}

/// Of what a law makes of each round, where it makes anything of it.
fn estimate_of(ratios: &Series, law: impl Fn(f64) -> Option<f64>) -> Option<Estimate> {
    Estimate::new(ratios.values().map(|&ratio| law(ratio)).collect::<Option<_>>()?, 1)
}

/// Nanoseconds a batch in each round that counts.
fn series(samples: &[&Sample]) -> Series {
    let ok = samples.iter().filter(|sample| sample.status == Status::Ok && sample.wall_ns > 0);
    ok.map(|sample| (sample.round, sample.batch_ns())).collect()
}

/// What both have, round by round.
fn join(a: &Series, b: &Series, f: impl Fn(f64, f64) -> f64) -> Series {
    a.iter().filter_map(|(round, &a)| Some((*round, f(a, *b.get(round)?)))).collect()
}

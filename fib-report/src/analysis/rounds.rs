//! The samples of one scenario, grouped by what was timed and by round.

use crate::record::{Header, Study};
use crate::sample::{Role, Round, Sample, Status};
use crate::stats::{Estimate, by_run};
use fib_simulate::median;
use std::collections::{BTreeMap, BTreeSet};

/// A round is dropped if the host took more than this share of the CPU time (steal), or if the CPU quota of
/// the control group stopped the runners for more than this share of the time. The system counts steal in
/// ticks of 10 ms, which is longer than many samples, so a whole round is judged.
const DISTURBED: f64 = 0.02;

/// Role, label and workers of something that is timed once in a round.
pub(super) type Key<'a> = (Role, &'a str, usize);

/// Nanoseconds of a batch, or a ratio of two times, by run and round.
pub(super) type Series = BTreeMap<Round, f64>;

pub(super) struct Rounds<'a> {
    /// The samples by key, in order of appearance in the record.
    timed: Vec<(Key<'a>, Vec<&'a Sample>)>,
    /// The samples of each round that counts, in the order in which they were taken.
    in_turn: BTreeMap<Round, Vec<&'a Sample>>,
    /// The first fault of everything that was timed. Faults count in dropped rounds too.
    faults: BTreeMap<(Cause, &'a str, usize), &'a Sample>,
    all: BTreeSet<Round>,
    /// The number of rounds that were dropped because the machine was disturbed.
    pub(super) dropped: usize,
    /// Whether most rounds were disturbed, so that none was dropped.
    pub(super) disturbed: bool,
    /// Whether each cell was looked at in a single run of its own.
    looks: bool,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(header: &Header, samples: impl Iterator<Item = &'a Sample>) -> Self {
        let samples: Vec<&Sample> = samples.collect();
        let all: BTreeSet<Round> = samples.iter().map(|sample| sample.moment()).collect();
        let disturbed_rounds = disturbed_rounds(&samples, header.machine.logical_cpus);
        let disturbed = disturbed_rounds.len() > all.len() / 2;
        let is_dropped = |round| !disturbed && disturbed_rounds.binary_search(&round).is_ok();
        let mut timed: Vec<(Key<'a>, Vec<&'a Sample>)> = vec![];
        let mut in_turn: BTreeMap<Round, Vec<&'a Sample>> = BTreeMap::new();
        let mut faults = BTreeMap::new();
        for sample in samples {
            let (label, workers) = (sample.backend.as_str(), sample.workers);
            if sample.status != Status::Ok {
                faults.entry((cause(sample.role), label, workers)).or_insert(sample);
            }
            let key = (sample.role, label, workers);
            let position = timed.iter().position(|(other, _)| *other == key);
            let position = position.unwrap_or_else(|| {
                timed.push((key, vec![]));
                timed.len() - 1
            });
            if !is_dropped(sample.moment()) {
                timed[position].1.push(sample);
                in_turn.entry(sample.moment()).or_default().push(sample);
            }
        }
        let dropped = if disturbed { 0 } else { disturbed_rounds.len() };
        let looks = header.study == Study::BreakEven;
        Rounds { timed, in_turn, faults, all, dropped, disturbed, looks }
    }

    pub(super) fn rounds(&self) -> usize {
        self.all.len()
    }

    pub(super) fn runs(&self) -> usize {
        self.all.iter().map(|(run, _)| run).collect::<BTreeSet<_>>().len()
    }

    /// The samples of each round that counts, in the order in which they were taken.
    pub(super) fn in_turn(&self) -> impl Iterator<Item = (Round, &[&'a Sample])> {
        self.in_turn.iter().map(|(&round, samples)| (round, &samples[..]))
    }

    /// The median time of everything that was timed, in nanoseconds of a batch.
    pub(super) fn usual_times(&self) -> BTreeMap<Key<'a>, f64> {
        let times = |samples: &[&Sample]| median_of(&series(samples));
        self.timed.iter().filter_map(|(key, samples)| Some((*key, times(samples)?))).collect()
    }

    /// Everything with this role, in order of appearance.
    pub(super) fn keys(&self, role: Role) -> impl Iterator<Item = Key<'a>> {
        self.timed.iter().map(|(key, _)| *key).filter(move |(other, ..)| *other == role)
    }

    /// The samples with this key, of the rounds that count.
    pub(super) fn with_key(&self, key: Key<'_>) -> &[&'a Sample] {
        let found = self.timed.iter().find(|(other, _)| *other == key);
        found.map_or(&[], |(_, samples)| samples)
    }

    /// The samples with this role, for roles that have one key.
    pub(super) fn with_role(&self, role: Role) -> &[&'a Sample] {
        self.keys(role).next().map_or(&[], |key| self.with_key(key))
    }

    /// The first fault of what has this key. A wrong first batch voids the other batches of its backend too.
    pub(super) fn fault(&self, (role, label, workers): Key<'a>) -> Option<&'a Sample> {
        let of = |cause| self.faults.get(&(cause, label, workers)).copied();
        match cause(role) {
            // A baseline that is a pool has first batches too.
            Cause::Baseline => of(Cause::Baseline).or_else(|| of(Cause::Backend)),
            cause => of(cause),
        }
    }

    /// The estimate of the logarithms of ratios, as ratios again. If there are several runs, its interval
    /// allows for the next comparison.
    pub(super) fn estimate(&self, ratios: &Series, comparisons: usize) -> Option<Estimate> {
        let logarithms = ratios.iter().map(|(&round, ratio)| (round, ratio.ln())).collect();
        Some(self.estimate_of(&logarithms, 1.0, comparisons)?.exp())
    }

    /// The estimate of these values; `unit` as for [`Estimate::for_the_next_comparison`].
    pub(super) fn estimate_of(
        &self,
        values: &Series,
        unit: f64,
        comparisons: usize,
    ) -> Option<Estimate> {
        let values = by_run(values.iter().map(|(&round, &value)| (round, value)));
        let here = Estimate::of_runs(&values, comparisons)?;
        Some(match values.len() {
            _ if self.looks || self.runs() == 1 => here,
            1 => Estimate { interval: None, ..here }, // one of several runs does not speak for all
            _ => here.for_the_next_comparison(unit, comparisons),
        })
    }

    /// The estimate of the logarithms of ratios, as ratios again, with an interval for these rounds alone.
    pub(super) fn estimate_here(&self, ratios: &Series, comparisons: usize) -> Option<Estimate> {
        let logarithms = ratios.iter().map(|(&round, ratio)| (round, ratio.ln()));
        Some(Estimate::of_runs(&by_run(logarithms), comparisons)?.exp())
    }
}

/// What a fault of a role voids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    Baseline,
    Backend,
    Other,
}

fn cause(role: Role) -> Cause {
    match role {
        Role::Baseline | Role::Control => Cause::Baseline,
        Role::Cell | Role::Cold | Role::Traced => Cause::Backend,
        _ => Cause::Other,
    }
}

/// The rounds in which the host or a quota took CPU time.
fn disturbed_rounds(samples: &[&Sample], cpus: usize) -> Vec<Round> {
    let mut rounds: BTreeMap<Round, (u64, u64, u64)> = BTreeMap::new();
    for sample in samples {
        let Some(around) = sample.surroundings else { continue };
        let (span, steal, throttled) = rounds.entry(sample.moment()).or_default();
        *span = span.saturating_add(around.span_ns);
        *steal = steal.saturating_add(around.steal_ns);
        *throttled = throttled.saturating_add(around.throttled_ns);
    }
    let is_disturbed = |&(_, (span, steal, throttled)): &(Round, (u64, u64, u64))| {
        let limit = DISTURBED * span as f64;
        steal as f64 > limit * cpus as f64 || throttled as f64 > limit
    };
    rounds.into_iter().filter(is_disturbed).map(|(round, _)| round).collect()
}

/// Nanoseconds of a batch in each round that counts.
pub(super) fn series(samples: &[&Sample]) -> Series {
    series_of(samples, Sample::batch_ns)
}

/// What `time` gives for each sample that counts, by round.
pub(super) fn series_of(samples: &[&Sample], time: impl Fn(&Sample) -> f64) -> Series {
    let ok = samples.iter().filter(|sample| sample.status == Status::Ok && sample.wall_ns > 0);
    ok.map(|sample| (sample.moment(), time(sample))).collect()
}

/// Combines two series in the rounds that both have.
pub(super) fn join(a: &Series, b: &Series, f: impl Fn(f64, f64) -> f64) -> Series {
    a.iter().filter_map(|(round, &a)| Some((*round, f(a, *b.get(round)?)))).collect()
}

/// The ratios a / b.
pub(super) fn ratios(a: &Series, b: &Series) -> Series {
    join(a, b, |a, b| a / b)
}

pub(super) fn median_of(series: &Series) -> Option<f64> {
    median(series.values().copied().collect())
}

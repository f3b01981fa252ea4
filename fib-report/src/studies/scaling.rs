//! Sweeps over worker counts, and the laws of scaling fitted to them.
//!
//! Each law is fitted in every round. The decisions, such as whether a parameter has a meaning, are
//! made on the estimates over all rounds: a decision in each round would leave out rounds by their
//! result.

use super::curves::curves;
use crate::analysis::{Cell, Matrix};
use crate::laws::{self, Range, Refusal, Usl};
use crate::sample::{Round, Status};
use crate::stats::{Estimate, by_run};
use fib_simulate::median;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// A law does not fit if its median speedup at some worker count is farther than this share from
/// what was measured. The 3 % noise of a bad round moves the median of twenty rounds by about 1 %, so a law that is off by more has another form than the measurements.
const FAR: f64 = 0.1;

/// A peak is stated up to this multiple of the largest worker count that was measured.
const FARTHEST_PEAK: f64 = 2.0;

/// The name of the scenario that is the same at every worker count.
pub const STRONG: &str = "strong";

/// The names of scenarios that grow with the workers start with this.
pub const WEAK: &str = "weak-";

/// What the laws of scaling say about a backend. A law that cannot be fitted gives its reason.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Scaling {
    /// The label of the backend.
    pub backend: String,
    /// The same batch at each worker count.
    pub strong: Vec<StrongPoint>,
    /// The serial fraction of Amdahl's law.
    pub amdahl: Result<Estimate, Refusal>,
    /// The tax of Amdahl's law: how much longer than the baseline one worker takes.
    pub amdahl_tax: Result<Estimate, Refusal>,
    /// The serial fraction of Gustafson's law.
    pub gustafson: Result<Estimate, Refusal>,
    /// The speedup of one worker under the USL.
    pub usl_unit: Result<Estimate, Refusal>,
    /// Contention of the USL.
    pub usl_contention: Result<Estimate, Refusal>,
    /// Coherency of the USL.
    pub usl_coherency: Result<Estimate, Refusal>,
    /// The worker count with the highest throughput under the USL.
    pub usl_peak: Result<Estimate, Refusal>,
}

/// The same batch at one worker count.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StrongPoint {
    pub workers: usize,
    /// Speedup over the baseline.
    pub speedup: Option<Estimate>,
    /// The serial fraction of Karp and Flatt.
    pub karp_flatt: Result<Estimate, Refusal>,
}

/// The laws of scaling for each backend.
pub(super) fn scalings(matrix: &Matrix) -> Vec<Scaling> {
    let curves = curves(matrix);
    let scaling = |label: &str| {
        let cells = |prefix: &str| -> Vec<&Cell> {
            let backend_curves = curves.iter().filter(|curve| curve.backend == label);
            backend_curves
                .flat_map(|curve| curve.family(prefix).cells().collect::<Vec<_>>())
                .collect()
        };
        scaling_of(matrix, label, &cells(STRONG), &cells(WEAK))
    };
    matrix.header.backends.iter().map(|head| scaling(&head.label)).collect()
}

fn scaling_of(matrix: &Matrix, label: &str, strong: &[&Cell], weak: &[&Cell]) -> Scaling {
    // A reader compares the backends in one column, so a column is a family of intervals.
    let backends = matrix.header.backends.len();
    let amdahl = Fits::new(strong, laws::amdahl, |law, p| law.speedup(p)).and_then(|fits| {
        let serial = fits.parameter(&laws::AMDAHL, backends, |law| law.serial)?;
        Ok((fits.estimate(backends, |law| law.tax)?, serial))
    });
    // Gustafson's law says nothing about one worker.
    let weak: Vec<&Cell> = weak.iter().copied().filter(|cell| cell.workers > 1).collect();
    let gustafson =
        Fits::new(&weak, laws::gustafson, |serial, p| laws::gustafson_speedup(*serial, p))
            .and_then(|fits| fits.parameter(&laws::GUSTAFSON, backends, |serial| *serial));
    let usl = Fits::new(strong, laws::usl, |law, p| law.throughput(p as f64)).and_then(|fits| {
        let contention = fits.parameter(&laws::CONTENTION, backends, |law| law.contention)?;
        let coherency = fits.parameter(&laws::COHERENCY, backends, |law| law.coherency)?;
        let unit = fits.estimate(backends, |law| law.unit)?;
        Ok((unit, contention, coherency, peak(&fits, backends, coherency)))
    });
    let point = |cell: &&Cell| StrongPoint {
        workers: cell.workers,
        speedup: cell.speedup,
        karp_flatt: karp_flatt(cell),
    };
    Scaling {
        backend: label.into(),
        strong: strong.iter().map(point).collect(),
        amdahl: amdahl.map(|(_, serial)| serial),
        amdahl_tax: amdahl.map(|(tax, _)| tax),
        gustafson,
        usl_unit: usl.map(|(unit, ..)| unit),
        usl_contention: usl.map(|(_, contention, ..)| contention),
        usl_coherency: usl.map(|(_, _, coherency, _)| coherency),
        usl_peak: usl.and_then(|(.., peak)| peak),
    }
}

/// The serial fraction of Karp and Flatt of a cell, if it is one.
fn karp_flatt(cell: &Cell) -> Result<Estimate, Refusal> {
    if cell.status != Status::Ok {
        return Err(Refusal::Fault { workers: cell.workers });
    }
    if cell.workers == 1 {
        return Err(Refusal::OneWorker);
    }
    laws::KARP_FLATT.cut(cell.karp_flatt.ok_or(Refusal::NoCommonRound)?)
}

/// The peak of the USL, if the measurements show that there is one and if it is near.
///
/// A round whose throughput never falls has its peak at infinity. If the interval of the coherency
/// excludes 0, there are too few such rounds to reach the interval of the peak.
fn peak(fits: &Fits<Usl>, backends: usize, coherency: Estimate) -> Result<Estimate, Refusal> {
    match coherency.interval {
        None => return Err(Refusal::CoherencyWithoutInterval),
        Some((low, _)) if low <= 0.0 => return Err(Refusal::CoherencyMayBeZero),
        Some(_) => {}
    }
    let peak = fits.estimate(backends, |law| law.peak().unwrap_or(f64::INFINITY))?;
    let largest = fits.points.iter().flatten().map(|&(workers, _)| workers).max().unwrap_or(0);
    match peak.median <= FARTHEST_PEAK * largest as f64 {
        true => Ok(peak),
        false => Err(Refusal::FarPeak { peak: peak.median, largest }),
    }
}

/// Workers and speedup in one round.
type Points = Vec<(usize, f64)>;
/// Fits a law to the points of one round.
type Law<L> = fn(&[(usize, f64)]) -> Result<L, Refusal>;

/// What a law gives for the speedups of each round.
struct Fits<L> {
    /// The run and round of each fit.
    rounds: Vec<Round>,
    points: Vec<Points>,
    laws: Vec<L>,
}

impl<L> Fits<L> {
    fn new(cells: &[&Cell], fit: Law<L>, speedup: fn(&L, usize) -> f64) -> Result<Self, Refusal> {
        // With too few worker counts the law refuses, whatever the speedups are.
        fit(&cells.iter().map(|cell| (cell.workers, 1.0)).collect::<Points>())?;
        if let Some(cell) = cells.iter().find(|cell| cell.status != Status::Ok) {
            return Err(Refusal::Fault { workers: cell.workers });
        }
        let (rounds, points) = complete_rounds(cells).into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
        let laws = points.iter().map(|points| fit(points)).collect::<Result<Vec<L>, _>>()?;
        let fits = Fits { rounds, points, laws };
        cells.iter().try_for_each(|cell| fits.check(cell, speedup))?;
        Ok(fits)
    }

    /// Whether the law comes near the measurements of a cell.
    fn check(&self, cell: &Cell, speedup: fn(&L, usize) -> f64) -> Result<(), Refusal> {
        let workers = cell.workers;
        let fitted = median(self.laws.iter().map(|law| speedup(law, workers)).collect());
        let at_workers = self.points.iter().flatten().filter(|(count, _)| *count == workers);
        let measured = median(at_workers.map(|(_, speedup)| *speedup).collect());
        let (Some(fitted), Some(measured)) = (fitted, measured) else {
            return Err(Refusal::NoCommonRound);
        };
        match (fitted / measured).ln().abs() <= FAR {
            true => Ok(()),
            false => Err(Refusal::NoFit { workers, measured, fitted }),
        }
    }

    /// A parameter over all rounds.
    fn estimate(&self, comparisons: usize, part: fn(&L) -> f64) -> Result<Estimate, Refusal> {
        let values = self.rounds.iter().copied().zip(self.laws.iter().map(part));
        Estimate::of_runs(&by_run(values), comparisons).ok_or(Refusal::NoCommonRound)
    }

    /// A parameter that has a meaning only in its range.
    fn parameter(
        &self,
        range: &Range,
        comparisons: usize,
        part: fn(&L) -> f64,
    ) -> Result<Estimate, Refusal> {
        range.cut(self.estimate(comparisons, part)?)
    }
}

/// The rounds in which every cell was timed.
fn complete_rounds(cells: &[&Cell]) -> BTreeMap<Round, Points> {
    let mut rounds: BTreeMap<Round, Points> = BTreeMap::new();
    for cell in cells {
        for (&round, &speedup) in &cell.by_round {
            rounds.entry(round).or_default().push((cell.workers, speedup));
        }
    }
    rounds.retain(|_, points| points.len() == cells.len());
    rounds
}

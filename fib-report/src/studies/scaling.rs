//! Sweeps over worker counts, and the laws of scaling fitted to them.

use super::curves::curves;
use crate::analysis::{Cell, Matrix};
use crate::laws::{self, Refusal, Usl};
use crate::stats::Estimate;
use serde::Serialize;
use std::collections::BTreeMap;

/// The name of the scenario that is the same at every worker count.
pub const STRONG: &str = "strong";

/// The names of scenarios that grow with the workers start with this.
pub const WEAK: &str = "weak-";

/// What the laws of scaling say about a backend. A law that cannot be fitted gives its reason.
#[derive(Clone, Debug, Serialize)]
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
    /// Contention of the USL.
    pub usl_contention: Result<Estimate, Refusal>,
    /// Coherency of the USL.
    pub usl_coherency: Result<Estimate, Refusal>,
    /// The worker count with the highest throughput under the USL; `None` if throughput never
    /// falls.
    pub usl_peak: Result<Option<Estimate>, Refusal>,
}

/// The same batch at one worker count.
#[derive(Clone, Debug, Serialize)]
pub struct StrongPoint {
    pub workers: usize,
    /// Speedup over the baseline.
    pub speedup: Option<Estimate>,
    /// The serial fraction of Karp and Flatt.
    pub karp_flatt: Option<Estimate>,
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
        scaling_of(label, &cells(STRONG), &cells(WEAK))
    };
    matrix.header.backends.iter().map(|head| scaling(&head.label)).collect()
}

fn scaling_of(label: &str, strong: &[&Cell], weak: &[&Cell]) -> Scaling {
    let amdahl = each_round(strong, laws::amdahl);
    let usl = each_round(strong, laws::usl);
    let peaks = |fits: &Vec<Usl>| Estimate::new(fits.iter().filter_map(Usl::peak).collect(), 1);
    let point = |cell: &&Cell| StrongPoint {
        workers: cell.workers,
        speedup: cell.speedup,
        karp_flatt: cell.karp_flatt,
    };
    Scaling {
        backend: label.into(),
        strong: strong.iter().map(point).collect(),
        amdahl: parameter(&amdahl, |law| law.serial),
        amdahl_tax: parameter(&amdahl, |law| law.tax),
        gustafson: parameter(&each_round(weak, laws::gustafson), |serial| *serial),
        usl_contention: parameter(&usl, |law| law.contention),
        usl_coherency: parameter(&usl, |law| law.coherency),
        usl_peak: usl.as_ref().map(peaks).map_err(|refusal| *refusal),
    }
}

fn parameter<L>(fits: &Result<Vec<L>, Refusal>, part: fn(&L) -> f64) -> Result<Estimate, Refusal> {
    fits.as_ref().map_err(|r| *r).and_then(|fits| estimate(fits.iter().map(part).collect()))
}

fn estimate(values: Vec<f64>) -> Result<Estimate, Refusal> {
    Estimate::new(values, 1).ok_or(Refusal::NoFit)
}

/// What a law gives for the speedups of each round. Rounds in which the law does not fit are left
/// out.
fn each_round<T>(
    cells: &[&Cell],
    law: impl Fn(&[(usize, f64)]) -> Result<T, Refusal>,
) -> Result<Vec<T>, Refusal> {
    let mut rounds: BTreeMap<usize, Vec<(usize, f64)>> = BTreeMap::new();
    for cell in cells {
        for (&round, &speedup) in &cell.by_round {
            rounds.entry(round).or_default().push((cell.workers, speedup));
        }
    }
    let complete = rounds.into_values().filter(|points| points.len() == cells.len());
    let fits: Vec<_> = complete.map(|points| law(&points)).collect();
    let refusal = fits.iter().find_map(|fit| fit.as_ref().err().copied());
    let values: Vec<T> = fits.into_iter().filter_map(Result::ok).collect();
    if values.is_empty() { Err(refusal.unwrap_or(Refusal::NoFit)) } else { Ok(values) }
}

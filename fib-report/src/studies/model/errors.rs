//! How wrong predictions are where they were measured, and whether a guess is as good.

use super::{Model, PredictionCheck};
use fib_simulate::median;
use schemars::JsonSchema;
use serde::Serialize;

/// A way to predict a speedup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PredictionMethod {
    /// The simulation.
    Simulation,
    /// A guess: the speedup is the number of workers that compute at the same time.
    Workers,
    /// A guess: the speedup is the ceiling of that many workers.
    Ceiling,
}

/// The errors of a method over all cells that were measured. An error is the predicted speedup over
/// the measured speedup, minus 1: above 0 the prediction is too high.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PredictionErrors {
    /// Whether these are the cells with two workers or more, and not the cells with one worker.
    pub several_workers: bool,
    pub method: PredictionMethod,
    /// The number of cells.
    pub cells: usize,
    /// The median of the errors.
    pub median: f64,
    /// The median of the errors without their sign.
    pub median_size: f64,
    /// The error that is farthest from 0.
    pub worst: f64,
    /// The number of predictions that have an interval.
    pub intervals: usize,
    /// How many of these intervals hold the measured median.
    pub inside: usize,
}

/// The errors of each method for one worker, and for several workers. Methods without a cell are left
/// out. For one worker both guesses are 1, so only one of them is listed.
pub(super) fn errors(models: &[Model]) -> Vec<PredictionErrors> {
    use PredictionMethod::{Ceiling, Simulation, Workers};
    let predictions = models.iter().flat_map(|model| &model.predictions);
    let checks: Vec<PredictionCheck> =
        predictions.flat_map(|prediction| prediction.checks.iter().copied()).collect();
    let rows = [
        (false, Simulation),
        (false, Workers),
        (true, Simulation),
        (true, Workers),
        (true, Ceiling),
    ];
    rows.into_iter().filter_map(|(several, method)| of_method(&checks, several, method)).collect()
}

fn of_method(
    checks: &[PredictionCheck],
    several_workers: bool,
    method: PredictionMethod,
) -> Option<PredictionErrors> {
    let checks = checks.iter().filter(|check| (check.workers > 1) == several_workers);
    let errors: Vec<f64> = checks.clone().filter_map(|check| check.error_of(method)).collect();
    let worst = errors.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
    let intervals = checks.filter(|_| method == PredictionMethod::Simulation);
    let inside = intervals.filter_map(|check| check.is_inside());
    Some(PredictionErrors {
        several_workers,
        method,
        cells: errors.len(),
        median: median(errors.clone())?,
        median_size: median(errors.iter().map(|error| error.abs()).collect())?,
        worst,
        intervals: inside.clone().count(),
        inside: inside.filter(|&inside| inside).count(),
    })
}

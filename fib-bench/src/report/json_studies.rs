//! What a study found, as JSON Lines behind those of its cells.

use super::json::bounds;
use crate::analysis::Matrix;
use crate::laws::{Bracket, Refusal};
use crate::record::Study;
use crate::stats::Estimate;
use crate::studies::{
    Counts, EFFICIENCIES, Prediction, Scaling, WORKERS, curves, models, scalings,
};
use serde::Serialize;

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line<'a> {
    Metg { backend: &'a str, workers: usize, efficiency: f64, granularity_ns: Crossing },
    BreakEven { backend: &'a str, workers: usize, items: Crossing, index: Crossing },
    Scaling(Box<ScalingLine<'a>>),
    Prediction(Box<PredictionLine<'a>>),
}

/// Where something happens; beyond the points, only on which side of them.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Crossing {
    At { value: f64, low: Option<f64>, high: Option<f64> },
    Below(f64),
    Above(f64),
    Unknown,
}

impl From<Bracket> for Crossing {
    fn from(bracket: Bracket) -> Self {
        match bracket {
            Bracket::At { value, low, high } => Crossing::At { value, low, high },
            Bracket::Below(smallest) => Crossing::Below(smallest),
            Bracket::Above(largest) => Crossing::Above(largest),
            Bracket::Nothing => Crossing::Unknown,
        }
    }
}

#[derive(Serialize)]
struct ScalingLine<'a> {
    backend: &'a str,
    amdahl: Fit,
    gustafson: Fit,
    usl_contention: Fit,
    usl_coherency: Fit,
    usl_peak: Fit,
}

/// A value with its interval, or why there is none.
#[derive(Default, Serialize)]
struct Fit {
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

impl From<Result<Option<Estimate>, Refusal>> for Fit {
    fn from(fit: Result<Option<Estimate>, Refusal>) -> Self {
        let refused = fit.as_ref().err().map(Refusal::to_string);
        let estimate = fit.ok().flatten();
        let (low, high) = bounds(estimate);
        Fit { value: estimate.map(|e| e.median), low, high, refused }
    }
}

#[derive(Serialize)]
struct PredictionLine<'a> {
    scenario: &'a str,
    backend: &'a str,
    workers: Counts,
    speedups: Counts<f64>,
    bound: Counts<f64>,
    serial_fraction: Option<f64>,
    amdahl: Option<Counts<f64>>,
    checks: Vec<CheckLine>,
}

#[derive(Serialize)]
struct CheckLine {
    workers: usize,
    measured: f64,
    predicted: f64,
    error: f64,
}

pub(super) fn lines(matrix: &Matrix) -> String {
    let lines: Vec<Line<'_>> = match matrix.header.study {
        Study::Compare => vec![],
        Study::Granularity => metg(matrix),
        Study::BreakEven => break_even(matrix),
        Study::Scaling => scalings(matrix).iter().map(scaling).collect(),
        Study::Model => predictions(matrix),
    };
    let text = |line: &Line<'_>| serde_json::to_string(line).unwrap_or_default(); // plain data
    lines.iter().map(|line| text(line) + "\n").collect()
}

fn metg(matrix: &Matrix) -> Vec<Line<'_>> {
    let curves = curves(matrix).into_iter();
    let lines = curves.flat_map(|curve| {
        EFFICIENCIES.map(|efficiency| Line::Metg {
            backend: curve.backend,
            workers: curve.workers,
            efficiency,
            granularity_ns: curve.metg(efficiency).into(),
        })
    });
    lines.collect()
}

fn break_even(matrix: &Matrix) -> Vec<Line<'_>> {
    let curves = curves(matrix).into_iter();
    let lines = curves.map(|curve| Line::BreakEven {
        backend: curve.backend,
        workers: curve.workers,
        items: curve.break_even_batch().into(),
        index: curve.break_even_item().into(),
    });
    lines.collect()
}

fn scaling<'a>(scaling: &Scaling<'a>) -> Line<'a> {
    let part = |i: usize| Fit::from(scaling.usl.map(|parts| parts[i]));
    Line::Scaling(Box::new(ScalingLine {
        backend: scaling.backend,
        amdahl: scaling.amdahl.map(Some).into(),
        gustafson: scaling.gustafson.map(Some).into(),
        usl_contention: part(0),
        usl_coherency: part(1),
        usl_peak: part(2),
    }))
}

fn predictions(matrix: &Matrix) -> Vec<Line<'_>> {
    let mut lines = vec![];
    for model in models(matrix) {
        let (scenario, bound) = (&*model.row.scenario.name, model.bound);
        for prediction in &model.predictions {
            lines.push(line(scenario, bound, prediction));
        }
    }
    lines
}

fn line<'a>(scenario: &'a str, bound: Counts<f64>, prediction: &Prediction<'a>) -> Line<'a> {
    let checks = prediction.checks.iter().map(|check| CheckLine {
        workers: check.workers,
        measured: check.measured,
        predicted: check.predicted,
        error: check.error(),
    });
    Line::Prediction(Box::new(PredictionLine {
        scenario,
        backend: prediction.backend,
        workers: WORKERS,
        speedups: prediction.speedups,
        bound,
        serial_fraction: prediction.serial,
        amdahl: prediction.amdahl(),
        checks: checks.collect(),
    }))
}

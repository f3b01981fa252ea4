//! Predictions for many workers: a table for each batch, and the errors of predictions and guesses
//! where the speedup was measured.

use super::numbers::{duration, percent, ratio, spread};
use super::page::{Block, Line, TextTable};
use crate::analysis::Matrix;
use crate::stats::Estimate;
use crate::studies::{Model, Prediction, PredictionErrors, PredictionMethod, RESAMPLES, WORKERS};

const OTHER_TIMELINES: &str = "\
Each schedule is simulated, using sequential times of the pieces of a batch and overheads that \
come from timelines of the other batches.";

const OWN_TIMELINES: &str = "\
Each schedule is simulated, using sequential times of the pieces of the batch and overheads that \
come from timelines of the same batch, because there is no other batch. So the errors below are no \
independent check.";

const ASSUMPTIONS: &str = "\
The simulation assumes that every worker has its own \
CPU, and that other workers slow work down no more than they did when all cores were busy.
The line `Amdahl` below a backend shows Amdahl's law, S = 1 / (f + (1 - f) / p). Its serial fraction f \
comes from the formula of Karp and Flatt at the largest worker count that was measured.";

const NO_INTERVALS: &str = "\
The predictions have no intervals: intervals need at least eight runs, or eight rounds of each batch in a \
single run.";

const ONE_CPU: &str = "With one CPU nothing is known about a second worker, so the simulation \
                       starts all workers at once.";

pub(super) fn model(matrix: &Matrix, models: &[Model], errors: &[PredictionErrors]) -> Vec<Block> {
    let one_cpu = if matrix.header.cores == 1 { format!("\n{ONE_CPU}") } else { String::new() };
    let source = if models.len() > 1 { OTHER_TIMELINES } else { OWN_TIMELINES };
    let intervals = intervals(matrix, models);
    let mut blocks = vec![Block::Text(format!("{source} {ASSUMPTIONS}\n{intervals}{one_cpu}"))];
    blocks.extend(models.iter().flat_map(table));
    blocks.extend(checks(errors));
    blocks
}

/// What the intervals say, and what they do not say.
fn intervals(matrix: &Matrix, models: &[Model]) -> String {
    let mut predictions = models.iter().flat_map(|model| &model.predictions);
    if !predictions.any(|prediction| prediction.intervals.is_some()) {
        return NO_INTERVALS.into();
    }
    let several_runs = matrix.rows.iter().any(|row| row.runs > 1);
    let drawn = if several_runs { "the runs" } else { "the rounds of each batch" };
    format!(
        "The line `± (99%)` shows how far the prediction moves by chance: the simulation ran again \
         with {RESAMPLES} random draws of {drawn}, and 99% of its results lie within. It holds the \
         noise of what was measured, and not the error of the simulation; the last table shows that \
         error."
    )
}

/// The worker counts that are shown. All of them would not fit the page, so above 4 every second
/// one is left out.
fn columns() -> impl Iterator<Item = usize> + Clone {
    (0..WORKERS.len()).filter(|&i| i.is_multiple_of(2) || WORKERS[i] <= 4)
}

pub fn table(model: &Model) -> [Block; 3] {
    let heading = columns().map(|i| WORKERS[i].to_string());
    let mut table = TextTable::new(["workers".to_owned()].into_iter().chain(heading)).narrow();
    let mut line = |name: String, numbers: &dyn Fn(usize) -> String| {
        table.row([name].into_iter().chain(columns().map(numbers)));
    };
    let number = |speedup: f64| ratio(speedup).replace('x', "");
    line("upper bound".into(), &|i| number(model.bound[i]));
    for prediction in &model.predictions {
        line(prediction.backend.clone(), &|i| number(prediction.speedups[i]));
        if let Some(intervals) = prediction.intervals {
            let estimate = |i: usize| Estimate {
                median: prediction.speedups[i],
                interval: Some(intervals[i]),
            };
            line("  ± (99%)".into(), &|i| spread(&estimate(i)));
        }
        if let Some((serial, amdahl)) = prediction.serial_fraction.zip(prediction.amdahl.as_ref()) {
            line(format!("  Amdahl, f {serial:.3}"), &|i| number(amdahl[i]));
        }
    }
    let sequential = model.baseline_ns.map_or("no time".into(), duration);
    let title = format!(
        "{}: predicted speedup ({sequential} on one thread; the longest number takes {} of it)",
        model.scenario,
        share(model.longest)
    );
    [Block::Title(title), Block::Table(table), Block::Text(largest_errors(&model.predictions))]
}

fn largest_errors(predictions: &[Prediction]) -> String {
    let errors = predictions.iter().filter_map(|prediction| {
        let worst = prediction.worst()?;
        let plural = if worst.workers == 1 { "" } else { "s" };
        let (error, workers) = (signed(worst.error()), worst.workers);
        Some(format!("{} {error} with {workers} worker{plural}", prediction.backend))
    });
    let errors = errors.collect::<Vec<_>>().join(", ");
    if errors.is_empty() { errors } else { format!("largest errors: {errors}") }
}

fn share(share: f64) -> String {
    if share < 0.01 { format!("{:.2}%", share * 100.0) } else { percent(share) }
}

/// An error with its sign, to a tenth of a percent. No error is `-0.0%`.
fn signed(error: f64) -> String {
    format!("{:+.1}%", (error * 1000.0).round() / 10.0 + 0.0)
}

fn size(error: f64) -> String {
    format!("{:.1}%", error * 100.0)
}

/// The errors over all batches and backends, and what they say.
pub fn checks(errors: &[PredictionErrors]) -> Vec<Block> {
    const TITLE: &str = "Errors of predictions and guesses, where the speedup was measured";
    if errors.is_empty() {
        let text = "No prediction could be checked, because no backend was measured.";
        return vec![Block::Text(text.into())];
    }
    let heading = ["", "cells", "median", "median\nsize", "worst", "in the\ninterval"];
    let mut table = TextTable::new(heading);
    let mut sentences = vec![];
    for several in [false, true] {
        let group: Vec<&PredictionErrors> =
            errors.iter().filter(|errors| errors.several_workers == several).collect();
        if group.is_empty() {
            continue;
        }
        table.rows.push(Line::Section(workers(several).into()));
        group.iter().for_each(|errors| table.row(error_cells(errors)));
        sentences.extend(comparison(&group));
    }
    let text = format!(
        "An error is predicted / measured - 1, so above 0% the prediction is too high. p counts the \
         workers that compute at the same time: an exclusive backend has one.\n{}",
        sentences.join("\n")
    );
    vec![Block::Title(TITLE.into()), Block::Table(table), Block::Text(text)]
}

fn workers(several: bool) -> &'static str {
    if several { "2 workers or more" } else { "1 worker" }
}

fn error_cells(errors: &PredictionErrors) -> [String; 6] {
    let inside = match errors.intervals {
        0 => String::new(),
        intervals => format!("{} of {intervals}", errors.inside),
    };
    [
        format!("  {}", method_name(errors)),
        errors.cells.to_string(),
        signed(errors.median),
        size(errors.median_size),
        signed(errors.worst),
        inside,
    ]
}

fn method_name(errors: &PredictionErrors) -> &'static str {
    match errors.method {
        PredictionMethod::Simulation => "simulation",
        PredictionMethod::Workers if errors.several_workers => "guess: S = p",
        PredictionMethod::Workers => "guess: S = 1",
        PredictionMethod::Ceiling => "guess: S = the ceiling of p",
    }
}

/// Whether the simulation is worth more than the best guess.
fn comparison(group: &[&PredictionErrors]) -> Option<String> {
    let is_simulation = |e: &&&PredictionErrors| e.method == PredictionMethod::Simulation;
    let simulation = group.iter().find(is_simulation)?;
    let guesses = group.iter().filter(|errors| !is_simulation(errors));
    let best = guesses.min_by(|a, b| a.median_size.total_cmp(&b.median_size))?;
    let (own, other) = (size(simulation.median_size), size(best.median_size));
    let verdict = match simulation.median_size < best.median_size {
        true => "the simulation is better than a guess",
        false => "the simulation is no better than a guess",
    };
    let guess = method_name(best).trim_start_matches("guess: ");
    Some(format!(
        "With {}, {verdict}: the median size of its errors is {own}, and {other} if one guesses \
         {guess}.",
        workers(simulation.several_workers)
    ))
}

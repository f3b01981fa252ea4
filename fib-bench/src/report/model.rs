//! Predictions for many workers: a table a batch, and how wrong they are where that can be known.

use super::numbers::{duration, percent, ratio};
use super::studies::titled;
use super::style::Style;
use crate::analysis::Matrix;
use crate::studies::{Counts, Model, Prediction, WORKERS, models};

const ASSUMPTION: &str = "\
Simulated: each backend's way of scheduling, over the sequential times of the pieces of a batch and
over what a run takes besides, read from timelines of the other batches. Assumed: every worker has a
CPU, and work slows down in company as it did on these cores, and no further.
Below each stands Amdahl's law, S = 1 / (f + (1 - f) / p), with the f of Karp and Flatt at the most
workers that were measured. The last column is the worst error where there is a measurement.
";

const ONE_CPU: &str = "\
With one CPU nothing is known of a second worker: all are taken to arrive at once.";

pub(super) fn model(matrix: &Matrix, style: Style) -> String {
    let models = models(matrix);
    let mut tables: Vec<String> = models.iter().map(|model| table(model, style)).collect();
    tables.push(errors(&models, style));
    let one_cpu = matrix.header.cores == 1;
    let assumption = ASSUMPTION.lines().chain(one_cpu.then_some(ONE_CPU));
    let assumption = assumption.map(|line| format!("{line}{}", style.end));
    assumption.collect::<String>() + "\n" + &tables.join("\n")
}

fn table(model: &Model<'_>, style: Style) -> String {
    let narrow = style.narrow();
    let mut heading = vec!["workers".to_owned()];
    heading.extend(WORKERS.map(|workers| workers.to_string()));
    heading.push("error".into());
    let mut table = narrow.table(heading);
    table.add_row(line("no schedule passes", model.bound, ""));
    for prediction in &model.predictions {
        let worst = prediction.worst();
        let worst = worst.map_or("-".into(), |check| {
            format!("{:+.0}% at {}", check.error() * 100.0, check.workers)
        });
        table.add_row(line(prediction.backend, prediction.speedups, &worst));
        if let Some((serial, amdahl)) = prediction.serial.zip(prediction.amdahl()) {
            table.add_row(line(&format!(" Amdahl, f {serial:.3}"), amdahl, ""));
        }
    }
    let alone = model.row.reference.wall_ns.map_or("-".into(), duration);
    let title = format!(
        "{}: predicted speedup; {alone} sequentially, the longest number {} of it",
        model.row.scenario.name,
        part(model.longest)
    );
    titled(&title, &table, style)
}

fn line(name: &str, speedups: Counts<f64>, error: &str) -> Vec<String> {
    let short = |speedup| ratio(speedup).replace('x', "");
    let numbers = speedups.map(short);
    [name.into()].into_iter().chain(numbers).chain([error.into()]).collect()
}

fn part(part: f64) -> String {
    if part < 0.01 { format!("{:.2}%", part * 100.0) } else { percent(part) }
}

/// Over all batches and backends.
fn errors(models: &[Model<'_>], style: Style) -> String {
    let of = |prediction: &Prediction<'_>| -> Vec<f64> {
        prediction.checks.iter().map(|check| check.error().abs()).collect()
    };
    let mut errors: Vec<f64> = models.iter().flat_map(|m| &m.predictions).flat_map(of).collect();
    errors.sort_by(f64::total_cmp);
    let (Some(largest), Some(median)) = (errors.last(), errors.get(errors.len() / 2)) else {
        return format!(
            "nothing was measured that a prediction could be held against{}",
            style.end
        );
    };
    format!(
        "of {} predictions that were measured, half are off by less than {:.1}%, the worst by {:.0}%{}",
        errors.len(),
        median * 100.0,
        largest * 100.0,
        style.end
    )
}

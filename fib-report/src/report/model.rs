//! Predictions for many workers: a table for each batch, and the errors of predictions that could
//! be checked.

use super::numbers::{duration, percent, ratio};
use super::page::{Block, Table};
use crate::analysis::Matrix;
use crate::studies::{Model, WORKERS};

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
The line below each backend shows Amdahl's law, S = 1 / (f + (1 - f) / p). Its serial fraction f \
comes from the formula of Karp and Flatt at the largest worker count that was measured.";

const ONE_CPU: &str = "With one CPU nothing is known about a second worker, so the simulation \
                       starts all workers at once.";

pub(super) fn model(matrix: &Matrix, models: &[Model]) -> Vec<Block> {
    let one_cpu = if matrix.header.cores == 1 { format!("\n{ONE_CPU}") } else { String::new() };
    let source = if models.len() > 1 { OTHER_TIMELINES } else { OWN_TIMELINES };
    let mut blocks = vec![Block::Text(format!("{source} {ASSUMPTIONS}{one_cpu}"))];
    blocks.extend(models.iter().flat_map(table));
    blocks.push(Block::Text(errors(models)));
    blocks
}

fn table(model: &Model) -> [Block; 3] {
    // All worker counts would not fit the page, so above 4 every second one is left out.
    let shown = |i: &usize| i.is_multiple_of(2) || WORKERS[*i] <= 4;
    let columns: Vec<usize> = (0..WORKERS.len()).filter(shown).collect();
    let heading = columns.iter().map(|&i| WORKERS[i].to_string());
    let mut table = Table::new(["workers".to_owned()].into_iter().chain(heading)).narrow();
    let mut line = |name: String, speedups: &[f64]| {
        let numbers = columns.iter().map(|&i| ratio(speedups[i]).replace('x', ""));
        table.row([name].into_iter().chain(numbers));
    };
    line("upper bound".into(), &model.bound);
    for prediction in &model.predictions {
        line(prediction.backend.clone(), &prediction.speedups);
        if let Some((serial, amdahl)) = prediction.serial_fraction.zip(prediction.amdahl.as_ref()) {
            line(format!("  Amdahl, f {serial:.3}"), amdahl);
        }
    }
    let checks = model.predictions.iter().filter_map(|prediction| {
        let worst = prediction.worst()?;
        let (error, workers) = (worst.error() * 100.0, worst.workers);
        let plural = if workers == 1 { "" } else { "s" };
        Some(format!("{} {error:+.0}% with {workers} worker{plural}", prediction.backend))
    });
    let checks = checks.collect::<Vec<_>>().join(", ");
    let sequential = model.baseline_ns.map_or("no time".into(), duration);
    let title = format!(
        "{}: predicted speedup ({sequential} on one thread; the longest number takes {} of it)",
        model.scenario,
        share(model.longest)
    );
    let errors = if checks.is_empty() { checks } else { format!("largest errors: {checks}") };
    [Block::Title(title), Block::Table(table), Block::Text(errors)]
}

fn share(share: f64) -> String {
    if share < 0.01 { format!("{:.2}%", share * 100.0) } else { percent(share) }
}

/// The errors over all batches and backends.
fn errors(models: &[Model]) -> String {
    let predictions = models.iter().flat_map(|model| &model.predictions);
    let checks = predictions.flat_map(|prediction| &prediction.checks);
    let mut errors: Vec<f64> = checks.map(|check| check.error().abs()).collect();
    errors.sort_by(f64::total_cmp);
    match (errors.get(errors.len() / 2), errors.last()) {
        (Some(median), Some(largest)) => format!(
            "{} predictions could be checked: median error {:.1}%, worst {:.0}%",
            errors.len(),
            median * 100.0,
            largest * 100.0
        ),
        _ => "No prediction could be checked, because no backend was measured.".into(),
    }
}

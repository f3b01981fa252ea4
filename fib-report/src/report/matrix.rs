//! The matrix of all scenarios: scenarios down, backends across, and a name to the left of each
//! line.

use super::numbers::{duration, margin_text, percent, ratio, spread};
use super::page::{Block, Line, TextTable, narrow};
use super::scenario::{IN_TURN, fault, marked};
use crate::analysis::{Cell, Matrix, Row, Verdict};
use crate::sample::Status;

/// The matrix at each worker count.
pub(super) fn matrix(matrix: &Matrix, width: usize) -> Vec<Block> {
    let mut counts = matrix.header.workers.clone();
    counts.dedup();
    counts.into_iter().flat_map(|workers| for_workers(matrix, workers, width)).collect()
}

/// The matrix at one worker count, in as many tables as the width needs.
pub fn for_workers(matrix: &Matrix, workers: usize, width: usize) -> Vec<Block> {
    let backend_labels = |row: &Row| -> Vec<String> {
        let cells = row.cells.iter().filter(|c| c.workers == workers && c.engine.is_none());
        cells.map(|cell| cell.backend.clone()).collect()
    };
    let labels = matrix.rows.iter().map(backend_labels).max_by_key(Vec::len).unwrap_or_default();
    let title = title(matrix, workers);
    let has_marks = matrix.header.backends.iter().any(|head| head.forks_in_turn);
    let room = if has_marks { width.saturating_sub(labels.len()) } else { width };
    let blocks = fitting(&labels, room).into_iter().enumerate().flat_map(|(part, labels)| {
        let suffix = if part > 0 { " (continued)" } else { "" };
        [Block::Title(format!("{title}{suffix}")), Block::Table(table(matrix, workers, labels))]
    });
    blocks.chain(has_marks.then(|| Block::Text(IN_TURN.into()))).collect()
}

/// The labels in groups whose columns fit the width.
pub(super) fn fitting(labels: &[String], width: usize) -> Vec<&[String]> {
    const NAMES: usize = 13; // the widest name of a line, with its indent
    let column = |label: &String| {
        narrow(label).lines().map(|line| line.chars().count()).max().unwrap_or(0).max(7) + 1
    };
    let mut groups = vec![];
    let (mut start, mut used) = (0, NAMES);
    for (i, label) in labels.iter().enumerate() {
        if used + column(label) > width && i > start {
            groups.push(&labels[start..i]);
            (start, used) = (i, NAMES);
        }
        used += column(label);
    }
    groups.push(&labels[start..]);
    groups
}

fn title(matrix: &Matrix, workers: usize) -> String {
    let header = &matrix.header;
    let baseline = match header.baseline.workers {
        1 => header.baseline.label.clone(),
        several => format!("{} with {several} workers", header.baseline.label),
    };
    let warning = if workers > header.cores { ", more than CPUs" } else { "" };
    let workers = if workers == 1 { "1 worker".into() } else { format!("{workers} workers") };
    format!("All scenarios, {workers}{warning}: speedup over {baseline}")
}

fn table(matrix: &Matrix, workers: usize, labels: &[String]) -> TextTable {
    let names = labels.iter().map(|label| narrow(&marked(matrix, label)));
    let heading = [String::new()].into_iter().chain(names);
    let mut table = TextTable::new(heading).narrow();
    for row in &matrix.rows {
        table.rows.push(Line::Section(section(matrix, row, workers)));
        let find = |label: &String| {
            row.cells.iter().find(|cell| cell.backend == *label && cell.workers == workers)
        };
        let cells: Vec<Option<&Cell>> = labels.iter().map(find).collect();
        for (name, value) in LINES {
            let values: Vec<String> =
                cells.iter().map(|cell| cell.map_or(String::new(), value)).collect();
            if values.iter().any(|value| !value.is_empty()) {
                table.row([format!("  {name}")].into_iter().chain(values));
            }
        }
    }
    table
}

type Value = fn(&Cell) -> String;

const LINES: [(&str, Value); 6] = [
    ("speedup", |cell| cell.speedup.map_or(fault(cell.status).into(), |s| short(s.median))),
    ("± (99%)", |cell| {
        // If nearly all of the time is overhead, the width of the interval says nothing.
        cell.speedup.filter(|s| s.median >= 0.1).map_or(String::new(), |s| spread(&s))
    }),
    ("verdict", |cell| match cell.status {
        Status::Ok => match cell.verdict {
            None => "no base".into(),
            Some(Verdict::Equal(margin)) => format!("eq ±{}", margin_text(margin)),
            Some(verdict) => verdict.name().into(),
        },
        _ => String::new(),
    }),
    ("of ceiling", |cell| match (cell.verdict, cell.workers) {
        (Some(Verdict::Faster), 2..) => {
            cell.of_ceiling.map_or(String::new(), |part| percent(part.median))
        }
        _ => String::new(),
    }),
    ("tax, 1 worker", |cell| match (cell.speedup, cell.workers) {
        (Some(speedup), 1) => tax(1.0 / speedup.median),
        _ => String::new(),
    }),
    ("first batch", |cell| cell.cold_speedup.map_or(String::new(), |cold| short(cold.median))),
];

/// A ratio without its x: the title says that it is a speedup.
fn short(value: f64) -> String {
    ratio(value).replace('x', "")
}

/// T_1 / T_s: the time with one worker over the time of the baseline.
fn tax(tax: f64) -> String {
    if tax < 10.0 { format!("{tax:.3}") } else { format!("{tax:.0}") }
}

/// The line above the cells of a scenario: the baseline, the ceiling and the fastest kernel.
fn section(matrix: &Matrix, row: &Row, workers: usize) -> String {
    let time = row.baseline.wall_ns.map_or("no baseline".into(), duration);
    let mut text = format!("{}: baseline {time}", row.scenario.name);
    if let Some(ceiling) = row.ceiling(workers.min(matrix.header.cores)).filter(|_| workers > 1) {
        text += &format!(", ceiling {}", ratio(ceiling.median));
    }
    if let Some((best, speedup)) = row.best.as_ref().and_then(|best| Some((best, best.speedup?))) {
        text += &format!(", {} on one core {}", best.kernel, ratio(speedup.median));
    }
    text
}

/// The pool start of each backend, for each worker.
pub fn pool_starts(matrix: &Matrix) -> Vec<Block> {
    let Some(row) = matrix.rows.iter().max_by_key(|row| row.cells.len()) else { return vec![] };
    let most_workers = row.cells.iter().map(|cell| cell.workers).max();
    let cells =
        row.cells.iter().filter(|cell| Some(cell.workers) == most_workers && cell.engine.is_none());
    let starts: Vec<String> = cells
        .filter_map(|cell| {
            let start = duration(cell.pool_start_ns? / cell.workers as f64);
            Some(format!("{} {start}", cell.backend))
        })
        .collect();
    match starts.is_empty() {
        true => vec![],
        false => vec![Block::Text(format!("pool start for each worker: {}", starts.join(", ")))],
    }
}

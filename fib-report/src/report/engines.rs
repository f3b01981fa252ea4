//! Other engines: each backend against the baseline of its own engine, and against ours.

use super::matrix::fitting;
use super::numbers::{duration, ratio, spread};
use super::page::{Block, Line, TextTable, narrow};
use super::scenario::fault;
use crate::analysis::{Cell, Matrix, Row};
use crate::record::{EngineHead, LeftOut};

/// A table for every other engine and every worker count, in as many parts as the width needs.
pub fn engines(matrix: &Matrix, width: usize) -> Vec<Block> {
    let mut workers = matrix.header.workers.clone();
    workers.dedup();
    let counts = |engine| workers.iter().map(move |&workers| (engine, workers));
    let tables = matrix.header.engines.iter().flat_map(counts);
    let blocks = tables.flat_map(|(engine, workers)| table(matrix, engine, workers, width));
    blocks.chain([Block::Text(left_out(matrix))]).collect()
}

/// The backends that took no part, with the reason.
fn left_out(matrix: &Matrix) -> String {
    let all = matrix.header.engines.iter().flat_map(|engine| &engine.left_out);
    let line = |LeftOut { label, reason }: &LeftOut| format!("{label} is left out: {reason}");
    all.map(line).collect::<Vec<_>>().join("\n")
}

fn table(matrix: &Matrix, engine: &EngineHead, workers: usize, width: usize) -> Vec<Block> {
    let EngineHead { name, version, baseline, .. } = engine;
    let prefix = format!("{name}/");
    let short = |label: &str| label.trim_start_matches(&prefix).to_owned();
    let others: Vec<String> =
        engine.backends.iter().filter(|label| **label != *baseline).map(|l| short(l)).collect();
    let plural = if workers == 1 { "" } else { "s" };
    let title =
        format!("{name} ({version}), {workers} worker{plural}: speedup over {}", short(baseline));
    let parts = fitting(&others, width.saturating_sub(OUTER_COLUMNS));
    let blocks = parts.into_iter().enumerate().flat_map(|(part, others)| {
        let suffix = if part > 0 { " (continued)" } else { "" };
        let labels = others.iter().map(|other| format!("{prefix}{other}"));
        let labels: Vec<String> = [baseline.clone()].into_iter().chain(labels).collect();
        let names = labels.iter().map(|label| narrow(&short(label)));
        let heading = [String::new()].into_iter().chain(names).chain(["fastest\nof ours".into()]);
        let table = part_of_table(matrix, &labels, workers, TextTable::new(heading).narrow());
        [Block::Title(format!("{title}{suffix}")), Block::Table(table)]
    });
    blocks.collect()
}

/// The width of the columns of the baseline and of our fastest backend.
const OUTER_COLUMNS: usize = 20;

fn part_of_table(
    matrix: &Matrix,
    labels: &[String],
    workers: usize,
    mut table: TextTable,
) -> TextTable {
    for row in &matrix.rows {
        // Some backends cannot have as many workers.
        let find = |label: &String| {
            let cells = row.cells.iter().chain([&row.baseline]);
            let own = cells.filter(|cell| cell.backend == *label && cell.workers <= workers);
            own.max_by_key(|cell| cell.workers)
        };
        let cells: Vec<Option<&Cell>> = labels.iter().map(find).collect();
        let our_cell = fastest_of_ours(row, workers);
        let name = our_cell.map_or(String::new(), |cell| format!(" (ours: {})", cell.backend));
        table.rows.push(Line::Section(format!("{}{name}", row.scenario.name)));
        for (name, value) in LINES {
            let values = cells.iter().map(|cell| cell.map_or("-".into(), value));
            let our_cell = our_cell.map_or(String::new(), |cell| {
                if name == OVER_OURS { value(cell) } else { String::new() }
            });
            table.row([format!("  {name}")].into_iter().chain(values).chain([our_cell]));
        }
    }
    table
}

const OVER_OURS: &str = "over ours";

type Value = fn(&Cell) -> String;

/// The lines of a backend. `speedup` is over the baseline of its own engine, `over ours` over our
/// baseline.
const LINES: [(&str, Value); 5] = [
    ("time", |cell| cell.wall_ns.map_or(fault(cell.status).into(), duration)),
    ("speedup", |cell| cell.own_speedup.map_or("-".into(), |speedup| ratio(speedup.median))),
    ("± (99%)", |cell| cell.own_speedup.map_or("-".into(), |speedup| spread(&speedup))),
    ("first batch", |cell| cell.own_cold_speedup.map_or("-".into(), |cold| ratio(cold.median))),
    (OVER_OURS, |cell| cell.speedup.map_or("-".into(), |speedup| ratio(speedup.median))),
];

fn fastest_of_ours(row: &Row, workers: usize) -> Option<&Cell> {
    let our_cells =
        row.cells.iter().filter(|cell| cell.engine.is_none() && cell.workers == workers);
    let with_speedup = our_cells.filter_map(|cell| Some((cell.speedup?.median, cell)));
    with_speedup.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, cell)| cell)
}

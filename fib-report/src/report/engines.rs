//! Other engines: each backend against the baseline of its own engine, and against ours.

use super::numbers::{duration, ratio, spread};
use super::page::{Block, Row as Line, Table, narrow};
use super::scenario::fault;
use crate::analysis::{Cell, Matrix, Row};
use crate::record::{EngineHead, LeftOut};

/// A table for every other engine and every worker count.
pub(super) fn engines(matrix: &Matrix) -> Vec<Block> {
    let mut workers = matrix.header.workers.clone();
    workers.dedup();
    let counts = |engine| workers.iter().map(move |&workers| (engine, workers));
    let tables = matrix.header.engines.iter().flat_map(counts);
    let blocks = tables.flat_map(|(engine, workers)| table(matrix, engine, workers));
    blocks.chain([Block::Text(left_out(matrix))]).collect()
}

/// The backends that took no part, with the reason.
fn left_out(matrix: &Matrix) -> String {
    let all = matrix.header.engines.iter().flat_map(|engine| &engine.left_out);
    let line = |LeftOut { label, reason }: &LeftOut| format!("{label} is left out: {reason}");
    all.map(line).collect::<Vec<_>>().join("\n")
}

fn table(matrix: &Matrix, engine: &EngineHead, workers: usize) -> [Block; 2] {
    let prefix = format!("{}/", engine.name);
    let short = |label: &str| label.trim_start_matches(&prefix).to_owned();
    let other_labels: Vec<&String> =
        engine.backends.iter().filter(|label| **label != engine.baseline).collect();
    let heading = [String::new(), narrow(&short(&engine.baseline))];
    let heading = heading.into_iter().chain(other_labels.iter().map(|label| narrow(&short(label))));
    let mut table = Table::new(heading.chain(["fastest\nof ours".into()])).narrow();
    for row in &matrix.rows {
        let find = |label: &str| {
            let mut cells = row.cells.iter().chain([&row.baseline]);
            cells.find(|c| c.backend == label && (c.workers == workers || label == engine.baseline))
        };
        let our_cell = fastest_of_ours(row, workers);
        let name = our_cell.map_or(String::new(), |cell| format!(" (ours: {})", cell.backend));
        table.rows.push(Line::Section(format!("{}{name}", row.scenario.name)));
        let cells: Vec<Option<&Cell>> = [&engine.baseline]
            .into_iter()
            .chain(other_labels.iter().copied())
            .map(|label| find(label))
            .collect();
        for (name, value) in LINES {
            let values = cells.iter().map(|cell| cell.map_or("-".into(), value));
            let our_cell = our_cell.map_or(String::new(), |cell| {
                if name == OVER_OURS { value(cell) } else { String::new() }
            });
            table.row([format!("  {name}")].into_iter().chain(values).chain([our_cell]));
        }
    }
    let EngineHead { name, version, baseline, .. } = engine;
    let plural = if workers == 1 { "" } else { "s" };
    let title =
        format!("{name} ({version}), {workers} worker{plural}: speedup over {}", short(baseline));
    [Block::Title(title), Block::Table(table)]
}

const OVER_OURS: &str = "over ours";

type Value = fn(&Cell) -> String;

/// The lines of a backend. `speedup` is over the baseline of its own engine, `over ours` over our
/// baseline.
const LINES: [(&str, Value); 5] = [
    ("time", |cell| cell.wall_ns.map_or(fault(cell.status).into(), duration)),
    ("speedup", |cell| cell.own_speedup.map_or("-".into(), |speedup| ratio(speedup.median))),
    ("± (99%)", |cell| cell.own_speedup.map_or("-".into(), |speedup| spread(&speedup))),
    ("first batch", |cell| first_batch(cell).map_or("-".into(), ratio)),
    (OVER_OURS, |cell| cell.speedup.map_or("-".into(), |speedup| ratio(speedup.median))),
];

/// The speedup of the first batch over the engine's own baseline.
fn first_batch(cell: &Cell) -> Option<f64> {
    Some(cell.own_speedup?.median * cell.cold_speedup?.median / cell.speedup?.median)
}

fn fastest_of_ours(row: &Row, workers: usize) -> Option<&Cell> {
    let our_cells =
        row.cells.iter().filter(|cell| cell.engine.is_none() && cell.workers == workers);
    let with_speedup = our_cells.filter_map(|cell| Some((cell.speedup?.median, cell)));
    with_speedup.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, cell)| cell)
}

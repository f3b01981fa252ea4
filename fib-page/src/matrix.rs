//! The matrix as a heat map: scenarios down, backends across, and a choice of worker counts.

use crate::blocks::show_list;
use crate::cells::anchor;
use crate::charts::{HeatCell, HeatMap, Paint, heat_map};
use crate::figure::{Figure, Item, slug};
use fib_report::report::{
    all_scenarios, conclusions, engines, fault, faults, margin_text, pool_starts, ratio, spread,
};
use fib_report::{Analysis, Cell, Findings, Matrix, Row, Status, Verdict};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// A terminal that no table is too wide for.
const WIDE: usize = 100_000;

const TRAP: &str = "A speedup compares with one thread that runs the same algorithm. A backend that is fast here may \
                    be slow on a machine with more CPUs, and the same number of percent can be hours or nanoseconds.";

pub(super) fn items(record: usize, analysis: &Analysis) -> Vec<Item> {
    let matrix = &analysis.matrix;
    if !matches!(analysis.findings, Findings::Matrix) {
        return vec![];
    }
    let cells = || matrix.rows.iter().flat_map(|row| &row.cells);
    let counts: BTreeSet<usize> = cells().map(|cell| cell.workers).collect();
    let first = counts.iter().rposition(|count| *count <= matrix.header.cores).unwrap_or(0);
    let panes = counts.iter().map(|&workers| {
        let plural = if workers == 1 { "" } else { "s" };
        let warning = if workers > matrix.header.cores { ", more than CPUs" } else { "" };
        (format!("{workers} worker{plural}{warning}"), figure(record, matrix, workers))
    });
    let choice = Item::of("Worker count", panes.collect(), first);
    let conclusions = Item::Prose(html! {
        h3 { "Conclusions" }
        (show_list(&conclusions(matrix)))
        @for line in faults(matrix).lines() { p { (line) } }
    });
    choice.into_iter().chain([conclusions]).collect()
}

fn figure(record: usize, matrix: &Matrix, workers: usize) -> Figure {
    let labels = labels(matrix, workers);
    let find = |row: &Row, label: &str| {
        row.cells.iter().position(|cell| cell.workers == workers && cell.backend == label)
    };
    let baseline = &matrix.header.baseline.label;
    let plural = if workers == 1 { "" } else { "s" };
    let title = format!("Speedup over {baseline} with {workers} worker{plural}");
    let rows = matrix.rows.iter().map(|row| {
        let cells = labels.iter().map(|label| Some(heat_cell(&row.cells[find(row, label)?])));
        (row.scenario.name.clone(), cells.collect())
    });
    let map = HeatMap { columns: labels.clone(), rows: rows.collect() };
    let summary = format!(
        "A table of {} batches and {} backends. Blue cells are faster than {baseline}, orange cells slower.",
        map.rows.len(),
        labels.len()
    );
    let mut table = all_scenarios(matrix, workers, WIDE);
    table.extend(pool_starts(matrix));
    table.extend(engines(matrix, WIDE));
    Figure {
        name: slug(&["matrix", &format!("{workers} workers")]),
        svg: heat_map(&title, &summary, &map),
        instead: Some(shown(record, matrix, &map, &find)),
        title,
        caption: "Each cell shows the speedup, and below it the half-width of its interval. Blue is faster than the \
                  baseline, and stronger blue is closer to the ceiling. Orange is slower. Grey is equal or failed. \
                  Stripes mark what this measurement cannot tell. Follow a cell to its details."
            .into(),
        trap: TRAP,
        table,
    }
}

/// The labels of all cells with this many workers, in the order of the report.
fn labels(matrix: &Matrix, workers: usize) -> Vec<String> {
    let mut labels: Vec<String> = vec![];
    for cell in matrix.rows.iter().flat_map(|row| &row.cells).filter(|c| c.workers == workers) {
        if !labels.contains(&cell.backend) {
            labels.push(cell.backend.clone());
        }
    }
    labels
}

/// The heat map as a table, each cell of which leads to its details.
fn shown(
    record: usize,
    matrix: &Matrix,
    map: &HeatMap,
    find: &dyn Fn(&Row, &str) -> Option<usize>,
) -> Markup {
    let link = |row: usize, label: &str| {
        find(&matrix.rows[row], label).map(|cell| anchor(record, row, cell))
    };
    html! {
        table.heat {
            thead { tr {
                th scope="col" { "batch" }
                @for label in &map.columns { th scope="col" { (breakable(label)) } }
            } }
            tbody { @for (i, (name, cells)) in map.rows.iter().enumerate() {
                tr {
                    th scope="row" { (name) }
                    @for (label, cell) in map.columns.iter().zip(cells) {
                        @if let (Some(cell), Some(link)) = (cell, link(i, label)) { (heat_box(cell, &link)) }
                        @else { td {} }
                    }
                }
            } }
        }
    }
}

/// A name that may be broken at its hyphens and slashes.
fn breakable(name: &str) -> Markup {
    html! { @for piece in name.split_inclusive(['-', '/', '@']) { (piece) wbr; } }
}

fn heat_box(cell: &HeatCell, link: &str) -> Markup {
    let class =
        cell.paint.map_or("h-unresolved".into(), |paint| format!("h-{}", paint.look().class));
    html! {
        td class=(class) { a href={ "#" (link) } { b { (cell.value) } " " small { (cell.note) } } }
    }
}

/// How a cell looks in a heat map.
pub(super) fn heat_cell(cell: &Cell) -> HeatCell {
    let value = cell.speedup.map_or("-".into(), |speedup| ratio(speedup.median));
    let width = cell.speedup.map_or(String::new(), |speedup| match speedup.median < 0.1 {
        // If nearly all of the time is overhead, the width of the interval says nothing.
        true => "slower".into(),
        false => format!("±{}", spread(&speedup)),
    });
    let (paint, value, note) = match (cell.status, cell.verdict) {
        (Status::Ok, None) => (Some(Paint::Failed), "no base".into(), String::new()),
        (Status::Ok, Some(Verdict::Unresolved)) => (None, value, "unresolved".into()),
        (Status::Ok, Some(Verdict::Equal(margin))) => {
            (Some(Paint::Equal), value, format!("equal ±{}", margin_text(margin)))
        }
        (Status::Ok, Some(Verdict::Faster)) => (Some(faster(cell)), value, width),
        (Status::Ok, Some(Verdict::Slower)) => (Some(slower(cell)), value, width),
        (status, _) => (Some(Paint::Failed), fault(status).into(), "failed".into()),
    };
    HeatCell { paint, value, note }
}

/// The closer to the ceiling, the stronger.
fn faster(cell: &Cell) -> Paint {
    let speedup = cell.speedup.map_or(0.0, |speedup| speedup.median);
    match cell.of_ceiling.map_or(speedup / cell.workers as f64, |part| part.median) {
        part if part >= 0.95 => Paint::Faster4,
        part if part >= 0.8 => Paint::Faster3,
        part if part >= 0.5 => Paint::Faster2,
        _ => Paint::Faster1,
    }
}

/// The slower, the stronger.
fn slower(cell: &Cell) -> Paint {
    match cell.speedup.map_or(0.0, |speedup| speedup.median) {
        speedup if speedup >= 0.8 => Paint::Slower1,
        speedup if speedup >= 0.5 => Paint::Slower2,
        speedup if speedup >= 0.1 => Paint::Slower3,
        _ => Paint::Slower4,
    }
}

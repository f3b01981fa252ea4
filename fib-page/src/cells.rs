//! The details of each cell: how its rounds spread, the first batch, CPUs and memory.

use crate::charts::{SpreadRow, spread};
use crate::figure::{Figure, Item, slug};
use fib_report::report::{duration, name, percent, ratio, rounds, verdict, with_interval};
use fib_report::{Analysis, Cell, Findings, Matrix, Row};
use maud::{Markup, html};

const TRAP: &str = "The width of a hill says how rounds differ, and not how well the median is known: that is the thick \
                    line. A hill is as high as its rounds are alike, so heights of two rows say nothing.";

/// The most rows of a chart; the table has all of them.
const MOST_ROWS: usize = 24;

pub(super) fn items(record: usize, analysis: &Analysis) -> Vec<Item> {
    if !matches!(analysis.findings, Findings::Matrix) {
        return vec![];
    }
    let note = Item::Prose(html! {
        p { "A cell is one backend at one worker count on one batch. Peak memory is the most that its process has used until \
             then; a process runs all batches of a run, so it may be that of a larger batch." }
    });
    let rows = analysis.matrix.rows.iter().enumerate();
    let items = rows.flat_map(|(i, row)| items_of(record, &analysis.matrix, i, row));
    [note].into_iter().chain(items).collect()
}

/// Where the details of a cell are on the page.
pub(super) fn anchor(record: usize, row: usize, cell: usize) -> String {
    format!("cell-{record}-{row}-{cell}")
}

fn items_of(record: usize, matrix: &Matrix, i: usize, row: &Row) -> [Item; 2] {
    let table = Item::Prose(html! {
        h3.scenario { (row.scenario.name) }
        p { (row.scenario.summary) "." }
        (table(record, i, row))
        @for cell in row.cells.iter().filter(|cell| cell.message.is_some()) {
            p { (name(row, cell)) ": " (cell.message.as_deref().unwrap_or_default()) }
        }
    });
    [table, Item::Figure(Box::new(figure(matrix, row)))]
}

fn figure(matrix: &Matrix, row: &Row) -> Figure {
    let title = format!("How the rounds of {} spread", row.scenario.name);
    let fits = |cell: &&Cell| cell.workers <= matrix.header.cores;
    let most = row.cells.iter().filter(fits).map(|cell| cell.workers).max();
    let many = row.cells.len() > MOST_ROWS;
    let is_shown = |cell: &&Cell| !many || Some(cell.workers) == most;
    let cells = row.cells.iter().filter(is_shown).take(MOST_ROWS).cloned().collect();
    let shown = Row { cells, ..row.clone() };
    let rows: Vec<SpreadRow> = shown
        .cells
        .iter()
        .filter_map(|cell| {
            Some(SpreadRow {
                name: name(row, cell),
                rounds: cell.speedups.values().copied().collect(),
                runs: cell.run_medians(),
                speedup: cell.speedup?,
            })
        })
        .collect();
    let summary = "For each backend: above the line the speedups of the rounds, below it the medians of the runs, and on it the median with its interval.";
    Figure {
        name: slug(&["rounds", &row.scenario.name]),
        svg: spread(&title, summary, &rows),
        instead: None,
        title,
        caption: "The blue hill shows the speedups of the rounds, and the grey hill below it the medians of the runs. The \
                  dot is the median of all rounds, and the thick line is its interval. Two humps mean that a backend has \
                  two speeds."
            .into(),
        trap: TRAP,
        table: rounds(&shown),
    }
}

const HEADING: [&str; 12] = [
    "backend",
    "workers",
    "time",
    "speedup",
    "of ceiling",
    "verdict",
    "first batch",
    "pool start",
    "overhead",
    "CPUs busy",
    "peak memory",
    "rounds",
];

fn table(record: usize, i: usize, row: &Row) -> Markup {
    html! {
        div.table tabindex="0" role="group" aria-label={ "Cells of " (row.scenario.name) } {
            table {
                thead { tr { @for heading in HEADING { th scope="col" { (heading) } } } }
                tbody {
                    (line(None, &row.baseline))
                    @for (j, cell) in row.cells.iter().enumerate() { (line(Some(anchor(record, i, j)), cell)) }
                    @if let Some(best) = &row.best { (line(None, best)) }
                }
            }
        }
    }
}

fn line(id: Option<String>, cell: &Cell) -> Markup {
    let time = |ns: Option<f64>| ns.map_or("-".into(), duration);
    let is_baseline = cell.verdict.is_none() && id.is_none();
    let columns = [
        cell.workers.to_string(),
        time(cell.wall_ns),
        cell.speedup.filter(|_| !is_baseline).map_or("-".into(), |speedup| with_interval(&speedup)),
        cell.of_ceiling.map_or("-".into(), |part| percent(part.median)),
        if is_baseline { "baseline".into() } else { verdict(cell) },
        cell.cold_speedup.map_or("-".into(), |cold| ratio(cold.median)),
        time(cell.pool_start_ns),
        time(cell.overhead_ns.map(|overhead| overhead.median)),
        cell.cpus.map_or("-".into(), |cpus| format!("{cpus:.2}")),
        cell.peak_rss_bytes.map_or("-".into(), |bytes| format!("{:.1} MB", bytes as f64 / 1e6)),
        cell.rounds.to_string(),
    ];
    let label = match &*cell.kernel {
        "stepping" if id.is_none() => format!("{} ({})", cell.backend, cell.kernel),
        _ => cell.backend.clone(),
    };
    html! {
        tr id=[id] {
            th scope="row" { (label) }
            @for column in columns { td { (column) } }
        }
    }
}

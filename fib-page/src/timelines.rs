//! Timelines: what each worker did when, in one run of each backend.

use crate::charts::{TimelineRun, WorkerRow, timelines};
use crate::figure::{Figure, Item, slug};
use fib_report::report::{Block, TextTable, duration, name, percent, reading_of};
use fib_report::{Analysis, Cell, Loss, Matrix, Row, Timeline};

const TRAP: &str = "Each drawing is a single run, and the next run looks different. Chunks that are too narrow to be seen \
                    are drawn as one.";

/// The most workers of a run that are drawn.
const MOST_WORKERS: usize = 16;

pub(super) fn items(_record: usize, analysis: &Analysis) -> Vec<Item> {
    let rows = analysis.matrix.rows.iter();
    let figures = rows.filter_map(|row| {
        let cells = shown(&analysis.matrix, row);
        (!cells.is_empty()).then(|| (row.scenario.name.clone(), figure(row, &cells)))
    });
    Item::of("Batch", figures.collect(), 0).into_iter().collect()
}

/// The cells with the most workers that fit the machine, and their runs.
fn shown<'a>(matrix: &Matrix, row: &'a Row) -> Vec<(&'a Cell, &'a Timeline)> {
    let runs = row.cells.iter().filter_map(|cell| Some((cell, cell.timeline.as_ref()?)));
    let fits = runs.clone().filter(|(cell, _)| cell.workers <= matrix.header.cores);
    let most = fits.map(|(cell, _)| cell.workers).max();
    runs.filter(|(cell, _)| Some(cell.workers) == most).collect()
}

fn figure(row: &Row, cells: &[(&Cell, &Timeline)]) -> Figure {
    let title = format!("Who did what when on {}", row.scenario.name);
    let runs: Vec<TimelineRun> = cells.iter().map(|(cell, run)| drawn(row, cell, run)).collect();
    let summary = "For each backend, one run: the chunks of each worker over time.";
    let sentences =
        cells.iter().filter_map(|(cell, run)| Some((name(row, cell), reading_of(run)?)));
    Figure {
        name: slug(&["timelines", &row.scenario.name]),
        svg: timelines(&title, summary, &runs),
        instead: None,
        title,
        caption: "Each row is a worker, and each bar is a chunk. The upright line is the end of the run: what is empty before it \
                  is lost. If one worker ends long before another, the work was not shared well."
            .into(),
        trap: TRAP,
        table: vec![Block::Table(table(row, cells)), Block::List(sentences.collect())],
    }
}

fn drawn(row: &Row, cell: &Cell, run: &Timeline) -> TimelineRun {
    let mut workers: Vec<WorkerRow> = vec![];
    workers.resize_with(run.workers.min(MOST_WORKERS), WorkerRow::default);
    for chunk in &run.chunks {
        if let Some(worker) = workers.get_mut(chunk.worker) {
            worker.chunks.push((chunk.start_ns as f64, chunk.end_ns as f64));
        }
    }
    for pause in &run.pauses {
        if let Some(worker) = workers.get_mut(pause.worker) {
            worker.pauses.push((pause.start_ns as f64, pause.end_ns as f64));
        }
    }
    for worker in &mut workers {
        worker.chunks.sort_by(|a, b| a.0.total_cmp(&b.0));
        worker.pauses.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    let some = if run.workers > MOST_WORKERS { ", the first 16 of its workers" } else { "" };
    let name = format!("{}: {}{some}", name(row, cell), duration(run.wall_ns as f64));
    TimelineRun { name, wall_ns: run.wall_ns as f64, workers }
}

/// The parts of the time of all workers.
fn table(row: &Row, cells: &[(&Cell, &Timeline)]) -> TextTable {
    let heading = [
        "backend",
        "workers",
        "time",
        "chunks",
        "computing",
        "lock",
        "first chunk",
        "dispatch",
        "tail",
        "unused",
    ];
    let line = |(cell, run): &(&Cell, &Timeline)| -> Option<Vec<String>> {
        let parts = run.parts()?;
        let share = |ns: f64| percent(ns.max(0.0) / parts.total_ns().max(1.0));
        let counts = [run.workers.to_string(), duration(parts.wall_ns), parts.chunks.to_string()];
        let lost = parts.parts().into_iter().filter(|(loss, _)| *loss != Loss::Inflation);
        let shares = [share(parts.useful_ns)].into_iter().chain(lost.map(|(_, ns)| share(ns)));
        Some([name(row, cell)].into_iter().chain(counts).chain(shares).collect())
    };
    TextTable::new(heading).with_rows(cells.iter().filter_map(line))
}

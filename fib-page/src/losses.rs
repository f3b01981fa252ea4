//! Where the lost speedup went: the time of all workers as stacked bars.

use crate::charts::{Bar, Paint, Part, bars};
use crate::figure::{Figure, Item, slug};
use fib_report::report::{losses_of, name};
use fib_report::{Analysis, Cell, Loss, Losses, Matrix, Row};

const TRAP: &str = "Each bar is one run, the one with the median speedup. The bars have the same length, although the backends \
                    took different times: a share says nothing about which backend is faster.";

pub(super) fn items(_record: usize, analysis: &Analysis) -> Vec<Item> {
    let matrix = &analysis.matrix;
    let figures = matrix.rows.iter().filter_map(|row| {
        let bars = rows(matrix, row);
        (!bars.is_empty()).then(|| (row.scenario.name.clone(), figure(row, &bars)))
    });
    Item::of("Batch", figures.collect(), 0).into_iter().collect()
}

/// A bar for each cell with the most workers that fit the machine.
fn rows(matrix: &Matrix, row: &Row) -> Vec<Bar> {
    let fits = |cell: &&Cell| cell.workers <= matrix.header.cores && cell.losses.is_some();
    let most = row.cells.iter().filter(fits).map(|cell| cell.workers).max();
    let cells = row.cells.iter().filter(|cell| Some(cell.workers) == most);
    let bar =
        |cell: &Cell| Some(Bar { name: name(row, cell), parts: parts(cell.losses.as_ref()?) });
    cells.filter_map(bar).collect()
}

/// The parts of a bar. If the work took less time than in the baseline run, it is shown with the time that it
/// took, because there is no bar of negative length.
fn parts(losses: &Losses) -> Vec<Part> {
    let share = |ns: f64| ns / losses.total_ns();
    let useful = losses.useful_ns + losses.inflation_ns.min(0.0);
    let useful = Part { name: "useful", paint: Paint::Useful, share: share(useful) };
    let lost = losses.parts().map(|(loss, ns)| {
        let (name, paint) = match loss {
            Loss::Inflation => ("inflation", Paint::Inflation),
            Loss::Paused => ("lock", Paint::Lock),
            Loss::FirstChunk => ("first chunk", Paint::FirstChunk),
            Loss::Dispatch => ("dispatch", Paint::Dispatch),
            Loss::Tail => ("tail", Paint::Tail),
            Loss::Unused => ("unused", Paint::Unused),
        };
        Part { name, paint, share: share(ns.max(0.0)) }
    });
    [useful].into_iter().chain(lost).collect()
}

fn figure(row: &Row, rows: &[Bar]) -> Figure {
    let title = format!("Where worker time went on {}", row.scenario.name);
    let summary =
        "For each backend, the time of all workers, split into useful work and six kinds of loss.";
    Figure {
        name: slug(&["losses", &row.scenario.name]),
        svg: bars(&title, summary, rows),
        instead: None,
        title,
        caption: "Each bar is the time of all workers in one run. The blue part did the work that one thread has to do \
                  too, and everything else is lost: work that took longer, waiting for a lock, for the first chunk, \
                  between chunks, and after the last chunk, and workers without a chunk."
            .into(),
        trap: TRAP,
        table: losses_of(row),
    }
}

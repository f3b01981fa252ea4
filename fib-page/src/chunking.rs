//! How the chunking decides: chunkings down, backends across.

use crate::charts::{HeatMap, heat_map};
use crate::figure::{Figure, Item, slug};
use crate::matrix::heat_cell;
use fib_report::report::findings;
use fib_report::{Analysis, Findings, Matrix, Row};

const TRAP: &str = "The best chunking of one batch is rarely the best of another. With two workers many chunkings are equally \
                    good; with many workers fewer are.";

pub(super) fn items(_record: usize, analysis: &Analysis) -> Vec<Item> {
    if !matches!(analysis.findings, Findings::Chunking(_)) {
        return vec![];
    }
    let figures = analysis.matrix.rows.iter();
    let figures = figures.map(|row| (row.scenario.name.clone(), figure(analysis, row)));
    Item::of("Batch", figures.collect(), 0).into_iter().collect()
}

fn figure(analysis: &Analysis, row: &Row) -> Figure {
    let map = map(&analysis.matrix, row);
    let title = format!("Speedup of {} by chunking", row.scenario.name);
    Figure {
        name: slug(&["chunking", &row.scenario.name]),
        svg: heat_map(&title, "For each chunking and backend, the speedup.", &map),
        instead: None,
        title,
        caption: "Each row is a way to cut the same batch into chunks. Blue is faster than one thread, orange is slower, \
                  and stripes mark what this measurement cannot tell."
            .into(),
        trap: TRAP,
        table: findings(analysis),
    }
}

fn map(matrix: &Matrix, row: &Row) -> HeatMap {
    let most = row.cells.iter().map(|cell| cell.workers).max();
    let (mut columns, mut chunkings) = (vec![], vec![]);
    for head in &matrix.header.backends {
        let chunking = head.chunking.to_string();
        if !columns.contains(&head.name) {
            columns.push(head.name.clone());
        }
        if !chunkings.contains(&chunking) {
            chunkings.push(chunking);
        }
    }
    let cell = |name: &String, chunking: &String| {
        let head = |label: &str| matrix.header.backends.iter().find(|head| head.label == label);
        let is_wanted = |label: &str| head(label).is_some_and(|head| head.name == *name);
        let cells = row.cells.iter().filter(|cell| Some(cell.workers) == most);
        let mut own = cells.filter(|cell| cell.chunking.as_ref() == Some(chunking));
        own.find(|cell| is_wanted(&cell.backend)).map(heat_cell)
    };
    let cells = |chunking: &String| columns.iter().map(|name| cell(name, chunking)).collect();
    let rows = chunkings.iter().map(|chunking| (chunking.clone(), cells(chunking))).collect();
    HeatMap { columns, rows }
}

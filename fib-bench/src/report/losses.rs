//! Where the time of all workers went: as a table, and in words.

use super::numbers::{duration, percent};
use super::style::Style;
use super::words::name;
use crate::analysis::{Cell, Loss, Losses, Matrix, Row};

/// Below this part of the whole, a loss is not worth a piece of advice.
const LITTLE: f64 = 0.03;

/// For every scenario whose runs were recorded with their timeline.
pub(super) fn losses(matrix: &Matrix, style: Style) -> String {
    let with_losses = |row: &&Row| row.cells.iter().any(|cell| cell.losses.is_some());
    let sections = matrix.rows.iter().filter(with_losses).map(|row| section(matrix, row, style));
    sections.collect::<Vec<_>>().join("\n")
}

fn section(matrix: &Matrix, row: &Row, style: Style) -> String {
    let line = style.line;
    let heading = [
        "backend".into(),
        format!("work-{line}ers"),
        "time".into(),
        "useful".into(),
        format!("infla-{line}tion"),
        "lock".into(),
        format!("start-{line}up"),
        format!("dis-{line}patch"),
        "tail".into(),
        "unused".into(),
    ];
    let mut table = style.narrow().table(heading.into());
    let mut words = vec![];
    for cell in &row.cells {
        let Some(losses) = &cell.losses else { continue };
        let mut columns =
            vec![cell.backend.clone(), cell.workers.to_string(), duration(losses.wall_ns)];
        let share = |ns: f64| percent(ns / losses.total_ns());
        columns.push(share(losses.useful_ns));
        columns.extend(losses.parts().map(|(_, ns)| share(ns)));
        table.add_row(columns);
        let advice = sentence(losses, cell, row, &matrix.header.chunking);
        words.push((name(row, cell), advice));
    }
    let title = format!(
        "{}: where the time of all workers went, in parts of workers x time{}",
        row.scenario.name, style.end
    );
    format!("{title}{}{}\n{}{}", style.blank(), table.trim_fmt(), style.blank(), style.list(words))
}

/// The largest loss of a cell, and what could be done about it.
fn sentence(losses: &Losses, cell: &Cell, row: &Row, chunking: &str) -> String {
    let (loss, lost) = losses.largest();
    let share = lost / losses.total_ns();
    if share < LITTLE {
        return format!(
            "hardly anything is lost, at most {} at one place",
            percent(share.max(0.0))
        );
    }
    let share = percent(share);
    match loss {
        Loss::Inflation => inflation(losses, cell, row),
        Loss::Paused => {
            format!("lock: workers wait for it {share} of the time; only one at a time may compute")
        }
        Loss::StartUp => format!(
            "start-up: {share} of the time is over before workers have a first chunk; more work in a \
             batch makes it matter less"
        ),
        Loss::Dispatch => {
            format!("dispatch: {share} of the time passes between chunks; try larger chunks")
        }
        Loss::Tail => {
            let (worker, idle) = losses.idlest;
            let part = percent(idle / losses.wall_ns);
            let advice = tail_advice(chunking, row.scenario.items);
            format!("tail imbalance: worker {} idle for {part} of the run; {advice}", worker + 1)
        }
        Loss::Unused => format!(
            "unused: {} of {} workers never get a chunk; there are too few of them",
            losses.unused, losses.workers
        ),
    }
}

fn tail_advice(chunking: &str, items: Option<usize>) -> &'static str {
    match chunking.split(':').next() {
        _ if items.is_some_and(|items| items < 2) => "one number is one chain of additions",
        Some("balanced") => "try more chunks, as in balanced:32",
        _ => "try balanced chunks, as in balanced:8",
    }
}

/// Computing takes longer than sequentially: the copies of the ceiling say whether they do, too.
fn inflation(losses: &Losses, cell: &Cell, row: &Row) -> String {
    let longer = percent(losses.inflation_ns / losses.useful_ns);
    let ceiling = row.ceilings.get(&cell.workers);
    let hardware = ceiling.map(|c| cell.workers as f64 / c.median - 1.0).filter(|&h| h > LITTLE);
    let whose =
        hardware.map_or("cold caches, memory or waiting for a CPU".to_owned(), |hardware| {
            format!("for copies that share nothing it is {}: the hardware's", percent(hardware))
        });
    format!("work inflation: computing takes {longer} longer than sequentially ({whose})")
}

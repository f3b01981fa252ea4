//! The matrix at one worker count: scenarios down, backends across.

use super::numbers::{duration, percent, ratio, spread};
use super::style::Style;
use crate::analysis::{Cell, Matrix, Row, Verdict};
use crate::record::{Header, Reference, Status};

pub(super) fn block(matrix: &Matrix, workers: usize, style: Style) -> String {
    let of_block = |row: &Row| -> Vec<Cell> {
        let here = |cell: &&Cell| cell.workers == workers && cell.engine.is_none();
        row.cells.iter().filter(here).cloned().collect()
    };
    let line = style.line;
    let mut heading = vec!["scenario".into(), format!("time{line}whole{line}ceiling")];
    let names = matrix.rows.iter().map(of_block).max_by_key(Vec::len).unwrap_or_default();
    heading.extend(names.iter().map(|cell| cell.backend.replacen('-', style.hyphen, 1)));
    heading.push(format!("1 core{line}stepping"));
    let mut table = style.narrow().ruled().table(heading);
    for row in &matrix.rows {
        let copies = workers.min(matrix.header.cores);
        let ceiling = row.ceilings.get(&copies).map_or("-".into(), |c| ratio(c.median));
        let times = format!("{}{line}{ceiling}", times(row, style));
        let mut cells = vec![row.scenario.name.clone(), times];
        cells.extend(of_block(row).iter().map(|cell| compact(cell, style)));
        cells.push(best(row, style));
        table.add_row(cells);
    }
    let mut start_ups = vec![format!("start-up{line}a worker"), String::new()];
    start_ups.extend(names.iter().map(start_up));
    table.add_row(start_ups);
    let title = title(workers, &matrix.header);
    format!("{title}\n{}{}\n", style.blank(), table.trim_fmt())
}

fn title(workers: usize, header: &Header) -> String {
    let Reference { backend, workers: of_reference } = &header.against;
    let over = match of_reference {
        1 => backend.clone(),
        many => format!("{backend} ({many})"),
    };
    match workers {
        1 => format!("1 worker: speedup over {over}; the one-worker tax; (cold, with a new pool)"),
        _ => {
            let more = if workers > header.cores { " (more than cores)" } else { "" };
            format!(
                "{workers} workers{more}: speedup over {over}; if faster, part of the ceiling; (cold, with \
                 a new pool)"
            )
        }
    }
}

/// The baseline's time, and below it that from call to result.
fn times(row: &Row, style: Style) -> String {
    let time = |ns: Option<f64>| ns.map_or("-".into(), duration);
    format!("{}{}{}", time(row.reference.wall_ns), style.line, time(row.whole_ns))
}

/// What one worker of a backend costs before the first batch.
fn start_up(cell: &Cell) -> String {
    cell.start_up_ns.map_or("-".into(), |ns| duration(ns / cell.workers as f64))
}

/// A cell in three lines: speedup, its spread, what it means.
fn compact(cell: &Cell, style: Style) -> String {
    let Some(speedup) = cell.speedup else { return missing(cell).into() };
    let meaning = match cell.verdict {
        _ if cell.workers == 1 => tax(1.0 / speedup.median),
        Some(Verdict::Faster) => {
            cell.of_ceiling.map_or("faster".into(), |part| percent(part.median))
        }
        Some(verdict) => verdict.name().into(),
        None => String::new(),
    };
    let shared = if cell.shared { format!("{}shared", style.line) } else { String::new() };
    // Where nearly everything is overhead, how far it spreads says nothing.
    let spread = if speedup.median < 0.1 {
        String::new()
    } else {
        style.line.to_owned() + &spread(&speedup)
    };
    let speedup = ratio(speedup.median).replace('x', "");
    let cold = cell.cold.map_or(String::new(), |cold| {
        format!("{}({})", style.line, ratio(cold.median).replace('x', ""))
    });
    format!("{speedup}{spread}{}{meaning}{cold}{shared}", style.line)
}

/// To a tenth of a per cent where that can be told.
fn tax(tax: f64) -> String {
    if tax < 10.0 { format!("tax {tax:.3}") } else { format!("tax {tax:.0}") }
}

fn best(row: &Row, style: Style) -> String {
    let speedup = row.best.speedup.map_or(missing(&row.best).into(), |s| ratio(s.median));
    format!("{speedup}{}{}", style.line, if row.best.shared { "shared" } else { "" })
}

/// What stands in place of a cell's time.
pub(super) fn missing(cell: &Cell) -> &'static str {
    match cell.status {
        Status::Ok => "-",
        Status::Wrong => "WRONG",
        Status::Crash => "CRASH",
        Status::Hang => "HANG",
        Status::Refused => "REFUSED",
        Status::Omitted => "left out",
        Status::Failed => "FAILED",
    }
}

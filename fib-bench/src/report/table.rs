//! Tables for people: one scenario in full, or the matrix of several; plain or in Markdown.

use super::numbers::{duration, percent, ratio, spread, with_interval};
use super::words::sentence;
use crate::analysis::{Cell, Matrix, Row, Verdict};
use crate::record::Status;
use comfy_table::{CellAlignment, Table, TableStyle, presets};

/// How a table is drawn.
#[derive(Clone, Copy)]
struct Style {
    lines: TableStyle,
    /// Between the lines of a cell.
    line: &'static str,
    /// Between a name's parts in a heading.
    hyphen: &'static str,
    /// Around the sentences.
    bullet: &'static str,
}

const PLAIN: Style =
    Style { lines: presets::UTF8_HORIZONTAL_ONLY, line: "\n", hyphen: "-\n", bullet: "  " };
const MARKDOWN: Style =
    Style { lines: presets::ASCII_MARKDOWN, line: "<br>", hyphen: "-", bullet: "- " };

/// For a terminal.
pub fn table(matrix: &Matrix) -> String {
    render(matrix, PLAIN)
}

/// For a README.
pub fn markdown(matrix: &Matrix) -> String {
    render(matrix, MARKDOWN)
}

fn render(matrix: &Matrix, style: Style) -> String {
    let mut text = heading(matrix, style);
    match &matrix.rows[..] {
        [row] => text += &one_scenario(matrix, row, style),
        _ => {
            for workers in workers(matrix) {
                text += &block(matrix, workers, style);
            }
            text += &sentences(matrix, style);
        }
    }
    text += &faults(matrix, style);
    text
}

fn heading(matrix: &Matrix, style: Style) -> String {
    let header = &matrix.header;
    let end = if style.line == "\n" { "\n" } else { "  \n" }; // two blanks break a line in Markdown
    let pin = if header.pin { ", persistent workers pinned" } else { "" };
    let rounds = matrix.rows.iter().map(|row| row.rounds);
    let (fewest, most) = (rounds.clone().min().unwrap_or(0), rounds.max().unwrap_or(0));
    let lines = [
        format!("{}, {} cores usable, {}", header.machine.cpu, header.cores, header.machine.os),
        format!(
            "kernel {}, chunking {}, seed {}{pin}",
            header.kernel, header.chunking, header.seed
        ),
        format!(
            "{fewest} to {most} interleaved rounds, medians, {} % intervals; the baseline differs from \
             itself by up to {}",
            header.confidence * 100.0,
            worst_noise(matrix)
        ),
    ];
    lines.map(|line| line + end).concat() + "\n"
}

/// The widest reach of an A/A interval from 1.
fn worst_noise(matrix: &Matrix) -> String {
    let intervals = matrix.rows.iter().filter_map(|row| row.noise?.interval);
    let reach = intervals.map(|(low, high)| (1.0 / low).max(high) - 1.0).reduce(f64::max);
    reach.map_or("an unknown amount".into(), |reach| format!("{:.1} %", reach * 100.0))
}

fn workers(matrix: &Matrix) -> Vec<usize> {
    let mut workers = matrix.header.workers.clone();
    workers.dedup();
    workers
}

fn new_table(style: Style, header: Vec<String>) -> Table {
    let mut table = Table::new();
    table.load_style(style.lines).set_header(header);
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding(if i == 0 { (0, 1) } else { (1, 1) });
        column.set_cell_alignment(if i == 0 { CellAlignment::Left } else { CellAlignment::Right });
    }
    table
}

/// Scenarios down, backends across, at one worker count.
fn block(matrix: &Matrix, workers: usize, style: Style) -> String {
    let name = |cell: &Cell| cell.backend.replacen('-', style.hyphen, 1);
    let of_block = |row: &Row| -> Vec<Cell> {
        row.cells.iter().filter(|cell| cell.workers == workers).cloned().collect()
    };
    let mut header: Vec<String> =
        ["scenario", &format!("sequential{}(whole)", style.line), "ceiling"].map(Into::into).into();
    header.extend(matrix.rows.first().map(of_block).unwrap_or_default().iter().map(name));
    header.push(format!("stepping{}sequential", style.line));
    let mut table = new_table(style, header);
    for row in &matrix.rows {
        let copies = workers.min(matrix.header.cores);
        let ceiling = row.ceilings.get(&copies).map_or("-".into(), |c| ratio(c.median));
        let mut cells = vec![row.scenario.name.clone(), times(row, style), ceiling];
        cells.extend(of_block(row).iter().map(|cell| compact(cell, style)));
        cells.push(best(row, style));
        table.add_row(cells);
    }
    format!("{}\n{}\n\n", block_title(workers, matrix.header.cores), table.trim_fmt())
}

fn block_title(workers: usize, cores: usize) -> String {
    let over = if workers > cores { ", more than there are cores" } else { "" };
    match workers {
        1 => {
            "1 worker: speedup over sequential, and the one-worker tax T_1/T_s - 1 below it".into()
        }
        _ => format!(
            "{workers} workers{over}: speedup over sequential; below it the part of the ceiling if \
             faster"
        ),
    }
}

/// The baseline's time, and below it that from call to result.
fn times(row: &Row, style: Style) -> String {
    let time = |ns: Option<f64>| ns.map_or("-".into(), duration);
    format!("{}{}({})", time(row.sequential.wall_ns), style.line, time(row.whole_ns))
}

/// A cell in two lines: speedup and spread, then what it means.
fn compact(cell: &Cell, style: Style) -> String {
    let Some(speedup) = cell.speedup else { return fault_name(cell).into() };
    let tax = || format!("tax {:+.1} %", (1.0 / speedup.median - 1.0) * 100.0);
    let meaning = match cell.verdict {
        _ if cell.workers == 1 => tax(),
        Some(Verdict::Faster) => {
            cell.of_ceiling.map_or("faster".into(), |part| percent(part.median))
        }
        Some(verdict) => verdict.name().into(),
        None => String::new(),
    };
    let shared = if cell.shared { " shared" } else { "" };
    format!("{} {}{}{meaning}{shared}", ratio(speedup.median), spread(&speedup), style.line)
}

fn fault_name(cell: &Cell) -> &'static str {
    match cell.status {
        Status::Ok => "-",
        Status::Wrong => "WRONG",
        Status::Failed => "FAILED",
    }
}

fn best(row: &Row, style: Style) -> String {
    let speedup = row.best.speedup.map_or(fault_name(&row.best).into(), |s| ratio(s.median));
    format!("{speedup}{}{}", style.line, if row.best.shared { "shared" } else { "" })
}

/// Backends down, every quantity across.
fn one_scenario(matrix: &Matrix, row: &Row, style: Style) -> String {
    let columns = ["backend", "workers", "wall", "speedup", "of ceiling", "overhead", "verdict"];
    let mut table = new_table(style, columns.map(Into::into).into());
    table.add_row(full(&row.sequential, "sequential"));
    for (copies, ceiling) in &row.ceilings {
        let copies = copies.to_string();
        table.add_row(["ceiling", &copies, "", &with_interval(ceiling), "", "", ""]);
    }
    for cell in &row.cells {
        table.add_row(full(cell, &cell.backend));
    }
    if row.best.kernel != matrix.header.kernel {
        table.add_row(full(&row.best, &format!("sequential, {}", row.best.kernel)));
    }
    let whole = row.whole_ns.map_or(String::new(), |ns| {
        format!(", {} from call to result with layout and allocation", duration(ns))
    });
    let scenario = &row.scenario;
    let (name, summary, table) = (&scenario.name, &scenario.summary, table.trim_fmt());
    format!("{name}: {summary}{whole}\n\n{table}\n\n{}\n", sentence(row))
}

fn full(cell: &Cell, name: &str) -> Vec<String> {
    let estimate = |e: Option<crate::Estimate>| e.map_or(String::new(), |e| with_interval(&e));
    let verdict = cell.verdict.map_or(fault_name(cell), Verdict::name);
    let verdict = if cell.shared { format!("{verdict}, shared") } else { verdict.into() };
    vec![
        name.into(),
        cell.workers.to_string(),
        cell.wall_ns.map_or(String::new(), duration),
        estimate(cell.speedup),
        estimate(cell.of_ceiling).replace('x', ""),
        cell.overhead_ns.map_or(String::new(), duration),
        verdict,
    ]
}

fn sentences(matrix: &Matrix, style: Style) -> String {
    let widest = matrix.rows.iter().map(|row| row.scenario.name.len()).max().unwrap_or(0);
    let line = |row: &Row| {
        let name = format!("{}:", row.scenario.name);
        format!("{}{name:width$} {}\n", style.bullet, sentence(row), width = widest + 1)
    };
    "In words\n".to_owned() + &matrix.rows.iter().map(line).collect::<String>()
}

/// Every cell that does not count, named.
fn faults(matrix: &Matrix, style: Style) -> String {
    let of = |row: &Row| -> Vec<String> {
        let cells = [&row.sequential].into_iter().chain(&row.cells).chain([&row.best]);
        let bad = cells.filter(|cell| cell.status != Status::Ok);
        bad.map(|cell| {
            let message = cell.message.as_deref().unwrap_or("no result");
            let Cell { backend, workers, .. } = cell;
            format!("{}{}/{backend}/{workers}: {message}\n", style.bullet, row.scenario.name)
        })
        .collect()
    };
    let lines: String = matrix.rows.iter().flat_map(of).collect();
    if lines.is_empty() { lines } else { format!("\nWhat failed\n{lines}") }
}

//! Tables for people: one scenario in full, or the matrix of several; plain or in Markdown.

use super::block::block;
use super::detail::detail;
use super::engines::engines;
use super::losses::losses;
use super::studies::study;
use super::style::{MARKDOWN, PLAIN, Style};
use super::words::sentence;
use crate::analysis::{Cell, Matrix, Row};
use crate::record::Status;

/// For a terminal.
pub fn table(matrix: &Matrix) -> String {
    render(matrix, PLAIN)
}

/// For a README.
pub fn markdown(matrix: &Matrix) -> String {
    render(matrix, MARKDOWN)
}

fn render(matrix: &Matrix, style: Style) -> String {
    if let Some(study) = study(matrix, style) {
        let sections = [heading(matrix, style), study, faults(matrix, style)];
        return joined(sections.into());
    }
    let tables = match &matrix.rows[..] {
        [row] => detail(matrix, row, style),
        _ => {
            let mut workers = matrix.header.workers.clone();
            workers.dedup();
            let blocks = workers.into_iter().map(|workers| block(matrix, workers, style));
            blocks.collect::<Vec<_>>().join("\n")
        }
    };
    joined(vec![
        heading(matrix, style),
        tables,
        engines(matrix, style),
        sentences(matrix, style),
        losses(matrix, style),
        faults(matrix, style),
    ])
}

fn joined(mut sections: Vec<String>) -> String {
    sections.retain(|section| !section.is_empty());
    sections.join("\n")
}

fn heading(matrix: &Matrix, style: Style) -> String {
    let header = &matrix.header;
    let pin = if header.pin { ", persistent workers pinned" } else { "" };
    let rounds = matrix.rows.iter().map(|row| row.rounds).filter(|&rounds| rounds > 0);
    let rounds = match (rounds.clone().min().unwrap_or(0), rounds.max().unwrap_or(0)) {
        (fewest, most) if fewest == most => format!("{most}"),
        (fewest, most) => format!("{fewest} to {most}"),
    };
    let lines = [
        format!("noise floor: the baseline differs from itself by up to {}", noise_floor(matrix)),
        format!("{}, usable cores: {}, {}", header.machine.cpu, header.cores, header.machine.os),
        format!(
            "kernel {}, chunking {}, seed {}{pin}",
            header.kernel, header.chunking, header.seed
        ),
        format!(
            "{rounds} interleaved rounds, medians with {}% intervals",
            header.confidence * 100.0
        ),
        stopped(matrix),
    ];
    let lines = lines.into_iter().filter(|line| !line.is_empty());
    lines.map(|line| line + style.end).collect()
}

/// Why the rounds ended, where a width was asked for, and what was dropped.
fn stopped(matrix: &Matrix) -> String {
    let reach = |cell: &Cell| cell.speedup.and_then(|speedup| speedup.reach());
    let cells = matrix.rows.iter().flat_map(|row| &row.cells);
    let widest = cells.filter_map(reach).reduce(f64::max).unwrap_or(f64::INFINITY);
    let percent = |part: f64| format!("{:.1}%", part * 100.0);
    let stopped = matrix.header.width.map(|width| match widest <= width {
        true => format!("every interval is within {} of its median", percent(width)),
        false => format!(
            "the time was spent before every interval was within {}: the widest reaches {}",
            percent(width),
            percent(widest)
        ),
    });
    let dropped = match matrix.rows.iter().map(|row| row.dropped).sum() {
        0 => None,
        1 => Some("1 sample dropped: CPU time was taken from this machine".into()),
        n => Some(format!("{n} samples dropped: CPU time was taken from this machine")),
    };
    [stopped, dropped].into_iter().flatten().collect::<Vec<String>>().join("; ")
}

/// The widest reach of an A/A interval from 1.
fn noise_floor(matrix: &Matrix) -> String {
    let intervals = matrix.rows.iter().filter_map(|row| row.noise?.interval);
    let reach = intervals.map(|(low, high)| (1.0 / low).max(high) - 1.0).reduce(f64::max);
    reach.map_or("an unknown amount".into(), |reach| format!("{:.1}%", reach * 100.0))
}

fn sentences(matrix: &Matrix, style: Style) -> String {
    let lines = matrix.rows.iter().map(|row| (row.scenario.name.clone(), sentence(row)));
    style.list(lines.collect())
}

/// Every cell that does not count, named.
fn faults(matrix: &Matrix, style: Style) -> String {
    let of = |row: &Row| -> Vec<String> {
        let cells = [&row.reference].into_iter().chain(&row.cells).chain([&row.best]);
        let bad = cells.filter(|cell| cell.status != Status::Ok);
        bad.map(|cell| {
            let message = cell.message.as_deref().unwrap_or("no result");
            let Cell { backend, workers, .. } = cell;
            format!("{}/{backend}/{workers}: {message}{}", row.scenario.name, style.end)
        })
        .collect()
    };
    matrix.rows.iter().flat_map(of).collect()
}

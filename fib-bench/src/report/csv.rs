//! Comma-separated values: a line for every cell, for spreadsheets and data frames.

use crate::analysis::{Cell, Losses, Matrix, Row, Verdict};

const COLUMNS: [&str; 27] = [
    "scenario",
    "kernel",
    "backend",
    "workers",
    "chunking",
    "status",
    "rounds",
    "wall_ns",
    "speedup",
    "speedup_low",
    "speedup_high",
    "of_ceiling",
    "overhead_ns",
    "start_up_ns",
    "cold_speedup",
    "own_speedup",
    "karp_flatt",
    "cpus",
    "useful_ns",
    "inflation_ns",
    "paused_ns",
    "first_chunk_ns",
    "dispatch_ns",
    "tail_ns",
    "unused_ns",
    "shared",
    "verdict",
];

/// The matrix as CSV with a line of column names; what could not be had is empty.
pub fn csv(matrix: &Matrix) -> String {
    let mut writer = csv::Writer::from_writer(vec![]);
    // Writing to memory fails only where lines differ in length, and all have COLUMNS.len().
    let _ = writer.write_record(COLUMNS);
    for row in &matrix.rows {
        for cell in [&row.reference].into_iter().chain(&row.cells).chain([&row.best]) {
            let _ = writer.write_record(line(matrix, row, cell));
        }
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn line(matrix: &Matrix, row: &Row, cell: &Cell) -> [String; COLUMNS.len()] {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let part = |part: fn(&Losses) -> f64| number(cell.losses.as_ref().map(part));
    let (low, high) = cell.speedup.and_then(|speedup| speedup.interval).unzip();
    [
        row.scenario.name.clone(),
        cell.kernel.clone(),
        cell.backend.clone(),
        cell.workers.to_string(),
        matrix.header.chunking.clone(),
        cell.status.name().into(),
        cell.rounds.to_string(),
        number(cell.wall_ns),
        number(cell.speedup.map(|speedup| speedup.median)),
        number(low),
        number(high),
        number(cell.of_ceiling.map(|part| part.median)),
        number(cell.overhead_ns),
        number(cell.start_up_ns),
        number(cell.cold.map(|cold| cold.median)),
        number(cell.own_speedup.map(|own| own.median)),
        number(cell.karp_flatt.map(|e| e.median)),
        number(cell.cpus),
        part(|losses| losses.useful_ns),
        part(|losses| losses.inflation_ns),
        part(|losses| losses.paused_ns),
        part(|losses| losses.start_up_ns),
        part(|losses| losses.dispatch_ns),
        part(|losses| losses.tail_ns),
        part(|losses| losses.unused_ns),
        cell.shared.to_string(),
        cell.verdict.map_or(String::new(), |verdict: Verdict| verdict.name().into()),
    ]
}

//! JSON Lines: a header, a line for every cell, the noise of every scenario, and what a study found.

use super::json_studies;
use crate::analysis::{Cell, Losses, Matrix, Row, Verdict};
use crate::record::{Header, Status};
use crate::stats::Estimate;
use serde::Serialize;

/// A line; times in nanoseconds, everything else a ratio. Fields that could not be had are null.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line<'a> {
    Header(&'a Header),
    Cell(Box<CellLine<'a>>),
    /// Baseline against itself, from call to result, and the ceiling at each number of copies.
    Noise {
        scenario: &'a str,
        rounds: usize,
        ratio: Option<f64>,
        low: Option<f64>,
        high: Option<f64>,
        whole_ns: Option<f64>,
        ceilings: Vec<CeilingLine>,
    },
}

#[derive(Serialize)]
struct CellLine<'a> {
    scenario: &'a str,
    kernel: &'a str,
    backend: &'a str,
    workers: usize,
    chunking: &'a str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    rounds: usize,
    wall_ns: Option<f64>,
    speedup: Option<f64>,
    speedup_low: Option<f64>,
    speedup_high: Option<f64>,
    of_ceiling: Option<f64>,
    of_ceiling_low: Option<f64>,
    of_ceiling_high: Option<f64>,
    overhead_ns: Option<f64>,
    start_up_ns: Option<f64>,
    cold_speedup: Option<f64>,
    cold_speedup_low: Option<f64>,
    cold_speedup_high: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    own_speedup: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    own_speedup_low: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    own_speedup_high: Option<f64>,
    karp_flatt: Option<f64>,
    karp_flatt_low: Option<f64>,
    karp_flatt_high: Option<f64>,
    cpus: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    losses: Option<LossesLine>,
    shared: bool,
    verdict: Option<&'static str>,
}

/// The parts of workers times wall; they add up to it.
#[derive(Serialize)]
struct LossesLine {
    wall_ns: f64,
    workers: usize,
    useful_ns: f64,
    inflation_ns: f64,
    paused_ns: f64,
    first_chunk_ns: f64,
    dispatch_ns: f64,
    tail_ns: f64,
    unused_ns: f64,
}

#[derive(Serialize)]
struct CeilingLine {
    copies: usize,
    ceiling: f64,
    low: Option<f64>,
    high: Option<f64>,
}

/// The matrix as JSON Lines.
pub fn json(matrix: &Matrix) -> String {
    let mut lines = vec![Line::Header(&matrix.header)];
    for row in &matrix.rows {
        let cells = [&row.reference].into_iter().chain(&row.cells).chain([&row.best]);
        lines.extend(cells.map(|cell| Line::Cell(Box::new(cell_line(matrix, row, cell)))));
    }
    lines.extend(matrix.rows.iter().map(noise_line));
    let text = |line: &Line<'_>| serde_json::to_string(line).unwrap_or_default(); // plain data
    lines.iter().map(|line| text(line) + "\n").collect::<String>() + &json_studies::lines(matrix)
}

pub(super) fn bounds(estimate: Option<Estimate>) -> (Option<f64>, Option<f64>) {
    estimate.and_then(|estimate| estimate.interval).unzip()
}

fn cell_line<'a>(matrix: &'a Matrix, row: &'a Row, cell: &'a Cell) -> CellLine<'a> {
    let (speedup_low, speedup_high) = bounds(cell.speedup);
    let (of_ceiling_low, of_ceiling_high) = bounds(cell.of_ceiling);
    let (cold_speedup_low, cold_speedup_high) = bounds(cell.cold);
    let (own_speedup_low, own_speedup_high) = bounds(cell.own_speedup);
    let (karp_flatt_low, karp_flatt_high) = bounds(cell.karp_flatt);
    CellLine {
        scenario: &row.scenario.name,
        kernel: &cell.kernel,
        backend: &cell.backend,
        workers: cell.workers,
        chunking: &matrix.header.chunking,
        status: cell.status,
        message: cell.message.as_deref(),
        rounds: cell.rounds,
        wall_ns: cell.wall_ns,
        speedup: cell.speedup.map(|s| s.median),
        speedup_low,
        speedup_high,
        of_ceiling: cell.of_ceiling.map(|c| c.median),
        of_ceiling_low,
        of_ceiling_high,
        overhead_ns: cell.overhead_ns,
        start_up_ns: cell.start_up_ns,
        cold_speedup: cell.cold.map(|cold| cold.median),
        cold_speedup_low,
        cold_speedup_high,
        engine: cell.engine.as_deref(),
        own_speedup: cell.own_speedup.map(|own| own.median),
        own_speedup_low,
        own_speedup_high,
        karp_flatt: cell.karp_flatt.map(|e| e.median),
        karp_flatt_low,
        karp_flatt_high,
        cpus: cell.cpus,
        losses: cell.losses.as_ref().map(losses_line),
        shared: cell.shared,
        verdict: cell.verdict.map(Verdict::name),
    }
}

fn losses_line(losses: &Losses) -> LossesLine {
    LossesLine {
        wall_ns: losses.wall_ns,
        workers: losses.workers,
        useful_ns: losses.useful_ns,
        inflation_ns: losses.inflation_ns,
        paused_ns: losses.paused_ns,
        first_chunk_ns: losses.start_up_ns,
        dispatch_ns: losses.dispatch_ns,
        tail_ns: losses.tail_ns,
        unused_ns: losses.unused_ns,
    }
}

fn noise_line(row: &Row) -> Line<'_> {
    let (low, high) = bounds(row.noise);
    let ceiling = |(&copies, estimate): (&usize, &Estimate)| {
        let (low, high) = bounds(Some(*estimate));
        CeilingLine { copies, ceiling: estimate.median, low, high }
    };
    Line::Noise {
        scenario: &row.scenario.name,
        rounds: row.rounds,
        ratio: row.noise.map(|noise| noise.median),
        low,
        high,
        whole_ns: row.whole_ns,
        ceilings: row.ceilings.iter().map(ceiling).collect(),
    }
}

//! The report: its blocks, in the order of reading.

use super::conclusions::{conclusion, list};
use super::engines::engines;
use super::losses::losses;
use super::matrix::{matrix as all_scenarios, pool_starts};
use super::numbers::with_interval;
use super::page::Block;
use super::scenario::{details, rounds as distribution, scenario};
use super::studies::findings;
use crate::analyse::Analysis;
use crate::analysis::{CarryOver, Cell, Matrix, Row, TOO_NOISY};
use crate::record::Machine;
use crate::sample::Status;
use crate::stats::CONFIDENCE;
use crate::studies::Findings;
use std::collections::BTreeSet;

pub(super) fn document(analysis: &Analysis, width: usize) -> Vec<Block> {
    let Analysis { matrix, findings: found } = analysis;
    let mut blocks = vec![];
    blocks.extend(noise_banner(matrix).map(Block::Banner));
    blocks.push(Block::Text(heading(matrix)));
    match (found, &matrix.rows[..]) {
        (Findings::Matrix, [row]) => {
            blocks.extend(scenario(matrix, row));
            blocks.extend(details(matrix, row));
            blocks.extend(distribution(row));
        }
        (Findings::Matrix, rows) => {
            blocks.extend(rows.iter().flat_map(|row| scenario(matrix, row)));
            // With several kernels, a line for each backend would be too wide for any terminal.
            if matrix.header.kernels.is_empty() {
                blocks.extend(all_scenarios(matrix, width));
            }
            blocks.extend(pool_starts(matrix));
        }
        _ => blocks.extend(findings(analysis)),
    }
    if matches!(found, Findings::Matrix) {
        blocks.extend(engines(matrix, width));
        blocks.push(Block::Title("Conclusions".into()));
        blocks.push(Block::List(conclusions(matrix)));
        blocks.extend(losses(matrix));
    }
    blocks.push(Block::Text(faults(matrix)));
    blocks
}

/// A warning above a report in which noise hides the differences between backends in most scenarios, with
/// what to do about it.
pub fn noise_banner(matrix: &Matrix) -> Option<String> {
    let is_noisy = |row: &&Row| row.noise_floor().is_some_and(|noise| noise > TOO_NOISY);
    let noisy = matrix.rows.iter().filter(is_noisy).count();
    let noise = matrix.noise_floor().filter(|_| 2 * noisy > matrix.rows.len())?;
    Some(format!(
        "This measurement is too noisy to compare backends: the baseline differs from itself by up \
         to {:.0}%. Close other programs, or wait until `fib doctor` says that the machine is \
         idle, and measure again. More time (--time) makes the intervals narrower.",
        noise * 100.0
    ))
}

pub fn heading(matrix: &Matrix) -> String {
    let header = &matrix.header;
    let rounds = matrix.rows.iter().map(|row| row.rounds).filter(|&rounds| rounds > 0);
    let rounds = match (rounds.clone().min().unwrap_or(0), rounds.max().unwrap_or(0)) {
        (fewest, most) if fewest == most => format!("{most}"),
        (fewest, most) => format!("{fewest} to {most}"),
    };
    let runs = match matrix.rows.iter().map(|row| row.runs).max() {
        Some(runs @ 2..) => format!(" in {runs} runs"),
        _ => String::new(),
    };
    let mut chunkings: Vec<String> = vec![];
    for head in &header.backends {
        let chunking = head.chunking.to_string();
        if !chunkings.contains(&chunking) {
            chunkings.push(chunking);
        }
    }
    let kernels: BTreeSet<&str> = header.kernels.values().map(String::as_str).collect();
    let kernels: Vec<&str> = [&*header.kernel].into_iter().chain(kernels).collect();
    let pin = if header.pin { ", workers of pools bound to CPUs" } else { "" };
    let noise =
        matrix.noise_floor().map_or("unknown".into(), |noise| format!("{:.1}%", noise * 100.0));
    let label = header.label.as_ref().map_or(String::new(), |label| format!("\nlabel: {label}"));
    let Machine { cpu, os, .. } = &header.machine;
    let machine = format!("{cpu}, {} CPUs, {os}{label}", header.cores);
    if let Some(limit) = header.limit_s {
        return format!("{machine}\n{limit} s for each run");
    }
    let lines = [
        machine,
        format!(
            "kernel {}, chunking {}, seed {}{pin}",
            kernels.join(", "),
            chunkings.join(", "),
            header.seed
        ),
        format!(
            "{rounds} interleaved rounds{runs}; medians with {:.0}% intervals",
            CONFIDENCE * 100.0
        ),
        format!("noise: the baseline differs from itself by up to {noise}"),
        stopped(matrix),
        dropped(matrix),
        restless(matrix),
        carry_overs(matrix),
    ];
    let lines: Vec<String> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// Why the rounds ended, if a target width was set.
fn stopped(matrix: &Matrix) -> String {
    let Some(target) = matrix.header.width else { return String::new() };
    let half_width = |cell: &Cell| cell.speedup.and_then(|speedup| speedup.half_width());
    let cells = matrix.rows.iter().flat_map(|row| &row.cells);
    let widest = cells.filter_map(half_width).reduce(f64::max).unwrap_or(f64::INFINITY);
    let percent = |part: f64| format!("{:.1}%", part * 100.0);
    match widest <= target {
        true => format!("every interval is within ±{} of its median", percent(target)),
        false => format!(
            "the time ran out before every interval was within ±{}; the widest is ±{}",
            percent(target),
            percent(widest)
        ),
    }
}

/// The backends of other engines that do not sleep.
fn restless(matrix: &Matrix) -> String {
    let line = |(label, cpus): &(String, f64)| {
        format!(
            "{label} used {cpus:.1} CPUs in a moment in which it had nothing to do; it was stopped between its turns"
        )
    };
    matrix.restless.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The participants that slow the sample that follows their own, or speed it up.
fn carry_overs(matrix: &Matrix) -> String {
    let line = |row: &Row, found: &CarryOver| {
        let CarryOver { backend, workers, ratio } = found;
        format!(
            "{}: a sample that follows {backend}/{workers} takes {} its usual time",
            row.scenario.name,
            with_interval(ratio)
        )
    };
    let lines =
        matrix.rows.iter().flat_map(|row| row.carry_overs.iter().map(move |f| line(row, f)));
    lines.collect::<Vec<_>>().join("\n")
}

fn dropped(matrix: &Matrix) -> String {
    let reason = "because the host took CPU time away (steal) or a quota stopped the runner";
    let dropped = match matrix.rows.iter().map(|row| row.dropped).sum() {
        0 => String::new(),
        1 => format!("1 round dropped {reason}"),
        n => format!("{n} rounds dropped {reason}"),
    };
    let disturbed = matrix.rows.iter().filter(|row| row.disturbed);
    let disturbed: Vec<String> = disturbed.map(|row| row.scenario.name.clone()).collect();
    let kept = match &disturbed[..] {
        [] => String::new(),
        names => format!("most rounds of {} were disturbed, {reason}", list(names)),
    };
    [dropped, kept].into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

pub fn conclusions(matrix: &Matrix) -> Vec<(String, String)> {
    let rows = matrix.rows.iter();
    rows.map(|row| (row.scenario.name.clone(), conclusion(matrix, row))).collect()
}

/// Every cell that does not count, with the reason. Cells of a scenario with the same reason share
/// a line.
pub fn faults(matrix: &Matrix) -> String {
    let lines = |row: &Row| -> Vec<String> {
        let mut reasons: Vec<(String, Vec<String>)> = vec![];
        for cell in row.all_cells().filter(|cell| cell.status != Status::Ok) {
            let message = cell.message.clone().unwrap_or_else(|| "no result".into());
            let label = format!("{}/{}", cell.backend, cell.workers);
            match reasons.iter_mut().find(|(reason, _)| *reason == message) {
                Some((_, labels)) if !labels.contains(&label) => labels.push(label),
                Some(_) => {}
                None => reasons.push((message, vec![label])),
            }
        }
        let line = |(reason, labels): (String, Vec<String>)| {
            format!("{}: {}: {reason}", row.scenario.name, labels.join(", "))
        };
        reasons.into_iter().map(line).collect()
    };
    matrix.rows.iter().flat_map(lines).collect::<Vec<_>>().join("\n")
}

//! One scenario as a table, with a line for each backend.

use super::conclusions::name;
use super::numbers::{duration, interval, margin_text, percent, ratio, with_interval};
use super::page::{Block, TextTable};
use crate::analysis::{Ceiling, Cell, Matrix, Row, Verdict};
use crate::laws::KARP_FLATT;
use crate::sample::Status;
use crate::stats::quantile;

/// The scenario as a short table: what most readers want to know.
pub fn scenario(matrix: &Matrix, row: &Row) -> Vec<Block> {
    let mut table = TextTable::new([
        "backend",
        "workers",
        "time",
        "speedup",
        "[99% interval]",
        "of\nceiling",
        "verdict",
    ]);
    for cell in &row.cells {
        table.row(cells(matrix, cell, &marked(matrix, &cell.backend)));
    }
    if let Some(best) = &row.best {
        let name = format!("({} alone)", best.kernel);
        table.row(cells(matrix, best, &name));
    }
    let title = format!("{}, {}", row.scenario.name, row.scenario.summary);
    vec![Block::Title(title), Block::Text(baseline(matrix, row)), Block::Table(table)]
}

fn baseline(matrix: &Matrix, row: &Row) -> String {
    let Cell { backend, workers, kernel, wall_ns, .. } = &row.baseline;
    let time = wall_ns.map_or("no time".into(), duration);
    let whole_call =
        row.whole_ns.map_or(String::new(), |ns| format!(" ({} with allocation)", duration(ns)));
    let workers = if *workers > 1 { format!(", {workers} workers") } else { String::new() };
    let mut text = format!("baseline: {backend}{workers}, kernel {kernel}: {time}{whole_call}");
    for Ceiling { kernel: own, copies, speedup, .. } in row.ceilings.iter().filter(|c| c.copies > 1)
    {
        let speedup = with_interval(speedup);
        // A label names its kernel only if that is not the first kernel of the measurement.
        let is_first = *own == matrix.header.kernel;
        let of = if is_first { String::new() } else { format!(" of {own}") };
        let which = if is_first { String::new() } else { format!("@{own}") };
        text += &format!(
            "\nceiling{of}: {speedup} with {copies} independent copies of sequential{which}"
        );
    }
    if row.cells.iter().any(|cell| cell.workers > matrix.header.cores) {
        text += "\n* more workers than CPUs";
    }
    if matrix.header.backends.iter().any(|head| head.forks_in_turn) {
        text += "\n";
        text += IN_TURN;
    }
    text
}

/// What the mark of [`marked`] means.
pub(super) const IN_TURN: &str = "† runs the halves of a fork one after the other";

/// A label, with a mark if its backend runs the halves of forks one after the other.
pub(super) fn marked(matrix: &Matrix, label: &str) -> String {
    let head = matrix.header.backends.iter().find(|head| head.label == label);
    let is_marked = head.is_some_and(|head| head.forks_in_turn);
    if is_marked { format!("{label}†") } else { label.into() }
}

fn cells(matrix: &Matrix, cell: &Cell, name: &str) -> Vec<String> {
    let mark = if cell.workers > matrix.header.cores { "*" } else { "" };
    vec![
        name.into(),
        format!("{}{mark}", cell.workers),
        cell.wall_ns.map_or(String::new(), duration),
        cell.speedup.map_or(String::new(), |s| ratio(s.median)),
        cell.speedup.map_or(String::new(), |s| interval(&s)),
        cell.of_ceiling.map_or(String::new(), |part| percent(part.median)),
        verdict(cell),
    ]
}

/// The verdict, or the reason why there is none.
pub fn verdict(cell: &Cell) -> String {
    match (cell.verdict, cell.status) {
        (Some(Verdict::Equal(margin)), _) => format!("equal ±{}", margin_text(margin)),
        (Some(verdict), _) => verdict.name().into(),
        (None, Status::Ok) if cell.wall_ns.is_none() => "no sample".into(),
        (None, Status::Ok) => "no baseline".into(),
        (None, status) => fault(status).into(),
    }
}

/// The word for a cell that does not count.
pub fn fault(status: Status) -> &'static str {
    match status {
        Status::Ok => "",
        Status::Wrong => "WRONG",
        Status::Crash => "CRASH",
        Status::Hang => "HANG",
        Status::Refused => "REFUSED",
        Status::Omitted => "left out",
    }
}

/// How the rounds of each backend are distributed. It is printed only if the report has one scenario.
pub fn rounds(row: &Row) -> Vec<Block> {
    let mut table = TextTable::new([
        "backend",
        "workers",
        "10%\nbelow",
        "10%\nabove",
        "spread\nin runs",
        "spread\nof runs",
        "rounds",
    ]);
    let mut remarks = vec![];
    for cell in row.cells.iter().filter(|cell| cell.speedup.is_some()) {
        let found = cell.distribution;
        let speedup = |s: Option<f64>| s.map_or("-".into(), ratio);
        let spread = |part: Option<f64>| part.map_or("-".into(), |s| format!("{:.1}%", s * 100.0));
        table.row([
            cell.backend.clone(),
            cell.workers.to_string(),
            speedup(found.p10),
            speedup(found.p90),
            spread(found.within_runs),
            spread(found.between_runs),
            strip(cell),
        ]);
        if let (Some(slow), Some(fast), Some(share)) = (found.slow, found.fast, found.slow_share) {
            remarks.push(format!(
                "{} has two speeds: {} in {} of the rounds, and {} in the others.",
                name(row, cell),
                ratio(slow),
                percent(share),
                ratio(fast)
            ));
        }
    }
    let note = "10% of the rounds have a speedup below the first number, and 10% above the second. spread \
                is a standard deviation: of the rounds in a run, and of the medians of the runs. The strip \
                shows the rounds in their order; high is fast.";
    let text = [note.to_owned()].into_iter().chain(remarks).collect::<Vec<_>>().join(" ");
    vec![
        Block::Title(format!("{}: rounds", row.scenario.name)),
        Block::Table(table),
        Block::Text(text),
    ]
}

/// The speedups of the rounds in their order, as blocks from low to high.
fn strip(cell: &Cell) -> String {
    const WIDTH: usize = 16;
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let speedups: Vec<f64> = cell.speedups.values().map(|speedup| speedup.ln()).collect();
    let range = (quantile(&speedups, 0.05), quantile(&speedups, 0.95));
    let (Some(low), Some(high)) = range else { return String::new() };
    let groups = speedups.chunks(speedups.len().div_ceil(WIDTH));
    let block = |group: &[f64]| {
        let share = (quantile(group, 0.5).unwrap_or(low) - low) / (high - low).max(1e-9);
        BLOCKS[(share * 7.0).round().clamp(0.0, 7.0) as usize]
    };
    groups.map(block).collect()
}

/// Everything else that is known about a scenario. It is printed only if the report has one
/// scenario.
pub(super) fn details(matrix: &Matrix, row: &Row) -> Vec<Block> {
    let mut table = TextTable::new([
        "backend",
        "workers",
        "first\nbatch",
        "pool\nstart",
        "overhead",
        "CPUs\nbusy",
        "serial\nfraction",
    ]);
    for cell in row.cells.iter().filter(|cell| cell.wall_ns.is_some()) {
        let time = |ns: Option<f64>| ns.map_or("-".into(), duration);
        let overhead = cell.overhead_ns.map_or("-".into(), |overhead| {
            let half = overhead.interval.map(|(low, high)| (high - low) / 2.0);
            format!("{} ± {}", duration(overhead.median), half.map_or("?".into(), duration))
        });
        table.row([
            cell.backend.clone(),
            cell.workers.to_string(),
            cell.cold_speedup.map_or("-".into(), |cold| ratio(cold.median)),
            time(cell.pool_start_ns),
            overhead,
            cell.cpus.map_or("-".into(), |cpus| format!("{cpus:.2}")),
            cell.karp_flatt.map_or("-".into(), |e| match KARP_FLATT.cut(e) {
                Ok(e) => format!("{:.3}", e.median),
                Err(_) => "none".into(),
            }),
        ]);
    }
    let mut notes = String::from(
        "first batch is the speedup of the first batch, with the start of the pool in its time. \
         overhead is the time beyond the time at the ceiling. serial fraction is the share of the \
         work that would explain the speedup if this share ran on one worker (Karp and Flatt).",
    );
    if !matrix.header.engines.is_empty() {
        notes += " Overhead and serial fraction compare with our sequential baseline, so other \
                  engines have none.";
    }
    if let Some(best) = row.best.as_ref().filter(|best| best.shared) {
        notes += &format!(" {} computes each distinct number once.", best.kernel);
    }
    let fractions = row.cells.iter().filter_map(|cell| cell.karp_flatt);
    if fractions.into_iter().any(|e| KARP_FLATT.cut(e).is_err()) {
        notes += " No fraction from 0 to 1 would explain a speedup below 1 or above the workers.";
    }
    if row.cells.iter().any(|cell| cell.workers == 1) {
        notes += " With one worker there is no serial fraction.";
    }
    vec![
        Block::Title(format!("{}: details", row.scenario.name)),
        Block::Table(table),
        Block::Text(notes),
    ]
}

//! Where worker time went, as a table and in words.

use super::conclusions::{list, name};
use super::numbers::{duration, percent};
use super::page::{Block, TextTable};
use crate::analysis::{Cell, Loss, Losses, Matrix, Row};
use std::slice;

/// Below this share of the worker time, a loss needs no advice.
pub(super) const LITTLE: f64 = 0.03;

const NOTE: &str = "Each column is a part of the time of all workers. useful is the work that the \
                    baseline does, and inflation is the extra time that this work took. lock is \
                    the time that workers waited for a lock. first chunk is the time until a \
                    worker starts its first chunk, dispatch is the time between two chunks, and \
                    tail is the time after the last chunk of a worker. unused is the time of \
                    workers without a chunk.";

const NEGATIVE: &str = "A negative inflation means that the work took less time here than in the \
                        baseline run of the same round.";

/// A table and diagnoses for every scenario, if this was asked for (`--explain`). Other comparisons have the
/// timelines of a few runs too.
pub(super) fn losses(matrix: &Matrix) -> Vec<Block> {
    if !matrix.header.explain {
        return vec![];
    }
    let with_losses = |row: &&Row| row.cells.iter().any(|cell| cell.losses.is_some());
    let mut blocks: Vec<Block> = matrix.rows.iter().filter(with_losses).flat_map(section).collect();
    if !blocks.is_empty() {
        blocks.push(note(&matrix.rows));
    }
    blocks
}

/// The table and the diagnoses of one scenario, with their note.
pub fn losses_of(row: &Row) -> Vec<Block> {
    section(row).into_iter().chain([note(slice::from_ref(row))]).collect()
}

/// What the columns mean.
fn note(rows: &[Row]) -> Block {
    let shares = rows.iter().flat_map(|row| &row.cells).filter_map(|cell| {
        let losses = cell.losses.as_ref()?;
        Some(losses.inflation_ns / losses.total_ns())
    });
    let negative = shares.into_iter().any(|share| share < -0.005);
    Block::Text(if negative { format!("{NOTE} {NEGATIVE}") } else { NOTE.into() })
}

fn section(row: &Row) -> Vec<Block> {
    let mut table = TextTable::new([
        "backend",
        "workers",
        "time",
        "useful",
        "infla-\ntion",
        "lock",
        "first\nchunk",
        "dis-\npatch",
        "tail",
        "unused",
    ])
    .narrow();
    let mut diagnoses: Vec<(String, Vec<String>)> = vec![];
    for cell in &row.cells {
        let Some(losses) = &cell.losses else { continue };
        let share = |ns: f64| percent(ns / losses.total_ns());
        let mut columns =
            vec![cell.backend.clone(), cell.workers.to_string(), duration(losses.wall_ns)];
        columns.push(share(losses.useful_ns));
        columns.extend(losses.parts().map(|(_, ns)| share(ns)));
        table.row(columns);
        let (diagnosis, name) = (diagnosis(losses, cell, row), name(row, cell));
        match diagnoses.iter_mut().find(|(other, _)| *other == diagnosis) {
            Some((_, names)) => names.push(name),
            None => diagnoses.push((diagnosis, vec![name])),
        }
    }
    let lines = diagnoses.into_iter().map(|(diagnosis, names)| (list(&names), diagnosis)).collect();
    let title =
        format!("{}: where worker time went (100% = workers x wall time)", row.scenario.name);
    vec![Block::Title(title), Block::Table(table), Block::List(lines)]
}

/// The largest loss of a cell, and what to do about it.
fn diagnosis(losses: &Losses, cell: &Cell, row: &Row) -> String {
    let (loss, lost) = losses.largest();
    let share = lost / losses.total_ns();
    if share < LITTLE {
        return format!("hardly anything is lost; the largest loss is {}", percent(share.max(0.0)));
    }
    let share = percent(share);
    match loss {
        Loss::Inflation => inflation(losses, cell, row),
        Loss::Paused => {
            format!("workers wait {share} of the time for the lock; only one may compute at a time")
        }
        Loss::FirstChunk => format!(
            "workers wait {share} of the time for their first chunk; larger batches reduce the \
             effect"
        ),
        Loss::Dispatch => {
            format!("{share} of the time passes between chunks; larger chunks reduce the effect")
        }
        Loss::Tail => {
            let (worker, idle) = losses.idlest;
            let share = percent(idle / losses.wall_ns);
            format!(
                "worker {} is idle for the last {share} of the run; {}",
                worker + 1,
                tail(cell, row)
            )
        }
        Loss::Unused => unused(losses),
    }
}

/// Why workers got no chunk.
pub(super) fn unused(losses: &Losses) -> String {
    let Losses { unused, workers, chunks, .. } = losses;
    match chunks {
        1 => format!("{unused} of {workers} workers got no chunk: there is only 1 chunk"),
        _ if chunks < workers => {
            format!("{unused} of {workers} workers got no chunk: there are only {chunks} chunks")
        }
        _ => format!(
            "{unused} of {workers} workers got none of the {chunks} chunks: the system did not \
             schedule them in time"
        ),
    }
}

fn tail(cell: &Cell, row: &Row) -> &'static str {
    match cell.chunking.as_deref() {
        _ if row.scenario.items < 2 => "one number is one chain of additions",
        Some(text) if text.starts_with("balanced") => "try more chunks, for example balanced:32",
        _ => "try balanced chunks, for example balanced:8",
    }
}

/// If computing takes longer than sequentially, the copies of the ceiling show how much of that is
/// the hardware.
fn inflation(losses: &Losses, cell: &Cell, row: &Row) -> String {
    let longer = losses.inflation_ns / losses.useful_ns;
    let ceiling = row.ceiling(cell.workers);
    let hardware = ceiling.map_or(0.0, |c| cell.workers as f64 / c.median - 1.0);
    let reason = match hardware {
        h if h > longer / 2.0 => {
            format!("copies that share nothing take {} longer: this is the hardware", percent(h))
        }
        h if h > LITTLE => format!(
            "copies that share nothing take {} longer; the rest is cold caches, memory, small \
             chunks, or waiting for a CPU",
            percent(h)
        ),
        _ => "cold caches, memory, small chunks, or waiting for a CPU".into(),
    };
    format!("computing takes {} longer than sequentially ({reason})", percent(longer))
}

//! A race: a table for each contest.

use super::numbers::duration;
use super::page::{Block, Table};
use super::scenario::fault;
use crate::analysis::Matrix;
use crate::sample::Status;
use crate::studies::RaceResult;

const NOTE: &str = "\
Each size was found by runs that may take no longer than the time. `in time` counts the runs with the size \
found, and `longest` is the longest of those in time. The techniques ran one after another, so small \
differences between them mean nothing: `fib compare` measures differences. Results were checked.";

pub(super) fn race(matrix: &Matrix, results: &[RaceResult]) -> Vec<Block> {
    let contests = matrix.header.scenarios.iter();
    let tables = contests.flat_map(|contest| {
        let results: Vec<_> = results.iter().filter(|r| r.contest == contest.name).collect();
        let title = format!("{}: {}", contest.name, contest.summary);
        [Block::Title(title), Block::Table(table(&results)), Block::Text(remarks(&results))]
    });
    tables.chain([Block::Text(NOTE.into())]).collect()
}

fn table(results: &[&RaceResult]) -> Table {
    let mut table = Table::new(["technique", "kernel", "workers", "size", "in time", "longest"]);
    for result in results {
        let technique = result.backend.split('@').next().unwrap_or_default();
        let size = match (result.status, result.size) {
            (Status::Ok, Some(size)) => thousands(size),
            (Status::Ok, None) => "none".into(),
            (status, _) => fault(status).into(),
        };
        table.row([
            technique.into(),
            result.kernel.clone(),
            result.workers.to_string(),
            size,
            format!("{} of {}", result.successes, result.runs),
            result.wall_ns.map_or("-".into(), |ns| duration(ns as f64)),
        ]);
    }
    table
}

/// Why techniques failed, and which of them ran out of memory before they ran out of time.
fn remarks(results: &[&RaceResult]) -> String {
    let remark = |result: &&RaceResult| {
        let reason = result.message.as_ref()?;
        Some(format!("{}: {reason}", result.backend))
    };
    results.iter().filter_map(remark).collect::<Vec<_>>().join("\n")
}

/// A number with commas between thousands.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    groups.map(String::from_utf8_lossy).collect::<Vec<_>>().join(",")
}

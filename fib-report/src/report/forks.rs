//! What forks cost, as tables.

use super::numbers::ratio;
use super::page::{Block, TextTable, narrow};
use super::race::thousands;
use super::studies::{OPEN, crossing};
use crate::analysis::Matrix;
use crate::studies::ForkCost;

const NOTE: &str = "per fork is worker time: (workers x time with cutoff 2 - time without forks on one thread) / \
                    forks. With one worker nobody steals, so it is what offering a half costs. The break-even \
                    cutoff is the smallest cutoff at which the workers are not slower than one thread without forks.";

pub(super) fn forks(matrix: &Matrix, costs: &[ForkCost]) -> Vec<Block> {
    let heading = ["backend", "workers", "per fork", "[99% interval]", "break-even\ncutoff"];
    let mut table = TextTable::new(heading);
    for cost in costs {
        table.row([
            cost.backend.clone(),
            cost.workers.to_string(),
            cost.fork_ns.map_or("no sample".into(), |ns| nanoseconds(ns.median)),
            cost.fork_ns.and_then(|ns| ns.interval).map_or("-".into(), |(low, high)| {
                format!("[{},{}]", nanoseconds(low), nanoseconds(high))
            }),
            cost.break_even_cutoff
                .as_ref()
                .map_or("-".into(), |found| crossing(found, |x| format!("{x:.1}"))),
        ]);
    }
    let index = matrix.rows.first().and_then(|row| row.scenario.index).unwrap_or(0);
    let forks = costs.first().map_or(0, |cost| cost.forks);
    let title = format!("What a fork costs: F({index}) as a tree of {} forks", thousands(forks));
    let mut blocks =
        vec![Block::Title(title), Block::Table(table), Block::Text(format!("{NOTE} {OPEN}"))];
    let mut counts: Vec<usize> = costs.iter().map(|cost| cost.workers).collect();
    counts.dedup();
    blocks.extend(counts.into_iter().flat_map(|workers| by_cutoff(costs, workers)));
    blocks
}

/// Nanoseconds with one decimal: most forks take less than 100 of them.
fn nanoseconds(ns: f64) -> String {
    format!("{ns:.1} ns")
}

/// Cutoffs down, backends across.
fn by_cutoff(costs: &[ForkCost], workers: usize) -> Vec<Block> {
    const COLUMNS: usize = 7; // fit 80 columns
    let costs: Vec<&ForkCost> = costs.iter().filter(|cost| cost.workers == workers).collect();
    let workers = if workers == 1 { "1 worker".into() } else { format!("{workers} workers") };
    let title = format!("Speedup over one thread without forks, {workers}");
    let tables = costs.chunks(COLUMNS).map(|part| Block::Table(cutoffs(part)));
    [Block::Title(title)].into_iter().chain(tables).collect()
}

fn cutoffs(costs: &[&ForkCost]) -> TextTable {
    let names = costs.iter().map(|cost| narrow(&cost.backend));
    let mut table = TextTable::new(["cutoff".to_owned()].into_iter().chain(names)).narrow();
    let longest = costs.iter().map(|cost| &cost.points).max_by_key(|points| points.len());
    for cutoff in longest.into_iter().flatten().map(|point| point.cutoff) {
        let speedups = costs.iter().map(|cost| {
            let point = cost.points.iter().find(|point| point.cutoff == cutoff);
            point.and_then(|point| point.speedup).map_or("-".into(), |s| ratio(s.median))
        });
        table.row([cutoff.to_string()].into_iter().chain(speedups));
    }
    table
}

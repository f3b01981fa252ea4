//! The batches of every sweep.

use crate::scenario::NamedBatch;
use fib::{Chunking, kernels};
use fib_report::{
    BREAK_EVEN_BATCH, BREAK_EVEN_INDEX, BREAK_EVEN_ITEM, BREAK_EVEN_ITEMS, STRONG, TASKS, WEAK,
};
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;

fn equal(name: String, summary: String, index: u64, items: usize) -> NamedBatch {
    NamedBatch { name, summary, indices: vec![index; items], modulus: None, workers: None }
}

/// Batches of [`TASKS`] tasks, with 16 to 16,384 additions in each task.
pub fn granularity() -> Vec<NamedBatch> {
    let batch =
        |n: u64| equal(format!("{TASKS}xF{n}"), format!("{TASKS} tasks of F({n})"), n, TASKS);
    (4..=14).map(|power| batch(1 << power)).collect()
}

/// Batches of 1 to 4,096 items, and batches of sixteen items of F(16) to F(16384). Both grow by a
/// factor of 2^(1/4).
pub fn break_even() -> Vec<NamedBatch> {
    let items = |k: u64| {
        let (name, n) = (format!("{BREAK_EVEN_BATCH}{k}"), BREAK_EVEN_INDEX);
        equal(name, format!("{k} times F({n})"), n, k as usize)
    };
    let index = |n: u64| {
        let (name, k) = (format!("{BREAK_EVEN_ITEM}{n}"), BREAK_EVEN_ITEMS);
        equal(name, format!("{k} times F({n})"), n, k)
    };
    let steps = |quarters: RangeInclusive<u32>| -> BTreeSet<u64> {
        quarters.map(|quarter| 2f64.powf(f64::from(quarter) / 4.0).round() as u64).collect()
    };
    let batches = steps(0..=48).into_iter().map(items);
    batches.chain(steps(16..=56).into_iter().map(index)).collect()
}

/// The same batch at every worker count, and a batch that grows with the workers.
pub fn scaling(workers: &[NonZeroUsize]) -> Vec<NamedBatch> {
    let items = 1000;
    let strong = equal(STRONG.into(), format!("{items} times F(1000)"), 1000, items);
    let weak = |&workers: &NonZeroUsize| NamedBatch {
        workers: Some(workers),
        ..equal(
            format!("{WEAK}{workers}"),
            format!("{items} times F(1000) for each of {workers} workers"),
            1000,
            items * workers.get(),
        )
    };
    [strong].into_iter().chain(workers.iter().map(weak)).collect()
}

/// The scenario of the sweep over forks.
pub const FORKS_SCENARIO: &str = "tree-27";

/// The kernels of that sweep: the tree without forks, which is the baseline, and then the tree with each cutoff.
pub fn fork_kernels() -> Vec<&'static str> {
    let cutoffs = kernels::CUTOFFS.iter().rev().map(|(_, entry)| entry.name);
    cutoffs.chain([kernels::recursive().name()]).collect()
}

/// The scenarios of the sweep over chunkings: tiny equal numbers, where each chunk costs something,
/// and a range, where chunks of equal length are unequal work.
pub const CHUNKING_SCENARIOS: [&str; 2] = ["10000xF100", "range-2000"];

/// The chunkings of that sweep: from one index in each chunk, like a naive task for each item, to
/// one chunk for each worker.
pub fn chunkings() -> Vec<Chunking> {
    let texts = ["items:1", "items:16", "items:256", "per-worker:1", "balanced:1", "balanced:8"];
    texts.into_iter().filter_map(|text| text.parse().ok()).collect()
}

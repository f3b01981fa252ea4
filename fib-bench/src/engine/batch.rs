//! A batch in the hands of a runner: laid out, in a warm arena, ready to be timed.

use super::digest::Digest;
use crate::interleave::time;
use fib::{
    Error, FibBackend, Kernel, Layout, MemoryLimit, Options, Record, Sequential, Table, compute,
    execute,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A batch of at least this length is not warmed up for: it is long enough to forget its start.
const LONG: Duration = Duration::from_millis(1);

/// How long warming up takes otherwise.
const WARM_UP: Duration = Duration::from_micros(50);

/// The results of a kernel and how long they take sequentially.
pub(super) struct Batch {
    table: Table,
    sequential: Duration,
}

impl Batch {
    /// Lays out `indices` in an arena that has been written once.
    pub(super) fn new(kernel: Arc<dyn Kernel>, indices: &[u64]) -> Result<Self, Error> {
        Batch::of(Layout::new(kernel, indices, MemoryLimit::default())?)
    }

    pub(super) fn of(layout: Layout) -> Result<Self, Error> {
        let mut table = Table::new(layout)?;
        let run = || execute(&Sequential, &mut table, &Options::default()).map(drop);
        let sequential = time(1, run)?;
        Ok(Batch { table, sequential })
    }

    pub(super) fn layout(&self) -> &Layout {
        self.table.layout()
    }

    /// Overwrites the results, so that one that is left out shows; this also keeps the arena warm.
    /// Then runs short batches sequentially, untimed: a CPU that has rested begins slowly, with
    /// caches that have forgotten the code.
    pub(super) fn prepare(&mut self) -> Result<(), Error> {
        let start = Instant::now();
        while self.sequential < LONG && start.elapsed() < WARM_UP {
            execute(&Sequential, &mut self.table, &Options::default())?;
        }
        self.clear();
        Ok(())
    }

    /// Runs a short batch once as it will be timed, untimed: other runners had the CPUs before, and
    /// what is meant by warm is a batch after a batch.
    pub(super) fn rehearse(
        &mut self,
        backend: &dyn FibBackend,
        options: &Options,
    ) -> Result<(), Error> {
        if self.sequential < LONG {
            self.run(backend, options, 1)?;
            self.clear();
        }
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.table.overwrite(0x5555_5555_5555_5555);
    }

    /// The time of `repeats` runs, and what became of the chunks of the last.
    pub(super) fn run(
        &mut self,
        backend: &dyn FibBackend,
        options: &Options,
        repeats: u32,
    ) -> Result<(Duration, Vec<Record>), Error> {
        let mut records = vec![];
        let table = &mut self.table;
        let wall = time(repeats, || execute(backend, table, options).map(|run| records = run))?;
        Ok((wall, records))
    }

    /// The time of `repeats` sequential computations from the indices on, and the digest.
    pub(super) fn compute(
        &self,
        options: &Options,
        repeats: u32,
    ) -> Result<(Duration, Digest), Error> {
        let wanted: Vec<u64> = (0..self.table.len()).map(|i| self.table.index(i)).collect();
        let mut last = None;
        let run = || {
            last = Some(compute(&Sequential, self.layout().kernel(), &wanted, options)?);
            Ok::<(), Error>(())
        };
        let wall = time(repeats, run)?;
        Ok((wall, last.as_ref().map_or_else(Digest::default, digest)))
    }

    pub(super) fn digest(&self) -> Digest {
        digest(&self.table)
    }
}

/// A result that is missing makes the list shorter, and so another.
fn digest(table: &Table) -> Digest {
    Digest::of((0..table.len()).filter_map(|i| table.limbs(i)))
}

//! From indices to results: lay out, cut, run, check.

use crate::backend::FibBackend;
use crate::chunking::Chunking;
use crate::control::Control;
use crate::error::Error;
use crate::job::{Chunk, Job, Outcome, Record, inside_a_chunk};
use crate::kernel::Kernel;
use crate::layout::Layout;
use crate::memory::MemoryLimit;
use crate::sequential::Sequential;
use crate::table::Table;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

/// How a batch is computed.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How it is cut.
    pub chunking: Chunking,
    /// How much memory it may take.
    pub memory: MemoryLimit,
    /// Whether each chunk records when and where it ran.
    pub timeline: bool,
    /// Cancellation and progress.
    pub control: Control,
}

/// Computes F(n) for every n of `indices`.
///
/// # Errors
/// [`Error::Limit`] and [`Error::Allocation`] before any work; afterwards those of [`execute`],
/// which also tells how to keep what was computed in spite of them.
pub fn compute(
    backend: &dyn FibBackend,
    kernel: &Arc<dyn Kernel>,
    indices: &[u64],
    options: &Options,
) -> Result<Table, Error> {
    let mut table = Table::new(Layout::new(Arc::clone(kernel), indices, options.memory)?)?;
    execute(backend, &mut table, options)?;
    Ok(table)
}

/// Fills `table`: cuts its layout, runs the chunks on `backend`, checks that each was run. Returns
/// what is known of each chunk.
///
/// Called inside a kernel, it computes inline on that worker: no pool can wait for itself.
///
/// # Errors
/// [`Error::Failed`] if indices failed, [`Error::Cancelled`], [`Error::Skipped`] and
/// [`Error::Backend`]. The results that were computed are in `table` all the same.
pub fn execute(
    backend: &dyn FibBackend,
    table: &mut Table,
    options: &Options,
) -> Result<Vec<Record>, Error> {
    let Table { layout, arena, gaps } = table;
    let asked = options.chunking;
    let (backend, chunking) = match inside_a_chunk() {
        true => (&Sequential as &dyn FibBackend, asked),
        false => backend.delegate(layout, asked).unwrap_or((backend, asked)),
    };
    let mut records = cut(layout, chunking, backend.workers());
    let job = Job { chunks: chunks(layout, arena, &mut records, options) };
    let ran = backend.run(job);
    *gaps = missing(&records);
    ran?;
    check(&records)?;
    Ok(records)
}

/// An empty record for each chunk.
fn cut(layout: &Layout, chunking: Chunking, workers: NonZeroUsize) -> Vec<Record> {
    let mut start = 0;
    let record = |end| Record::new(std::mem::replace(&mut start, end)..end);
    chunking.cut(layout, workers).into_iter().map(record).collect()
}

/// Each chunk with its part of the arena and its own record: nothing is shared, so nothing is
/// locked.
fn chunks<'a>(
    layout: &'a Layout,
    mut arena: &'a mut [u64],
    records: &'a mut [Record],
    options: &'a Options,
) -> Vec<Chunk<'a>> {
    let chunk = |record: &'a mut Record| {
        let Range { start, end } = record.slots;
        let limbs = layout.offsets()[end] - layout.offsets()[start];
        let (out, rest) = std::mem::take(&mut arena).split_at_mut(limbs);
        arena = rest;
        Chunk { layout, out, record, control: &options.control, timeline: options.timeline }
    };
    records.iter_mut().map(chunk).collect()
}

/// The slots without a result, ascending.
fn missing(records: &[Record]) -> Vec<Range<usize>> {
    let of = |record: &Record| {
        let Range { start, end } = record.slots;
        let mut gaps: Vec<_> = record.failures.iter().map(|f| f.slot..f.slot + 1).collect();
        match record.outcome {
            Outcome::Done => {}
            Outcome::Skipped => gaps.push(start..end),
            Outcome::Cancelled(done) => gaps.push(start + done..end),
        }
        gaps
    };
    records.iter().flat_map(of).collect()
}

fn check(records: &[Record]) -> Result<(), Error> {
    let failures: Vec<_> = records.iter().flat_map(|r| &r.failures).cloned().collect();
    let skipped = records.iter().filter(|r| r.outcome == Outcome::Skipped).count();
    let cancelled = records.iter().any(|r| matches!(r.outcome, Outcome::Cancelled(_)));
    match (failures.is_empty(), skipped, cancelled) {
        (false, ..) => Err(Error::Failed(failures)),
        (true, 0, false) => Ok(()),
        (true, 0, true) => Err(Error::Cancelled),
        (true, chunks, _) => Err(Error::Skipped { chunks }),
    }
}

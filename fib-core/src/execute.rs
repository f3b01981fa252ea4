//! From indices to results: lay out, cut, run, check.

use crate::backend::FibBackend;
use crate::chunking::Chunking;
use crate::control::Control;
use crate::error::Error;
use crate::job::Job;
use crate::kernel::Kernel;
use crate::layout::Layout;
use crate::memory::MemoryLimit;
use crate::record::{ChunkRecord, Outcome};
use crate::sequential::Sequential;
use crate::table::Table;
use crate::work::inside_a_chunk;
use std::sync::Arc;

/// How to compute a batch.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How to cut the batch into chunks.
    pub chunking: Chunking,
    /// The most memory that the results may take.
    pub memory: MemoryLimit,
    /// Whether each chunk records when and where it ran.
    pub timeline: bool,
    /// Cancels the computation and counts finished indices.
    pub control: Control,
}

/// Computes F(n) for every n of `indices`.
///
/// # Errors
/// [`Error::Limit`] and [`Error::Allocation`] before any work; later the errors of [`execute`].
/// To keep the results that were computed in spite of an error, call [`execute`] on a [`Table`].
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

/// Like [`compute`], but into the memory of a table that the caller no longer needs. From the second
/// batch on this takes no page faults, which are a large part of the time of a batch that is as fast as
/// memory.
///
/// ```
/// use fib_core::{Options, Sequential, compute, compute_into, kernels};
///
/// let (kernel, options) = (kernels::stepping(), Options::default());
/// let mut table = compute(&Sequential, &kernel, &[10, 100], &options)?;
/// compute_into(&mut table, &Sequential, &kernel, &[20], &options)?;
/// assert_eq!(table.to_biguint(0), Some(6765u32.into()));
/// # Ok::<(), fib_core::Error>(())
/// ```
///
/// # Errors
/// The errors of [`compute`]. A batch that is refused by the limit leaves the table as it was. If the system
/// refuses the memory, the table is empty. After any other error it has the results that were computed.
pub fn compute_into(
    table: &mut Table,
    backend: &dyn FibBackend,
    kernel: &Arc<dyn Kernel>,
    indices: &[u64],
    options: &Options,
) -> Result<(), Error> {
    let limit = options.memory.with_held(table.bytes());
    table.lay_out(Layout::new(Arc::clone(kernel), indices, limit)?)?;
    execute(backend, table, options).map(drop)
}

/// Fills `table`: runs its layout as a job on `backend` and checks that every chunk ran. Returns
/// the record of each chunk, in slot order.
///
/// A call from inside a kernel computes inline on that worker, so no pool can wait for itself.
///
/// # Errors
/// [`Error::Failed`] if indices failed, [`Error::Cancelled`], [`Error::Skipped`] and
/// [`Error::Backend`]. `table` keeps every result that was computed.
pub fn execute(
    backend: &dyn FibBackend,
    table: &mut Table,
    options: &Options,
) -> Result<Vec<ChunkRecord>, Error> {
    let Table { layout, arena, gaps } = table;
    let backend = if inside_a_chunk() { &Sequential as &dyn FibBackend } else { backend };
    let slots = 0..layout.slots();
    let mut records: Vec<_> =
        (!slots.is_empty()).then(|| ChunkRecord::new(slots)).into_iter().collect();
    let outcome = backend.run(Job {
        layout,
        arena: &mut arena[..layout.limbs()],
        records: &mut records,
        chunking: options.chunking,
        workers: backend.workers(),
        control: &options.control,
        timeline: options.timeline,
    });
    *gaps = records.iter().flat_map(ChunkRecord::missing).collect();
    outcome?;
    check(&records)?;
    Ok(records)
}

fn check(records: &[ChunkRecord]) -> Result<(), Error> {
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

//! A job: a batch that is laid out and ready to run. This is all that a backend receives.
//!
//! A backend asks a job for its chunks and places them on workers. It does not need to know an
//! index, an offset or a result. Three ways to take the chunks match three ways to schedule:
//!
//! - [`Job::into_chunks`] gives all chunks in one list, for dynamic scheduling;
//! - [`Job::into_groups`] gives each worker its own list, for static scheduling;
//! - [`Chunk::detach`] turns a chunk into owned work, for workers that may not borrow.

use crate::chunk::Chunk;
use crate::chunking::Chunking;
use crate::control::Control;
use crate::layout::Layout;
use crate::record::ChunkRecord;
use std::num::NonZeroUsize;
use std::ops::Range;

/// A batch that is laid out and ready to run: a backend takes its chunks and places them on
/// workers.
///
/// The job is cut when a backend asks for its chunks. A job that is dropped uncut counts as
/// skipped.
///
/// ```
/// use fib_core::{Error, FibBackend, Job};
/// use std::num::NonZeroUsize;
///
/// /// Runs the chunks on the calling thread, the last chunk first.
/// struct Backwards;
///
/// impl FibBackend for Backwards {
///     fn workers(&self) -> NonZeroUsize {
///         NonZeroUsize::MIN
///     }
///     fn run(&self, job: Job<'_>) -> Result<(), Error> {
///         job.into_chunks().into_iter().rev().for_each(|chunk| chunk.run(0));
///         Ok(())
///     }
/// }
/// # use fib_core::{compute, kernels, Options};
/// # let table = compute(&Backwards, &kernels::stepping(), &[7, 10], &Options::default()).unwrap();
/// # assert_eq!(table.limbs(1), Some(&[55][..]));
/// ```
pub struct Job<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) arena: &'a mut [u64],
    /// One record for each chunk. Until the job is cut, there is one record for all slots.
    pub(crate) records: &'a mut Vec<ChunkRecord>,
    pub(crate) chunking: Chunking,
    pub(crate) workers: NonZeroUsize,
    pub(crate) control: &'a Control,
    pub(crate) timeline: bool,
}

impl<'a> Job<'a> {
    /// The batch and its predicted costs, for a backend that decides by them.
    pub fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// Whether the kernel forks. If it does, a worker that has no chunk left may find halves to run.
    pub fn forks(&self) -> bool {
        self.layout.kernel().forks()
    }

    /// How the caller wants the batch to be cut.
    pub fn chunking(&self) -> Chunking {
        self.chunking
    }

    /// The same job, to be cut in another way: for a backend that hands its jobs to another backend
    /// with `workers` workers.
    pub fn cut_for(self, workers: NonZeroUsize, chunking: Chunking) -> Self {
        Job { workers, chunking, ..self }
    }

    /// Cuts the job and returns its chunks in slot order. An empty batch has no chunks.
    pub fn into_chunks(self) -> Vec<Chunk<'a>> {
        let Job { layout, arena, records, chunking, workers, control, timeline } = self;
        let mut start = 0;
        let record = |end| ChunkRecord::new(std::mem::replace(&mut start, end)..end);
        *records = chunking.cut(layout, workers).into_iter().map(record).collect();
        let mut rest = arena;
        let chunk = |record: &'a mut ChunkRecord| {
            let Range { start, end } = record.slots;
            let limbs = layout.offsets()[end] - layout.offsets()[start];
            let out = rest.split_off_mut(..limbs).unwrap_or_default(); // the arena holds every slot
            Chunk { layout, out, record, control, timeline }
        };
        records.iter_mut().map(chunk).collect()
    }

    /// Cuts the job into one group of consecutive chunks for each worker. Some groups are empty if
    /// there are fewer chunks than workers.
    ///
    /// ```
    /// # use fib_core::{Error, Job};
    /// # use std::num::NonZeroUsize;
    /// fn run(job: Job<'_>, workers: NonZeroUsize) {
    ///     for (worker, group) in job.into_groups(workers).into_iter().enumerate() {
    ///         group.into_iter().for_each(|chunk| chunk.run(worker));
    ///     }
    /// }
    /// ```
    pub fn into_groups(self, workers: NonZeroUsize) -> Vec<Vec<Chunk<'a>>> {
        let chunks = self.into_chunks();
        let (total, workers) = (chunks.len(), workers.get());
        let mut chunks = chunks.into_iter();
        let size = |w| total * (w + 1) / workers - total * w / workers;
        (0..workers).map(|w| chunks.by_ref().take(size(w)).collect()).collect()
    }
}

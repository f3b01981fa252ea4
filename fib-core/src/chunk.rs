//! A chunk: consecutive slots of the arena that one worker fills in one go.
//!
//! A chunk owns its part of the arena and is consumed by running, so running a chunk twice does not
//! compile. A chunk that no worker ran is found after the run, because its record still says
//! `Skipped`.

use crate::control::Control;
use crate::fork::Fork;
use crate::kernel::Checkpoint;
use crate::layout::Layout;
use crate::record::ChunkRecord;
use crate::task::{Pending, Task};
use crate::work::Work;
use std::sync::Arc;
use std::time::Duration;

/// Consecutive slots of a job, to be filled by one worker.
///
/// A backend runs a chunk on any thread that may borrow it:
/// ```
/// fn on_a_thread(chunk: fib_core::Chunk<'_>) {
///     std::thread::scope(|scope| {
///         scope.spawn(|| chunk.run(0));
///     });
/// }
/// ```
/// Running a chunk twice does not compile:
/// ```compile_fail,E0382
/// fn twice(chunk: fib_core::Chunk<'_>) {
///     chunk.run(0);
///     chunk.run(0);
/// }
/// ```
/// A thread that may outlive the call cannot hold a chunk:
/// ```compile_fail,E0521
/// fn persistent(chunk: fib_core::Chunk<'_>) {
///     std::thread::spawn(move || chunk.run(0));
/// }
/// ```
/// [`detach`](Self::detach) the chunk first:
/// ```
/// fn owned(chunk: fib_core::Chunk<'_>) {
///     let (task, pending) = chunk.detach();
///     pending.finish(std::thread::spawn(move || task.run(0)).join().unwrap());
/// }
/// ```
#[must_use = "a chunk that is not run leaves its results missing"]
pub struct Chunk<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) out: &'a mut [u64],
    pub(crate) record: &'a mut ChunkRecord,
    pub(crate) control: &'a Control,
    pub(crate) timeline: bool,
}

impl<'a> Chunk<'a> {
    /// Fills the slots on the calling thread. `worker` is the number of the worker: at least 0 and
    /// below [`FibBackend::workers`](crate::FibBackend::workers).
    pub fn run(self, worker: usize) {
        self.run_inner(worker, None, None);
    }

    /// Like [`run`](Self::run), with a pause between indices: calls `checkpoint` before each index.
    /// `checkpoint` returns how long it kept the worker waiting.
    pub fn run_with_checkpoint(self, worker: usize, checkpoint: &mut dyn FnMut() -> Duration) {
        self.run_inner(worker, Some(checkpoint), None);
    }

    /// Like [`run`](Self::run), on a backend that can run the halves of a fork at once.
    pub fn run_with_forks(self, worker: usize, fork: &dyn Fork) {
        self.run_inner(worker, None, Some(fork));
    }

    fn run_inner(self, worker: usize, checkpoint: Option<Checkpoint<'_>>, fork: Option<&dyn Fork>) {
        let (indices, offsets) = (self.indices(), self.offsets());
        let Chunk { layout, out, record, control, timeline } = self;
        let kernel = &**layout.kernel();
        let fork = fork.filter(|_| kernel.forks());
        let work = Work { kernel, indices, offsets, control, timeline, fork };
        *record = work.perform(out, record.slots.clone(), worker, checkpoint);
    }

    /// Whether the caller asked for a timeline.
    pub fn timeline(&self) -> bool {
        self.timeline
    }

    /// The indices to compute, in slot order.
    pub fn indices(&self) -> &'a [u64] {
        &self.layout.indices()[self.record.slots.clone()]
    }

    fn offsets(&self) -> &'a [usize] {
        &self.layout.offsets()[self.record.slots.start..=self.record.slots.end]
    }

    /// Splits the chunk in two: the task is owned work that may travel to a worker that cannot
    /// borrow; the pending half stays here and takes the results.
    pub fn detach(self) -> (Task, Pending<'a>) {
        let (indices, offsets) = self.layout.shared();
        let task = Task {
            kernel: Arc::clone(self.layout.kernel()),
            indices,
            offsets,
            slots: self.record.slots.clone(),
            control: self.control.clone(),
            timeline: self.timeline,
        };
        (task, self.into_pending())
    }

    /// Returns only the pending half, for a backend that sends the work in its own form.
    pub fn into_pending(self) -> Pending<'a> {
        let (kernel, indices, offsets) = (self.layout.kernel(), self.indices(), self.offsets());
        let Chunk { layout: _, out, record, control, timeline: _ } = self;
        Pending { kernel, indices, offsets, out, record, control }
    }
}

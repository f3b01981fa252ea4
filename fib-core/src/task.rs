//! A chunk in two halves, for workers that may not borrow. The task travels to the worker; the
//! pending half stays and takes the results.

use crate::control::Control;
use crate::kernel::Kernel;
use crate::record::{ChunkRecord, ChunkSpan, Failure, Outcome};
use crate::work::Work;
use std::ops::Range;
use std::sync::Arc;

/// Owned work, `'static` and `Send`, that a worker of a pool may hold.
#[must_use = "a task that is not run leaves its results missing"]
pub struct Task {
    pub(crate) kernel: Arc<dyn Kernel>,
    /// The indices of the whole layout.
    pub(crate) indices: Arc<Vec<u64>>,
    /// The starts of the slots of the whole layout, and the end of the last slot.
    pub(crate) offsets: Arc<Vec<usize>>,
    /// The slots of this task.
    pub(crate) slots: Range<usize>,
    pub(crate) control: Control,
    pub(crate) timeline: bool,
}

impl Task {
    /// A task for all of `indices`, without a layout: a worker process builds it from a request.
    pub fn new(kernel: Arc<dyn Kernel>, indices: Vec<u64>) -> Self {
        let (mut end, mut last) = (0, None);
        let ends = indices.iter().map(|&n| {
            let limbs = match last {
                Some((same, limbs)) if same == n => limbs, // repeats are common
                _ => kernel.limbs(n),
            };
            last = Some((n, limbs));
            end = usize::saturating_add(end, limbs); // too much to allocate either way
            end
        });
        let offsets = Arc::new([0].into_iter().chain(ends).collect());
        let slots = 0..indices.len();
        let (indices, control) = (Arc::new(indices), Control::default());
        Task { kernel, indices, offsets, slots, control, timeline: false }
    }

    /// The number of limbs of all slots together.
    pub fn limbs(&self) -> usize {
        self.offsets[self.slots.end] - self.offsets[self.slots.start]
    }

    /// Computes on the calling thread. `worker` is the number of the worker, counted from 0.
    pub fn run(self, worker: usize) -> TaskReply {
        let mut limbs = vec![0; self.limbs()];
        let record = self.run_into(&mut limbs, worker);
        TaskReply { limbs, record }
    }

    /// Like [`run`](Self::run), but writes the results to `out`.
    ///
    /// # Panics
    /// If `out` is shorter than [`limbs`](Self::limbs).
    pub fn run_into(self, out: &mut [u64], worker: usize) -> ChunkRecord {
        let Task { kernel, indices, offsets, slots, control, timeline } = self;
        let work = Work {
            kernel: &*kernel,
            indices: &indices[slots.clone()],
            offsets: &offsets[slots.start..=slots.end],
            control: &control,
            timeline,
            fork: None, // a task may run in another process
        };
        work.perform(out, slots, worker, None)
    }
}

/// The results of a [`Task`].
#[must_use = "a reply belongs to its `Pending`"]
pub struct TaskReply {
    limbs: Vec<u64>,
    record: ChunkRecord,
}

/// The half of a chunk that stays and takes the results. If it is dropped without results, the
/// chunk counts as skipped.
///
/// A queue of pending halves for each worker is all that message passing needs:
///
/// ```
/// use fib_core::{Chunk, Pending, Task};
/// use std::{collections::VecDeque, sync::mpsc};
///
/// fn through_a_channel(chunks: Vec<Chunk<'_>>) {
///     let (tasks, inbox) = mpsc::channel::<Task>();
///     let (outbox, replies) = mpsc::channel();
///     let worker = std::thread::spawn(move || {
///         inbox.iter().try_for_each(|task| outbox.send(task.run(0)))
///     });
///     let mut waiting: VecDeque<Pending<'_>> = VecDeque::new();
///     for chunk in chunks {
///         let (task, pending) = chunk.detach();
///         waiting.push_back(pending);
///         tasks.send(task).unwrap();
///     }
///     drop(tasks); // the worker ends after the last task
///     for reply in replies {
///         waiting.pop_front().unwrap().finish(reply); // one worker replies in order
///     }
///     worker.join().unwrap().unwrap();
/// }
/// ```
#[must_use = "a pending chunk that is neither finished nor failed leaves its results missing"]
pub struct Pending<'a> {
    pub(crate) kernel: &'a Arc<dyn Kernel>,
    pub(crate) indices: &'a [u64],
    pub(crate) offsets: &'a [usize],
    pub(crate) out: &'a mut [u64],
    pub(crate) record: &'a mut ChunkRecord,
    pub(crate) control: &'a Control,
}

impl Pending<'_> {
    /// The kernel that is to compute the indices.
    pub fn kernel(&self) -> &dyn Kernel {
        &**self.kernel
    }

    /// The indices to compute, in slot order.
    pub fn indices(&self) -> &[u64] {
        self.indices
    }

    /// The indices at these positions of the chunk, counted from 0, and the limbs of their slots,
    /// which lie next to each other in the arena.
    ///
    /// # Panics
    /// If a position is out of range.
    pub fn part_mut(&mut self, positions: Range<usize>) -> (&[u64], &mut [u64]) {
        let start = |position: usize| self.offsets[position] - self.offsets[0];
        let slots = start(positions.start)..start(positions.end);
        (&self.indices[positions], &mut self.out[slots])
    }

    /// Cancels the computation and counts finished indices.
    pub fn control(&self) -> &Control {
        self.control
    }

    /// Takes the results. If the reply belongs to another task, every index of this chunk fails.
    pub fn finish(self, reply: TaskReply) {
        if reply.record.slots != self.record.slots || reply.limbs.len() != self.out.len() {
            return self.fail("the reply belongs to another task");
        }
        self.out.copy_from_slice(&reply.limbs);
        *self.record = reply.record;
    }

    /// Runs the task of this chunk on the calling thread, straight into the slots. If the task belongs
    /// to another chunk, every index of this chunk fails. `worker` is the number of the worker.
    pub fn run(self, task: Task, worker: usize) {
        if task.slots != self.record.slots || task.limbs() != self.out.len() {
            return self.fail("the task belongs to another chunk");
        }
        *self.record = task.run_into(self.out, worker);
    }

    /// Ends a chunk that was filled part by part. The first `computed` slots hold results, except
    /// for the positions in `failures`; the other slots were cancelled.
    ///
    /// # Panics
    /// If a position is out of range.
    pub fn conclude(
        self,
        computed: usize,
        failures: Vec<(usize, String)>,
        span: Option<ChunkSpan>,
    ) {
        let start = self.record.slots.start;
        let failure = |(i, message)| Failure { slot: start + i, index: self.indices[i], message };
        self.record.failures = failures.into_iter().map(failure).collect();
        let is_complete = computed == self.indices.len();
        self.record.outcome =
            if is_complete { Outcome::Done } else { Outcome::Cancelled(computed) };
        self.record.span = span;
        self.control.add_done(computed);
    }

    /// Gives the chunk up: every index of the chunk fails with this message.
    pub fn fail(self, message: &str) {
        let failure = |(slot, &index)| Failure { slot, index, message: message.into() };
        self.record.failures = self.record.slots.clone().zip(self.indices).map(failure).collect();
        self.record.outcome = Outcome::Done;
    }
}

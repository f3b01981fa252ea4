//! A chunk in two halves, for workers that may not borrow: the task travels, the pending half stays.

use crate::control::Control;
use crate::job::{Failure, Outcome, Record, Span, Work};
use crate::kernel::Kernel;
use std::ops::Range;
use std::sync::Arc;

/// Owned work, `'static` and `Send`: a persistent worker may hold it.
#[must_use = "a task that is not run leaves its results missing"]
pub struct Task {
    pub(crate) kernel: Arc<dyn Kernel>,
    /// Those of the whole layout, and the starts of its slots and the end of the last.
    pub(crate) indices: Arc<Vec<u64>>,
    pub(crate) offsets: Arc<Vec<usize>>,
    /// Which of them.
    pub(crate) slots: Range<usize>,
    pub(crate) control: Control,
    pub(crate) timeline: bool,
}

impl Task {
    /// Work that is nobody's chunk here: what a worker process makes of a request.
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

    /// Limbs of all its slots together.
    pub fn limbs(&self) -> usize {
        self.offsets[self.slots.end] - self.offsets[self.slots.start]
    }

    /// Computes on the calling thread, which is worker number `worker`, from 0.
    pub fn run(self, worker: usize) -> Reply {
        let mut limbs = vec![0; self.limbs()];
        let record = self.run_into(&mut limbs, worker);
        Reply { limbs, record }
    }

    /// As [`run`](Self::run), with the results written to `out`.
    ///
    /// # Panics
    /// If `out` is shorter than [`limbs`](Self::limbs).
    pub fn run_into(self, out: &mut [u64], worker: usize) -> Record {
        let Task { kernel, indices, offsets, slots, control, timeline } = self;
        let work = Work {
            kernel: &*kernel,
            indices: &indices[slots.clone()],
            offsets: &offsets[slots.start..=slots.end],
            control: &control,
            timeline,
        };
        work.perform(out, slots, worker, None)
    }
}

/// The results of a [`Task`].
#[must_use = "a reply belongs to its `Pending`"]
pub struct Reply {
    limbs: Vec<u64>,
    record: Record,
}

/// The half of a chunk that stays behind and takes the results. Dropped without any, the chunk
/// counts as not run.
#[must_use = "a pending chunk that is neither finished nor failed leaves its results missing"]
pub struct Pending<'a> {
    pub(crate) kernel: &'a Arc<dyn Kernel>,
    pub(crate) indices: &'a [u64],
    pub(crate) offsets: &'a [usize],
    pub(crate) out: &'a mut [u64],
    pub(crate) record: &'a mut Record,
    pub(crate) control: &'a Control,
}

impl Pending<'_> {
    /// What is to be computed with.
    pub fn kernel(&self) -> &dyn Kernel {
        &**self.kernel
    }

    /// The indices that were asked for, in slot order.
    pub fn indices(&self) -> &[u64] {
        self.indices
    }

    /// The indices at these positions, from 0, and their slots: neighbours in the arena, to be
    /// filled.
    ///
    /// # Panics
    /// If a position is out of range.
    pub fn part_mut(&mut self, positions: Range<usize>) -> (&[u64], &mut [u64]) {
        let start = |position: usize| self.offsets[position] - self.offsets[0];
        let slots = start(positions.start)..start(positions.end);
        (&self.indices[positions], &mut self.out[slots])
    }

    /// What cancels the computation and tells how far it is.
    pub fn control(&self) -> &Control {
        self.control
    }

    /// Takes the results. A reply to another task fails this one instead.
    pub fn finish(self, reply: Reply) {
        if reply.record.slots != self.record.slots || reply.limbs.len() != self.out.len() {
            return self.fail("the reply belongs to another task");
        }
        self.out.copy_from_slice(&reply.limbs);
        *self.record = reply.record;
    }

    /// Ends the chunk by what was learned of it piece by piece: the first `computed` of its slots
    /// hold results but for the positions in `failures`; the others were cancelled.
    ///
    /// # Panics
    /// If a position is out of range.
    pub fn conclude(self, computed: usize, failures: Vec<(usize, String)>, span: Option<Span>) {
        let start = self.record.slots.start;
        let failure =
            |(at, message)| Failure { slot: start + at, index: self.indices[at], message };
        self.record.failures = failures.into_iter().map(failure).collect();
        let whole = computed == self.indices.len();
        self.record.outcome = if whole { Outcome::Done } else { Outcome::Cancelled(computed) };
        self.record.span = span;
        self.control.add_done(computed);
    }

    /// Gives the chunk up: every index of it failed for this reason.
    pub fn fail(self, message: &str) {
        let failure = |(slot, &index)| Failure { slot, index, message: message.into() };
        self.record.failures = self.record.slots.clone().zip(self.indices).map(failure).collect();
        self.record.outcome = Outcome::Done;
    }
}

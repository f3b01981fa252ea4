//! A chunk in two halves, for workers that may not borrow: the task travels, the pending half stays.

use crate::control::Control;
use crate::job::{Failure, Outcome, Record, Work};
use crate::kernel::Kernel;
use std::ops::Range;
use std::sync::Arc;

/// Owned work, `'static` and `Send`: a persistent worker may hold it.
#[must_use = "a task that is not run leaves its results missing"]
pub struct Task {
    pub(crate) kernel: Arc<dyn Kernel>,
    pub(crate) indices: Box<[u64]>,
    pub(crate) offsets: Box<[usize]>,
    pub(crate) slots: Range<usize>,
    pub(crate) control: Control,
    pub(crate) timeline: bool,
}

impl Task {
    /// Computes on the calling thread, which is worker number `worker`, from 0.
    pub fn run(self, worker: usize) -> Reply {
        let Task { kernel, indices, offsets, slots, control, timeline } = self;
        let mut limbs = vec![0; offsets[indices.len()] - offsets[0]];
        let work = Work {
            kernel: &*kernel,
            indices: &indices,
            offsets: &offsets,
            control: &control,
            timeline,
        };
        let record = work.perform(&mut limbs, slots, worker, None);
        Reply { limbs, record }
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
    pub(crate) indices: &'a [u64],
    pub(crate) out: &'a mut [u64],
    pub(crate) record: &'a mut Record,
}

impl Pending<'_> {
    /// Takes the results. A reply to another task fails this one instead.
    pub fn finish(self, reply: Reply) {
        if reply.record.slots != self.record.slots || reply.limbs.len() != self.out.len() {
            return self.fail("the reply belongs to another task");
        }
        self.out.copy_from_slice(&reply.limbs);
        *self.record = reply.record;
    }

    /// Gives the chunk up: every index of it failed for this reason.
    pub fn fail(self, message: &str) {
        let failure = |(slot, &index)| Failure { slot, index, message: message.into() };
        self.record.failures = self.record.slots.clone().zip(self.indices).map(failure).collect();
        self.record.outcome = Outcome::Done;
    }
}

//! What a kernel is: it decides *what* to compute and never sees a thread.

use crate::control::Control;
use crate::size;
use std::time::Duration;

/// Which slots a kernel wants, and in what order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// One slot per requested index, in the caller's order; repeats are computed again.
    AsGiven,
    /// Slots ascending and distinct; repeats share one slot.
    Ascending,
}

/// Sequential arithmetic that fills slots with Fibonacci numbers.
pub trait Kernel: Send + Sync {
    /// The name users choose it by.
    fn name(&self) -> &'static str;

    /// The order in which this kernel wants its slots.
    fn order(&self) -> Order {
        Order::AsGiven
    }

    /// Limbs of the slot of F(n): exact, known before any work.
    fn limbs(&self, n: u64) -> usize {
        size::limbs(n)
    }

    /// Predicted cost of F(n), in any unit, when the slot before holds F(`previous`).
    /// It balances chunks and is never reported. It must be finite and at least 0.
    fn cost(&self, n: u64, previous: Option<u64>) -> f64;

    /// Fills every slot that `run` hands out: `while let Some(slot) = run.next_slot() { .. }`.
    ///
    /// A panic here loses the slot handed out last and no other: `fill` is called again for the
    /// slots after it.
    fn fill(&self, run: &mut Run<'_>);
}

/// One number to compute.
pub struct Slot<'r> {
    /// The index.
    pub n: u64,
    /// Where F(n) goes: `Kernel::limbs(n)` little-endian limbs with unspecified contents.
    pub out: &'r mut [u64],
    /// The slots this run has filled so far, without gaps: the last one ends where this ends.
    pub before: &'r [u64],
}

/// A pause that a backend inserts between two indices; returns how long it lasted.
pub(crate) type Checkpoint<'a> = &'a mut dyn FnMut() -> Duration;

/// What a kernel sees of a chunk: its slots, one after another.
pub struct Run<'a> {
    pub(crate) indices: &'a [u64],
    /// Starts of the slots and the end of the last; `offsets[0]` is where `out` begins.
    pub(crate) offsets: &'a [usize],
    pub(crate) out: &'a mut [u64],
    pub(crate) control: &'a Control,
    pub(crate) checkpoint: Option<Checkpoint<'a>>,
    pub(crate) next: usize,
    pub(crate) paused: Duration,
    unreported: usize,
    weight: usize,
}

/// Progress is reported after about this many limbs, so that the shared counter costs nothing even
/// where an index takes nanoseconds.
const REPORT_LIMBS: usize = 4096;

impl<'a> Run<'a> {
    pub(crate) fn new(
        indices: &'a [u64],
        offsets: &'a [usize],
        out: &'a mut [u64],
        control: &'a Control,
        checkpoint: Option<Checkpoint<'a>>,
    ) -> Self {
        let (next, unreported, weight) = (0, 0, 0);
        let paused = Duration::ZERO;
        Run { indices, offsets, out, control, checkpoint, next, paused, unreported, weight }
    }

    /// The next slot to fill, or `None` when there is none left or the computation was cancelled.
    pub fn next_slot(&mut self) -> Option<Slot<'_>> {
        let &n = self.indices.get(self.next)?;
        if self.control.is_cancelled() {
            return None;
        }
        if let Some(checkpoint) = &mut self.checkpoint {
            self.paused += checkpoint();
        }
        let start = self.offsets[self.next] - self.offsets[0];
        let len = self.offsets[self.next + 1] - self.offsets[self.next];
        self.next += 1;
        self.unreported += 1;
        self.weight += len + 1;
        if self.weight >= REPORT_LIMBS {
            self.report();
        }
        let (before, rest) = self.out.split_at_mut(start);
        Some(Slot { n, out: &mut rest[..len], before })
    }

    pub(crate) fn report(&mut self) {
        self.control.add_done(self.unreported);
        (self.unreported, self.weight) = (0, 0);
    }
}

//! What a kernel is: it decides *what* to compute and never sees a thread.

use crate::control::Control;
use crate::fork::Forks;
use crate::residue::Modulus;
use crate::size;
use std::sync::Arc;
use std::time::Duration;

/// The slots that a kernel asks for, and their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// One slot for each requested index, in the caller's order. Repeats are computed again.
    AsGiven,
    /// Ascending, distinct indices. Repeats share one slot.
    Ascending,
}

/// What the limbs of a slot hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// The number, in base 2^64, the lowest limb first.
    #[default]
    Binary,
    /// The number as decimal text, eight characters in each limb: see [`text`](crate::text).
    Text,
    /// One limb: the number modulo this.
    Residue(Modulus),
}

/// Sequential arithmetic that fills slots with Fibonacci numbers.
///
/// A complete kernel, for indices whose numbers fit 64 bits:
///
/// ```
/// use fib_core::{Kernel, Options, Run, Sequential, compute};
/// use std::sync::Arc;
///
/// struct Small;
///
/// impl Kernel for Small {
///     fn name(&self) -> &'static str {
///         "small"
///     }
///     fn cost(&self, n: u64, _previous: Option<u64>) -> f64 {
///         1.0 + n as f64 // one addition for each index below n
///     }
///     fn fill(&self, run: &mut Run<'_>) {
///         while let Some(slot) = run.next_slot() {
///             assert!(slot.n <= 93, "F({}) needs more than 64 bits", slot.n);
///             let (mut a, mut b) = (0u64, 1u64);
///             for _ in 0..slot.n {
///                 (a, b) = (b, a.wrapping_add(b));
///             }
///             slot.out.fill(a); // one limb, or none for F(0) = 0
///         }
///     }
/// }
///
/// let kernel: Arc<dyn Kernel> = Arc::new(Small);
/// let table = compute(&Sequential, &kernel, &[0, 10, 93], &Options::default())?;
/// assert_eq!(table.limbs(2), Some(&[12200160415121876738][..]));
/// # Ok::<(), fib_core::Error>(())
/// ```
pub trait Kernel: Send + Sync {
    /// The name by which users choose the kernel.
    fn name(&self) -> &'static str;

    /// The order in which this kernel asks for its slots.
    fn order(&self) -> Order {
        Order::AsGiven
    }

    /// What this kernel writes to a slot.
    fn form(&self) -> Form {
        Form::Binary
    }

    /// A kernel of the same name that writes the same numbers as text. `None` if there is no such
    /// kernel; then [`kernels::in_text`](crate::kernels::in_text) converts the numbers.
    fn text_kernel(&self) -> Option<Arc<dyn Kernel>> {
        None
    }

    /// The number of limbs of the slot of F(n), known before any work. In binary it is exact; text may have
    /// leading zeros.
    fn limbs(&self, n: u64) -> usize {
        size::limbs(n)
    }

    /// Whether this kernel forks ([`Run::forks`]). For such a kernel, workers that have no chunk left look for
    /// halves until the end of the batch.
    fn forks(&self) -> bool {
        false
    }

    /// The largest index that this kernel computes; `None` if memory is the only limit. A batch with a larger
    /// index is refused before any work.
    fn largest_index(&self) -> Option<u64> {
        None
    }

    /// The most memory that computing F(n) takes besides its slot, in bytes. It counts against the
    /// memory limit, so that a number is refused before work if it cannot be computed.
    fn scratch_bytes(&self, _n: u64) -> u128 {
        0
    }

    /// The predicted cost of F(n), in any unit, if the slot before holds F(`previous`). Costs
    /// balance chunks and are never reported. A cost must be finite and at least 0.
    fn cost(&self, n: u64, previous: Option<u64>) -> f64;

    /// Fills every slot that `run` hands out: `while let Some(slot) = run.next_slot() { .. }`.
    ///
    /// A panic loses only the slot that was handed out last. Then `fill` is called again for the
    /// slots after that slot.
    fn fill(&self, run: &mut Run<'_>);
}

/// One number to compute.
pub struct Slot<'r> {
    /// The index.
    pub n: u64,
    /// Where F(n) goes, in the form of the kernel: `Kernel::limbs(n)` limbs with unspecified contents.
    pub out: &'r mut [u64],
    /// The slots that this run has filled so far, without gaps. The last slot ends where this slice
    /// ends.
    pub before: &'r [u64],
    /// A kernel that computes a large number looks here between its steps. If the computation was cancelled,
    /// the kernel returns [`Run::give_back`].
    pub(crate) control: &'r Control,
    /// What another kernel gets that computes this slot.
    forks: Forks<'r>,
}

impl Slot<'_> {
    /// Computes F(n) with another kernel, into `out` instead of the slot. `None` if the computation was
    /// cancelled.
    ///
    /// # Panics
    /// If the kernel does not take the index.
    pub(crate) fn compute_with(&self, kernel: &dyn Kernel, out: &mut [u64]) -> Option<()> {
        let (indices, offsets) = ([self.n], [0, out.len()]);
        // This run reports no progress: it ends with its first slot.
        let mut run = Run::new(&indices, &offsets, out, self.control, None, self.forks);
        kernel.fill(&mut run);
        assert!(run.next == 1 || self.control.is_cancelled(), "the kernel stopped early");
        (run.next == 1).then_some(())
    }
}

/// A pause that a backend inserts between two indices. It returns how long it lasted.
pub(crate) type Checkpoint<'a> = &'a mut dyn FnMut() -> Duration;

/// The slots of a chunk, one after another: all that a kernel sees of the chunk.
pub struct Run<'a> {
    pub(crate) indices: &'a [u64],
    /// The starts of the slots and the end of the last slot. `out` begins at `offsets[0]`.
    pub(crate) offsets: &'a [usize],
    pub(crate) out: &'a mut [u64],
    pub(crate) control: &'a Control,
    pub(crate) checkpoint: Option<Checkpoint<'a>>,
    forks: Forks<'a>,
    pub(crate) next: usize,
    pub(crate) paused: Duration,
    /// The number of indices since progress was reported last. The last slot that was handed out is one
    /// of them.
    unreported: usize,
    /// The limbs of those indices, plus one for each index. The slot at which progress was reported does
    /// not count.
    weight: usize,
}

/// Progress is reported after about this many limbs, so that the shared counter costs next to
/// nothing even where an index takes nanoseconds.
const REPORT_LIMBS: usize = 4096;

impl<'a> Run<'a> {
    pub(crate) fn new(
        indices: &'a [u64],
        offsets: &'a [usize],
        out: &'a mut [u64],
        control: &'a Control,
        checkpoint: Option<Checkpoint<'a>>,
        forks: Forks<'a>,
    ) -> Self {
        let (next, unreported, weight) = (0, 0, 0);
        let paused = Duration::ZERO;
        Run { indices, offsets, out, control, checkpoint, forks, next, paused, unreported, weight }
    }

    /// Runs two halves of a computation at once, if the backend can.
    pub fn forks(&self) -> Forks<'a> {
        self.forks
    }

    /// The next slot to fill; `None` if no slot is left or the computation was cancelled.
    #[inline]
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
        self.weight += len + 1;
        if self.weight >= REPORT_LIMBS {
            self.report(); // without this slot, which is not filled yet
        }
        self.next += 1;
        self.unreported += 1;
        let (before, rest) = self.out.split_at_mut(start);
        Some(Slot { n, out: &mut rest[..len], before, control: self.control, forks: self.forks })
    }

    /// Takes back the slot that was handed out last, because the computation was cancelled before it was
    /// filled. The kernel must return then.
    pub(crate) fn give_back(&mut self) {
        if self.next > 0 {
            self.next -= 1;
            self.unreported -= 1;
        }
    }

    /// Hands out the next slots at once, as long as they hold F(n+1), F(n+2), ... and have `limbs` limbs
    /// each, with the two slots before them, which must have as many limbs. Returns all of them, or only
    /// those two if no such slot is next.
    ///
    /// The kernel must not panic before it has filled them, because a panic is blamed on the last of them.
    pub(crate) fn next_level_slots(&mut self, n: u64, limbs: usize) -> &mut [u64] {
        let first = self.next;
        let start = self.offsets[first] - self.offsets[0];
        let is_alone = self.checkpoint.is_some() || self.control.is_cancelled();
        let room =
            if is_alone { 0 } else { REPORT_LIMBS.saturating_sub(self.weight) / (limbs + 1) };
        let (indices, ends) = (&self.indices[first..], &self.offsets[first..]);
        let fits = |&(i, (index, ends)): &(usize, (&u64, &[usize]))| {
            *index == n.wrapping_add(1 + i as u64) && ends[1] - ends[0] == limbs
        };
        let slots = indices.iter().zip(ends.windows(2)).take(room).enumerate();
        let count = slots.take_while(fits).count();
        self.next += count;
        self.unreported += count;
        self.weight += count * (limbs + 1);
        &mut self.out[start - 2 * limbs..start + count * limbs]
    }

    /// The next indices and their slots, for a kernel whose slots have one limb each. `None` if no slot is
    /// left or the computation was cancelled.
    ///
    /// The kernel must not panic, because a panic is blamed on the last of them.
    pub(crate) fn next_single_limbs(&mut self) -> Option<(&[u64], &mut [u64])> {
        let first = self.next;
        let left = self.indices.len() - first;
        if left == 0 || self.control.is_cancelled() {
            return None;
        }
        let mut count = left.min(REPORT_LIMBS / 2);
        if let Some(checkpoint) = &mut self.checkpoint {
            self.paused += checkpoint();
            count = 1;
        }
        self.report(); // without these indices, which are not computed yet
        self.next += count;
        self.unreported += count;
        Some((&self.indices[first..self.next], &mut self.out[first..self.next]))
    }

    pub(crate) fn report(&mut self) {
        self.control.add_done(self.unreported);
        (self.unreported, self.weight) = (0, 0);
    }
}

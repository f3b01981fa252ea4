//! Where every result goes. This is decided before any work: one arena of limbs and a table of
//! offsets.

use crate::error::Error;
use crate::kernel::{Kernel, Order};
use crate::memory::MemoryLimit;
use std::mem::size_of;
use std::ops::Range;
use std::sync::Arc;

/// A batch laid out for one kernel: which slot holds which index, how long each slot is, and how
/// much each slot is predicted to cost.
///
/// ```
/// use fib_core::{Layout, MemoryLimit, kernels};
///
/// // F(100) has 69 bits, so its slot has two limbs. `iterative` computes repeats again.
/// let layout = Layout::new(kernels::iterative(), &[100, 10, 100], MemoryLimit::default())?;
/// assert_eq!((layout.slots(), layout.offsets()), (3, &[0, 2, 3, 5][..]));
///
/// // `stepping` asks for ascending indices; here repeats share one slot.
/// let layout = Layout::new(kernels::stepping(), &[100, 10, 100], MemoryLimit::default())?;
/// assert_eq!((layout.len(), layout.indices()), (3, &[10, 100][..]));
///
/// // A batch that cannot fit is refused before any work.
/// assert!(Layout::new(kernels::doubling(), &[u64::MAX], MemoryLimit::default()).is_err());
/// # Ok::<(), fib_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Layout {
    kernel: Arc<dyn Kernel>,
    /// Shared with tasks, which outlive any borrow, as are the offsets.
    indices: Arc<Vec<u64>>,
    /// The starts of the slots in the arena, in limbs, and the end of the last slot.
    offsets: Arc<Vec<usize>>,
    /// Running sums of the predicted costs.
    costs: Vec<f64>,
    /// The slot for each of the caller's positions; `None` if slots and positions are the same.
    slot_of: Option<Vec<usize>>,
}

/// The bytes that the tables take for each index, repeats included.
const TABLE_BYTES: usize = size_of::<u64>() + 2 * size_of::<usize>() + size_of::<f64>();

/// The bytes that `count` indices take besides their results. With this, a list that is too long
/// can be refused before it is expanded.
pub fn table_bytes(count: u128) -> u128 {
    count.saturating_mul(TABLE_BYTES as u128)
}

/// The bytes that F(n) takes by itself: result, table and scratch memory.
pub fn number_bytes(kernel: &dyn Kernel, n: u64) -> u128 {
    table_bytes(1) + 8 * kernel.limbs(n) as u128 + kernel.scratch_bytes(n)
}

/// What F(n) costs more at the start of a chunk than after a slot that holds F(`previous`).
pub fn start_cost(kernel: &dyn Kernel, n: u64, previous: Option<u64>) -> f64 {
    (kernel.cost(n, None) - kernel.cost(n, previous)).max(0.0)
}

impl Layout {
    /// Lays out `wanted` in the order that the kernel asks for.
    ///
    /// # Errors
    /// [`Error::Index`] if the kernel does not compute the largest index.
    /// [`Error::Limit`] if the results, their table and the scratch memory of the largest number need
    /// more than `limit`. In that case nothing large was allocated.
    pub fn new(kernel: Arc<dyn Kernel>, wanted: &[u64], limit: MemoryLimit) -> Result<Self, Error> {
        let largest = wanted.iter().copied().max();
        check_index(&*kernel, largest.unwrap_or(0))?;
        let scratch = largest.map_or(0, |n| kernel.scratch_bytes(n));
        let besides = table_bytes(wanted.len() as u128) + scratch;
        let limit = limit.fixed_for(besides);
        check(limit, besides)?;
        let (indices, slot_of) = match kernel.order() {
            Order::Ascending => ascending(wanted),
            Order::AsGiven => (wanted.to_vec(), None),
        };
        let offsets = offsets(&*kernel, &indices, |limbs| check(limit, besides + 8 * limbs))?;
        let costs = costs(&*kernel, &indices);
        let (indices, offsets) = (Arc::new(indices), Arc::new(offsets));
        Ok(Layout { kernel, indices, offsets, costs, slot_of })
    }

    /// The layout of an empty batch.
    pub(crate) fn empty(kernel: &Arc<dyn Kernel>) -> Self {
        let (indices, offsets) = (Arc::new(vec![]), Arc::new(vec![0]));
        Layout { kernel: Arc::clone(kernel), indices, offsets, costs: vec![], slot_of: None }
    }

    /// The kernel that the batch is laid out for.
    pub fn kernel(&self) -> &Arc<dyn Kernel> {
        &self.kernel
    }

    /// The index of each slot, in slot order.
    pub fn indices(&self) -> &[u64] {
        &self.indices
    }

    /// The number of results that the caller sees, repeats included.
    pub fn len(&self) -> usize {
        self.slot_of.as_ref().map_or(self.indices.len(), Vec::len)
    }

    /// Whether the batch is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of slots: less than [`len`](Self::len) where repeats share a slot.
    pub fn slots(&self) -> usize {
        self.indices.len()
    }

    /// The number of limbs of all slots together.
    pub fn limbs(&self) -> usize {
        self.offsets[self.slots()]
    }

    /// The bytes of the results and their table.
    pub fn bytes(&self) -> u128 {
        table_bytes(self.len() as u128) + 8 * self.limbs() as u128
    }

    /// The most memory that a worker takes to compute a number, besides its slot.
    pub fn scratch_bytes(&self) -> u128 {
        self.indices.iter().max().map_or(0, |&n| self.kernel.scratch_bytes(n))
    }

    /// The slot that holds the result for the caller's position `i`.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Self::len).
    pub fn slot_of(&self, i: usize) -> usize {
        self.slot_of.as_ref().map_or(i, |slots| slots[i])
    }

    /// The limbs of `slot` in the arena.
    ///
    /// # Panics
    /// If `slot` is not below [`slots`](Self::slots).
    pub fn range(&self, slot: usize) -> Range<usize> {
        self.offsets[slot]..self.offsets[slot + 1]
    }

    /// The starts of the slots in the arena, in limbs, and the end of the last slot.
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    pub(crate) fn shared(&self) -> (Arc<Vec<u64>>, Arc<Vec<usize>>) {
        (Arc::clone(&self.indices), Arc::clone(&self.offsets))
    }

    /// The number of chunks for which starting them takes a tenth of the work, by predicted costs.
    pub(crate) fn chunks_worth_starting(&self) -> usize {
        const SHARE: f64 = 0.1;
        let middle = self.slots() / 2;
        let previous = middle.checked_sub(1).map(|slot| self.indices[slot]);
        let start =
            self.indices.get(middle).map_or(0.0, |&n| start_cost(&*self.kernel, n, previous));
        let total = self.costs.last().copied().unwrap_or(0.0);
        if start > 0.0 { (SHARE * total / start) as usize } else { usize::MAX }
    }

    /// Running sums of the predicted costs, in the unit of the kernel. The sum at a slot includes
    /// the cost of that slot.
    pub fn costs(&self) -> &[f64] {
        &self.costs
    }
}

/// Whether the kernel computes this index.
///
/// # Errors
/// [`Error::Index`].
pub fn check_index(kernel: &dyn Kernel, index: u64) -> Result<(), Error> {
    match kernel.largest_index() {
        Some(largest) if index > largest => {
            Err(Error::Index { kernel: kernel.name(), index, largest })
        }
        _ => Ok(()),
    }
}

fn check(limit: MemoryLimit, bytes: u128) -> Result<(), Error> {
    limit.check(bytes).map_err(|limit| Error::Limit { bytes, limit })
}

/// The distinct indices in ascending order, and the slot of each of `wanted`.
fn ascending(wanted: &[u64]) -> (Vec<u64>, Option<Vec<usize>>) {
    let mut distinct = wanted.to_vec();
    if wanted.is_sorted_by(|a, b| a < b) {
        return (distinct, None);
    }
    distinct.sort_unstable();
    distinct.dedup();
    let slots = wanted.iter().map(|n| distinct.partition_point(|m| m < n)).collect();
    (distinct, Some(slots))
}

/// The starts of the slots and the end of the last slot. `check` judges the sum of all limbs even
/// where that sum does not fit a `usize`.
fn offsets(
    kernel: &dyn Kernel,
    indices: &[u64],
    check: impl Fn(u128) -> Result<(), Error>,
) -> Result<Vec<usize>, Error> {
    let mut offsets = Vec::with_capacity(indices.len() + 1);
    let mut end = 0usize;
    offsets.push(end);
    for (i, &n) in indices.iter().enumerate() {
        let limbs = kernel.limbs(n);
        end = end.checked_add(limbs).ok_or_else(|| {
            let rest: u128 = indices[i..].iter().map(|&n| kernel.limbs(n) as u128).sum();
            let bytes = 8 * (end as u128 + rest);
            check(end as u128 + rest).err().unwrap_or(Error::Allocation { bytes })
        })?;
        offsets.push(end);
    }
    check(end as u128)?;
    Ok(offsets)
}

fn costs(kernel: &dyn Kernel, indices: &[u64]) -> Vec<f64> {
    let mut previous = None;
    let mut sum = 0.0;
    let cost = |&n: &u64| {
        sum += kernel.cost(n, previous);
        previous = Some(n);
        sum
    };
    indices.iter().map(cost).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{iterative, stepping};

    #[test]
    fn repeats_share_a_slot_only_where_the_kernel_wants_them_ascending() {
        let wanted = [7, 3, 7, 100];
        let layout = Layout::new(stepping(), &wanted, MemoryLimit::default()).unwrap();
        assert_eq!((layout.len(), layout.indices()), (4, &[3, 7, 100][..]));
        assert_eq!([0, 1, 2, 3].map(|i| layout.slot_of(i)), [1, 0, 1, 2]);
        let layout = Layout::new(iterative(), &wanted, MemoryLimit::default()).unwrap();
        assert_eq!((layout.len(), layout.indices()), (4, &wanted[..]));
    }

    #[test]
    fn the_limit_counts_every_byte() {
        let wanted = [1000; 10];
        let scratch = iterative().scratch_bytes(1000) as u64;
        let bytes = 10 * (TABLE_BYTES as u64 + 8 * 11) + scratch;
        let layout = |limit| Layout::new(iterative(), &wanted, MemoryLimit::Bytes(limit));
        assert!(layout(bytes).is_ok());
        assert!(
            matches!(layout(bytes - 1), Err(Error::Limit { bytes: b, .. }) if b == bytes.into())
        );
    }

    /// A kernel that needs nothing but its slots.
    struct SlotsOnly;

    impl Kernel for SlotsOnly {
        fn name(&self) -> &'static str {
            "slots-only"
        }
        fn cost(&self, _n: u64, _previous: Option<u64>) -> f64 {
            1.0
        }
        fn fill(&self, _run: &mut crate::kernel::Run<'_>) {}
    }

    #[test]
    fn sums_beyond_the_address_space_are_refused() {
        let wanted = [u64::MAX; 1000];
        let refused = Layout::new(Arc::new(SlotsOnly), &wanted, MemoryLimit::default());
        let expected = 1000 * (TABLE_BYTES as u128 + 8 * SlotsOnly.limbs(u64::MAX) as u128);
        let refused = refused.err().unwrap();
        assert!(matches!(refused, Error::Limit { bytes, .. } if bytes == expected), "{refused}");
    }
}

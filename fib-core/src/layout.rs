//! Where every result goes, decided before any work: one arena of limbs and a table of offsets.

use crate::error::Error;
use crate::kernel::{Kernel, Order};
use crate::memory::MemoryLimit;
use std::mem::size_of;
use std::ops::Range;
use std::sync::Arc;

/// A batch laid out for one kernel: which slot holds which index, how long each slot is, and what
/// filling it is predicted to cost.
#[derive(Clone)]
pub struct Layout {
    kernel: Arc<dyn Kernel>,
    /// Shared with tasks, which outlive any borrow; so are the offsets.
    indices: Arc<Vec<u64>>,
    /// Starts of the slots in the arena, in limbs, and the end of the last.
    offsets: Arc<Vec<usize>>,
    /// Running sums of the predicted costs.
    costs: Vec<f64>,
    /// Slot of each of the caller's positions; `None` where they are the same.
    slot_of: Option<Vec<usize>>,
}

/// Bytes that the tables take for each index, repeats included.
const TABLE_BYTES: usize = size_of::<u64>() + 2 * size_of::<usize>() + size_of::<f64>();

/// Bytes that `count` indices cost besides their results: so long a list can be refused unseen.
pub fn table_bytes(count: u128) -> u128 {
    count.saturating_mul(TABLE_BYTES as u128)
}

impl Layout {
    /// Lays out `wanted`, in the order the kernel asks for.
    ///
    /// # Errors
    /// [`Error::Limit`] if results and table need more than `limit`; nothing large was allocated
    /// then.
    pub fn new(kernel: Arc<dyn Kernel>, wanted: &[u64], limit: MemoryLimit) -> Result<Self, Error> {
        let tables = table_bytes(wanted.len() as u128);
        check(limit, tables)?;
        let (indices, slot_of) = match kernel.order() {
            Order::Ascending => ascending(wanted),
            Order::AsGiven => (wanted.to_vec(), None),
        };
        let offsets = offsets(&*kernel, &indices, |limbs| check(limit, tables + 8 * limbs))?;
        let costs = costs(&*kernel, &indices);
        let (indices, offsets) = (Arc::new(indices), Arc::new(offsets));
        Ok(Layout { kernel, indices, offsets, costs, slot_of })
    }

    /// The kernel this is laid out for.
    pub fn kernel(&self) -> &Arc<dyn Kernel> {
        &self.kernel
    }

    /// The index of each slot, in slot order.
    pub fn indices(&self) -> &[u64] {
        &self.indices
    }

    /// How many results the caller sees, repeats included.
    pub fn len(&self) -> usize {
        self.slot_of.as_ref().map_or(self.indices.len(), Vec::len)
    }

    /// Whether there is nothing to compute.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many numbers are computed: less than [`len`](Self::len) where repeats share a slot.
    pub fn slots(&self) -> usize {
        self.indices.len()
    }

    /// Limbs of all slots together.
    pub fn limbs(&self) -> usize {
        self.offsets[self.slots()]
    }

    /// The slot of the caller's position `i`.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Self::len).
    pub(crate) fn slot_of(&self, i: usize) -> usize {
        self.slot_of.as_ref().map_or(i, |slots| slots[i])
    }

    /// Where in the arena `slot` lies.
    pub(crate) fn range(&self, slot: usize) -> Range<usize> {
        self.offsets[slot]..self.offsets[slot + 1]
    }

    /// Starts of the slots in the arena, in limbs, and the end of the last.
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    pub(crate) fn shared(&self) -> (Arc<Vec<u64>>, Arc<Vec<usize>>) {
        (Arc::clone(&self.indices), Arc::clone(&self.offsets))
    }

    /// Running sums of the predicted costs, in the kernel's unit: up to and including each slot.
    pub fn costs(&self) -> &[f64] {
        &self.costs
    }
}

fn check(limit: MemoryLimit, bytes: u128) -> Result<(), Error> {
    limit.check(bytes).map_err(|limit| Error::Limit { bytes, limit })
}

/// The distinct indices in ascending order, and where each of `wanted` is among them.
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

/// Starts of the slots and the end of the last; `check` judges their limbs together before it is
/// needed that they fit a `usize`.
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
    use crate::kernels::{Iterative, Stepping};

    #[test]
    fn repeats_share_a_slot_only_where_the_kernel_wants_them_ascending() {
        let wanted = [7, 3, 7, 100];
        let layout = Layout::new(Arc::new(Stepping), &wanted, MemoryLimit::default()).unwrap();
        assert_eq!((layout.len(), layout.indices()), (4, &[3, 7, 100][..]));
        assert_eq!([0, 1, 2, 3].map(|i| layout.slot_of(i)), [1, 0, 1, 2]);
        let layout = Layout::new(Arc::new(Iterative), &wanted, MemoryLimit::default()).unwrap();
        assert_eq!((layout.len(), layout.indices()), (4, &wanted[..]));
    }

    #[test]
    fn the_limit_counts_every_byte() {
        let wanted = [1000; 10];
        let bytes = 10 * (TABLE_BYTES as u64 + 8 * 11);
        let layout = |limit| Layout::new(Arc::new(Iterative), &wanted, MemoryLimit::Bytes(limit));
        assert!(layout(bytes).is_ok());
        assert!(
            matches!(layout(bytes - 1), Err(Error::Limit { bytes: b, .. }) if b == bytes.into())
        );
    }

    #[test]
    fn sums_beyond_the_address_space_are_refused() {
        let wanted = [u64::MAX; 1000];
        let refused =
            Layout::new(Arc::new(Iterative), &wanted, MemoryLimit::default()).err().unwrap();
        let whole = 1000 * (TABLE_BYTES as u128 + 8 * Iterative.limbs(u64::MAX) as u128);
        assert!(matches!(refused, Error::Limit { bytes, .. } if bytes == whole), "{refused}");
    }
}

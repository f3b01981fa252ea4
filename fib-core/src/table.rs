//! The results, in the caller's order.

use crate::error::Error;
use crate::layout::Layout;
use crate::memory::can_allocate;
use num_bigint::BigUint;
use std::ops::Range;

/// The Fibonacci numbers of one batch: one flat arena of limbs, read in the caller's order.
pub struct Table {
    pub(crate) layout: Layout,
    pub(crate) arena: Vec<u64>,
    /// The slots without a result, ascending.
    pub(crate) gaps: Vec<Range<usize>>,
}

impl Table {
    /// An empty table with room for every result of `layout`.
    ///
    /// # Errors
    /// [`Error::Allocation`] if the system refuses the memory.
    pub fn new(layout: Layout) -> Result<Self, Error> {
        let limbs = layout.limbs();
        if !can_allocate(limbs) {
            return Err(Error::Allocation { bytes: 8 * limbs as u128 });
        }
        let everything = 0..layout.slots();
        let gaps = if everything.is_empty() { vec![] } else { vec![everything] };
        Ok(Table { layout, arena: vec![0; limbs], gaps })
    }

    /// The layout of the batch.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The number of results, repeats included.
    pub fn len(&self) -> usize {
        self.layout.len()
    }

    /// Whether the batch was empty.
    pub fn is_empty(&self) -> bool {
        self.layout.is_empty()
    }

    /// The index of result `i`.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Self::len). The same holds for the methods below.
    pub fn index(&self, i: usize) -> u64 {
        self.layout.indices()[self.layout.slot_of(i)]
    }

    /// Result `i` as little-endian limbs without leading zero limbs; F(0) has no limbs. `None` if
    /// the result was not computed, which happens only if [`execute`](crate::execute) returned an
    /// error.
    pub fn limbs(&self, i: usize) -> Option<&[u64]> {
        let slot = self.layout.slot_of(i);
        let next_gap = self.gaps.partition_point(|gap| gap.end <= slot);
        let missing = self.gaps.get(next_gap).is_some_and(|gap| gap.contains(&slot));
        (!missing).then(|| &self.arena[self.layout.range(slot)])
    }

    /// Result `i` as a `BigUint`. `None` for the same reason as [`limbs`](Self::limbs).
    pub fn to_biguint(&self, i: usize) -> Option<BigUint> {
        self.limbs(i).map(from_limbs)
    }

    /// `(n, F(n))` for every computed result, in the caller's order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, BigUint)> + '_ {
        (0..self.len()).filter_map(|i| Some((self.index(i), self.to_biguint(i)?)))
    }

    /// The limbs of all slots in slot order, whether they were computed or not.
    pub fn arena(&self) -> &[u64] {
        &self.arena
    }

    /// Overwrites every slot with `limb`, so that a result that is not computed afterwards is
    /// noticed.
    pub fn overwrite(&mut self, limb: u64) {
        self.arena.fill(limb);
    }
}

/// The number with these little-endian 64-bit limbs.
pub fn from_limbs(limbs: &[u64]) -> BigUint {
    BigUint::new(limbs.iter().flat_map(|&limb| [limb as u32, (limb >> 32) as u32]).collect())
}

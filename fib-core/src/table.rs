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
    /// Slots without a result, ascending.
    pub(crate) gaps: Vec<Range<usize>>,
}

impl Table {
    /// A table with room for every result of `layout`, and none of them computed yet.
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

    /// How it is laid out.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// How many results there are, repeats included.
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
    /// If `i` is not below [`len`](Self::len), as all of the following.
    pub fn index(&self, i: usize) -> u64 {
        self.layout.indices()[self.layout.slot_of(i)]
    }

    /// Result `i` as little-endian limbs without leading zeros, F(0) as none; `None` if it was not
    /// computed, which happens only where [`execute`](crate::execute) returned an error.
    pub fn limbs(&self, i: usize) -> Option<&[u64]> {
        let slot = self.layout.slot_of(i);
        let next_gap = self.gaps.partition_point(|gap| gap.end <= slot);
        let missing = self.gaps.get(next_gap).is_some_and(|gap| gap.contains(&slot));
        (!missing).then(|| &self.arena[self.layout.range(slot)])
    }

    /// Result `i` as a `BigUint`; `None` as for [`limbs`](Self::limbs).
    pub fn to_biguint(&self, i: usize) -> Option<BigUint> {
        self.limbs(i).map(from_limbs)
    }

    /// `(n, F(n))` for every result that was computed, in the caller's order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, BigUint)> + '_ {
        (0..self.len()).filter_map(|i| Some((self.index(i), self.to_biguint(i)?)))
    }

    /// The limbs of all slots, in slot order, computed or not.
    pub fn arena(&self) -> &[u64] {
        &self.arena
    }

    /// Overwrites every slot with `limb`, so that what is not computed afterwards shows.
    pub fn overwrite(&mut self, limb: u64) {
        self.arena.fill(limb);
    }
}

/// The number whose little-endian 64-bit limbs are given.
pub fn from_limbs(limbs: &[u64]) -> BigUint {
    BigUint::new(limbs.iter().flat_map(|&limb| [limb as u32, (limb >> 32) as u32]).collect())
}

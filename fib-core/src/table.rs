//! The results, in the caller's order.

use crate::error::Error;
use crate::kernel::Form;
use crate::layout::Layout;
use crate::memory::can_allocate;
use crate::text;
use num_bigint::BigUint;
use std::borrow::Cow;
use std::io::{self, Write};
use std::ops::Range;

/// The Fibonacci numbers of one batch: one flat arena of limbs, read in the caller's order.
pub struct Table {
    pub(crate) layout: Layout,
    /// At least as long as all slots together.
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
        let empty = Layout::empty(layout.kernel());
        let mut table = Table { layout: empty, arena: vec![], gaps: vec![] };
        table.lay_out(layout)?;
        Ok(table)
    }

    /// Empties this table and lays it out for another batch. If the memory of the table is large enough
    /// it is used again: the system has already given its pages to this program, so writing to them
    /// takes no page faults.
    ///
    /// # Errors
    /// [`Error::Allocation`] if the table must grow and the system refuses the memory. The table then
    /// belongs to an empty batch.
    pub fn lay_out(&mut self, layout: Layout) -> Result<(), Error> {
        let limbs = layout.limbs();
        if self.arena.len() < limbs {
            self.arena = vec![]; // first, so that both are never there together
            self.gaps.clear();
            self.layout = Layout::empty(layout.kernel());
            if !can_allocate(limbs) {
                return Err(Error::Allocation { bytes: 8 * limbs as u128 });
            }
            self.arena = vec![0; limbs];
        }
        self.gaps = Some(0..layout.slots()).into_iter().filter(|all| !all.is_empty()).collect();
        self.layout = layout;
        Ok(())
    }

    /// The memory of this table in bytes: results and tables. It is more than the batch needs if the
    /// table was larger before.
    pub fn bytes(&self) -> u128 {
        let unused = self.arena.len() - self.layout.limbs();
        self.layout.bytes() + 8 * unused as u128
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

    /// Result `i` in the form of the kernel ([`Kernel::form`](crate::Kernel::form)): in binary, its
    /// little-endian limbs without leading zero limbs, and F(0) has no limbs. `None` if the result was
    /// not computed, which happens only if [`execute`](crate::execute) returned an error.
    pub fn limbs(&self, i: usize) -> Option<&[u64]> {
        let slot = self.layout.slot_of(i);
        let next_gap = self.gaps.partition_point(|gap| gap.end <= slot);
        let missing = self.gaps.get(next_gap).is_some_and(|gap| gap.contains(&slot));
        (!missing).then(|| &self.arena[self.layout.range(slot)])
    }

    /// Result `i` as a `BigUint`. `None` for the same reason as [`limbs`](Self::limbs).
    pub fn to_biguint(&self, i: usize) -> Option<BigUint> {
        let limbs = self.limbs(i)?;
        match self.layout.kernel().form() {
            Form::Binary | Form::Residue(_) => Some(from_limbs(limbs)),
            Form::Text => BigUint::parse_bytes(text::characters(limbs), 10),
        }
    }

    /// Result `i` in decimal digits. They are borrowed if the kernel wrote text
    /// ([`kernels::in_text`](crate::kernels::in_text)); otherwise the number is converted. `None` for
    /// the same reason as [`limbs`](Self::limbs).
    pub fn text(&self, i: usize) -> Option<Cow<'_, str>> {
        let limbs = self.limbs(i)?;
        Some(match self.layout.kernel().form() {
            Form::Binary | Form::Residue(_) => from_limbs(limbs).to_string().into(),
            Form::Text => String::from_utf8_lossy(text::characters(limbs)),
        })
    }

    /// Writes a line for every computed result, in the caller's order: the index, a tab, and the number
    /// in decimal digits. Where the kernel wrote text ([`kernels::in_text`](crate::kernels::in_text)),
    /// the digits are copied as they are.
    ///
    /// ```
    /// use fib_core::{Options, Sequential, compute, kernels};
    ///
    /// let kernel = kernels::in_text(&kernels::stepping());
    /// let table = compute(&Sequential, &kernel, &[10, 7], &Options::default())?;
    /// let mut lines = Vec::new();
    /// table.write_text(&mut lines)?;
    /// assert_eq!(lines, b"10\t55\n7\t13\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The errors of `out`.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for i in 0..self.len() {
            let Some(limbs) = self.limbs(i) else { continue };
            write!(out, "{}\t", self.index(i))?;
            match self.layout.kernel().form() {
                Form::Binary | Form::Residue(_) => writeln!(out, "{}", from_limbs(limbs))?,
                Form::Text => {
                    out.write_all(text::characters(limbs))?;
                    out.write_all(b"\n")?;
                }
            }
        }
        Ok(())
    }

    /// `(n, F(n))` for every computed result, in the caller's order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, BigUint)> + '_ {
        (0..self.len()).filter_map(|i| Some((self.index(i), self.to_biguint(i)?)))
    }

    /// The limbs of all slots in slot order, whether they were computed or not.
    pub fn arena(&self) -> &[u64] {
        &self.arena[..self.layout.limbs()]
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

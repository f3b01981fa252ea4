//! From digits to residues.

use crate::lanes::{Block, Lanes, Work};
use crate::prime::Prime;
use crate::roots::Direction;

/// Loads digits as residues into blocks, or adds them times a factor. Missing digits are zeros.
pub(crate) struct Load<'a> {
    pub(crate) prime: &'a Prime,
    pub(crate) blocks: &'a mut [Block],
    pub(crate) digits: &'a [u64],
    pub(crate) factor: Option<u64>,
}

impl Work for Load<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let field = L::field(self.prime);
        let (full, rest) = self.digits.as_chunks::<8>();
        let (filled, others) = self.blocks.split_at_mut(full.len());
        match self.factor {
            None => {
                for (block, digits) in filled.iter_mut().zip(full) {
                    L::from_digits(field, digits).store(block);
                }
                others.fill([0; 8]);
            }
            Some(factor) => {
                let factor = L::factor(field, factor);
                for (block, digits) in filled.iter_mut().zip(full) {
                    add_product::<L>(field, block, digits, factor);
                }
            }
        }
        if let ([last, ..], [_, ..]) = (others, rest) {
            let mut digits = [0; 8];
            for (digit, source) in digits.iter_mut().zip(rest) {
                *digit = *source;
            }
            match self.factor {
                None => L::from_digits(field, &digits).store(last),
                Some(factor) => add_product::<L>(field, last, &digits, L::factor(field, factor)),
            }
        }
    }
}

/// Loads the four rows of a number, and splits it at node 0 and at both of its children.
///
/// The roots of the nodes 0 and 1 are 1 and i, with i^2 = -1. Doubles are at most 3p afterwards.
pub(crate) struct LoadSplit<'a> {
    pub(crate) prime: &'a Prime,
    pub(crate) roots: &'a Direction,
    pub(crate) rows: [&'a mut [Block]; 4],
    /// The digits of each row, without zeros at the end.
    pub(crate) digits: [&'a [u64]; 4],
}

impl Work for LoadSplit<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let field = L::field(self.prime);
        let i = L::factor(field, self.roots.singles()[1]);
        let digits = self.digits;
        // Most numbers are no longer than two rows.
        let is_half = digits[2].is_empty() && digits[3].is_empty();
        let full = if is_half { digits[1].len() / 8 } else { 0 };
        let rows = self.rows.map(|row| row.split_at_mut(full));
        let [(a, more_a), (b, more_b), (c, more_c), (d, more_d)] = rows;
        let [first, second] = [digits[0], digits[1]].map(|digits| digits.as_chunks::<8>().0);
        let numbers = first.iter().zip(second);
        for ((((a, b), c), d), (x0, x1)) in a.iter_mut().zip(b).zip(c).zip(d).zip(numbers) {
            let x0 = L::from_digits(field, x0).reduce(field);
            let x1 = L::from_digits(field, x1).reduce(field);
            let y1 = x1.times(field, i);
            x0.add(x1).store(a);
            x0.subtract(field, x1).store(b);
            x0.add(y1).store(c);
            x0.subtract(field, y1).store(d);
        }
        let rest = more_a.iter_mut().zip(more_b).zip(more_c).zip(more_d);
        for (k, (((a, b), c), d)) in rest.enumerate() {
            let (x0, x1) = (
                reduced_at::<L>(field, digits[0], full + k),
                reduced_at::<L>(field, digits[1], full + k),
            );
            let (x2, x3) = (
                reduced_at::<L>(field, digits[2], full + k),
                reduced_at::<L>(field, digits[3], full + k),
            );
            let (y0, y1) = (x0.add(x2), x1.add(x3));
            let (y2, y3) = (x0.subtract(field, x2), x1.subtract(field, x3).times(field, i));
            y0.add(y1).store(a);
            y0.subtract(field, y1).store(b);
            y2.add(y3).store(c);
            y2.subtract(field, y3).store(d);
        }
    }
}

/// The residues of eight digits of a row.
#[inline(always)]
fn reduced_at<L: Lanes>(field: L::Field, row: &[u64], block: usize) -> L {
    L::from_digits(field, &digits_at(row, block)).reduce(field)
}

/// Eight digits of a row. Missing digits are zeros.
#[inline(always)]
fn digits_at(row: &[u64], block: usize) -> Block {
    let digits = row.get(8 * block..).unwrap_or_default();
    if let Some(digits) = digits.first_chunk() {
        return *digits;
    }
    let mut out = [0; 8];
    for (out, digit) in out.iter_mut().zip(digits) {
        *out = *digit;
    }
    out
}

#[inline(always)]
fn add_product<L: Lanes>(field: L::Field, block: &mut Block, digits: &Block, factor: L::Factor) {
    let product = L::from_digits(field, digits).times(field, factor);
    L::load(block).reduce(field).add(product).store(block);
}

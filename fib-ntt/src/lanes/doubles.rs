//! Residues as doubles: the arithmetic, for vectors of any kind.
//!
//! A residue is an integer between -8p and 8p. As p is below 2^50, it fits the 53 bits of a double, so sums are
//! exact while they stay within these limits. A product is computed as in the library FLINT (fft_small), with fused
//! multiply-add:
//!
//! ```text
//! high = round(a b)   low = a b - high      both exact: an FMA rounds once, and low fits a double
//! q    = round(high / p)                    to an integer
//! a b - q p = (high - q p) + low            both exact: integers below 2^53
//! ```
//!
//! The quotient is not always the nearest integer, because `high`, 1/p and their product are rounded. Let
//! |a b| <= B p^2. The roundings change the quotient by at most 3 B p 2^-53 <= 3/8 B, so the product is at most
//! (1/2 + 3/8 B) p. The product of two reduced residues (B = 1/4) is below 0.6p, and a residue of 8p times a constant
//! (B = 4) becomes at most 2p. The tests in [`bounds`](super::bounds) follow this through all passes.

use super::{Block, Lanes};
use crate::prime::Prime;

/// Eight doubles. Each function is one instruction for each register, rounded once.
pub(crate) trait Doubles: Copy {
    fn load(block: &Block) -> Self;
    fn store(self, block: &mut Block);
    fn splat(value: f64) -> Self;
    fn add(self, other: Self) -> Self;
    fn subtract(self, other: Self) -> Self;
    fn multiply(self, other: Self) -> Self;
    /// `self * factor - other`
    fn multiply_subtract(self, factor: Self, other: Self) -> Self;
    /// `other - self * factor`
    fn subtract_from(self, factor: Self, other: Self) -> Self;
    /// The nearest integer.
    fn round(self) -> Self;
    /// The low 50 bits and the high 14 bits of eight 64-bit integers, as doubles.
    fn halves(digits: &Block) -> [Self; 2];
    /// The integers that doubles between -2^51 and 2^51 stand for.
    fn integers(self) -> [i64; 8];
    fn transpose(rows: [Self; 8]) -> [Self; 8];
}

/// Eight residues.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Balanced<D>(D);

#[derive(Clone, Copy, Debug)]
pub(crate) struct DoubleField<D> {
    p: D,
    /// 1 / p
    inverse: D,
    /// p - 2^50, which is negative.
    excess: D,
}

impl<D: Doubles> Balanced<D> {
    #[inline(always)]
    fn times_small(self, coefficient: i8) -> Self {
        Balanced(self.0.multiply(D::splat(f64::from(coefficient))))
    }
}

impl<D: Doubles> Lanes for Balanced<D> {
    type Field = DoubleField<D>;
    type Factor = Self;

    #[inline(always)]
    fn field(prime: &Prime) -> DoubleField<D> {
        let p = prime.p as f64;
        DoubleField {
            p: D::splat(p),
            inverse: D::splat(1.0 / p),
            excess: D::splat(p - (1_u64 << 50) as f64),
        }
    }

    #[inline(always)]
    fn load(block: &Block) -> Self {
        Balanced(D::load(block))
    }

    #[inline(always)]
    fn store(self, block: &mut Block) {
        self.0.store(block);
    }

    #[inline(always)]
    fn splat(residue: u64) -> Self {
        Balanced(D::splat(f64::from_bits(residue)))
    }

    /// At most 2.2p: the high 14 bits times 2^50 - p are below 1.2p.
    #[inline(always)]
    fn from_digits(field: DoubleField<D>, digits: &Block) -> Self {
        let [low, high] = D::halves(digits);
        Balanced(high.subtract_from(field.excess, low))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Balanced(self.0.add(other.0))
    }

    #[inline(always)]
    fn subtract(self, _: DoubleField<D>, other: Self) -> Self {
        Balanced(self.0.subtract(other.0))
    }

    #[inline(always)]
    fn factor(_: DoubleField<D>, constant: u64) -> Self {
        Self::splat(constant)
    }

    #[inline(always)]
    fn times(self, field: DoubleField<D>, factor: Self) -> Self {
        self.multiply(field, factor)
    }

    /// At most (1/2 + 3/8 B) p: see the module.
    #[inline(always)]
    fn multiply(self, field: DoubleField<D>, other: Self) -> Self {
        let high = self.0.multiply(other.0);
        let low = self.0.multiply_subtract(other.0, high);
        let quotient = high.multiply(field.inverse).round();
        Balanced(quotient.subtract_from(field.p, high).add(low))
    }

    /// At most p/2 + 2: the roundings change the quotient of a residue of at most 8p by 8 * 2^-52.
    #[inline(always)]
    fn reduce(self, field: DoubleField<D>) -> Self {
        let quotient = self.0.multiply(field.inverse).round();
        Balanced(quotient.subtract_from(field.p, self.0))
    }

    #[inline(always)]
    fn combine(field: DoubleField<D>, values: [Self; 3], coefficients: [i8; 3]) -> Self {
        let [a, b, c] = values;
        let [xx, xy, yy] = coefficients;
        a.times_small(xx).add(b.times_small(xy)).add(c.times_small(yy)).reduce(field)
    }

    #[inline(always)]
    fn digit(self, field: DoubleField<D>) -> Self {
        self.reduce(field)
    }

    #[inline(always)]
    fn integers(self) -> [i64; 8] {
        self.0.integers()
    }

    #[inline(always)]
    fn transpose(rows: [Self; 8]) -> [Self; 8] {
        let mut plain = [rows[0].0; 8];
        for (plain, row) in plain.iter_mut().zip(rows) {
            *plain = row.0;
        }
        let plain = D::transpose(plain);
        let mut out = rows;
        for (out, row) in out.iter_mut().zip(plain) {
            out.0 = row;
        }
        out
    }
}

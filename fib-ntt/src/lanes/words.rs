//! Residues as 64-bit integers, for any processor.
//!
//! A residue is any number below 2^64, which is more than 2^14 p. So sums never overflow here: no pass adds up
//! more than some dozens of reduced residues. Only [`subtract`](Lanes::subtract) has a limit.

use super::{Block, Lanes};
use crate::prime::Prime;

/// Eight residues, each below 2^64.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words([u64; 8]);

#[derive(Clone, Copy, Debug)]
pub(crate) struct WordField {
    p: u64,
    /// 1 / p modulo 2^64.
    inverse: u64,
}

/// A factor below p.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WordFactor {
    value: u64,
    /// `value` 2^64 / p, rounded down.
    quotient: u64,
}

/// 2^64 modulo p.
pub(crate) const fn radix(prime: &Prime) -> u64 {
    ((1_u128 << 64) % prime.p as u128) as u64
}

/// What is subtracted must be at most so many times p.
pub(crate) const MOST_SUBTRAHEND: u64 = 16;

impl Words {
    #[inline(always)]
    fn each(self, function: impl Fn(u64) -> u64) -> Self {
        let mut out = self.0;
        for lane in &mut out {
            *lane = function(*lane);
        }
        Words(out)
    }

    #[inline(always)]
    fn each_pair(self, other: Self, function: impl Fn(u64, u64) -> u64) -> Self {
        let mut out = self.0;
        for (lane, other) in out.iter_mut().zip(other.0) {
            *lane = function(*lane, other);
        }
        Words(out)
    }
}

impl Lanes for Words {
    type Field = WordField;
    type Factor = WordFactor;

    fn field(prime: &Prime) -> WordField {
        let mut inverse = 1_u64;
        for _ in 0..6 {
            // Newton's iteration doubles the number of correct bits.
            let error = 2_u64.wrapping_sub(prime.p.wrapping_mul(inverse));
            inverse = inverse.wrapping_mul(error);
        }
        WordField { p: prime.p, inverse }
    }

    #[inline(always)]
    fn load(block: &Block) -> Self {
        Words(*block)
    }

    #[inline(always)]
    fn store(self, block: &mut Block) {
        *block = self.0;
    }

    #[inline(always)]
    fn splat(residue: u64) -> Self {
        Words([residue; 8])
    }

    #[inline(always)]
    fn from_digits(field: WordField, digits: &Block) -> Self {
        Words(*digits).reduce(field)
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.each_pair(other, |x, y| x.wrapping_add(y))
    }

    /// `other` is at most 16p. The difference is 16p larger than it would have to be.
    #[inline(always)]
    fn subtract(self, field: WordField, other: Self) -> Self {
        let offset = MOST_SUBTRAHEND * field.p;
        self.each_pair(other, |x, y| x.wrapping_add(offset).wrapping_sub(y))
    }

    /// The constant c is below p, and it is the factor times 2^64, modulo p. With m = c / p modulo 2^64, m p is
    /// h 2^64 + c for some h. So h is minus the factor, modulo p, and the quotient of p - h is 2^64 - m.
    #[inline(always)]
    fn factor(field: WordField, constant: u64) -> WordFactor {
        let multiple = constant.wrapping_mul(field.inverse);
        let high = (u128::from(multiple) * u128::from(field.p)) >> 64;
        let value = if multiple == 0 { 0 } else { field.p - high as u64 };
        WordFactor { value, quotient: multiple.wrapping_neg() }
    }

    /// Shoup's product, below 2p, of anything with a factor: the quotient is at most one too small (Harvey, Faster
    /// arithmetic for number-theoretic transforms, Journal of Symbolic Computation 60, 2014).
    #[inline(always)]
    fn times(self, field: WordField, factor: WordFactor) -> Self {
        self.each(|x| {
            let quotient = ((u128::from(x) * u128::from(factor.quotient)) >> 64) as u64;
            x.wrapping_mul(factor.value).wrapping_sub(quotient.wrapping_mul(field.p))
        })
    }

    /// Montgomery's product, below 2p, for factors whose product is below 2^64 p. For a constant, which is below
    /// 2p, the other number may be anything below 2^63.
    #[inline(always)]
    fn multiply(self, field: WordField, other: Self) -> Self {
        self.each_pair(other, |x, y| {
            let product = u128::from(x) * u128::from(y);
            let quotient = (product as u64).wrapping_mul(field.inverse);
            let multiple = u128::from(quotient) * u128::from(field.p);
            // The low halves are equal.
            ((product >> 64) as u64).wrapping_sub((multiple >> 64) as u64).wrapping_add(field.p)
        })
    }

    /// Anything becomes less than 2.2p: the quotient x / 2^50 is below 2^14, and 2^50 - p is below 2^50 / 2^13.6.
    #[inline(always)]
    fn reduce(self, field: WordField) -> Self {
        self.each(|x| x.wrapping_sub((x >> 50).wrapping_mul(field.p)))
    }

    #[inline(always)]
    fn combine(field: WordField, values: [Self; 3], coefficients: [i8; 3]) -> Self {
        // The sum is at least -16p, because a product is below 2p.
        let mut sum = [MOST_SUBTRAHEND * field.p; 8];
        for (value, coefficient) in values.iter().zip(coefficients) {
            for (sum, lane) in sum.iter_mut().zip(value.0) {
                *sum = sum.wrapping_add(lane.wrapping_mul(i64::from(coefficient) as u64));
            }
        }
        Words(sum).reduce(field)
    }

    #[inline(always)]
    fn digit(self, field: WordField) -> Self {
        self.reduce(field).each(|x| {
            let x = x.min(x.wrapping_sub(field.p));
            x.min(x.wrapping_sub(field.p))
        })
    }

    #[inline(always)]
    fn integers(self) -> [i64; 8] {
        let mut out = [0; 8];
        for (out, lane) in out.iter_mut().zip(self.0) {
            *out = lane as i64;
        }
        out
    }

    #[inline(always)]
    fn transpose(rows: [Self; 8]) -> [Self; 8] {
        let mut out = rows;
        for (i, row) in out.iter_mut().enumerate() {
            for (lane, column) in row.0.iter_mut().zip(&rows) {
                *lane = column.0[i];
            }
        }
        out
    }
}

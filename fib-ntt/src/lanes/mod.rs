//! Eight residues modulo one prime, side by side.
//!
//! All passes over memory are written once, for any [`Lanes`]. There are two representations of residues:
//!
//! - [`Balanced`](doubles::Balanced) residues are doubles, for AVX2 with FMA and for AVX-512.
//! - [`Words`](words::Words) are 64-bit integers, for any processor.
//!
//! A residue is not always reduced as far as possible. Each function below says what it expects and what it
//! returns, as multiples of p. [`bounds`] has lanes that compute with these multiples in place of residues, and
//! its tests run all passes with them. So the tests prove that no residue ever becomes too large.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(test)]
pub(crate) mod bounds;
#[cfg(target_arch = "x86_64")]
pub(crate) mod doubles;
pub(crate) mod words;

use crate::prime::Prime;

/// Eight residues or eight digits in memory.
pub(crate) type Block = [u64; 8];

/// The sum of the absolute values of the coefficients of a quadratic form is at most this.
pub(crate) const MOST_WEIGHT: u32 = 8;

/// Eight residues.
pub(crate) trait Lanes: Copy {
    /// The prime, in all lanes.
    type Field: Copy;

    /// What all lanes are multiplied by.
    type Factor: Copy;

    fn field(prime: &Prime) -> Self::Field;

    fn load(block: &Block) -> Self;

    fn store(self, block: &mut Block);

    /// The same residue in all lanes, by [`Representation::residue`].
    fn splat(residue: u64) -> Self;

    /// Eight digits, any 64-bit numbers, as residues.
    fn from_digits(field: Self::Field, digits: &Block) -> Self;

    fn add(self, other: Self) -> Self;

    fn subtract(self, field: Self::Field, other: Self) -> Self;

    /// A factor, from a constant of [`Representation::constant`].
    fn factor(field: Self::Field, constant: u64) -> Self::Factor;

    /// The product with a factor.
    fn times(self, field: Self::Field, factor: Self::Factor) -> Self;

    /// The product with a constant for each lane. If none of the two is a constant, it is the product divided by the
    /// number that [`Representation::scale`] accounts for.
    fn multiply(self, field: Self::Field, other: Self) -> Self;

    fn reduce(self, field: Self::Field) -> Self;

    /// The sum of products with small coefficients, reduced. The values are products, and the absolute values of
    /// the coefficients add up to at most [`MOST_WEIGHT`].
    fn combine(field: Self::Field, values: [Self; 3], coefficients: [i8; 3]) -> Self;

    /// The residue that [`integers`](Self::integers) returns: from -p/2 - 2 to p/2 + 2 if the representation is
    /// balanced, and otherwise at least 0 and below p.
    fn digit(self, field: Self::Field) -> Self;

    /// The integers that a [`digit`](Self::digit) stands for.
    fn integers(self) -> [i64; 8];

    /// Exchanges rows and columns.
    fn transpose(rows: [Self; 8]) -> [Self; 8];
}

/// How residues are written in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Representation {
    /// The bits of doubles, between about -3p and 3p.
    Balanced,
    /// Integers. A constant is multiplied by 2^64, modulo p (Montgomery, Modular multiplication without trial
    /// division, Mathematics of Computation 44, 1985).
    Words,
}

impl Representation {
    /// A residue, for [`Lanes::splat`].
    pub(crate) fn residue(self, prime: &Prime, value: u64) -> u64 {
        match self {
            Representation::Balanced if value > prime.p / 2 => {
                (-((prime.p - value) as f64)).to_bits()
            }
            Representation::Balanced => (value as f64).to_bits(),
            Representation::Words => value,
        }
    }

    /// A constant to multiply by, for [`Lanes::factor`] or for a table.
    pub(crate) fn constant(self, prime: &Prime, value: u64) -> u64 {
        match self {
            Representation::Balanced => self.residue(prime, value),
            Representation::Words => prime.product(value, words::radix(prime)),
        }
    }

    /// The constant by which x is multiplied, so that the product of the residues x and y becomes x y `value`.
    pub(crate) fn scale(self, prime: &Prime, value: u64) -> u64 {
        match self {
            Representation::Balanced => self.constant(prime, value),
            Representation::Words => {
                self.constant(prime, prime.product(value, words::radix(prime)))
            }
        }
    }
}

/// A pass over memory, for any lanes.
///
/// Implementations of `run` are `#[inline(always)]`, and so is what they call: it is compiled inside a function that has
/// the vector instructions. A function that is not inlined, or a closure, would call each instruction as a function,
/// which gives the same results in several times the time.
pub(crate) trait Work {
    type Output;

    fn run<L: Lanes>(self) -> Self::Output;
}

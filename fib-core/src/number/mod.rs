//! Arithmetic of natural numbers, as slices of 64-bit limbs, the lowest limb first.
//!
//! A limb is a digit in one of two bases: 2^64 ([`Binary`]) or 10^15 ([`Decimal`]). A number in base
//! 10^15 is printed by writing down one limb after another. So a number that is only printed is
//! computed in this base, and never converted. Sums, products and the doubling of Fibonacci numbers are
//! written once, for any [`Base`]. What must be fast and depends on the base is in `binary.rs` and
//! `decimal.rs`.
//!
//! The caller chooses the lengths, and a number may have leading zero limbs. Sums and products take scratch
//! memory from the caller, and only [`Base::multiply_long`] allocates. [`Seeker`] owns its buffers and keeps
//! them from number to number.

mod binary;
mod decimal;
mod doubling;
#[cfg(target_arch = "x86_64")]
mod ifma;
#[cfg(not(target_arch = "x86_64"))]
#[path = "no_ifma.rs"]
mod ifma;
mod product;
mod sum;
#[cfg(test)]
mod tests;

pub(crate) use binary::Binary;
pub(crate) use decimal::{Decimal, LIMB_DIGITS};
pub(crate) use doubling::{LAST_IN_U128, Seeker, small};
use ifma::Ifma;
pub(crate) use sum::{add, advance, jump, sum, sum_equal};

/// The base of the limbs, and the arithmetic that depends on it.
pub(crate) trait Base: Copy + Send + Sync + 'static {
    /// From this length on, multiplication by Karatsuba's method is faster than schoolbook
    /// multiplication.
    const KARATSUBA_LIMBS: usize;

    /// From this length on, squaring by Karatsuba's method is faster than schoolbook squaring.
    const KARATSUBA_SQUARE_LIMBS: usize;

    /// From this length on, [`multiply_long`](Self::multiply_long) is faster than Karatsuba's method.
    const LONG_LIMBS: usize;

    /// From this length on, [`multiply_ifma`](Self::multiply_ifma) is faster than schoolbook multiplication.
    const IFMA_LIMBS: usize;

    /// The longest distance of a [`jump`]: F(d + 2) is below the base.
    const LONGEST_JUMP: u64;

    /// The number of limbs of F(n), without leading zeros.
    fn limbs(n: u64) -> usize;

    /// `value` as limbs in `out`, filled up with leading zeros.
    ///
    /// # Panics
    /// If `value` has more limbs than `out`.
    fn store(value: u128, out: &mut [u64]);

    /// a + b + carry, as a limb and a carry.
    fn add_limbs(a: u64, b: u64, carry: bool) -> (u64, bool);

    /// a - b - borrow, as a limb and a borrow.
    fn subtract_limbs(a: u64, b: u64, borrow: bool) -> (u64, bool);

    /// `sum` modulo the base, and `sum` divided by the base. The sum is below 2^64 times the base.
    fn split(sum: u128) -> (u64, u64);

    /// `out = a * b` by schoolbook multiplication. `a` and `b` have the same length, and `out` has twice
    /// this length.
    fn multiply_schoolbook(out: &mut [u64], a: &[u64], b: &[u64]);

    /// `out = a * a` by schoolbook squaring, which computes each product of two limbs once.
    fn square_schoolbook(out: &mut [u64], a: &[u64]);

    /// `out = a * b` by vector instructions, for numbers of at least [`IFMA_LIMBS`](Self::IFMA_LIMBS) and at
    /// most [`ifma::LONGEST`] limbs. `scratch` has [`ifma::scratch_limbs`].
    fn multiply_ifma(ifma: Ifma, out: &mut [u64], a: &[u64], b: &[u64], scratch: &mut [u64]);

    /// `out = a * a` in the same way.
    fn square_ifma(ifma: Ifma, out: &mut [u64], a: &[u64], scratch: &mut [u64]);

    /// `out = a * b` for numbers of at least [`LONG_LIMBS`](Self::LONG_LIMBS) limbs.
    fn multiply_long(out: &mut [u64], a: &[u64], b: &[u64]);
}

//! Products by vector instructions: AVX-512 IFMA multiplies eight pairs of 52-bit digits at once.
//!
//! Short numbers are multiplied by the schoolbook method ([`columns`]). In base 2^64 they are rewritten with
//! digits of 52 bits for it ([`binary`]); a limb in base 10^15 is such a digit itself ([`decimal`]). Long numbers
//! are multiplied by number-theoretic transforms ([`convolution`]), with the same code in both bases. Nothing in
//! between is faster than the two.
//!
//! # Unsafe code
//!
//! A function that is compiled for these instructions may be called only on a processor that has them. An
//! [`Ifma`] exists only on such a processor, so its methods are the only unsafe code.
#![allow(unsafe_code)]

mod binary;
mod columns;
mod convolution;
mod decimal;
mod field;
mod transform;

use crate::simd::SimdLevel;

/// Longer numbers are not multiplied: the columns must be below the product of the primes of [`field`], so at
/// most 2^21 products of two limbs.
pub(super) const LONGEST: usize = 1 << 21;

/// Proof that this processor has the instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ifma(());

impl Ifma {
    pub(super) fn detect() -> Option<Self> {
        (SimdLevel::in_use() == SimdLevel::Avx512Ifma).then_some(Ifma(()))
    }
}

/// The scratch memory for a product of two numbers of at most `len` limbs, in limbs. Schoolbook products keep the
/// digits of the two numbers, and one or two sums for each digit of the product.
pub(super) fn scratch_limbs(len: usize) -> usize {
    let schoolbook = |len| 6 * len + 64;
    match len {
        ..binary::TRANSFORM_LIMBS => schoolbook(len),
        _ => schoolbook(len.min(decimal::TRANSFORM_SQUARE_LIMBS))
            .max(convolution::scratch_limbs(len)),
    }
}

impl Ifma {
    /// `out = a * b` in base 2^64. The two numbers have the same length, at least 8 and at most [`LONGEST`]
    /// limbs, `out` has twice this length, and `scratch` has [`scratch_limbs`].
    pub(super) fn multiply_binary(
        self,
        out: &mut [u64],
        a: &[u64],
        b: &[u64],
        scratch: &mut [u64],
    ) {
        // SAFETY: `detect` has found the instructions.
        unsafe { binary::multiply(out, a, b, scratch) }
    }

    /// `out = a * a` in base 2^64, with the same lengths.
    pub(super) fn square_binary(self, out: &mut [u64], a: &[u64], scratch: &mut [u64]) {
        // SAFETY: `detect` has found the instructions.
        unsafe { binary::square(out, a, scratch) }
    }

    /// `out = a * b` in base 10^15, with the same lengths.
    pub(super) fn multiply_decimal(
        self,
        out: &mut [u64],
        a: &[u64],
        b: &[u64],
        scratch: &mut [u64],
    ) {
        // SAFETY: `detect` has found the instructions.
        unsafe { decimal::multiply(out, a, b, scratch) }
    }

    /// `out = a * a` in base 10^15, with the same lengths.
    pub(super) fn square_decimal(self, out: &mut [u64], a: &[u64], scratch: &mut [u64]) {
        // SAFETY: `detect` has found the instructions.
        unsafe { decimal::square(out, a, scratch) }
    }
}

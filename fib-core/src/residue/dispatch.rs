//! The vector instructions of this processor: the level is chosen when the program runs.
//!
//! # Unsafe code
//!
//! A function that is compiled for AVX2 or AVX-512 may be called only on a processor that has these
//! instructions. The compiler cannot know this, so the calls are in `unsafe` blocks, each after a check.
#![allow(unsafe_code)]

use super::ring::{Montgomery32, Montgomery52, Word};
use super::tables::{Tables, fill_one_by_one};
#[cfg(target_arch = "x86_64")]
use super::x86;
use crate::simd::SimdLevel;

/// Writes F(n) modulo 2^64 for each of `indices`, with the instructions of `level` if the processor has them.
pub(super) fn fill_word(level: SimdLevel, tables: &Tables<Word>, indices: &[u64], out: &mut [u64]) {
    match level.min(SimdLevel::highest()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `highest` has found AVX-512 F and DQ.
        SimdLevel::Avx512 | SimdLevel::Avx512Ifma => unsafe {
            x86::fill_word(tables, indices, out)
        },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `highest` has found AVX2.
        SimdLevel::Avx2 => unsafe { x86::fill_word_avx2(tables, indices, out) },
        _ => fill_one_by_one(tables, indices, out),
    }
}

/// The same modulo an odd number below 2^31.
pub(super) fn fill_small(
    level: SimdLevel,
    tables: &Tables<Montgomery32>,
    indices: &[u64],
    out: &mut [u64],
) {
    match level.min(SimdLevel::highest()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `highest` has found AVX2.
        SimdLevel::Avx2 => unsafe { x86::fill_small_avx2(tables, indices, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `highest` has found AVX-512 F and DQ.
        SimdLevel::Avx512 | SimdLevel::Avx512Ifma => unsafe {
            x86::fill_small(tables, indices, out)
        },
        _ => fill_one_by_one(tables, indices, out),
    }
}

/// The same modulo an odd number below 2^51.
pub(super) fn fill_medium(
    level: SimdLevel,
    tables: &Tables<Montgomery52>,
    indices: &[u64],
    out: &mut [u64],
) {
    match level.min(SimdLevel::highest()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `highest` has found AVX-512 F, DQ and IFMA.
        SimdLevel::Avx512Ifma => unsafe { x86::fill_medium(tables, indices, out) },
        _ => fill_one_by_one(tables, indices, out),
    }
}

//! Walks: a list of numbers, each of which is the sum of the two numbers before it. This is where a range of
//! Fibonacci numbers spends its time.
//!
//! Here are the walks for any processor, and the choice of a faster one. `avx512.rs`, `text_avx512.rs` and
//! `text_avx2.rs` add with vector instructions. Vectors have no carry flag, so they guess the carry of each limb
//! and look at the end whether a guess was wrong; then the walk for any processor computes everything again.
//! For binary numbers AVX2 is not faster than additions with the carry flag.
//!
//! # Unsafe code
//!
//! A function that is compiled for AVX2 or AVX-512 may be called only on a processor that has these
//! instructions. The compiler cannot know this, so the calls are in `unsafe` blocks, each after a check.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod text_avx2;
#[cfg(target_arch = "x86_64")]
mod text_avx512;

use crate::number::{Binary, sum_equal};
use crate::simd::SimdLevel;
use crate::text;

/// Fills `slots`, which begins with two binary numbers: each of the other numbers is the sum of the two numbers
/// before it. All have `len` limbs. Uses the instructions of `level` if the processor has them.
///
/// # Panics
/// If `len` is 0, or if `slots` does not hold two numbers and a whole number of others.
pub(crate) fn binary(level: SimdLevel, slots: &mut [u64], len: usize) {
    check(slots, len);
    match level.min(SimdLevel::highest()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `highest` has found AVX-512 F and DQ.
        SimdLevel::Avx512 | SimdLevel::Avx512Ifma => unsafe { avx512::walk(slots, len) },
        _ => walk_binary(slots, len),
    }
}

/// The same for numbers in decimal text.
pub(crate) fn text(level: SimdLevel, slots: &mut [u64], len: usize) {
    check(slots, len);
    match level.min(SimdLevel::highest()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `highest` has found AVX2, which every processor with AVX-512 has too.
        SimdLevel::Avx2 | SimdLevel::Avx512 => unsafe { text_avx2::walk(slots, len) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `highest` has found AVX-512 F, BW, DQ and VBMI.
        SimdLevel::Avx512Ifma => unsafe { text_avx512::walk(slots, len) },
        _ => walk_text(slots, len),
    }
}

fn check(slots: &[u64], len: usize) {
    let is_whole = len > 0 && slots.len() >= 2 * len && slots.len().is_multiple_of(len);
    assert!(is_whole, "{} limbs are not numbers of {len} limbs", slots.len());
}

fn walk_binary(slots: &mut [u64], len: usize) {
    walk_by(slots, len, sum_binary);
}

fn walk_text(slots: &mut [u64], len: usize) {
    walk_by(slots, len, text::sum_equal);
}

fn sum_binary(out: &mut [u64], a: &[u64], b: &[u64]) -> bool {
    sum_equal::<Binary>(out, a, b)
}

/// Writes each number as the `sum` of the two numbers before it.
#[inline(always)]
fn walk_by(slots: &mut [u64], len: usize, sum: impl Fn(&mut [u64], &[u64], &[u64]) -> bool) {
    for i in 0..slots.len() / len - 2 {
        let (before, out) = slots[i * len..(i + 3) * len].split_at_mut(2 * len);
        let (lower, upper) = before.split_at(len);
        sum(out, upper, lower);
    }
}

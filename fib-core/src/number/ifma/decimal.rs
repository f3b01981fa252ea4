//! Base 10^15: a limb is a digit of 50 bits.
//!
//! A product of two digits is split at 2^52 all the same, so a column is `low + high * 2^52`. It is divided by
//! 10^15 in floating point, and the quotient is carried. Floating point rounds, so the factors are too small by a
//! relative 2^-50, more than four roundings (twice in the factor, the conversion and the product) can add. So a
//! quotient is never too large, and it is too small by less than itself times 2^-49, plus one.
//!
//! Let `low` be below 2^62, and `high` below 2^58:
//!
//! - The first quotient is computed from `high` alone. It is below 2^58 * 4.6 < 2^61, and too small by less than
//!   2^12 + 1. So the remainder is below 2^62 + 2^13 * 10^15 < 2^63.5.
//! - With the quotient of the column before, the sum is below 2^63.5 + 2^61 < 2^64: it is right although it is
//!   computed modulo 2^64. The second quotient is below 2^14, and the remainder at most 10^15 + 2^15. With the
//!   second quotient of the column before, the sum is below 2 * 10^15 - 1. So what carries now is at most one.
//!
//! In a schoolbook product of 2^10 digits, `low` is below 2^10 * 2^52, and `high` at most 2^10 * 10^30 / 2^52 <
//! 2^58.

use super::columns::{self, Block, Overlap, Sums, copy_start, ripple};
use super::convolution::convolve_limbs;
use bytemuck::{cast, cast_slice, cast_slice_mut};
use std::arch::x86_64::*;

const BASE: i64 = 1_000_000_000_000_000;

/// From these lengths on, transforms are faster than schoolbook products.
pub(super) const TRANSFORM_LIMBS: usize = 496;
pub(super) const TRANSFORM_SQUARE_LIMBS: usize = 896;

/// See [`Ifma::multiply_decimal`](super::Ifma::multiply_decimal).
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn multiply(out: &mut [u64], a: &[u64], b: &[u64], scratch: &mut [u64]) {
    match a.len() {
        ..TRANSFORM_LIMBS => multiply_schoolbook(out, a, b, scratch),
        _ => convolve(out, a, Some(b), scratch),
    }
}

/// See [`Ifma::square_decimal`](super::Ifma::square_decimal).
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn square(out: &mut [u64], a: &[u64], scratch: &mut [u64]) {
    match a.len() {
        ..TRANSFORM_SQUARE_LIMBS => square_schoolbook(out, a, scratch),
        _ => convolve(out, a, None, scratch),
    }
}

/// More digits could overflow.
const LONGEST_SCHOOLBOOK: usize = 1 << 10;

/// The schoolbook product.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn multiply_schoolbook(out: &mut [u64], a: &[u64], b: &[u64], scratch: &mut [u64]) {
    assert!(a.len().min(b.len()) <= LONGEST_SCHOOLBOOK);
    let (scratch, _) = scratch.as_chunks_mut();
    let (a_digits, scratch) = scratch.split_at_mut(blocks(a));
    let (b_digits, scratch) = scratch.split_at_mut(blocks(b));
    let mut columns = Columns::new(scratch, blocks(out));
    pad(a_digits, a);
    pad(b_digits, b);
    columns::multiply(blocks(out), a_digits, b_digits, |k, sums| columns.add_up(k, sums));
    columns.store(out);
}

/// The schoolbook square.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn square_schoolbook(out: &mut [u64], a: &[u64], scratch: &mut [u64]) {
    assert!(a.len() <= LONGEST_SCHOOLBOOK);
    let (scratch, _) = scratch.as_chunks_mut();
    let (digits, scratch) = scratch.split_at_mut(blocks(a));
    let mut columns = Columns::new(scratch, blocks(out));
    pad(digits, a);
    columns::square(blocks(out), digits, |k, sums| columns.add_up(k, sums));
    columns.store(out);
}

/// The product by transforms; `a * a` if there is no `b`.
///
/// A column is below 2^21 * 10^30 < 2^121, so its highest digit is below 2^17. The higher two digits, which are
/// below 2^71 together, are divided first: the quotient is below 2^20, and the remainder below 2^54 + 2 * 10^15 <
/// 2^55. Then the remainder and the lowest digit are divided: the quotient is below 2^58, and the remainder below
/// 2^52 + 2^10 * 10^15. The two quotients are `low` and `high` in the next column.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn convolve(out: &mut [u64], a: &[u64], b: Option<&[u64]>, scratch: &mut [u64]) {
    let [low, middle, high] = convolve_limbs(a, b, scratch);
    let mut carries = Carries::new();
    let mut before = [_mm512_setzero_si512(); 2];
    store(out, |k| {
        let (high_quotients, rests) = divide(cast(middle[k]), cast(high[k]));
        let (quotients, rests) = divide(cast(low[k]), rests);
        let low = _mm512_add_epi64(rests, shift_in(quotients, &mut before[0]));
        carries.digits(low, shift_in(high_quotients, &mut before[1]))
    });
}

/// The number of blocks of digits of a number.
fn blocks(limbs: &[u64]) -> usize {
    limbs.len().div_ceil(8)
}

/// Fills the last block up with zeros.
fn pad(digits: &mut [Block], limbs: &[u64]) {
    let (whole, rest) = limbs.as_chunks();
    let (start, last) = digits.split_at_mut(whole.len());
    start.copy_from_slice(whole);
    if let [last] = last {
        *last = std::array::from_fn(|i| rest.get(i).copied().unwrap_or(0));
    }
}

/// The columns of a product.
struct Columns<'a> {
    low: &'a mut [Block],
    high: &'a mut [Block],
    overlaps: [Overlap; 2],
}

impl<'a> Columns<'a> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn new(scratch: &'a mut [Block], blocks: usize) -> Self {
        let (low, scratch) = scratch.split_at_mut(blocks);
        let high = &mut scratch[..blocks];
        Columns { low, high, overlaps: [Overlap::new(), Overlap::new()] }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn add_up(&mut self, k: usize, sums: &Sums) {
        self.low[k] = cast(self.overlaps[0].add_up(sums.low));
        self.high[k] = cast(self.overlaps[1].add_up(sums.high));
    }

    /// Carries, and writes the digits.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn store(&self, out: &mut [u64]) {
        let mut carries = Carries::new();
        store(out, |k| carries.digits(cast(self.low[k]), cast(self.high[k])));
    }
}

/// Writes blocks of digits.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn store(out: &mut [u64], mut digits: impl FnMut(usize) -> Block) {
    let (places, rest) = out.as_chunks_mut();
    for (k, place) in places.iter_mut().enumerate() {
        *place = digits(k);
    }
    if !rest.is_empty() {
        copy_start(cast_slice_mut(rest), cast_slice(&digits(places.len())));
    }
}

/// What the columns before carry.
struct Carries {
    first: __m512i,
    second: __m512i,
    last: u32,
}

impl Carries {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new() -> Self {
        Carries { first: _mm512_setzero_si512(), second: _mm512_setzero_si512(), last: 0 }
    }

    /// The next eight digits, from their columns.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn digits(&mut self, low: __m512i, high: __m512i) -> Block {
        let (quotients, rests) = divide(low, high);
        let sums = _mm512_add_epi64(rests, shift_in(quotients, &mut self.first));
        let quotients = multiply_f64(sums, 1.0 / BASE as f64 * TOO_SMALL);
        let rests = subtract_multiples(sums, quotients);
        let sums = _mm512_add_epi64(rests, shift_in(quotients, &mut self.second));
        let base = _mm512_set1_epi64(BASE);
        let largest = _mm512_set1_epi64(BASE - 1);
        let carries = _mm512_cmpgt_epu64_mask(sums, largest);
        let is_largest = _mm512_cmpeq_epi64_mask(sums, largest);
        self.last = ripple(carries, is_largest, self.last);
        let takes = self.last as u8;
        let sums = _mm512_mask_add_epi64(sums, takes, sums, _mm512_set1_epi64(1));
        cast(_mm512_mask_sub_epi64(sums, carries | is_largest & takes, sums, base))
    }
}

const TOO_SMALL: f64 = 1.0 - 1.0 / (1u64 << 50) as f64;

/// `low + high * 2^52` divided by the base: quotients, computed from `high` alone, and remainders.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn divide(low: __m512i, high: __m512i) -> (__m512i, __m512i) {
    let quotients = multiply_f64(high, (1u64 << 52) as f64 / BASE as f64 * TOO_SMALL);
    let columns = _mm512_add_epi64(low, _mm512_slli_epi64::<52>(high));
    (quotients, subtract_multiples(columns, quotients))
}

/// The products with a factor, rounded down.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn multiply_f64(values: __m512i, factor: f64) -> __m512i {
    _mm512_cvttpd_epu64(_mm512_mul_pd(_mm512_cvtepu64_pd(values), _mm512_set1_pd(factor)))
}

/// `sums - quotients * BASE`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn subtract_multiples(sums: __m512i, quotients: __m512i) -> __m512i {
    _mm512_sub_epi64(sums, _mm512_mullo_epi64(quotients, _mm512_set1_epi64(BASE)))
}

/// The quotients of the columns before: they move up by one column.
#[inline]
#[target_feature(enable = "avx512f")]
fn shift_in(quotients: __m512i, before: &mut __m512i) -> __m512i {
    let shifted = _mm512_alignr_epi64::<7>(quotients, *before);
    *before = quotients;
    shifted
}

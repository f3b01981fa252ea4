//! Base 2^64: numbers are rewritten with digits of 52 bits, eight in 52 bytes.

use super::columns::{self, Block, Overlap, Sums, copy_start, ripple};
use super::convolution::convolve_limbs;
use bytemuck::{cast, cast_slice, cast_slice_mut};
use std::arch::x86_64::*;

const DIGIT_BITS: usize = 52;
const LARGEST_DIGIT: i64 = (1 << DIGIT_BITS) - 1;

/// The bytes of a block of digits.
const BLOCK_BYTES: usize = 8 * DIGIT_BITS / 8;

/// From these lengths on, transforms are faster than schoolbook products.
pub(super) const TRANSFORM_LIMBS: usize = 344;
pub(super) const TRANSFORM_SQUARE_LIMBS: usize = 640;

/// See [`Ifma::multiply_binary`](super::Ifma::multiply_binary).
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512ifma,avx512vbmi")]
pub(super) fn multiply(out: &mut [u64], a: &[u64], b: &[u64], scratch: &mut [u64]) {
    match a.len() {
        ..TRANSFORM_LIMBS => multiply_schoolbook(out, a, b, scratch),
        _ => convolve(out, a, Some(b), scratch),
    }
}

/// See [`Ifma::square_binary`](super::Ifma::square_binary).
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512ifma,avx512vbmi")]
pub(super) fn square(out: &mut [u64], a: &[u64], scratch: &mut [u64]) {
    match a.len() {
        ..TRANSFORM_SQUARE_LIMBS => square_schoolbook(out, a, scratch),
        _ => convolve(out, a, None, scratch),
    }
}

/// The schoolbook product.
#[target_feature(enable = "avx512f,avx512bw,avx512ifma,avx512vbmi")]
fn multiply_schoolbook(out: &mut [u64], a: &[u64], b: &[u64], scratch: &mut [u64]) {
    let (scratch, _) = scratch.as_chunks_mut();
    let (a_digits, scratch) = scratch.split_at_mut(blocks(a));
    let (b_digits, scratch) = scratch.split_at_mut(blocks(b));
    let columns = &mut scratch[..blocks(out)];
    unpack(a_digits, a);
    unpack(b_digits, b);
    let mut merger = Merger::new();
    columns::multiply(columns.len(), a_digits, b_digits, |k, sums| {
        columns[k] = merger.add_up(sums)
    });
    pack(out, columns);
}

/// The schoolbook square.
#[target_feature(enable = "avx512f,avx512bw,avx512ifma,avx512vbmi")]
fn square_schoolbook(out: &mut [u64], a: &[u64], scratch: &mut [u64]) {
    let (scratch, _) = scratch.as_chunks_mut();
    let (digits, scratch) = scratch.split_at_mut(blocks(a));
    let columns = &mut scratch[..blocks(out)];
    unpack(digits, a);
    let mut merger = Merger::new();
    columns::square(columns.len(), digits, |k, sums| columns[k] = merger.add_up(sums));
    pack(out, columns);
}

/// The product by transforms; `a * a` if there is no `b`.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn convolve(out: &mut [u64], a: &[u64], b: Option<&[u64]>, scratch: &mut [u64]) {
    let [low, middle, high] = convolve_limbs(a, b, scratch).map(|digits| digits.as_flattened());
    let mut carry = 0u128;
    for (((out, &low), &middle), &high) in out.iter_mut().zip(low).zip(middle).zip(high) {
        // Below 2^107: a column is below 2^149, so its highest digit is below 2^45.
        let sum = carry + u128::from(low) + (u128::from(middle) << DIGIT_BITS);
        *out = sum as u64;
        carry = (sum >> 64) + (u128::from(high) << (2 * DIGIT_BITS - 64));
    }
}

/// The number of blocks of digits of a number.
fn blocks(limbs: &[u64]) -> usize {
    size_of_val(limbs).div_ceil(BLOCK_BYTES)
}

/// In the bytes of a block, every second digit begins in the middle of a byte.
const SHIFTS: [u64; 8] = [0, 4, 0, 4, 0, 4, 0, 4];

/// For each byte of eight limbs, the place of the byte in a block of digits. Each limb holds the seven bytes of
/// one digit, and one byte too much.
const DIGIT_BYTES: [u8; 64] = {
    let mut places = [0; 64];
    let mut i = 0;
    while i < 64 {
        places[i] = (i / 8 * DIGIT_BITS / 8 + i % 8) as u8;
        i += 1;
    }
    places
};

/// The digits of a number of at least 8 limbs.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512ifma,avx512vbmi")]
fn unpack(digits: &mut [Block], limbs: &[u64]) {
    let bytes: &[u8] = cast_slice(limbs);
    for (i, digits) in digits.iter_mut().enumerate() {
        // The last 64 bytes are read for the last blocks, from which only the bytes at the end are taken.
        let start = (BLOCK_BYTES * i).min(bytes.len() - 64);
        let Some(window) = bytes[start..].first_chunk::<64>() else { return };
        let skipped = _mm512_set1_epi8((BLOCK_BYTES * i - start) as i8);
        let places = _mm512_add_epi8(cast(DIGIT_BYTES), skipped);
        let is_inside = _mm512_cmplt_epu8_mask(places, _mm512_set1_epi8(64));
        let words = _mm512_maskz_permutexvar_epi8(is_inside, places, cast(*window));
        let shifted = _mm512_srlv_epi64(words, cast(SHIFTS));
        *digits = cast(_mm512_and_si512(shifted, _mm512_set1_epi64(LARGEST_DIGIT)));
    }
}

/// Adds up the columns of a product. The bits above 52 of a product of two digits belong to the next column.
struct Merger {
    overlap: Overlap,
    /// The sum that begins at the next block of columns.
    top: __m512i,
}

impl Merger {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn new() -> Self {
        Merger { overlap: Overlap::new(), top: _mm512_setzero_si512() }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn add_up(&mut self, sums: &Sums) -> Block {
        let mut merged = sums.low;
        merged[0] = _mm512_add_epi64(merged[0], self.top);
        for (merged, high) in merged[1..].iter_mut().zip(sums.high) {
            *merged = _mm512_add_epi64(*merged, high);
        }
        self.top = sums.high[7];
        cast(self.overlap.add_up(merged))
    }
}

/// A byte that is zero.
const NOTHING: u8 = u8::MAX;

/// For each byte of a block of digits, the place of the byte in the digits with even numbers. A pair of digits
/// has 13 bytes, of which the middle one is shared.
const EVEN_BYTES: [u8; 64] = {
    let mut places = [NOTHING; 64];
    let mut i = 0;
    while i < BLOCK_BYTES {
        if i % 13 <= 6 {
            places[i] = (i / 13 * 16 + i % 13) as u8;
        }
        i += 1;
    }
    places
};

/// The same for the digits with odd numbers, which are shifted by half a byte.
const ODD_BYTES: [u8; 64] = {
    let mut places = [NOTHING; 64];
    let mut i = 0;
    while i < BLOCK_BYTES {
        if i % 13 >= 6 {
            places[i] = (i / 13 * 16 + 8 + i % 13 - 6) as u8;
        }
        i += 1;
    }
    places
};

/// Carries, and writes the digits as limbs.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512ifma,avx512vbmi")]
fn pack(out: &mut [u64], columns: &[Block]) {
    let bytes: &mut [u8] = cast_slice_mut(out);
    let (mut quotients_before, mut carry) = (_mm512_setzero_si512(), 0);
    for (i, &column) in columns.iter().enumerate() {
        let column = cast(column);
        let largest = _mm512_set1_epi64(LARGEST_DIGIT);
        // A quotient is below 2^12. So after it is added, what carries is at most one.
        let quotients = _mm512_srli_epi64::<{ DIGIT_BITS as u32 }>(column);
        let carried = _mm512_alignr_epi64::<7>(quotients, quotients_before);
        quotients_before = quotients;
        let sum = _mm512_add_epi64(_mm512_and_si512(column, largest), carried);
        let carries = _mm512_cmpgt_epu64_mask(sum, largest);
        carry = ripple(carries, _mm512_cmpeq_epi64_mask(sum, largest), carry);
        let sum = _mm512_mask_add_epi64(sum, carry as u8, sum, _mm512_set1_epi64(1));
        let packed = join(_mm512_and_si512(sum, largest));
        let place = &mut bytes[BLOCK_BYTES * i..];
        match place.first_chunk_mut() {
            // The next block overwrites the bytes that are too many.
            Some(place) => *place = packed,
            None => copy_start(place, &packed),
        }
    }
}

/// Eight digits as 52 bytes, and zeros.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512ifma,avx512vbmi")]
fn join(digits: __m512i) -> [u8; 64] {
    let digits = _mm512_sllv_epi64(digits, cast(SHIFTS));
    let nothing = _mm512_set1_epi8(NOTHING.cast_signed());
    let [even, odd] = [EVEN_BYTES, ODD_BYTES].map(|places| {
        let places = cast(places);
        let is_used = _mm512_cmpneq_epi8_mask(places, nothing);
        _mm512_maskz_permutexvar_epi8(is_used, places, digits)
    });
    cast(_mm512_or_si512(even, odd))
}

//! Sums of decimal text with AVX-512: 64 digits in a vector.
//!
//! In memory the highest digit comes first. A vector is reversed when it is loaded, so that the lowest
//! digit comes first, and again when it is stored. In between, eight digits are a limb: with 0x96 added to
//! each byte, two characters add up to 0xf6 plus the sum of their digits, so a byte carries into the next
//! byte exactly if the digits carry. Carries between limbs are guessed as in `avx512`: a guess is
//! wrong only if the digits of a limb add up to 99999999 and a carry comes in. This is rarer than one
//! limb in 10^8.

use super::avx512::{LANES, Pass, store};
use super::{walk_by, walk_text};
use crate::text::{self, ZEROS};
use bytemuck::cast;
use std::arch::x86_64::*;
use std::iter::zip;

/// Text with fewer limbs is added faster by the portable code.
const SHORTEST: usize = 5;

/// Text up to this length stays in registers during a walk.
const LONGEST_IN_REGISTERS: usize = 8 * LANES;

/// `out = a + b`, all three of the same length. Returns the carry out.
///
/// # Panics
/// If the lengths differ.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi")]
fn sum_equal(out: &mut [u64], a: &[u64], b: &[u64]) -> bool {
    assert!(a.len() == out.len() && b.len() == out.len(), "texts of different lengths");
    let (a_rest, a_vectors) = a.as_rchunks();
    let (b_rest, b_vectors) = b.as_rchunks();
    let (out_rest, out_vectors) = out.as_rchunks_mut::<LANES>();
    let mut pass = Pass::new();
    for ((out, a), b) in zip(zip(out_vectors, a_vectors), b_vectors).rev() {
        store(out, reverse(add(&mut pass, load(a), load(b))));
    }
    let mut carry = pass.carry();
    for ((out, &a), &b) in zip(zip(out_rest, a_rest), b_rest).rev() {
        (*out, carry) = text::add_limbs(a, b, carry);
    }
    if pass.is_wrong() { text::sum_equal(out, a, b) } else { carry }
}

/// Fills `slots`, which begins with two numbers: each of the other numbers is the sum of the two numbers
/// before it. All have `len` limbs.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi")]
pub(super) fn walk(slots: &mut [u64], len: usize) {
    if len < SHORTEST {
        walk_text(slots, len);
    } else if len <= LONGEST_IN_REGISTERS {
        walk_in_registers(slots, len);
    } else {
        walk_by(slots, len, |out, a, b| sum_equal(out, a, b));
    }
}

/// A walk over text of up to eight vectors: see `avx512`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi")]
fn walk_in_registers(slots: &mut [u64], len: usize) {
    let is_right = match len.div_ceil(LANES) {
        1 => walk_vectors::<1>(slots, len),
        2 => walk_vectors::<2>(slots, len),
        3 => walk_vectors::<3>(slots, len),
        4 => walk_vectors::<4>(slots, len),
        5 => walk_vectors::<5>(slots, len),
        6 => walk_vectors::<6>(slots, len),
        7 => walk_vectors::<7>(slots, len),
        _ => walk_vectors::<8>(slots, len),
    };
    if !is_right {
        walk_text(slots, len);
    }
}

/// A walk over text of `V` vectors, of which only the first in memory may be partly filled. Returns whether
/// all guesses were right.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi")]
fn walk_vectors<const V: usize>(slots: &mut [u64], len: usize) -> bool {
    let (before, after) = slots.split_at_mut(2 * len);
    let mut pairs = [[_mm512_setzero_si512(); 2]; V];
    for (i, [lower, upper]) in pairs.iter_mut().enumerate() {
        *lower = load_high(&before[..len - i * LANES]);
        *upper = load_high(&before[len..2 * len - i * LANES]);
    }
    let mut is_right = true;
    for out in after.chunks_exact_mut(len) {
        let mut pass = Pass::new();
        for [lower, upper] in &mut pairs {
            let sum = add(&mut pass, *lower, *upper);
            (*lower, *upper) = (*upper, sum);
        }
        is_right &= !pass.is_wrong();
        let (first, vectors) = out.split_at_mut(len - (V - 1) * LANES);
        for (out, [_, upper]) in zip(vectors.as_chunks_mut().0.iter_mut().rev(), pairs) {
            store(out, reverse(upper));
        }
        store_high(first, reverse(pairs[V - 1][1]));
    }
    is_right
}

/// a + b in characters, with the carries of the vector before.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi")]
fn add(pass: &mut Pass, a: __m512i, b: __m512i) -> __m512i {
    let raised = _mm512_add_epi8(a, _mm512_set1_epi8(0x96_u8.cast_signed()));
    _mm512_permutexvar_epi8(pass.add(raised, b), cast(CHARACTERS))
}

/// The character of each byte of a sum. A byte that carried holds its digit, and one that did not carry holds
/// 0xf6 more. The processor looks at the lower six bits of a byte.
const CHARACTERS: [u8; 64] = {
    let mut characters = [b'?'; 64];
    let mut digit = 0;
    while digit < 10 {
        characters[digit as usize] = b'0' + digit;
        characters[(0xf6 + digit as usize) % 64] = b'0' + digit;
        digit += 1;
    }
    characters
};

/// Reverses the bytes of a vector.
#[inline]
#[target_feature(enable = "avx512f,avx512vbmi")]
fn reverse(vector: __m512i) -> __m512i {
    _mm512_permutexvar_epi8(cast(REVERSED), vector)
}

const REVERSED: [u8; 64] = {
    let mut order = [0; 64];
    let mut i = 0;
    while i < order.len() {
        order[i] = (order.len() - 1 - i) as u8;
        i += 1;
    }
    order
};

#[inline]
#[target_feature(enable = "avx512f,avx512vbmi")]
fn load(limbs: &[u64; LANES]) -> __m512i {
    reverse(cast(*limbs))
}

/// The last limbs, at most a vector, with zeros before them.
#[inline]
#[target_feature(enable = "avx512f,avx512vbmi")]
fn load_high(limbs: &[u64]) -> __m512i {
    let mut lanes = [ZEROS; LANES];
    for (lane, &limb) in zip(lanes.iter_mut().rev(), limbs.iter().rev()) {
        *lane = limb;
    }
    load(&lanes)
}

/// Stores the highest lanes of a vector, and all of them if `out` has room: see `avx512`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn store_high(out: &mut [u64], mut vector: __m512i) {
    if let Some(out) = out.first_chunk_mut() {
        return store(out, vector);
    }
    let (out, fours) = out.as_rchunks_mut::<4>();
    for four in fours {
        *four = cast(_mm512_extracti64x4_epi64::<1>(vector));
        vector = _mm512_alignr_epi64::<4>(vector, vector);
    }
    let (ones, twos) = out.as_rchunks_mut::<2>();
    for two in twos {
        *two = cast(_mm512_extracti64x2_epi64::<3>(vector));
        vector = _mm512_alignr_epi64::<6>(vector, vector);
    }
    for one in ones {
        *one = _mm_extract_epi64::<1>(_mm512_extracti64x2_epi64::<3>(vector)) as u64;
    }
}

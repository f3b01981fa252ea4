//! Sums of binary numbers with AVX-512: eight limbs in a vector, the lowest limb first.
//!
//! Vectors have no carry flag. So each lane guesses its carry out from its own two limbs, and the carries
//! move one lane up. The guess is wrong only if a lane sums to all ones and a carry comes in. For numbers
//! without a pattern this has the probability 2^-64, so it is checked once, after everything, and then the
//! portable code computes everything again.

use super::{sum_binary, walk_binary, walk_by};
use bytemuck::cast;
use std::arch::x86_64::*;
use std::iter::zip;

/// The number of limbs of a vector.
pub(super) const LANES: usize = 8;

/// Numbers with fewer limbs are added faster by the portable code.
const SHORTEST: usize = 16;

/// Numbers up to this length stay in registers during a walk.
const LONGEST_IN_REGISTERS: usize = 8 * LANES;

/// `out = a + b`, all three of the same length. Returns the carry out.
///
/// # Panics
/// If the lengths differ.
#[target_feature(enable = "avx512f,avx512dq")]
fn sum_equal(out: &mut [u64], a: &[u64], b: &[u64]) -> bool {
    assert!(a.len() == out.len() && b.len() == out.len(), "numbers of different lengths");
    let (a_vectors, a_rest) = a.as_chunks();
    let (b_vectors, b_rest) = b.as_chunks();
    let (out_vectors, out_rest) = out.as_chunks_mut();
    let mut pass = Pass::new();
    for ((out, &a), &b) in zip(zip(out_vectors, a_vectors), b_vectors) {
        store(out, pass.add(vector(a), vector(b)));
    }
    let mut carry = pass.carry();
    for ((out, &a), &b) in zip(zip(out_rest, a_rest), b_rest) {
        (*out, carry) = a.carrying_add(b, carry);
    }
    if pass.is_wrong() { sum_binary(out, a, b) } else { carry }
}

/// Fills `slots`, which begins with two numbers: each of the other numbers is the sum of the two numbers
/// before it. All have `len` limbs.
#[target_feature(enable = "avx512f,avx512dq")]
pub(super) fn walk(slots: &mut [u64], len: usize) {
    if len < SHORTEST {
        walk_binary(slots, len);
    } else if len <= LONGEST_IN_REGISTERS {
        walk_in_registers(slots, len);
    } else {
        walk_by(slots, len, |out, a, b| sum_equal(out, a, b));
    }
}

/// What a sum carries from vector to vector.
#[derive(Clone, Copy)]
pub(super) struct Pass {
    /// The carries out of the last vector, 0 or 1 in each lane.
    carries: __m512i,
    /// The top bit of a lane is set if a guess was wrong. The other bits mean nothing.
    wrong: __m512i,
}

impl Pass {
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn new() -> Self {
        Pass { carries: _mm512_setzero_si512(), wrong: _mm512_setzero_si512() }
    }

    /// a + b with the carries of the vector before.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn add(&mut self, a: __m512i, b: __m512i) -> __m512i {
        let sum = _mm512_add_epi64(a, b);
        // The top bit of (a & b) | ((a | b) & !sum) is the carry out of a + b.
        let carries = _mm512_srli_epi64::<63>(_mm512_ternarylogic_epi64::<0xd4>(a, b, sum));
        let total = _mm512_add_epi64(sum, _mm512_alignr_epi64::<7>(carries, self.carries));
        self.carries = carries;
        // A carry into all ones, and nothing else, clears the top bit: wrong | (sum & !total).
        self.wrong = _mm512_ternarylogic_epi64::<0xf4>(self.wrong, sum, total);
        total
    }

    /// The carry out of the last lane.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn carry(&self) -> bool {
        let carries: [u64; LANES] = cast(self.carries);
        carries[LANES - 1] > 0
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn is_wrong(&self) -> bool {
        _mm512_movepi64_mask(self.wrong) != 0
    }
}

/// A walk over numbers of up to eight vectors. Both numbers stay in registers from step to step, so no
/// step waits for the memory that the step before has written.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
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
        walk_binary(slots, len);
    }
}

/// A walk over numbers of `V` vectors, of which only the last may be partly filled. Returns whether all
/// guesses were right.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn walk_vectors<const V: usize>(slots: &mut [u64], len: usize) -> bool {
    let (before, after) = slots.split_at_mut(2 * len);
    let mut pairs = [[_mm512_setzero_si512(); 2]; V];
    for (i, [lower, upper]) in pairs.iter_mut().enumerate() {
        *lower = load_low(&before[i * LANES..len]);
        *upper = load_low(&before[len + i * LANES..]);
    }
    let mut is_right = true;
    for out in after.chunks_exact_mut(len) {
        let mut pass = Pass::new();
        for [lower, upper] in &mut pairs {
            let sum = pass.add(*lower, *upper);
            (*lower, *upper) = (*upper, sum);
        }
        is_right &= !pass.is_wrong();
        let (vectors, last) = out.split_at_mut((V - 1) * LANES);
        for (out, [_, upper]) in zip(vectors.as_chunks_mut().0, pairs) {
            store(out, upper);
        }
        store_low(last, pairs[V - 1][1]);
    }
    is_right
}

#[inline]
#[target_feature(enable = "avx512f")]
fn vector(limbs: [u64; LANES]) -> __m512i {
    cast(limbs)
}

/// The first limbs, at most a vector, with zeros above them.
#[inline]
#[target_feature(enable = "avx512f")]
fn load_low(limbs: &[u64]) -> __m512i {
    let mut lanes = [0; LANES];
    for (lane, &limb) in zip(&mut lanes, limbs) {
        *lane = limb;
    }
    cast(lanes)
}

/// How far ahead of a store memory is prefetched, in limbs: 8 KiB. A walk writes memory from its start to
/// its end, but in steps that the processor does not foresee by itself.
const PREFETCH: usize = 1024;

/// Stores a vector.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store(out: &mut [u64; LANES], vector: __m512i) {
    _mm_prefetch::<_MM_HINT_ET0>(out.as_ptr().wrapping_add(PREFETCH).cast());
    *out = cast(vector);
}

/// Stores the lowest lanes of a vector, and all of them if `out` has room. A masked store is slower here: a
/// load of the neighbouring limbs waits for it.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn store_low(out: &mut [u64], mut vector: __m512i) {
    if let Some(out) = out.first_chunk_mut() {
        return store(out, vector);
    }
    let (fours, out) = out.as_chunks_mut::<4>();
    for four in fours {
        *four = cast(_mm512_castsi512_si256(vector));
        vector = _mm512_alignr_epi64::<4>(vector, vector);
    }
    let (twos, ones) = out.as_chunks_mut::<2>();
    for two in twos {
        *two = cast(_mm512_castsi512_si128(vector));
        vector = _mm512_alignr_epi64::<2>(vector, vector);
    }
    for one in ones {
        *one = _mm_cvtsi128_si64(_mm512_castsi512_si128(vector)) as u64;
    }
}

//! Sums of decimal text with AVX2: 32 digits in a vector. The method is that of `text_avx512`, but only the
//! bytes of each limb are reversed, and the limbs keep their order: a carry moves one lane down.

use super::{walk_by, walk_text};
use crate::text;
use bytemuck::cast;
use std::arch::x86_64::*;
use std::iter::zip;

const LANES: usize = 4;

/// How far ahead of a store memory is prefetched, in limbs; see `avx512`.
const PREFETCH: usize = 1024;

/// Text with fewer limbs is added faster by the portable code.
const SHORTEST: usize = 10;

/// Fills `slots`, which begins with two numbers: each of the other numbers is the sum of the two numbers
/// before it. All have `len` limbs.
#[target_feature(enable = "avx2")]
pub(super) fn walk(slots: &mut [u64], len: usize) {
    if len < SHORTEST {
        walk_text(slots, len);
    } else {
        walk_by(slots, len, |out, a, b| sum_equal(out, a, b));
    }
}

/// `out = a + b`, all three of the same length. Returns the carry out.
///
/// # Panics
/// If the lengths differ.
#[inline]
#[target_feature(enable = "avx2")]
fn sum_equal(out: &mut [u64], a: &[u64], b: &[u64]) -> bool {
    assert!(a.len() == out.len() && b.len() == out.len(), "texts of different lengths");
    let (a_rest, a_vectors) = a.as_rchunks();
    let (b_rest, b_vectors) = b.as_rchunks();
    let (out_rest, out_vectors) = out.as_rchunks_mut::<LANES>();
    let mut pass = Pass::new();
    for ((out, &a), &b) in zip(zip(out_vectors, a_vectors), b_vectors).rev() {
        store(out, pass.add(cast::<[u64; LANES], _>(a), cast::<[u64; LANES], _>(b)));
    }
    let mut carry = pass.carry();
    for ((out, &a), &b) in zip(zip(out_rest, a_rest), b_rest).rev() {
        (*out, carry) = text::add_limbs(a, b, carry);
    }
    if pass.is_wrong() { text::sum_equal(out, a, b) } else { carry }
}

/// What a sum carries from vector to vector.
struct Pass {
    /// For each limb of the last vector 0 if it carried, and all ones if not; one lane down.
    kept: __m256i,
    /// The top bit of a lane is set if a guess was wrong. The other bits mean nothing.
    wrong: __m256i,
}

impl Pass {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn new() -> Self {
        Pass { kept: _mm256_set1_epi64x(-1), wrong: _mm256_setzero_si256() }
    }

    /// a + b with the carry of the vector before, in characters.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn add(&mut self, a: __m256i, b: __m256i) -> __m256i {
        let raised = _mm256_add_epi8(reverse(a), _mm256_set1_epi8(0x96_u8.cast_signed()));
        let sum = _mm256_add_epi64(raised, reverse(b));
        // Without a carry the top byte is 0xf6 or more, with a carry it is a digit.
        let kept = _mm256_cmpgt_epi64(_mm256_setzero_si256(), sum);
        let kept = _mm256_permute4x64_epi64::<0b00_11_10_01>(kept);
        let into = _mm256_blend_epi32::<0b1100_0000>(kept, self.kept);
        self.kept = kept;
        // One more, and one less again where no carry comes in.
        let total = _mm256_add_epi64(_mm256_add_epi64(sum, _mm256_set1_epi64x(1)), into);
        self.wrong = _mm256_or_si256(self.wrong, _mm256_xor_si256(sum, total));
        reverse(characters(total))
    }

    /// The carry out of the first lane.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn carry(&self) -> bool {
        let kept: [u64; LANES] = cast(self.kept);
        kept[LANES - 1] == 0
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn is_wrong(&self) -> bool {
        _mm256_movemask_pd(_mm256_castsi256_pd(self.wrong)) != 0
    }
}

/// The characters of a sum. A byte that carried holds its digit, so it is the smaller one of itself and itself
/// plus 10. A byte that did not carry holds its digit plus 0xf6, and adding 10 takes that away.
#[inline]
#[target_feature(enable = "avx2")]
fn characters(sum: __m256i) -> __m256i {
    let digits = _mm256_min_epu8(sum, _mm256_add_epi8(sum, _mm256_set1_epi8(10)));
    _mm256_or_si256(digits, _mm256_set1_epi8(b'0'.cast_signed()))
}

/// Reverses the bytes of each limb.
#[inline]
#[target_feature(enable = "avx2")]
fn reverse(vector: __m256i) -> __m256i {
    const ORDER: [u64; 2] = [0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f]; // within half a vector
    _mm256_shuffle_epi8(vector, cast([ORDER, ORDER]))
}

/// Stores a vector.
#[inline]
#[target_feature(enable = "avx2")]
fn store(out: &mut [u64; LANES], vector: __m256i) {
    _mm_prefetch::<_MM_HINT_ET0>(out.as_ptr().wrapping_add(PREFETCH).cast());
    *out = cast(vector);
}

//! Residues in the lanes of vectors, with AVX2 and AVX-512. The functions here are safe, but they may be called
//! only where the processor has their instructions: see `dispatch.rs`.

use super::ring::{Montgomery32, Montgomery52, Ring, Word};
use super::tables::{Tables, highest_place, side_by_side};
use bytemuck::{cast, cast_ref};
use std::arch::x86_64::*;
use std::iter::zip;

/// The vectors that are computed side by side, so that the processor computes one while another waits.
const VECTORS: usize = 4;

#[target_feature(enable = "avx512f,avx512dq")]
pub(super) fn fill_word(tables: &Tables<Word>, indices: &[u64], out: &mut [u64]) {
    in_groups(indices, out, |n: &[u64; 8 * VECTORS]| {
        let look_up = |n, place| find(tables, n, place);
        let vectors: [__m512i; VECTORS] = cast(*n);
        cast(side_by_side(vectors, highest_place(n, 4), look_up, |a, b, c, d| {
            _mm512_add_epi64(_mm512_mullo_epi64(a, b), _mm512_mullo_epi64(c, d))
        }))
    });
}

#[target_feature(enable = "avx512f,avx512dq")]
pub(super) fn fill_small(tables: &Tables<Montgomery32>, indices: &[u64], out: &mut [u64]) {
    in_groups(indices, out, |n: &[u64; 8 * VECTORS]| {
        let look_up = |n, place| find(tables, n, place);
        let products = |a, b, c, d| products_32(tables.ring, a, b, c, d);
        let vectors: [__m512i; VECTORS] = cast(*n);
        cast(side_by_side(vectors, highest_place(n, 4), look_up, products))
    });
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn fill_medium(tables: &Tables<Montgomery52>, indices: &[u64], out: &mut [u64]) {
    in_groups(indices, out, |n: &[u64; 8 * VECTORS]| {
        let look_up = |n, place| find(tables, n, place);
        let products = |a, b, c, d| products_52(tables.ring, a, b, c, d);
        let vectors: [__m512i; VECTORS] = cast(*n);
        cast(side_by_side(vectors, highest_place(n, 4), look_up, products))
    });
}

#[target_feature(enable = "avx2")]
pub(super) fn fill_word_avx2(tables: &Tables<Word>, indices: &[u64], out: &mut [u64]) {
    in_groups(indices, out, |n: &[u64; 4 * VECTORS]| match highest_place(n, 8) {
        0 => one_digit(tables, n),
        highest => {
            let look_up = |n, place| gather(tables, n, place);
            let products = |a, b, c, d| products_word_avx2(a, b, c, d);
            let vectors: [[u64; 4]; VECTORS] = cast(*n);
            cast(side_by_side(vectors, highest, look_up, products))
        }
    });
}

#[target_feature(enable = "avx2")]
pub(super) fn fill_small_avx2(tables: &Tables<Montgomery32>, indices: &[u64], out: &mut [u64]) {
    in_groups(indices, out, |n: &[u64; 4 * VECTORS]| match highest_place(n, 8) {
        0 => one_digit(tables, n),
        highest => {
            let look_up = |n, place| gather(tables, n, place);
            let products = |a, b, c, d| products_32_avx2(tables.ring, a, b, c, d);
            let vectors: [[u64; 4]; VECTORS] = cast(*n);
            cast(side_by_side(vectors, highest, look_up, products))
        }
    });
}

/// F(n) for indices with one digit. Vectors would only make the look-up slower.
#[inline(always)]
fn one_digit<R: Ring, const N: usize>(tables: &Tables<R>, indices: &[u64; N]) -> [u64; N] {
    let mut numbers = [0; N];
    for (number, &n) in zip(&mut numbers, indices) {
        let [_, at, ..] = tables.bytes[0][usize::from(n as u8)];
        *number = at;
    }
    numbers
}

/// Computes groups of `N` indices. The last group is filled up with zeros.
#[inline(always)]
fn in_groups<const N: usize>(
    indices: &[u64],
    out: &mut [u64],
    compute: impl Fn(&[u64; N]) -> [u64; N],
) {
    let (groups, rest) = indices.as_chunks();
    let (out_groups, out_rest) = out.as_chunks_mut();
    let (mut last, mut last_out) = ([0; N], [0; N]);
    last[..rest.len()].copy_from_slice(rest);
    // One loop for all groups, because the compiler puts `compute` into its only caller.
    let groups = groups.iter().chain((!rest.is_empty()).then_some(&last));
    for (out, group) in zip(out_groups.iter_mut().chain([&mut last_out]), groups) {
        *out = compute(group);
    }
    out_rest.copy_from_slice(&last_out[..rest.len()]);
}

/// The entries of a digit in base 16 of each index.
#[inline]
#[target_feature(enable = "avx512f")]
fn find<R: Ring>(tables: &Tables<R>, n: __m512i, place: usize) -> [__m512i; 3] {
    // A look-up ignores all but the lowest four bits.
    let digits = _mm512_srl_epi64(n, _mm_cvtsi64_si128(4 * place as i64));
    let [below, at, above] = &tables.nibbles.0[place];
    let look_up = |table: &[u64; 16]| {
        let [low, high]: &[[u64; 8]; 2] = cast_ref(table);
        _mm512_permutex2var_epi64(cast(*low), digits, cast(*high))
    };
    [look_up(below), look_up(at), look_up(above)]
}

/// The entries of a digit in base 256 of each index. An entry is loaded as a vector, and four of them are
/// transposed.
#[inline]
#[target_feature(enable = "avx2")]
fn gather<R: Ring>(tables: &Tables<R>, n: [u64; 4], place: usize) -> [__m256i; 3] {
    let table = &tables.bytes[place];
    let entry = |n: u64| cast(table[usize::from((n >> (8 * place)) as u8)]);
    let [a, b, c, d] = [entry(n[0]), entry(n[1]), entry(n[2]), entry(n[3])];
    let (ab, cd) = (_mm256_unpacklo_epi64(a, b), _mm256_unpacklo_epi64(c, d));
    let (ab_at, cd_at) = (_mm256_unpackhi_epi64(a, b), _mm256_unpackhi_epi64(c, d));
    [
        _mm256_permute2x128_si256::<0x20>(ab, cd),
        _mm256_permute2x128_si256::<0x20>(ab_at, cd_at),
        _mm256_permute2x128_si256::<0x31>(ab, cd),
    ]
}

/// The products of [`Word`] in each lane. AVX2 multiplies only the lower halves of two lanes, so a product
/// is low low + (high low + low high) 2^32.
#[inline]
#[target_feature(enable = "avx2")]
fn products_word_avx2(a: __m256i, b: __m256i, c: __m256i, d: __m256i) -> __m256i {
    let high = |x| _mm256_srli_epi64::<32>(x);
    let low_low = _mm256_add_epi64(_mm256_mul_epu32(a, b), _mm256_mul_epu32(c, d));
    let ab = _mm256_add_epi64(_mm256_mul_epu32(high(a), b), _mm256_mul_epu32(a, high(b)));
    let cd = _mm256_add_epi64(_mm256_mul_epu32(high(c), d), _mm256_mul_epu32(c, high(d)));
    _mm256_add_epi64(low_low, _mm256_slli_epi64::<32>(_mm256_add_epi64(ab, cd)))
}

/// The products of [`Montgomery32`] in each lane. The instruction multiplies the lower halves of two lanes.
#[inline]
#[target_feature(enable = "avx512f")]
fn products_32(ring: Montgomery32, a: __m512i, b: __m512i, c: __m512i, d: __m512i) -> __m512i {
    let m = _mm512_set1_epi64(ring.modulus.into());
    let t = _mm512_add_epi64(_mm512_mul_epu32(a, b), _mm512_mul_epu32(c, d));
    let q = _mm512_mul_epu32(t, _mm512_set1_epi64(ring.inverse.into()));
    let sum = _mm512_add_epi64(t, _mm512_mul_epu32(q, m));
    let quotient = _mm512_srli_epi64::<32>(sum);
    _mm512_min_epu64(quotient, _mm512_sub_epi64(quotient, m))
}

/// The same with AVX2. A quotient has 32 bits, and AVX2 has no minimum of 64 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn products_32_avx2(ring: Montgomery32, a: __m256i, b: __m256i, c: __m256i, d: __m256i) -> __m256i {
    let m = _mm256_set1_epi64x(ring.modulus.into());
    let t = _mm256_add_epi64(_mm256_mul_epu32(a, b), _mm256_mul_epu32(c, d));
    let q = _mm256_mul_epu32(t, _mm256_set1_epi64x(ring.inverse.into()));
    let sum = _mm256_add_epi64(t, _mm256_mul_epu32(q, m));
    let quotient = _mm256_srli_epi64::<32>(sum);
    _mm256_min_epu32(quotient, _mm256_sub_epi32(quotient, m))
}

/// The products of [`Montgomery52`] in each lane. The instructions multiply the lower 52 bits of two lanes
/// and add the lower or the upper half of the product.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn products_52(ring: Montgomery52, a: __m512i, b: __m512i, c: __m512i, d: __m512i) -> __m512i {
    let zero = _mm512_setzero_si512();
    let m = _mm512_set1_epi64(ring.modulus as i64);
    let low = _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(zero, a, b), c, d);
    let high = _mm512_madd52hi_epu64(_mm512_madd52hi_epu64(zero, a, b), c, d);
    let q = _mm512_madd52lo_epu64(zero, low, _mm512_set1_epi64(ring.inverse as i64));
    // Three lower halves are below 2^54, and their sum is a multiple of 2^52.
    let carry = _mm512_srli_epi64::<52>(_mm512_madd52lo_epu64(low, q, m));
    let quotient = _mm512_add_epi64(_mm512_madd52hi_epu64(high, q, m), carry);
    _mm512_min_epu64(quotient, _mm512_sub_epi64(quotient, m))
}

//! Eight doubles in two registers of AVX2.
//!
//! # Unsafe code
//!
//! An intrinsic may be called only on a processor that has its instruction, and the compiler cannot know this in a
//! method of a trait. Passes run with these lanes only inside [`Processor::run`](crate::processor::Processor::run),
//! after the processor was asked.
#![allow(unsafe_code)]

use super::Block;
use super::doubles::Doubles;
use bytemuck::cast;
use std::arch::x86_64::*;

/// Eight doubles, the lower four first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2([__m256d; 2]);

/// To the nearest integer, without exceptions.
const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

/// The bits of 2^52. An integer below 2^52 in the low bits makes a double that is so much larger.
const TWO_52: i64 = 0x4330_0000_0000_0000;

/// 1.5 * 2^52. The sum with a double between -2^51 and 2^51 has its integer in the low bits.
const MIDDLE: f64 = 6_755_399_441_055_744.0;

impl Doubles for Avx2 {
    #[inline(always)]
    fn load(block: &Block) -> Self {
        Avx2(cast(*block))
    }

    #[inline(always)]
    fn store(self, block: &mut Block) {
        *block = cast(self.0);
    }

    #[inline(always)]
    fn splat(value: f64) -> Self {
        Avx2(cast([value; 8]))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        // SAFETY: the processor has AVX2.
        Avx2(unsafe { [_mm256_add_pd(a, c), _mm256_add_pd(b, d)] })
    }

    #[inline(always)]
    fn subtract(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        // SAFETY: the processor has AVX2.
        Avx2(unsafe { [_mm256_sub_pd(a, c), _mm256_sub_pd(b, d)] })
    }

    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        // SAFETY: the processor has AVX2.
        Avx2(unsafe { [_mm256_mul_pd(a, c), _mm256_mul_pd(b, d)] })
    }

    #[inline(always)]
    fn multiply_subtract(self, factor: Self, other: Self) -> Self {
        let ([a, b], [c, d], [e, f]) = (self.0, factor.0, other.0);
        // SAFETY: the processor has FMA.
        Avx2(unsafe { [_mm256_fmsub_pd(a, c, e), _mm256_fmsub_pd(b, d, f)] })
    }

    #[inline(always)]
    fn subtract_from(self, factor: Self, other: Self) -> Self {
        let ([a, b], [c, d], [e, f]) = (self.0, factor.0, other.0);
        // SAFETY: the processor has FMA.
        Avx2(unsafe { [_mm256_fnmadd_pd(a, c, e), _mm256_fnmadd_pd(b, d, f)] })
    }

    #[inline(always)]
    fn round(self) -> Self {
        let [a, b] = self.0;
        // SAFETY: the processor has AVX2.
        Avx2(unsafe { [_mm256_round_pd::<NEAREST>(a), _mm256_round_pd::<NEAREST>(b)] })
    }

    #[inline(always)]
    fn halves(digits: &Block) -> [Self; 2] {
        let digits: [__m256i; 2] = cast(*digits);
        let (mut low, mut high) = (digits, digits);
        // SAFETY: the processor has AVX2.
        unsafe {
            let exponent = _mm256_set1_epi64x(TWO_52);
            for (low, high) in low.iter_mut().zip(&mut high) {
                let bits = _mm256_and_si256(*low, _mm256_set1_epi64x((1 << 50) - 1));
                *low = _mm256_or_si256(bits, exponent);
                *high = _mm256_or_si256(_mm256_srli_epi64::<50>(*high), exponent);
            }
        }
        let offset = Avx2::splat(f64::from_bits(TWO_52 as u64));
        [Avx2(cast(low)).subtract(offset), Avx2(cast(high)).subtract(offset)]
    }

    #[inline(always)]
    fn integers(self) -> [i64; 8] {
        let shifted: [__m256i; 2] = cast(self.add(Avx2::splat(MIDDLE)).0);
        let [a, b] = shifted;
        // SAFETY: the processor has AVX2.
        cast(unsafe {
            let middle = _mm256_set1_epi64x(MIDDLE.to_bits() as i64);
            [_mm256_sub_epi64(a, middle), _mm256_sub_epi64(b, middle)]
        })
    }

    #[inline(always)]
    fn transpose(rows: [Self; 8]) -> [Self; 8] {
        let x = rows;
        // SAFETY: the processor has AVX2.
        let quarter = |row: usize, half: usize| unsafe {
            transpose_4([
                x[row].0[half],
                x[row + 1].0[half],
                x[row + 2].0[half],
                x[row + 3].0[half],
            ])
        };
        let (a, b, c, d) = (quarter(0, 0), quarter(0, 1), quarter(4, 0), quarter(4, 1));
        let mut out = rows;
        for i in 0..4 {
            out[i] = Avx2([a[i], c[i]]);
            out[i + 4] = Avx2([b[i], d[i]]);
        }
        out
    }
}

/// Exchanges the rows and columns of a square of doubles.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose_4([a, b, c, d]: [__m256d; 4]) -> [__m256d; 4] {
    let (ab_low, ab_high) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
    let (cd_low, cd_high) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
    [
        _mm256_permute2f128_pd::<0x20>(ab_low, cd_low),
        _mm256_permute2f128_pd::<0x20>(ab_high, cd_high),
        _mm256_permute2f128_pd::<0x31>(ab_low, cd_low),
        _mm256_permute2f128_pd::<0x31>(ab_high, cd_high),
    ]
}

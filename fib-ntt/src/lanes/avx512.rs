//! Eight doubles in one register of AVX-512.
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

/// Eight doubles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(__m512d);

/// To the nearest integer, without exceptions.
const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

impl Doubles for Avx512 {
    #[inline(always)]
    fn load(block: &Block) -> Self {
        Avx512(cast(*block))
    }

    #[inline(always)]
    fn store(self, block: &mut Block) {
        *block = cast(self.0);
    }

    #[inline(always)]
    fn splat(value: f64) -> Self {
        Avx512(cast([value; 8]))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512 F.
        Avx512(unsafe { _mm512_add_pd(self.0, other.0) })
    }

    #[inline(always)]
    fn subtract(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512 F.
        Avx512(unsafe { _mm512_sub_pd(self.0, other.0) })
    }

    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512 F.
        Avx512(unsafe { _mm512_mul_pd(self.0, other.0) })
    }

    #[inline(always)]
    fn multiply_subtract(self, factor: Self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512 F.
        Avx512(unsafe { _mm512_fmsub_pd(self.0, factor.0, other.0) })
    }

    #[inline(always)]
    fn subtract_from(self, factor: Self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512 F.
        Avx512(unsafe { _mm512_fnmadd_pd(self.0, factor.0, other.0) })
    }

    #[inline(always)]
    fn round(self) -> Self {
        // SAFETY: the processor has AVX-512 F.
        Avx512(unsafe { _mm512_roundscale_pd::<NEAREST>(self.0) })
    }

    #[inline(always)]
    fn halves(digits: &Block) -> [Self; 2] {
        let digits = cast(*digits);
        // SAFETY: the processor has AVX-512 F and DQ.
        unsafe {
            let low = _mm512_and_si512(digits, _mm512_set1_epi64((1 << 50) - 1));
            let high = _mm512_srli_epi64::<50>(digits);
            [Avx512(_mm512_cvtepu64_pd(low)), Avx512(_mm512_cvtepu64_pd(high))]
        }
    }

    #[inline(always)]
    fn integers(self) -> [i64; 8] {
        // SAFETY: the processor has AVX-512 DQ.
        cast(unsafe { _mm512_cvtpd_epi64(self.0) })
    }

    #[inline(always)]
    fn transpose(rows: [Self; 8]) -> [Self; 8] {
        let x = rows;
        // SAFETY: the processor has AVX-512 F.
        unsafe {
            let low = |i: usize| _mm512_unpacklo_pd(x[i].0, x[i + 1].0);
            let high = |i: usize| _mm512_unpackhi_pd(x[i].0, x[i + 1].0);
            // Pairs of lanes from the rows (0, 1), (2, 3), (4, 5) and (6, 7): first the even columns, then the odd.
            let columns = [[low(0), low(2), low(4), low(6)], [high(0), high(2), high(4), high(6)]];
            let mut out = rows;
            for (i, [a, b, c, d]) in columns.into_iter().enumerate() {
                let (ab_even, ab_odd) =
                    (_mm512_shuffle_f64x2::<0x88>(a, b), _mm512_shuffle_f64x2::<0xdd>(a, b));
                let (cd_even, cd_odd) =
                    (_mm512_shuffle_f64x2::<0x88>(c, d), _mm512_shuffle_f64x2::<0xdd>(c, d));
                out[i].0 = _mm512_shuffle_f64x2::<0x88>(ab_even, cd_even);
                out[i + 2].0 = _mm512_shuffle_f64x2::<0x88>(ab_odd, cd_odd);
                out[i + 4].0 = _mm512_shuffle_f64x2::<0xdd>(ab_even, cd_even);
                out[i + 6].0 = _mm512_shuffle_f64x2::<0xdd>(ab_odd, cd_odd);
            }
            out
        }
    }
}

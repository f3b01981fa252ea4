//! F(n) modulo any m: m is a power of two times an odd number, F(n) is computed modulo both factors, and the
//! Chinese remainder theorem joins the two residues.

use super::Modulus;
use super::dispatch::{fill_medium, fill_small, fill_word};
use super::ring::{Montgomery32, Montgomery52, Montgomery64, Word, inverse};
use super::tables::{Tables, fill_one_by_one};
use crate::simd::SimdLevel;
use std::iter::zip;

/// The tables of the factors of a modulus.
pub(super) struct Factors {
    level: SimdLevel,
    power: Option<Tables<Word>>,
    /// 2^k - 1.
    mask: u64,
    odd: Odd,
    odd_modulus: u64,
    /// 1 / odd modulo 2^64.
    inverse: u64,
}

enum Odd {
    One,
    Small(Tables<Montgomery32>),
    Medium(Tables<Montgomery52>),
    Large(Tables<Montgomery64>),
}

impl Factors {
    pub(super) fn new(modulus: Modulus, level: SimdLevel) -> Self {
        let modulus = modulus.get();
        let power = modulus.map_or(64, u64::trailing_zeros);
        let odd_modulus = modulus.map_or(1, |m| m >> power);
        let odd = match odd_modulus {
            1 => Odd::One,
            m if m < Montgomery32::END => Odd::Small(Tables::new(Montgomery32::new(m))),
            m if m < Montgomery52::END && level >= SimdLevel::Avx512Ifma => {
                Odd::Medium(Tables::new(Montgomery52::new(m)))
            }
            m => Odd::Large(Tables::new(Montgomery64::new(m))),
        };
        let mask = u64::MAX.checked_shr(64 - power).unwrap_or(0);
        let power = (power > 0 || odd_modulus == 1).then(|| Tables::new(Word));
        Factors { level, power, mask, odd, odd_modulus, inverse: inverse(odd_modulus) }
    }

    /// Writes F(n) modulo m for each of `indices`.
    pub(super) fn fill(&self, indices: &[u64], out: &mut [u64]) {
        let Some(power) = &self.power else { return self.fill_odd(indices, out) };
        fill_word(self.level, power, indices, out);
        match self.odd {
            Odd::One if self.mask == u64::MAX => return,
            Odd::One => return out.iter_mut().for_each(|value| *value &= self.mask),
            _ => {}
        }
        let mut odd = [0; 256];
        for (indices, out) in zip(indices.chunks(odd.len()), out.chunks_mut(odd.len())) {
            self.fill_odd(indices, &mut odd[..indices.len()]);
            self.join(out, &odd);
        }
    }

    /// Modulo the odd factor.
    fn fill_odd(&self, indices: &[u64], out: &mut [u64]) {
        match &self.odd {
            Odd::One => out.fill(0),
            Odd::Small(tables) => fill_small(self.level, tables, indices, out),
            Odd::Medium(tables) => fill_medium(self.level, tables, indices, out),
            Odd::Large(tables) => fill_one_by_one(tables, indices, out),
        }
    }

    /// From r modulo 2^k, in `out`, and s modulo the odd factor to s + odd ((r - s) / odd mod 2^k).
    fn join(&self, out: &mut [u64], odd: &[u64]) {
        for (r, &s) in zip(out, odd) {
            let quotient = r.wrapping_sub(s).wrapping_mul(self.inverse) & self.mask;
            *r = s + self.odd_modulus * quotient;
        }
    }
}

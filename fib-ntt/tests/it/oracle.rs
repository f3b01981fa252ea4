//! What results are compared with: arithmetic modulo primes, and num-bigint. And numbers to compute with.

use fib_ntt::{Base, Level, Quadratic};
use num_bigint::BigUint;

/// Primes of 61 bits, none of which the crate uses: the first is 2^61 - 1.
const MODULI: [u64; 3] =
    [2_305_843_009_213_693_951, 2_305_843_009_213_693_921, 2_305_843_009_213_693_907];

pub(crate) fn base(base: Base) -> u128 {
    match base {
        Base::Binary => 1 << 64,
        Base::Decimal => 10_u128.pow(19),
    }
}

fn residue(digits: &[u64], of: Base, modulus: u64) -> i128 {
    let (modulus, base) = (u128::from(modulus), base(of) % u128::from(modulus));
    digits.iter().rfold(0, |sum, &digit| (sum * base + u128::from(digit) % modulus) % modulus)
        as i128
}

/// The value of a form, modulo each prime, is that of the digits that were computed for it.
#[track_caller]
pub(crate) fn assert_form(form: Quadratic, x: &[u64], y: &[u64], out: &[u64], base: Base) {
    for modulus in MODULI {
        let [x, y, out] = [x, y, out].map(|digits| residue(digits, base, modulus));
        let modulus = i128::from(modulus);
        let [xx, xy, yy] = [x * x, x * y, y * y].map(|product| product % modulus);
        let sum = i128::from(form.xx) * xx + i128::from(form.xy) * xy + i128::from(form.yy) * yy;
        assert_eq!(out, sum.rem_euclid(modulus), "modulo {modulus}");
    }
    if base == Base::Decimal {
        assert!(out.iter().all(|&digit| digit < 10_u64.pow(19)));
    }
}

/// A number in base 2^64.
pub(crate) fn big(limbs: &[u64]) -> BigUint {
    BigUint::from_bytes_le(bytemuck::cast_slice(limbs))
}

/// A number in base 10^19.
pub(crate) fn big_decimal(digits: &[u64]) -> BigUint {
    let text: String = digits.iter().rev().map(|digit| format!("{digit:019}")).collect();
    if text.is_empty() { BigUint::ZERO } else { text.parse().unwrap() }
}

/// SplitMix64 (Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014).
pub(crate) fn random(len: usize, seed: u64, base: Base) -> Vec<u64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    };
    (0..len).map(|_| ((u128::from(next()) * self::base(base)) >> 64) as u64).collect()
}

/// Numbers with this many digits that are likely to be computed wrongly.
pub(crate) fn adversaries(len: usize, base: Base) -> Vec<Vec<u64>> {
    let largest = (self::base(base) - 1) as u64;
    let single = |place: usize, digit| {
        let mut digits = vec![0; len];
        digits[place] = digit;
        digits
    };
    let alternating = |low, high| (0..len).map(|i| if i % 2 == 0 { low } else { high }).collect();
    vec![
        vec![largest; len],
        vec![1; len],
        vec![largest / 2 + 1; len],
        single(0, 1),
        single(len - 1, 1),
        single(len - 1, largest),
        single(len / 2, largest),
        alternating(0, largest),
        alternating(largest, 0),
        alternating(1 << 50, (1 << 50) - 1),
        alternating(1_125_845_146_009_601, 1_125_844_072_267_777),
        random(len, len as u64, base),
    ]
}

pub(crate) const BASES: [Base; 2] = [Base::Binary, Base::Decimal];

/// The levels that this processor has.
pub(crate) fn levels() -> impl Iterator<Item = Level> {
    Level::ALL.into_iter().filter(|&level| level <= Level::highest())
}

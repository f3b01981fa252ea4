//! Residues against a ladder in 128-bit arithmetic, for every kind of modulus and every level of vector
//! instructions that this processor has.

use super::*;
use proptest::prelude::*;

/// F(n) mod m by the identities of the textbook, in 128-bit arithmetic.
fn ladder(n: u64, m: u128) -> u128 {
    let product = |a: u128, b: u128| a * b % m; // both factors are below m, which is at most 2^64
    let (mut a, mut b) = (0u128, 1 % m); // F(k), F(k + 1)
    for bit in (0..64).rev() {
        let c = product(a, (2 * b + m - a) % m);
        let d = (product(a, a) + product(b, b)) % m;
        (a, b) = if n >> bit & 1 == 1 { (d, (c + d) % m) } else { (c, d) };
    }
    a
}

fn expected(n: u64, modulus: Modulus) -> u64 {
    ladder(n, modulus.get().map_or(1 << 64, u128::from)) as u64
}

/// Moduli of every kind, with the ends of their ranges.
fn moduli() -> Vec<Modulus> {
    let ends = [1, 2, 3, 4, 5, 10, 1000, 1_000_000_007, u64::from(u32::MAX), 1 << 32];
    let odd = [(1 << 31) - 1, (1 << 31) + 1, (1 << 32) + 1, (1 << 51) - 1, (1 << 51) + 1];
    let large = [(1 << 61) - 1, (1 << 63) - 1, 1 << 63, 3 << 40, ((1 << 51) - 1) << 12];
    let ends = ends.into_iter().chain(odd).chain(large);
    ends.filter_map(Modulus::new).chain([Modulus::WORD]).collect()
}

/// Checks every index with every level that this processor has.
fn check(modulus: Modulus, indices: &[u64]) {
    let expected: Vec<u64> = indices.iter().map(|&n| expected(n, modulus)).collect();
    for level in SimdLevel::ALL.into_iter().filter(|&level| level <= SimdLevel::highest()) {
        let mut out = vec![7; indices.len()];
        Factors::new(modulus, level).fill(indices, &mut out);
        assert_eq!(out, expected, "modulo {modulus} with {level}");
    }
}

#[test]
fn every_kind_of_modulus() {
    for level in SimdLevel::ALL.into_iter().filter(|&level| level > SimdLevel::highest()) {
        println!("skipped: this processor has no {level}");
    }
    let mut indices: Vec<u64> = (0..200).collect();
    indices.extend((6..64).flat_map(|k| [(1 << k) - 1, 1 << k, (1 << k) + 1]));
    indices.extend([u64::MAX, u64::MAX - 1]);
    for modulus in moduli() {
        check(modulus, &indices);
    }
}

proptest! {
    #[test]
    fn any_modulus_and_any_indices(
        modulus in 1u64..=1 << 63,
        shift in 0u32..63,
        indices in prop::collection::vec((any::<u64>(), 0u32..64).prop_map(|(n, s)| n >> s), 0..70),
    ) {
        check(Modulus::new((modulus >> shift).max(1)).unwrap(), &indices);
    }
}

#[test]
fn moduli_are_read_and_written() {
    for text in ["1", "1000000007", "9223372036854775808", "2^64"] {
        assert_eq!(text.parse::<Modulus>().unwrap().to_string(), text);
    }
    assert_eq!("2^63".parse::<Modulus>(), "9223372036854775808".parse());
    for text in ["", "0", "-1", "+5", "9223372036854775809", "2^65", "1e9", " 7"] {
        assert_eq!(text.parse::<Modulus>(), Err(ParseModulusError), "{text:?}");
    }
}

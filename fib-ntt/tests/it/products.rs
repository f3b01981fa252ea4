//! Products and squares.

use crate::oracle::{BASES, adversaries, assert_form, big, big_decimal, levels, random};
use fib_ntt::{Base, OneThread, Quadratic, Transforms, multiply, square};
use proptest::prelude::*;

fn product(transforms: &mut Transforms, a: &[u64], b: &[u64], base: Base) -> Vec<u64> {
    let mut out = vec![u64::MAX; a.len() + b.len()];
    transforms.multiply(&mut out, a, b, base, &OneThread).unwrap();
    out
}

/// Numbers of columns around every shape: powers of two, and sums of a few of them, in eighths.
fn shapes(longest: usize) -> impl Iterator<Item = usize> {
    let powers = (6..).map(|bits| 1_usize << bits).take_while(move |&power| power <= longest);
    powers.flat_map(|power| [8, 9, 10, 11, 12, 14].map(|eighths| power / 8 * eighths))
}

#[test]
fn every_shape_at_every_level() {
    for level in levels() {
        let mut transforms = Transforms::with_level(level);
        for columns in shapes(if cfg!(miri) { 64 } else { 1 << 16 }) {
            for limbs in [columns, columns + 1, columns + 2] {
                let (a, b) = (limbs / 2, limbs - limbs / 2);
                let (a, b) = (random(a, 1, Base::Binary), random(b, 2, Base::Binary));
                let out = product(&mut transforms, &a, &b, Base::Binary);
                assert_form(Quadratic::PRODUCT, &a, &b, &out, Base::Binary);
            }
        }
    }
}

/// The largest columns that can occur, at every level of the processor, in both bases.
#[test]
fn adversarial_numbers() {
    let lengths: &[usize] = if cfg!(miri) { &[33] } else { &[1, 7, 32, 33, 100, 1000, 10_007] };
    for level in levels() {
        let mut transforms = Transforms::with_level(level);
        for base in BASES {
            for &len in lengths {
                let numbers = adversaries(len, base);
                for (i, a) in numbers.iter().enumerate() {
                    let mut out = vec![u64::MAX; 2 * len];
                    transforms.square(&mut out, a, base, &OneThread).unwrap();
                    assert_form(Quadratic::SQUARE, a, &[], &out, base);
                    let b = &numbers[(i + len) % numbers.len()];
                    let out = product(&mut transforms, a, b, base);
                    assert_form(Quadratic::PRODUCT, a, b, &out, base);
                }
            }
        }
    }
}

/// Columns of almost 2^150, where three primes are just enough, and beyond, where the fourth one is needed.
#[test]
#[cfg_attr(miri, ignore = "it would take hours")]
fn the_largest_columns_of_three_and_of_four_primes() {
    for level in levels() {
        let mut transforms = Transforms::with_level(level);
        for base in BASES {
            let digit = if base == Base::Binary { u64::MAX } else { 10_u64.pow(19) - 1 };
            for len in [(1 << 19) - 100, (1 << 19) + 100] {
                let x = vec![digit; len];
                let form = Quadratic { xx: 3, xy: 2, yy: 3 };
                let mut out = vec![0; 2 * len + 1];
                let forms = &mut [(form, &mut out[..])];
                transforms.quadratics(forms, &x, &x, base, &OneThread).unwrap();
                assert_form(form, &x, &x, &out, base);
                assert_eq!(out[0], 8);
            }
        }
    }
}

#[test]
fn numbers_of_unequal_lengths() {
    let longest = if cfg!(miri) { 100 } else { 5000 };
    for level in levels() {
        let mut transforms = Transforms::with_level(level);
        for (a, b) in [(1, 1), (1, longest), (longest, 1), (3, longest), (longest / 2, longest)] {
            let (a, b) = (random(a, 3, Base::Binary), random(b, 4, Base::Binary));
            let out = product(&mut transforms, &a, &b, Base::Binary);
            assert_eq!(big(&out), big(&a) * big(&b), "{level}");
        }
    }
}

#[test]
fn zero_and_one() {
    for zero in [&[][..], &[0], &[0; 200]] {
        assert_eq!(multiply(zero, &[5; 3], &OneThread).unwrap(), vec![0; zero.len() + 3]);
        assert_eq!(multiply(&[5; 3], zero, &OneThread).unwrap(), vec![0; zero.len() + 3]);
        assert_eq!(square(zero, &OneThread).unwrap(), vec![0; 2 * zero.len()]);
    }
    assert_eq!(multiply(&[1], &[1], &OneThread).unwrap(), [1, 0]);
    assert_eq!(square(&[u64::MAX], &OneThread).unwrap(), [1, u64::MAX - 1]);
    // Leading zeros change nothing.
    assert_eq!(multiply(&[7, 0, 0], &[0, 6, 0], &OneThread).unwrap(), [0, 42, 0, 0, 0, 0]);
}

/// Memory and tables of a long product are used again for a short one, and grow for a longer one.
#[test]
fn lengths_in_any_order() {
    let mut transforms = Transforms::new();
    let lengths = if cfg!(miri) { [50, 1, 70, 30] } else { [3000, 1, 20_000, 500] };
    for len in lengths {
        let a = random(len, 5, Base::Binary);
        let mut out = vec![7; 2 * len];
        transforms.square(&mut out, &a, Base::Binary, &OneThread).unwrap();
        assert_eq!(big(&out), big(&a) * big(&a));
    }
}

/// Up to a million bits, in base 2^64 and in base 10^19.
#[test]
#[cfg_attr(miri, ignore = "it would take hours")]
fn a_million_bits() {
    for level in levels() {
        let mut transforms = Transforms::with_level(level);
        for len in [999, 5000, 15_625] {
            let (a, b) = (random(len, 6, Base::Binary), random(len, 7, Base::Binary));
            let out = product(&mut transforms, &a, &b, Base::Binary);
            assert!(big(&out) == big(&a) * big(&b), "{level}, {len} limbs");
        }
        let (a, b) = (random(1000, 8, Base::Decimal), random(2000, 9, Base::Decimal));
        let out = product(&mut transforms, &a, &b, Base::Decimal);
        assert!(big_decimal(&out) == big_decimal(&a) * big_decimal(&b), "{level}");
    }
}

fn limbs() -> impl Strategy<Value = Vec<u64>> {
    let limb = prop_oneof![Just(0), Just(u64::MAX), any::<u64>(), (0..64_u32).prop_map(|b| 1 << b)];
    prop::collection::vec(limb, 0..if cfg!(miri) { 20 } else { 300 })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 3 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_product(a in limbs(), b in limbs()) {
        for level in levels() {
            let out = product(&mut Transforms::with_level(level), &a, &b, Base::Binary);
            prop_assert_eq!(big(&out), big(&a) * big(&b), "{}", level);
        }
    }
}

//! Both bases against num-bigint, at the lengths where the method changes.

use super::product::{multiply_with, scratch_limbs, square_with};
use super::sum::{difference, subtract};
use super::*;
use crate::control::Control;
use crate::kernels::pair;
use num_bigint::BigUint;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

trait Tested: Base {
    const BASE: u128;

    /// Limbs that are often the largest or zero, so that carries run far.
    fn limb() -> impl Strategy<Value = u64> {
        let last = (Self::BASE - 1) as u64;
        prop_oneof![3 => Just(last), 3 => Just(0), 1 => Just(1), 5 => 0..=last]
    }

    fn number(len: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(Self::limb(), len)
    }

    fn value(limbs: &[u64]) -> BigUint {
        limbs.iter().rev().fold(BigUint::ZERO, |value, &limb| {
            assert!(u128::from(limb) < Self::BASE, "{limb} is not a limb");
            value * Self::BASE + limb
        })
    }
}

impl Tested for Binary {
    const BASE: u128 = 1 << 64;
}

impl Tested for Decimal {
    const BASE: u128 = 10u128.pow(15);
}

fn two_numbers<B: Tested>() -> impl Strategy<Value = (Vec<u64>, Vec<u64>)> {
    (0usize..60).prop_flat_map(|len| (B::number(len), B::number(0..=len)))
}

fn sums_agree<B: Tested>(a: &[u64], b: &[u64]) {
    let expected = B::value(a) + B::value(b);
    let mut out = vec![0; a.len() + 1];
    sum::<B>(&mut out, a, b);
    assert_eq!(B::value(&out), expected);
    let mut longer = a.to_vec();
    let carry = add::<B>(&mut longer, b);
    longer.push(carry.into());
    assert_eq!(B::value(&longer), expected);

    let mut same_len = b.to_vec();
    same_len.resize(a.len(), 0);
    let mut out = vec![0; a.len()];
    let is_less = difference::<B>(&mut out, a, &same_len);
    let (larger, smaller) = if is_less { (&same_len[..], a) } else { (a, &same_len[..]) };
    assert_eq!(B::value(&out) + B::value(smaller), B::value(larger));
    let mut out = a.to_vec();
    assert_eq!(subtract::<B>(&mut out, &same_len), is_less);
}

/// Without vector instructions, and with them if the processor has them.
fn methods() -> impl Iterator<Item = Option<Ifma>> {
    [None].into_iter().chain(Ifma::detect().map(Some))
}

fn products_agree<B: Tested>(a: &[u64], b: &[u64]) {
    let (expected, expected_square) = (B::value(a) * B::value(b), B::value(a) * B::value(a));
    for ifma in methods() {
        let mut scratch = vec![7; scratch_limbs(a.len())];
        let mut out = vec![7; 2 * a.len()];
        multiply_with::<B>(ifma, &mut out, a, b, &mut scratch);
        assert!(B::value(&out) == expected, "a product of {} limbs, {ifma:?}", a.len());
        square_with::<B>(ifma, &mut out, a, &mut scratch);
        assert!(B::value(&out) == expected_square, "a square of {} limbs, {ifma:?}", a.len());
    }
}

/// The lengths around those where the method changes, and around twice these lengths.
fn lengths<B: Base>() -> impl Iterator<Item = usize> {
    let around = |len: usize| len - 2..=len + 2;
    [B::KARATSUBA_LIMBS, B::KARATSUBA_SQUARE_LIMBS]
        .into_iter()
        .flat_map(|len| [len, 2 * len, 4 * len])
        .chain([344, 496, 640, 896]) // where transforms begin
        .chain([383, 385, 511, 513, 767, 769, 1023, 1025, 1535, 1537, 2047, 2049])
        .flat_map(around)
}

fn products_agree_at<B: Tested>(lengths: impl Iterator<Item = usize>) {
    let config = ProptestConfig { cases: 6, ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    for len in lengths {
        let numbers = (B::number(len), B::number(len));
        let check = |(a, b): (Vec<u64>, Vec<u64>)| {
            products_agree::<B>(&a, &b);
            Ok(())
        };
        runner.run(&numbers, check).unwrap();
        let largest = vec![(B::BASE - 1) as u64; len];
        products_agree::<B>(&largest, &largest);
        let mut one_limb = vec![0; len];
        one_limb[len / 2] = 1;
        products_agree::<B>(&largest, &one_limb);
        products_agree::<B>(&one_limb, &largest);
    }
}

#[test]
fn short_products_agree_with_num_bigint() {
    products_agree_at::<Binary>(1..300);
    products_agree_at::<Decimal>(1..300);
}

#[test]
fn products_agree_with_num_bigint_at_the_crossovers() {
    products_agree_at::<Binary>(lengths::<Binary>());
    products_agree_at::<Decimal>(lengths::<Decimal>());
}

/// The lengths where transforms take another size, and the longest columns.
#[test]
fn long_products_by_transforms_agree_with_num_bigint() {
    let Some(_) = Ifma::detect() else { return };
    fn check<B: Tested>(len: usize) {
        let largest = vec![(B::BASE - 1) as u64; len];
        let digits: Vec<u64> = (1..=len as u64)
            .map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % ((B::BASE - 1) as u64))
            .collect();
        products_agree::<B>(&largest, &largest);
        products_agree::<B>(&largest, &digits);
        products_agree::<B>(&digits, &largest);
    }
    for len in [3071, 3073, 4096, 4097, 5000, 6145, 9001] {
        check::<Binary>(len);
        check::<Decimal>(len);
    }
}

#[test]
fn long_products_agree_with_karatsuba() {
    let a: Vec<u64> =
        (0..).map(|i: u64| (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).take(700).collect();
    let b: Vec<u64> = a.iter().rev().copied().collect();
    let mut scratch = vec![0; scratch_limbs(a.len())];
    let (mut karatsuba, mut long) = (vec![0; 1400], vec![0; 1400]);
    multiply_with::<Binary>(None, &mut karatsuba, &a, &b, &mut scratch);
    Binary::multiply_long(&mut long, &a, &b);
    assert_eq!(karatsuba, long);
}

fn seeks_agree<B: Tested>(indices: impl Iterator<Item = u64>) {
    let (mut seeker, control) = (Seeker::<B>::default(), Control::default());
    for n in indices {
        let (lower, upper) = pair_by_addition(n);
        assert!(B::value(seeker.number(n, &control).unwrap()) == upper, "F({n})");
        if n > 0 {
            let found = seeker.pair(n, &control).unwrap();
            assert!(B::value(found.0) == lower && B::value(found.1) == upper, "the pair at {n}");
        }
    }
}

/// (F(n-1), F(n)).
fn pair_by_addition(n: u64) -> (BigUint, BigUint) {
    let (mut a, mut b) = (BigUint::from(1u32), BigUint::ZERO);
    for _ in 0..n {
        (a, b) = (b.clone(), a + b);
    }
    (a, b)
}

#[test]
fn doubling_agrees_with_addition() {
    let sizes = [93, 94, 186, 187, 3000, 4096, 12_345, 23_456];
    seeks_agree::<Binary>((0..400).chain(sizes));
    seeks_agree::<Decimal>((0..400).chain(sizes));
}

/// From (F(n-1), F(n)) to any near index.
#[test]
fn jumps_agree_with_doubling() {
    fn check<B: Tested>(n: u64, d: u64) {
        let mut seeker = Seeker::<B>::default();
        let (lower, upper) = seeker.pair(n, &Control::default()).unwrap();
        let (mut lower, mut upper) = (lower.to_vec(), upper.to_vec());
        jump::<B>(&mut lower, &mut upper, d);
        let expected = pair(n + d);
        assert!((B::value(&lower), B::value(&upper)) == expected, "from {n} by {d}");
        advance::<B>(&mut lower, &mut upper);
        assert!(B::value(&upper) == pair(n + d + 1).1, "from {n} by {d} and 1");
    }
    for n in [1, 2, 90, 92, 93, 186, 187, 1000, 1001] {
        (1..=Binary::LONGEST_JUMP).for_each(|d| check::<Binary>(n, d));
        (1..=Decimal::LONGEST_JUMP).for_each(|d| check::<Decimal>(n, d));
    }
}

proptest! {
    #[test]
    fn binary_sums((a, b) in two_numbers::<Binary>()) {
        sums_agree::<Binary>(&a, &b);
    }

    #[test]
    fn decimal_sums((a, b) in two_numbers::<Decimal>()) {
        sums_agree::<Decimal>(&a, &b);
    }

    #[test]
    fn small_values(value: u128) {
        let (mut binary, mut decimal) = ([0; 3], [0; 4]);
        Binary::store(value, &mut binary);
        Decimal::store(value, &mut decimal);
        prop_assert_eq!(Binary::value(&binary), BigUint::from(value));
        prop_assert_eq!(Decimal::value(&decimal), BigUint::from(value));
    }

    #[test]
    fn splits(high: u64, low in Decimal::limb()) {
        let sum = u128::from(high) * Decimal::BASE + u128::from(low);
        prop_assert_eq!(Decimal::split(sum), (low, high));
    }
}

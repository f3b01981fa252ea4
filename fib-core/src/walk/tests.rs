//! Walks against num-bigint, with every level of vector instructions that this processor has. Numbers often have
//! limbs of ones and digits of nine, so that carries run far and guesses are wrong.

use super::*;
use crate::table::from_limbs;
use crate::text::{characters, limbs_for, store_characters};
use num_bigint::BigUint;
use proptest::prelude::*;

/// A walk: fills slots of a length.
type Filled = fn(SimdLevel, &mut [u64], usize);

/// Checks a walk from two numbers with every level. `value` reads a slot, and sums wrap at `end`.
fn check(
    walk: Filled,
    first_two: &[u64],
    steps: usize,
    end: &BigUint,
    value: fn(&[u64]) -> BigUint,
) {
    let len = first_two.len() / 2;
    for level in SimdLevel::ALL.into_iter().filter(|&level| level <= SimdLevel::highest()) {
        let mut slots = first_two.to_vec();
        slots.resize((steps + 2) * len, 0x3535_3535_3535_3535);
        walk(level, &mut slots, len);
        let values: Vec<BigUint> = slots.chunks(len).map(value).collect();
        assert_eq!(slots[..2 * len], *first_two);
        for (i, sum) in values.iter().enumerate().skip(2) {
            let expected = (&values[i - 2] + &values[i - 1]) % end;
            assert_eq!(*sum, expected, "step {i}, {len} limbs, {level}");
        }
    }
}

fn check_binary(first_two: &[u64], steps: usize) {
    let end = BigUint::from(1u32) << (32 * first_two.len());
    check(binary, first_two, steps, &end, from_limbs);
}

fn check_text(digits: &[u8], steps: usize) {
    let len = limbs_for(digits.len() / 2);
    let mut first_two = vec![0; 2 * len];
    let (lower, upper) = digits.split_at(digits.len() / 2);
    store_characters(lower, &mut first_two[..len]);
    store_characters(&upper[..lower.len()], &mut first_two[len..]);
    let end = BigUint::from(10u32).pow(8 * len as u32);
    let value = |slot: &[u64]| BigUint::parse_bytes(characters(slot), 10).unwrap();
    check(text, &first_two, steps, &end, value);
}

#[test]
fn every_length() {
    let mut state = 1u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for len in (1..=140).chain([200, 217, 255, 256, 257, 523]) {
        let limbs: Vec<u64> = (0..2 * len).map(|_| random()).collect();
        check_binary(&limbs, 5);
        let digits: Vec<u8> = (0..16 * len).map(|_| b'0' + (random() >> 20) as u8 % 10).collect();
        check_text(&digits, 5);
    }
}

/// A carry that runs through the whole number, from each place.
#[test]
fn carries_run_through_whole_numbers() {
    for len in [1, 2, 7, 8, 9, 16, 17, 24, 63, 64, 65, 130] {
        for place in 0..len {
            let mut limbs = vec![u64::MAX; 2 * len];
            limbs[len..].fill(0);
            limbs[len + place] = 1;
            check_binary(&limbs, 4);
            let mut digits = vec![b'9'; 16 * len];
            digits[8 * len..].fill(b'0');
            digits[16 * len - 1 - place] = b'1';
            check_text(&digits, 4);
        }
    }
}

proptest! {
    #[test]
    fn walks_agree_with_num_bigint(
        limbs in prop::collection::vec(prop_oneof![Just(u64::MAX), Just(0), Just(1), any::<u64>()], 1..150),
        digits in prop::collection::vec(prop_oneof![3 => Just(b'9'), 2 => Just(b'0'), 1 => b'0'..=b'9'], 1..1200),
        steps in 0usize..20,
    ) {
        check_binary(&[&limbs[..], &limbs[..]].concat(), steps);
        let reversed: Vec<u64> = limbs.iter().rev().copied().collect();
        check_binary(&[&limbs[..], &reversed[..]].concat(), steps);
        check_text(&[&digits[..], &digits[..]].concat(), steps);
        let reversed: Vec<u8> = digits.iter().rev().copied().collect();
        check_text(&[&digits[..], &reversed[..]].concat(), steps);
    }
}

#[test]
#[should_panic = "7 limbs are not numbers of 2 limbs"]
fn a_list_of_another_length_is_refused() {
    binary(SimdLevel::Portable, &mut [0; 7], 2);
}

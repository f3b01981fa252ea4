//! Right answers from an independent source: plain additions.

use fib_core::{Form, Table};
use num_bigint::BigUint;
use std::sync::LazyLock;

/// F(0) to F(`last`), computed by addition.
pub fn fibonacci_upto(last: u64) -> Vec<BigUint> {
    let (mut a, mut b) = (BigUint::ZERO, BigUint::from(1u32));
    let step = |_| {
        let next = &a + &b;
        std::mem::replace(&mut a, std::mem::replace(&mut b, next))
    };
    (0..=last).map(step).collect()
}

/// The largest index that the suite computes.
pub(crate) const LAST: u64 = 3000;

static ANSWERS: LazyLock<Vec<BigUint>> = LazyLock::new(|| fibonacci_upto(LAST));

/// The answers in decimal digits.
static DIGITS: LazyLock<Vec<String>> =
    LazyLock::new(|| ANSWERS.iter().map(BigUint::to_string).collect());

/// Asserts that `table` holds the Fibonacci numbers of `wanted`, in this order.
pub(crate) fn assert_right(table: &Table, wanted: &[u64], what: &str) {
    assert_eq!(table.len(), wanted.len(), "{what}");
    for (i, &n) in wanted.iter().enumerate() {
        assert_right_at(table, i, n, what);
    }
}

/// Asserts that result `i` of `table` is F(`n`): without leading zero limbs, as text, or modulo m.
pub(crate) fn assert_right_at(table: &Table, i: usize, n: u64, what: &str) {
    assert_eq!(table.index(i), n, "{what}");
    let answer = &ANSWERS[n as usize];
    match table.layout().kernel().form() {
        Form::Binary => {
            let limbs = answer.to_u64_digits();
            assert_eq!(table.limbs(i), Some(&limbs[..]), "{what}: F({n})");
        }
        Form::Text => {
            let digits = &*DIGITS[n as usize];
            assert_eq!(table.text(i).as_deref(), Some(digits), "{what}: F({n}) as text");
        }
        Form::Residue(modulus) => {
            let residue = answer % modulus.get().map_or(1 << 64, u128::from);
            assert_eq!(table.to_biguint(i), Some(residue), "{what}: F({n}) modulo {modulus}");
        }
    }
}

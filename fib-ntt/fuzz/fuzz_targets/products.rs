//! Quadratic forms of any two numbers, at any level, in any base: refused for a good reason, or right modulo 2^61 - 1.
#![no_main]

use fib_ntt::{Base, Level, OneThread, Quadratic, ProductError, Transforms};
use libfuzzer_sys::fuzz_target;

/// The level, the base, the coefficients, and by how much the two numbers are repeated.
const HEAD: usize = 7;

const MODULUS: i128 = (1 << 61) - 1;

fuzz_target!(|input: &[u8]| {
    let Some((head, rest)) = input.split_at_checked(HEAD) else { return };
    let level = Level::ALL[usize::from(head[0]) % Level::ALL.len()];
    let base = if head[1] % 2 == 0 { Base::Binary } else { Base::Decimal };
    let [xx, xy, yy] = [head[2], head[3], head[4]].map(|byte| byte.cast_signed() % 10);
    let form = Quadratic { xx, xy, yy };
    let (low, high) = rest.split_at(rest.len() / 2);
    let (x, y) = (number(low, head[5], base), number(high, head[6], base));
    let mut out = vec![u64::MAX; 2 * x.len().max(y.len()) + 1];
    let mut transforms = Transforms::with_level(level);
    match transforms.quadratics(&mut [(form, &mut out)], &x, &y, base, &OneThread) {
        Ok(()) => assert_eq!(residue(&out, base), value(form, &x, &y, base)),
        Err(ProductError::Coefficients { weight }) => assert!(weight > Quadratic::MOST_WEIGHT),
        Err(ProductError::Negative) => assert!(xx < 0 || xy < 0 || yy < 0),
        Err(refusal) => panic!("{refusal}"),
    }
});

/// The digits that the bytes make, written several times.
fn number(bytes: &[u8], times: u8, base: Base) -> Vec<u64> {
    let limit = if base == Base::Decimal { 10_u64.pow(19) } else { u64::MAX };
    let digits = bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
    let digits: Vec<u64> =
        digits.map(|digit| if base == Base::Decimal { digit % limit } else { digit }).collect();
    digits.repeat(usize::from(times))
}

fn residue(digits: &[u64], base: Base) -> i128 {
    let base = if base == Base::Decimal { 10_i128.pow(19) } else { 1 << 64 } % MODULUS;
    digits.iter().rfold(0, |sum, &digit| (sum * base + i128::from(digit)) % MODULUS)
}

fn value(form: Quadratic, x: &[u64], y: &[u64], base: Base) -> i128 {
    let (x, y) = (residue(x, base), residue(y, base));
    let terms = [(form.xx, x * x), (form.xy, x * y), (form.yy, y * y)];
    let sum: i128 = terms.map(|(c, product)| i128::from(c) * (product % MODULUS)).into_iter().sum();
    sum.rem_euclid(MODULUS)
}

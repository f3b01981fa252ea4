//! Base 10^15, the largest power of ten below 2^52.

use super::{Base, Ifma};
use crate::size;

/// Base 10^15: a limb is fifteen decimal digits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Decimal;

/// The number of decimal digits of a limb.
pub(crate) const LIMB_DIGITS: usize = 15;

const BASE: u64 = 1_000_000_000_000_000;

/// 2^64 minus the base. Adding it to the sum of two limbs carries out of 64 bits exactly if the sum of the
/// limbs carries in base 10^15.
const COMPLEMENT: u64 = BASE.wrapping_neg();

impl Base for Decimal {
    const KARATSUBA_LIMBS: usize = 64;
    const KARATSUBA_SQUARE_LIMBS: usize = 112;
    const LONG_LIMBS: usize = usize::MAX;
    const IFMA_LIMBS: usize = 4;
    const LONGEST_JUMP: u64 = 71;

    fn limbs(n: u64) -> usize {
        let digits = if n == 0 { 0 } else { size::digits(n) };
        usize::try_from(digits.div_ceil(LIMB_DIGITS as u64)).unwrap_or(usize::MAX)
    }

    fn store(value: u128, out: &mut [u64]) {
        let (mut high, mut low) = ((value >> 64) as u64, value as u64);
        for limb in &mut *out {
            let rest = high % BASE;
            high /= BASE;
            (low, *limb) = divide(u128::from(rest) << 64 | u128::from(low));
        }
        assert!((high, low) == (0, 0), "{value} does not fit {} limbs", out.len());
    }

    #[inline(always)]
    fn add_limbs(a: u64, b: u64, carry: bool) -> (u64, bool) {
        let (sum, carry) = a.carrying_add(b + COMPLEMENT, carry); // b is below the base
        (if carry { sum } else { sum.wrapping_sub(COMPLEMENT) }, carry)
    }

    #[inline(always)]
    fn subtract_limbs(a: u64, b: u64, borrow: bool) -> (u64, bool) {
        let (difference, borrow) = a.borrowing_sub(b, borrow);
        (if borrow { difference.wrapping_sub(COMPLEMENT) } else { difference }, borrow)
    }

    #[inline(always)]
    fn split(sum: u128) -> (u64, u64) {
        let (quotient, remainder) = divide(sum);
        (remainder, quotient)
    }

    /// Sums two columns of the product in each pass, the lowest first. Each limb of `a` is loaded once for
    /// both, and the two sums do not wait for each other. A column of fewer than 2^28 products has fewer than
    /// 128 bits.
    fn multiply_schoolbook(out: &mut [u64], a: &[u64], b: &[u64]) {
        let last = a.len() - 1;
        let mut carry = 0;
        for (i, pair) in out.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let k = 2 * i;
            let [mut even, mut odd];
            if k < last {
                [even, odd] = two_columns(&a[..=k], &b[..=k + 1]);
                odd += product(a[k + 1], b[0]);
            } else {
                [even, odd] = two_columns(&a[k + 1 - last..], &b[k - last..]);
                even += product(a[k - last], b[last]);
            }
            carry = store_columns(pair, [even, odd], carry);
        }
    }

    fn square_schoolbook(out: &mut [u64], a: &[u64]) {
        let last = a.len() - 1;
        let mut carry = 0;
        for (i, pair) in out.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let k = 2 * i;
            let [mut even, mut odd];
            if k < last {
                [even, odd] = two_columns(&a[..i], &a[i + 1..=k + 1]);
            } else {
                [even, odd] = two_columns(&a[(k + 1 - last).min(i)..i], &a[i + 1..]);
                if k - last < i {
                    even += product(a[k - last], a[last]);
                }
            }
            if i < last {
                odd += product(a[i], a[i + 1]);
            }
            even = 2 * even + product(a[i], a[i]);
            odd *= 2;
            carry = store_columns(pair, [even, odd], carry);
        }
    }

    fn multiply_ifma(ifma: Ifma, out: &mut [u64], a: &[u64], b: &[u64], scratch: &mut [u64]) {
        ifma.multiply_decimal(out, a, b, scratch);
    }

    fn square_ifma(ifma: Ifma, out: &mut [u64], a: &[u64], scratch: &mut [u64]) {
        ifma.square_decimal(out, a, scratch);
    }

    fn multiply_long(_out: &mut [u64], _a: &[u64], _b: &[u64]) {
        unreachable!("no number has usize::MAX limbs")
    }
}

#[inline(always)]
fn product(x: u64, y: u64) -> u128 {
    u128::from(x) * u128::from(y)
}

/// The sums of a[i] b[m - 1 - i] and of a[i] b[m - i], where m is the length of `a`. `b` has one limb
/// more than `a`.
#[inline(always)]
fn two_columns(a: &[u64], b: &[u64]) -> [u128; 2] {
    let mut columns = [0; 2];
    for (&x, y) in a.iter().zip(b.array_windows::<2>().rev()) {
        columns[0] += product(x, y[0]);
        columns[1] += product(x, y[1]);
    }
    columns
}

/// Stores two limbs of a product. Returns the carry to the next column.
#[inline(always)]
fn store_columns(pair: &mut [u64; 2], columns: [u128; 2], mut carry: u64) -> u64 {
    for (limb, column) in pair.iter_mut().zip(columns) {
        (carry, *limb) = divide(column + u128::from(carry));
    }
    carry
}

/// The base, shifted so that its highest bit is set.
const DIVISOR: u64 = BASE << SHIFT;
const SHIFT: u32 = BASE.leading_zeros();

/// floor((2^128 - 1) / DIVISOR) - 2^64.
const RECIPROCAL: u64 = (u128::MAX / DIVISOR as u128 - (1 << 64)) as u64;

/// A sum below 2^64 times the base, divided by the base: quotient and remainder.
///
/// By a product with the reciprocal of the base: Möller and Granlund, Improved division by invariant
/// integers, IEEE Transactions on Computers 60 (2011), algorithm 4.
#[inline(always)]
fn divide(sum: u128) -> (u64, u64) {
    let dividend = sum << SHIFT;
    let (high, low) = ((dividend >> 64) as u64, dividend as u64);
    let estimate = u128::from(RECIPROCAL) * u128::from(high) + dividend;
    let mut quotient = ((estimate >> 64) as u64).wrapping_add(1);
    let mut remainder = low.wrapping_sub(quotient.wrapping_mul(DIVISOR));
    if remainder > estimate as u64 {
        quotient = quotient.wrapping_sub(1);
        remainder = remainder.wrapping_add(DIVISOR);
    }
    if remainder >= DIVISOR {
        quotient += 1;
        remainder -= DIVISOR;
    }
    (quotient, remainder >> SHIFT)
}

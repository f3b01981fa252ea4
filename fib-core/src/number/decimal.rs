//! Base 10^19, the largest power of ten below 2^64.

use super::Base;
use crate::size;

/// Base 10^19: a limb is nineteen decimal digits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Decimal;

/// The number of decimal digits of a limb.
pub(crate) const LIMB_DIGITS: usize = 19;

const BASE: u64 = 10_000_000_000_000_000_000;

/// 2^64 minus the base. Adding it to the sum of two limbs carries out of 64 bits exactly if the sum of the
/// limbs carries in base 10^19.
const COMPLEMENT: u64 = BASE.wrapping_neg();

/// floor((2^128 - 1) / 10^19) - 2^64.
const RECIPROCAL: u64 = (u128::MAX / BASE as u128 - (1 << 64)) as u64;

impl Base for Decimal {
    const KARATSUBA_LIMBS: usize = 40;
    const KARATSUBA_SQUARE_LIMBS: usize = 96;
    const LONG_LIMBS: usize = usize::MAX;

    fn limbs(n: u64) -> usize {
        let digits = if n == 0 { 0 } else { size::digits(n) };
        usize::try_from(digits.div_ceil(LIMB_DIGITS as u64)).unwrap_or(usize::MAX)
    }

    fn store(value: u128, out: &mut [u64]) {
        let (mut high, mut low) = ((value >> 64) as u64, value as u64);
        for limb in &mut *out {
            let remainder;
            (high, remainder) = divide(0, high);
            (low, *limb) = divide(remainder, low);
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
        let (quotient, remainder) = divide((sum >> 64) as u64, sum as u64);
        (remainder, quotient)
    }

    /// Sums two columns of the product in each pass, the lowest first. Each limb of `a` is loaded once for
    /// both, and the two sums do not wait for each other.
    fn multiply_schoolbook(out: &mut [u64], a: &[u64], b: &[u64]) {
        let last = a.len() - 1;
        let mut carry = 0;
        for (i, pair) in out.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let k = 2 * i;
            let [mut even, mut odd];
            if k < last {
                [even, odd] = two_columns(&a[..=k], &b[..=k + 1]);
                odd.add_product(a[k + 1], b[0]);
            } else {
                [even, odd] = two_columns(&a[k + 1 - last..], &b[k - last..]);
                even.add_product(a[k - last], b[last]);
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
                    even.add_product(a[k - last], a[last]);
                }
            }
            if i < last {
                odd.add_product(a[i], a[i + 1]);
            }
            even.double();
            odd.double();
            even.add_product(a[i], a[i]);
            carry = store_columns(pair, [even, odd], carry);
        }
    }

    fn multiply_long(_out: &mut [u64], _a: &[u64], _b: &[u64]) {
        unreachable!("no number has usize::MAX limbs")
    }
}

/// A sum of products of limbs, with 192 bits.
#[derive(Clone, Copy, Default)]
struct Column {
    low: u128,
    high: u64,
}

impl Column {
    #[inline(always)]
    fn add(&mut self, value: u128) {
        let overflow;
        (self.low, overflow) = self.low.overflowing_add(value);
        self.high += u64::from(overflow);
    }

    #[inline(always)]
    fn add_product(&mut self, x: u64, y: u64) {
        self.add(u128::from(x) * u128::from(y));
    }

    #[inline(always)]
    fn double(&mut self) {
        self.high = self.high << 1 | (self.low >> 127) as u64;
        self.low <<= 1;
    }

    /// The sum modulo the base, and the sum divided by the base.
    #[inline(always)]
    fn split(self) -> (u64, u128) {
        let (high, rest) = divide(self.high, (self.low >> 64) as u64);
        let (low, remainder) = divide(rest, self.low as u64);
        (remainder, u128::from(high) << 64 | u128::from(low))
    }
}

/// The sums of a[i] b[m - 1 - i] and of a[i] b[m - i], where m is the length of `a`. `b` has one limb
/// more than `a`.
#[inline(always)]
fn two_columns(a: &[u64], b: &[u64]) -> [Column; 2] {
    let mut columns = [Column::default(); 2];
    for (&x, y) in a.iter().zip(b.array_windows::<2>().rev()) {
        columns[0].add_product(x, y[0]);
        columns[1].add_product(x, y[1]);
    }
    columns
}

/// Stores two limbs of a product. Returns the carry to the next column.
#[inline(always)]
fn store_columns(pair: &mut [u64; 2], columns: [Column; 2], mut carry: u128) -> u128 {
    for (limb, mut column) in pair.iter_mut().zip(columns) {
        column.add(carry);
        (*limb, carry) = column.split();
    }
    carry
}

/// `high * 2^64 + low`, divided by 10^19: quotient and remainder. `high` is below 10^19.
///
/// By a product with the reciprocal of the base: Möller and Granlund, Improved division by invariant
/// integers, IEEE Transactions on Computers 60 (2011), algorithm 4.
#[inline(always)]
fn divide(high: u64, low: u64) -> (u64, u64) {
    let estimate =
        u128::from(RECIPROCAL) * u128::from(high) + (u128::from(high) << 64 | u128::from(low));
    let mut quotient = ((estimate >> 64) as u64).wrapping_add(1);
    let mut remainder = low.wrapping_sub(quotient.wrapping_mul(BASE));
    if remainder > estimate as u64 {
        quotient = quotient.wrapping_sub(1);
        remainder = remainder.wrapping_add(BASE);
    }
    if remainder >= BASE {
        quotient += 1;
        remainder -= BASE;
    }
    (quotient, remainder)
}

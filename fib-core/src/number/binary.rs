//! Base 2^64.

use super::{Base, Ifma};
use crate::size;
use crate::table::from_limbs;

/// Base 2^64: a limb is a digit with 64 bits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Binary;

impl Base for Binary {
    const KARATSUBA_LIMBS: usize = 24;
    const KARATSUBA_SQUARE_LIMBS: usize = 56;
    const LONG_LIMBS: usize = 10_000;
    const IFMA_LIMBS: usize = 8;
    const LONGEST_JUMP: u64 = 90; // F(92) is even below 2^63

    fn limbs(n: u64) -> usize {
        size::limbs(n)
    }

    fn store(value: u128, out: &mut [u64]) {
        let parts = [value as u64, (value >> 64) as u64];
        let used = out.len().min(2);
        out[..used].copy_from_slice(&parts[..used]);
        out[used..].fill(0);
        assert!(parts[used..].iter().all(|&part| part == 0), "{value} does not fit {used} limbs");
    }

    #[inline(always)]
    fn add_limbs(a: u64, b: u64, carry: bool) -> (u64, bool) {
        a.carrying_add(b, carry)
    }

    #[inline(always)]
    fn subtract_limbs(a: u64, b: u64, borrow: bool) -> (u64, bool) {
        a.borrowing_sub(b, borrow)
    }

    #[inline(always)]
    fn split(sum: u128) -> (u64, u64) {
        (sum as u64, (sum >> 64) as u64)
    }

    fn multiply_schoolbook(out: &mut [u64], a: &[u64], b: &[u64]) {
        // With a constant length the compiler unrolls the loops, which halves the time of short products.
        match a.len() {
            2 => multiply_rows(&mut out[..4], &a[..2], &b[..2]),
            3 => multiply_rows(&mut out[..6], &a[..3], &b[..3]),
            4 => multiply_rows(&mut out[..8], &a[..4], &b[..4]),
            5 => multiply_rows(&mut out[..10], &a[..5], &b[..5]),
            6 => multiply_rows(&mut out[..12], &a[..6], &b[..6]),
            7 => multiply_rows(&mut out[..14], &a[..7], &b[..7]),
            _ => multiply_rows(out, a, b),
        }
    }

    fn square_schoolbook(out: &mut [u64], a: &[u64]) {
        match a.len() {
            2 => square_rows(&mut out[..4], &a[..2]),
            3 => square_rows(&mut out[..6], &a[..3]),
            4 => square_rows(&mut out[..8], &a[..4]),
            5 => square_rows(&mut out[..10], &a[..5]),
            6 => square_rows(&mut out[..12], &a[..6]),
            7 => square_rows(&mut out[..14], &a[..7]),
            _ => square_rows(out, a),
        }
    }

    fn multiply_ifma(ifma: Ifma, out: &mut [u64], a: &[u64], b: &[u64], scratch: &mut [u64]) {
        ifma.multiply_binary(out, a, b, scratch);
    }

    fn square_ifma(ifma: Ifma, out: &mut [u64], a: &[u64], scratch: &mut [u64]) {
        ifma.square_binary(out, a, scratch);
    }

    /// By `num-bigint`, which has Toom-3.
    fn multiply_long(out: &mut [u64], a: &[u64], b: &[u64]) {
        let product = from_limbs(a) * from_limbs(b);
        let digits = product.iter_u64_digits().chain(std::iter::repeat(0));
        out.iter_mut().zip(digits).for_each(|(limb, digit)| *limb = digit);
    }
}

/// Adds the rows in pairs: two chains of carries keep the processor busier than one, and each limb
/// of `out` is loaded once for two rows.
#[inline(always)]
fn multiply_rows(out: &mut [u64], a: &[u64], b: &[u64]) {
    out.fill(0);
    let (pairs, last) = b.as_chunks::<2>();
    for (i, pair) in pairs.iter().enumerate() {
        let row = &mut out[2 * i..][..a.len() + 2];
        add_two_rows(row, a, *pair, 0);
    }
    if let [factor] = last {
        let row = &mut out[b.len() - 1..];
        let mut carry = 0;
        for (limb, &x) in row.iter_mut().zip(a) {
            (*limb, carry) = x.carrying_mul_add(*factor, *limb, carry);
        }
        row[a.len()] = carry;
    }
}

/// Adds the products of different limbs once, then doubles their sum and adds the squares.
#[inline(always)]
fn square_rows(out: &mut [u64], a: &[u64]) {
    out.fill(0);
    let (pairs, _) = a.as_chunks::<2>();
    for (i, &[x, y]) in pairs.iter().enumerate() {
        let rest = &a[2 * i + 2..];
        let product = &mut out[4 * i + 1..];
        let (low, high) = x.carrying_mul_add(y, product[0], 0);
        product[0] = low;
        add_two_rows(&mut product[1..][..rest.len() + 2], rest, [x, y], high);
    }
    let (mut shifted_out, mut carry) = (0, false);
    let (places, _) = out.as_chunks_mut::<2>();
    for (place, &x) in places.iter_mut().zip(a) {
        let (low, high) = x.carrying_mul(x, 0);
        let doubled = [place[0] << 1 | shifted_out, place[1] << 1 | place[0] >> 63];
        shifted_out = place[1] >> 63;
        (place[0], carry) = doubled[0].carrying_add(low, carry);
        (place[1], carry) = doubled[1].carrying_add(high, carry);
    }
}

/// `row += a * factors + carry`. `row` is two limbs longer than `a`, and its two highest limbs are zero.
#[inline(always)]
fn add_two_rows(row: &mut [u64], a: &[u64], factors: [u64; 2], carry: u64) {
    let (low, high) = row.split_at_mut(a.len());
    let mut carries = [carry, 0];
    let mut previous = 0u64; // the second row is one limb behind
    for (limb, &x) in low.iter_mut().zip(a) {
        let sum;
        (sum, carries[0]) = x.carrying_mul_add(factors[0], *limb, carries[0]);
        (*limb, carries[1]) = previous.carrying_mul_add(factors[1], sum, carries[1]);
        previous = x;
    }
    (high[0], high[1]) = previous.carrying_mul_add(factors[1], carries[0], carries[1]);
}

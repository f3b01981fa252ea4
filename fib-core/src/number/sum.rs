//! Sums and differences.
//!
//! Within an unrolled block the carry stays in a processor flag; it is spilled only between blocks.
//! So numbers are added in blocks of 16 limbs, then in blocks of 4, then limb by limb.

use super::Base;
use super::doubling::small;

/// `out = a + b`. `out` is as long as the longer of the two numbers, or one limb longer.
#[inline]
pub(crate) fn sum<B: Base>(out: &mut [u64], a: &[u64], b: &[u64]) {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let (low, high) = long.split_at(short.len());
    let (out_low, out_high) = out.split_at_mut(short.len());
    let mut carry = sum_equal::<B>(out_low, low, short);
    for (i, limb) in out_high.iter_mut().enumerate() {
        let high_limb = high.get(i).copied().unwrap_or(0);
        (*limb, carry) = B::add_limbs(high_limb, 0, carry);
    }
}

/// `a += b`, where `a` is at least as long as `b`. Returns the carry out.
#[inline]
pub(crate) fn add<B: Base>(a: &mut [u64], b: &[u64]) -> bool {
    let (low, high) = a.split_at_mut(b.len());
    let carry = update(low, b, B::add_limbs);
    carry && increment::<B>(high, 1)
}

/// `a -= b`, both of the same length. Returns the borrow out.
#[inline]
pub(super) fn subtract<B: Base>(a: &mut [u64], b: &[u64]) -> bool {
    update(a, b, B::subtract_limbs)
}

/// `out = a - b` if this is not negative, and `out = b - a` otherwise. All three have the same length.
/// Returns whether a is less than b.
pub(super) fn difference<B: Base>(out: &mut [u64], a: &[u64], b: &[u64]) -> bool {
    let is_less = a.iter().rev().lt(b.iter().rev());
    let (larger, smaller) = if is_less { (b, a) } else { (a, b) };
    zip_limbs(out, larger, smaller, B::subtract_limbs);
    is_less
}

/// `c = a + b - c`, or `c = a + b + c` if `is_negative`. `a` and `c` have the same length, and `b` is at most
/// as long. Returns what carries out, which may be negative.
pub(super) fn fold<B: Base>(c: &mut [u64], a: &[u64], b: &[u64], is_negative: bool) -> i8 {
    let (c_low, c_high) = c.split_at_mut(b.len());
    let (a_low, a_high) = a.split_at(b.len());
    let operation = if is_negative { B::add_limbs } else { B::subtract_limbs };
    let (c_blocks, c_rest) = c_low.as_chunks_mut::<4>();
    let (a_blocks, a_rest) = a_low.as_chunks::<4>();
    let (b_blocks, b_rest) = b.as_chunks::<4>();
    let (mut first, mut second) = (false, false);
    for ((c, a), b) in c_blocks.iter_mut().zip(a_blocks).zip(b_blocks) {
        for i in 0..4 {
            (c[i], first) = operation(a[i], c[i], first);
        }
        for i in 0..4 {
            (c[i], second) = B::add_limbs(c[i], b[i], second);
        }
    }
    for ((c, &a), &b) in c_rest.iter_mut().zip(a_rest).zip(b_rest) {
        (*c, first) = operation(a, *c, first);
        (*c, second) = B::add_limbs(*c, b, second);
    }
    for (c, &a) in c_high.iter_mut().zip(a_high) {
        (*c, first) = operation(a, *c, first);
        (*c, second) = B::add_limbs(*c, 0, second);
    }
    i8::from(second) + if is_negative { i8::from(first) } else { -i8::from(first) }
}

/// `a += value`. Returns the carry out. `value` is below the base.
pub(super) fn increment<B: Base>(a: &mut [u64], value: u64) -> bool {
    ripple(a, value, B::add_limbs)
}

/// `a -= value`, which is at most a. `value` is below the base.
pub(super) fn decrement<B: Base>(a: &mut [u64], value: u64) {
    ripple(a, value, B::subtract_limbs);
}

/// Adds or subtracts `value` at the lowest limb, and 1 at each limb that a carry reaches. Returns the carry
/// out.
fn ripple(
    a: &mut [u64],
    mut value: u64,
    operation: impl Fn(u64, u64, bool) -> (u64, bool),
) -> bool {
    for limb in a {
        let carry;
        (*limb, carry) = operation(*limb, value, false);
        if !carry {
            return false;
        }
        value = 1;
    }
    value > 0
}

/// From (F(n-1), F(n)) to (F(n), F(n+1)). The two numbers have the same length, and a carry makes both
/// longer.
pub(crate) fn advance<B: Base>(lower: &mut Vec<u64>, upper: &mut Vec<u64>) {
    if add::<B>(lower, upper) {
        lower.push(1);
        upper.push(0);
    }
    std::mem::swap(lower, upper);
}

/// From (F(n-1), F(n)) to (F(n+d-1), F(n+d)), where d is at least 1 and at most
/// [`LONGEST_JUMP`](Base::LONGEST_JUMP).
/// The two numbers have the same length, and a carry makes both longer.
///
/// F(n+d) = F(d+1) F(n) + F(d) F(n-1): Graham, Knuth and Patashnik, Concrete Mathematics, 6.6.
pub(crate) fn jump<B: Base>(lower: &mut Vec<u64>, upper: &mut Vec<u64>, d: u64) {
    // The factors are at most F(91), and the sum of two of them is at most F(92), which is below 2^63.
    let [f, g, h] = [d - 1, d, d + 1].map(|n| small(n).map_or(0, |number| number as u64));
    let mut carries = [0u64; 2];
    for (lower, upper) in lower.iter_mut().zip(&mut *upper) {
        let product = |x: u64, y: u64| u128::from(x) * u128::from(y);
        // At most (base - 1) F(d+2) + F(d+2), so the carry is at most F(d+2) again.
        let sums = [
            product(*lower, f) + product(*upper, g) + u128::from(carries[0]),
            product(*lower, g) + product(*upper, h) + u128::from(carries[1]),
        ];
        (*lower, carries[0]) = B::split(sums[0]);
        (*upper, carries[1]) = B::split(sums[1]);
    }
    if carries[1] > 0 {
        lower.push(carries[0]);
        upper.push(carries[1]);
    }
}

/// `out = a + b`, all three of the same length. Returns the carry out.
///
/// # Panics
/// If the lengths differ.
#[inline]
pub(crate) fn sum_equal<B: Base>(out: &mut [u64], a: &[u64], b: &[u64]) -> bool {
    assert!(a.len() == out.len() && b.len() == out.len(), "numbers of different lengths");
    zip_limbs(out, a, b, B::add_limbs)
}

/// Applies `operation` to each limb of `a` and of `b`, and stores the results in `out`. All three have the
/// same length. Returns the carry out.
#[inline(always)]
fn zip_limbs(
    out: &mut [u64],
    a: &[u64],
    b: &[u64],
    operation: impl Fn(u64, u64, bool) -> (u64, bool) + Copy,
) -> bool {
    let (out_blocks, out) = out.as_chunks_mut::<16>();
    let (a_blocks, a) = a.as_chunks();
    let (b_blocks, b) = b.as_chunks();
    let mut carry = false;
    for ((out, a), b) in out_blocks.iter_mut().zip(a_blocks).zip(b_blocks) {
        carry = zip_block(out, a, b, carry, operation);
    }
    let (out_blocks, out) = out.as_chunks_mut::<4>();
    let (a_blocks, a) = a.as_chunks();
    let (b_blocks, b) = b.as_chunks();
    for ((out, a), b) in out_blocks.iter_mut().zip(a_blocks).zip(b_blocks) {
        carry = zip_block(out, a, b, carry, operation);
    }
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        (*out, carry) = operation(a, b, carry);
    }
    carry
}

#[inline(always)]
fn zip_block<const N: usize>(
    out: &mut [u64; N],
    a: &[u64; N],
    b: &[u64; N],
    mut carry: bool,
    operation: impl Fn(u64, u64, bool) -> (u64, bool),
) -> bool {
    for i in 0..N {
        (out[i], carry) = operation(a[i], b[i], carry);
    }
    carry
}

/// Applies `operation` to each limb of `a` and of `b`, and stores the result in `a`. Both have the same
/// length. Returns the carry out.
#[inline(always)]
fn update(
    a: &mut [u64],
    b: &[u64],
    operation: impl Fn(u64, u64, bool) -> (u64, bool) + Copy,
) -> bool {
    let (a_blocks, a) = a.as_chunks_mut::<16>();
    let (b_blocks, b) = b.as_chunks();
    let mut carry = false;
    for (a, b) in a_blocks.iter_mut().zip(b_blocks) {
        carry = update_block(a, b, carry, operation);
    }
    let (a_blocks, a) = a.as_chunks_mut::<4>();
    let (b_blocks, b) = b.as_chunks();
    for (a, b) in a_blocks.iter_mut().zip(b_blocks) {
        carry = update_block(a, b, carry, operation);
    }
    for (a, &b) in a.iter_mut().zip(b) {
        (*a, carry) = operation(*a, b, carry);
    }
    carry
}

#[inline(always)]
fn update_block<const N: usize>(
    a: &mut [u64; N],
    b: &[u64; N],
    mut carry: bool,
    operation: impl Fn(u64, u64, bool) -> (u64, bool),
) -> bool {
    for i in 0..N {
        (a[i], carry) = operation(a[i], b[i], carry);
    }
    carry
}

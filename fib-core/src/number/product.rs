//! Products: Karatsuba's method above schoolbook multiplication.
//!
//! With a = a1 X + a0 and b = b1 X + b0, three products of half the length are enough:
//! a b = a1 b1 X^2 + (a0 b0 + a1 b1 - (a0 - a1) (b0 - b1)) X + a0 b0
//! (Karatsuba and Ofman, 1962; this form is in Knuth, The Art of Computer Programming, 4.3.3).

use super::Base;
use super::sum::{add, difference, fold, increment, subtract};

/// The scratch memory for a product of two numbers of `len` limbs, in limbs. Each level takes twice the
/// length of a half, rounded up.
pub(super) fn scratch_limbs(len: usize) -> usize {
    2 * len + 2 * usize::BITS as usize
}

/// `out = a * b`. `a` and `b` have the same length, `out` has twice this length, and `scratch` has
/// [`scratch_limbs`].
pub(super) fn multiply<B: Base>(out: &mut [u64], a: &[u64], b: &[u64], scratch: &mut [u64]) {
    if a.len() < B::KARATSUBA_LIMBS {
        return B::multiply_schoolbook(out, a, b);
    }
    if a.len() >= B::LONG_LIMBS {
        return B::multiply_long(out, a, b);
    }
    let half = a.len().div_ceil(2);
    let ((a0, a1), (b0, b1)) = (a.split_at(half), b.split_at(half));
    let (middle, scratch) = scratch.split_at_mut(2 * half);
    // The differences wait in `out` until it is overwritten.
    let (out_a, out_b) = out[..2 * half].split_at_mut(half);
    let is_negative =
        halves_difference::<B>(out_a, a0, a1) != halves_difference::<B>(out_b, b0, b1);
    multiply::<B>(middle, out_a, out_b, scratch);
    let (out_low, out_high) = out.split_at_mut(2 * half);
    multiply::<B>(out_low, a0, b0, scratch);
    multiply::<B>(out_high, a1, b1, scratch);
    add_middle::<B>(out, middle, half, is_negative);
}

/// `out = a * a`. `out` has twice the length of `a`, and `scratch` has [`scratch_limbs`].
pub(super) fn square<B: Base>(out: &mut [u64], a: &[u64], scratch: &mut [u64]) {
    if a.len() < B::KARATSUBA_SQUARE_LIMBS {
        return B::square_schoolbook(out, a);
    }
    if a.len() >= B::LONG_LIMBS {
        return B::multiply_long(out, a, a);
    }
    let half = a.len().div_ceil(2);
    let (a0, a1) = a.split_at(half);
    let (middle, scratch) = scratch.split_at_mut(2 * half);
    halves_difference::<B>(&mut out[..half], a0, a1);
    square::<B>(middle, &out[..half], scratch);
    let (out_low, out_high) = out.split_at_mut(2 * half);
    square::<B>(out_low, a0, scratch);
    square::<B>(out_high, a1, scratch);
    add_middle::<B>(out, middle, half, false);
}

/// `out = |low - high|`. `high` is as long as `low`, or one limb shorter. Returns whether low is less
/// than high.
fn halves_difference<B: Base>(out: &mut [u64], low: &[u64], high: &[u64]) -> bool {
    let (out, top) = out.split_at_mut(high.len());
    match (low.get(high.len()), top) {
        (Some(&limb), [top]) if limb > 0 => {
            out.copy_from_slice(&low[..high.len()]);
            let borrow = subtract::<B>(out, high);
            *top = B::subtract_limbs(limb, 0, borrow).0;
            false
        }
        (_, top) => {
            top.fill(0);
            difference::<B>(out, &low[..high.len()], high)
        }
    }
}

/// Adds (low + high - product) X to `out`, where X is the base to the power of `half`, low is the number
/// in the lowest `2 * half` limbs of `out`, and high is the number in the other limbs. `product` is
/// negative if `is_negative`. Afterwards `product` has unspecified contents.
fn add_middle<B: Base>(out: &mut [u64], product: &mut [u64], half: usize, is_negative: bool) {
    let (low, high) = out.split_at(2 * half);
    let mut top = fold::<B>(product, low, high, is_negative); // the limb above `product`
    let (place, above) = out[half..].split_at_mut(2 * half);
    top += i8::from(add::<B>(place, product));
    increment::<B>(above, top.unsigned_abs().into()); // the whole sum is not negative
}

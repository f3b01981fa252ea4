//! Products: by vector instructions ([`ifma`]) if the processor has them, otherwise by Karatsuba's method above
//! schoolbook multiplication.
//!
//! With a = a1 X + a0 and b = b1 X + b0, three products of half the length are enough:
//! a b = a1 b1 X^2 + (a0 b0 + a1 b1 - (a0 - a1) (b0 - b1)) X + a0 b0
//! (Karatsuba and Ofman, 1962; this form is in Knuth, The Art of Computer Programming, 4.3.3).

use super::Base;
use super::ifma::{self, Ifma};
use super::sum::{add, difference, fold, increment, subtract};

/// The scratch memory for a product of two numbers of `len` limbs, in limbs. Each level of Karatsuba's method
/// takes twice the length of a half, rounded up.
pub(super) fn scratch_limbs(len: usize) -> usize {
    let vectors = Ifma::detect().map_or(0, |_| ifma::scratch_limbs(len));
    2 * len + 2 * usize::BITS as usize + vectors
}

/// `out = a * b`. `a` and `b` have the same length, `out` has twice this length, and `scratch` has
/// [`scratch_limbs`].
pub(super) fn multiply<B: Base>(out: &mut [u64], a: &[u64], b: &[u64], scratch: &mut [u64]) {
    multiply_with::<B>(Ifma::detect(), out, a, b, scratch);
}

/// `out = a * a`. `out` has twice the length of `a`, and `scratch` has [`scratch_limbs`].
pub(super) fn square<B: Base>(out: &mut [u64], a: &[u64], scratch: &mut [u64]) {
    square_with::<B>(Ifma::detect(), out, a, scratch);
}

/// The same as [`multiply`], with vector instructions or without.
pub(super) fn multiply_with<B: Base>(
    ifma: Option<Ifma>,
    out: &mut [u64],
    a: &[u64],
    b: &[u64],
    scratch: &mut [u64],
) {
    match (ifma, a.len()) {
        (Some(ifma), len) if (B::IFMA_LIMBS..=ifma::LONGEST).contains(&len) => {
            B::multiply_ifma(ifma, out, a, b, scratch);
        }
        (_, len) if len < B::KARATSUBA_LIMBS => B::multiply_schoolbook(out, a, b),
        (None, len) if len >= B::LONG_LIMBS => B::multiply_long(out, a, b),
        _ => karatsuba::<B>(ifma, out, a, b, scratch),
    }
}

fn karatsuba<B: Base>(
    ifma: Option<Ifma>,
    out: &mut [u64],
    a: &[u64],
    b: &[u64],
    scratch: &mut [u64],
) {
    let half = a.len().div_ceil(2);
    let ((a0, a1), (b0, b1)) = (a.split_at(half), b.split_at(half));
    let (middle, scratch) = scratch.split_at_mut(2 * half);
    // The differences wait in `out` until it is overwritten.
    let (out_a, out_b) = out[..2 * half].split_at_mut(half);
    let is_negative =
        halves_difference::<B>(out_a, a0, a1) != halves_difference::<B>(out_b, b0, b1);
    multiply_with::<B>(ifma, middle, out_a, out_b, scratch);
    let (out_low, out_high) = out.split_at_mut(2 * half);
    multiply_with::<B>(ifma, out_low, a0, b0, scratch);
    multiply_with::<B>(ifma, out_high, a1, b1, scratch);
    add_middle::<B>(out, middle, half, is_negative);
}

/// The same as [`square`], with vector instructions or without.
pub(super) fn square_with<B: Base>(
    ifma: Option<Ifma>,
    out: &mut [u64],
    a: &[u64],
    scratch: &mut [u64],
) {
    match (ifma, a.len()) {
        (Some(ifma), len) if (B::IFMA_LIMBS..=ifma::LONGEST).contains(&len) => {
            B::square_ifma(ifma, out, a, scratch);
        }
        (_, len) if len < B::KARATSUBA_SQUARE_LIMBS => B::square_schoolbook(out, a),
        (None, len) if len >= B::LONG_LIMBS => B::multiply_long(out, a, a),
        _ => karatsuba_square::<B>(ifma, out, a, scratch),
    }
}

fn karatsuba_square<B: Base>(ifma: Option<Ifma>, out: &mut [u64], a: &[u64], scratch: &mut [u64]) {
    let half = a.len().div_ceil(2);
    let (a0, a1) = a.split_at(half);
    let (middle, scratch) = scratch.split_at_mut(2 * half);
    halves_difference::<B>(&mut out[..half], a0, a1);
    square_with::<B>(ifma, middle, &out[..half], scratch);
    let (out_low, out_high) = out.split_at_mut(2 * half);
    square_with::<B>(ifma, out_low, a0, scratch);
    square_with::<B>(ifma, out_high, a1, scratch);
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

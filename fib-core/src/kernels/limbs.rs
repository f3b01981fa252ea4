//! Addition of little-endian limbs: the inner loop of `iterative` and `stepping`.
//!
//! Within an unrolled block the carry stays in a processor flag; it is spilled only between blocks.
//! So numbers are added in blocks of 16 limbs, then in blocks of 4, then limb by limb.

/// `out = a + b`, all three of the same length. Returns the carry out.
fn sum_equal(out: &mut [u64], a: &[u64], b: &[u64]) -> bool {
    let (out_blocks, out) = out.as_chunks_mut::<16>();
    let (a_blocks, a) = a.as_chunks();
    let (b_blocks, b) = b.as_chunks();
    let mut carry = false;
    for ((out, a), b) in out_blocks.iter_mut().zip(a_blocks).zip(b_blocks) {
        carry = sum_block(out, a, b, carry);
    }
    let (out_blocks, out) = out.as_chunks_mut::<4>();
    let (a_blocks, a) = a.as_chunks();
    let (b_blocks, b) = b.as_chunks();
    for ((out, a), b) in out_blocks.iter_mut().zip(a_blocks).zip(b_blocks) {
        carry = sum_block(out, a, b, carry);
    }
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        (*out, carry) = a.carrying_add(b, carry);
    }
    carry
}

#[inline(always)]
fn sum_block<const N: usize>(
    out: &mut [u64; N],
    a: &[u64; N],
    b: &[u64; N],
    mut carry: bool,
) -> bool {
    for i in 0..N {
        (out[i], carry) = a[i].carrying_add(b[i], carry);
    }
    carry
}

/// `a += b`, both of the same length. Returns the carry out.
fn add_equal(a: &mut [u64], b: &[u64]) -> bool {
    let (a_blocks, a) = a.as_chunks_mut::<16>();
    let (b_blocks, b) = b.as_chunks();
    let mut carry = false;
    for (a, b) in a_blocks.iter_mut().zip(b_blocks) {
        carry = add_block(a, b, carry);
    }
    let (a_blocks, a) = a.as_chunks_mut::<4>();
    let (b_blocks, b) = b.as_chunks();
    for (a, b) in a_blocks.iter_mut().zip(b_blocks) {
        carry = add_block(a, b, carry);
    }
    for (a, &b) in a.iter_mut().zip(b) {
        (*a, carry) = a.carrying_add(b, carry);
    }
    carry
}

#[inline(always)]
fn add_block<const N: usize>(a: &mut [u64; N], b: &[u64; N], mut carry: bool) -> bool {
    for i in 0..N {
        (a[i], carry) = a[i].carrying_add(b[i], carry);
    }
    carry
}

/// `out = a + b`. `out` is as long as the longer of the two numbers, or one limb longer.
#[inline]
pub(super) fn sum(out: &mut [u64], a: &[u64], b: &[u64]) {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let (low, high) = long.split_at(short.len());
    let (out_low, out_high) = out.split_at_mut(short.len());
    let mut carry = sum_equal(out_low, low, short);
    for (i, limb) in out_high.iter_mut().enumerate() {
        let high_limb = high.get(i).copied().unwrap_or(0);
        (*limb, carry) = high_limb.carrying_add(0, carry);
    }
}

/// `a += b`, where `a` is at least as long as `b`. Returns the carry out.
#[inline]
pub(super) fn add(a: &mut [u64], b: &[u64]) -> bool {
    let (low, high) = a.split_at_mut(b.len());
    let mut carry = add_equal(low, b);
    for limb in high {
        if !carry {
            break;
        }
        (*limb, carry) = limb.carrying_add(0, carry);
    }
    carry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::from_limbs;
    use proptest::prelude::*;

    /// Limbs that are often all ones, so that carries run far.
    fn limbs() -> impl Strategy<Value = Vec<u64>> {
        let limb = prop_oneof![Just(u64::MAX), Just(0), any::<u64>()];
        prop::collection::vec(limb, 0..60)
    }

    proptest! {
        #[test]
        fn sums_agree_with_num_bigint(a in limbs(), b in limbs()) {
            let expected = from_limbs(&a) + from_limbs(&b);
            let mut out = vec![0; a.len().max(b.len()) + 1];
            sum(&mut out, &a, &b);
            prop_assert_eq!(from_limbs(&out), expected.clone());
            let (mut a, b) = if a.len() >= b.len() { (a, b) } else { (b, a) };
            let carry = add(&mut a, &b);
            a.push(carry.into());
            prop_assert_eq!(from_limbs(&a), expected);
        }
    }
}

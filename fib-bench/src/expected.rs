//! What a batch must come out as, by plain additions of `num-bigint`: no kernel is asked.

use fib::Layout;
use num_bigint::BigUint;
use std::collections::BTreeMap;

/// The arena that a right result has, slot by slot; empty for a kernel whose slots are.
pub(crate) fn expected_arena(layout: &Layout) -> Vec<u64> {
    if layout.limbs() == 0 {
        return vec![];
    }
    let numbers = numbers(layout.indices());
    layout.indices().iter().flat_map(|n| numbers[n].iter().copied()).collect()
}

/// Limbs of the wanted numbers, met while walking up to the largest.
fn numbers(wanted: &[u64]) -> BTreeMap<u64, Vec<u64>> {
    let mut numbers: BTreeMap<u64, Vec<u64>> = wanted.iter().map(|&n| (n, vec![])).collect();
    let (mut n, mut a, mut b) = (0, BigUint::ZERO, BigUint::from(1u32));
    for (&next, limbs) in &mut numbers {
        while n < next {
            a += &b;
            std::mem::swap(&mut a, &mut b);
            n += 1;
        }
        *limbs = a.to_u64_digits();
    }
    numbers
}

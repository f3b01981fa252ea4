//! Fast doubling.

use super::notation::{InBinary, InText, Notation};
use crate::control::Control;
use crate::kernel::{Form, Kernel, Run};
use crate::number::{Base, LAST_IN_U128, Seeker, small};
use crate::size;
use crate::table::from_limbs;
use num_bigint::BigUint;
use std::marker::PhantomData;
use std::sync::Arc;

/// Computes each index from scratch by fast doubling: about log2(n) steps of two squarings each. A chunk
/// keeps its scratch memory, so an index takes no allocation, unless its products are long enough for
/// num-bigint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubling<N>(PhantomData<N>);

/// The kernel whose numbers are in base 2^64.
pub(super) const DOUBLING: Doubling<InBinary> = Doubling(PhantomData);

impl<N: Notation> Kernel for Doubling<N> {
    fn name(&self) -> &'static str {
        "doubling"
    }

    fn form(&self) -> Form {
        N::FORM
    }

    fn text_kernel(&self) -> Option<Arc<dyn Kernel>> {
        Some(Arc::new(Doubling::<InText>(PhantomData)))
    }

    fn limbs(&self, n: u64) -> usize {
        N::limbs(n)
    }

    fn scratch_bytes(&self, n: u64) -> u128 {
        scratch_bytes::<N>(n)
    }

    fn cost(&self, n: u64, _previous: Option<u64>) -> f64 {
        cost::<N>(n)
    }

    fn fill(&self, run: &mut Run<'_>) {
        let mut seeker = Seeker::<N::Base>::default();
        while let Some(slot) = run.next_slot() {
            match small(slot.n) {
                Some(number) => N::store_small(number, slot.out),
                None => match seeker.number(slot.n, slot.control) {
                    Some(number) => N::store(number, slot.out),
                    None => return run.give_back(),
                },
            }
        }
    }
}

/// The memory of the numbers of the last step and of their multiplication.
pub(super) fn scratch_bytes<N: Notation>(n: u64) -> u128 {
    u128::from(N::SCRATCH) * 8 * N::Base::limbs(n) as u128
}

/// Predicted nanoseconds of F(n), fitted to `cargo run --release -p fib-bench --example kernels costs`.
/// The first term counts one step for each bit beyond the table, the second term multiplications.
pub(super) fn cost<N: Notation>(n: u64) -> f64 {
    if n <= LAST_IN_U128 {
        return 5.0;
    }
    let (n, costs) = (n as f64, N::costs());
    costs.doubling_step * (n / 93.0).log2() + costs.products * n.powf(costs.products_power)
}

/// (F(n-1), F(n)), where F(-1) = 1.
#[expect(clippy::expect_used, reason = "nobody else has the control")]
pub fn pair(n: u64) -> (BigUint, BigUint) {
    if n == 0 {
        return (1u32.into(), BigUint::ZERO);
    }
    let mut seeker = Seeker::<<InBinary as Notation>::Base>::default();
    let control = Control::default();
    let (lower, upper) = seeker.pair(n, &control).expect("nobody cancels");
    debug_assert_eq!(upper.len(), size::limbs(n));
    (from_limbs(lower), from_limbs(upper))
}

//! The textbook loop.

use super::notation::{InBinary, InText, Notation};
use crate::kernel::{Form, Kernel, Run};
use crate::number::{Base, LAST_IN_U128, add};
use std::marker::PhantomData;
use std::sync::Arc;

/// Computes each index from scratch with `a, b = b, a + b`, in registers as long as the numbers
/// fit.
///
/// F(n) takes n additions of up to n / 92 limbs. So the cost of an index grows with the square of
/// the index, and the cost of a range with the cube of its length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Iterative<N>(PhantomData<N>);

/// The kernel whose numbers are in base 2^64.
pub(super) const ITERATIVE: Iterative<InBinary> = Iterative(PhantomData);

impl<N: Notation> Kernel for Iterative<N> {
    fn name(&self) -> &'static str {
        "iterative"
    }

    fn form(&self) -> Form {
        N::FORM
    }

    fn text_kernel(&self) -> Option<Arc<dyn Kernel>> {
        Some(Arc::new(Iterative::<InText>(PhantomData)))
    }

    fn limbs(&self, n: u64) -> usize {
        N::limbs(n)
    }

    /// The two numbers of the loop.
    fn scratch_bytes(&self, n: u64) -> u128 {
        2 * 8 * N::Base::limbs(n) as u128
    }

    /// Predicted nanoseconds, fitted to `cargo run --release -p fib-bench --example kernels costs`. Up to
    /// F(186) the additions are in registers; then their length grows.
    fn cost(&self, n: u64, _previous: Option<u64>) -> f64 {
        let n = n as f64;
        if n <= LAST_IN_U128 as f64 {
            return 2.0 + 0.24 * n;
        }
        -200.0 + 1.6 * n + N::costs().additions * n * n
    }

    fn fill(&self, run: &mut Run<'_>) {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        while let Some(slot) = run.next_slot() {
            if slot.n <= LAST_IN_U128 {
                N::store_small(walk(slot.n).0, slot.out);
            } else {
                walk_far::<N::Base>(slot.n, &mut a, &mut b);
                N::store(&b, slot.out);
            }
        }
    }
}

/// `(F(n), F(n + 1))` for n up to 186. F(187) does not fit 128 bits and wraps.
fn walk(n: u64) -> (u128, u128) {
    let (mut a, mut b) = (0u128, 1u128);
    for _ in 0..n {
        (a, b) = (b, a.wrapping_add(b));
    }
    (a, b)
}

/// Makes `b` hold F(n), for n above 186. The loop continues with limbs, and adds the two numbers to
/// each other in turn.
fn walk_far<B: Base>(n: u64, a: &mut Vec<u64>, b: &mut Vec<u64>) {
    let (first, second) = walk(LAST_IN_U128 - 1);
    for (number, value) in [(&mut *a, first), (&mut *b, second)] {
        number.clear();
        number.resize(B::limbs(n).max(3), 0);
        B::store(value, &mut number[..3]);
    }
    let mut len = B::limbs(LAST_IN_U128); // limbs in use, in each of the two numbers
    for _ in LAST_IN_U128..n {
        if add::<B>(&mut a[..len], &b[..len]) {
            a[len] = 1;
            len += 1;
        }
        std::mem::swap(a, b);
    }
    b.truncate(len);
}

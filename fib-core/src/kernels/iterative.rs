//! The textbook loop.

use super::{LAST_IN_U128, limbs, store_u128};
use crate::kernel::{Kernel, Run};

/// Computes each index from scratch with `a, b = b, a + b`, in registers as long as the numbers
/// fit.
///
/// F(n) takes n additions of up to n / 92 limbs. So the cost of an index grows with the square of
/// the index, and the cost of a range with the cube of its length.
#[derive(Clone, Copy, Debug, Default)]
pub struct Iterative;

impl Kernel for Iterative {
    fn name(&self) -> &'static str {
        "iterative"
    }

    /// Predicted nanoseconds, fitted to `cargo run --release -p fib-bench --example kernels`. Up to
    /// F(186) the additions are in registers; then their length grows.
    fn cost(&self, n: u64, _previous: Option<u64>) -> f64 {
        let n = n as f64;
        if n <= LAST_IN_U128 as f64 {
            return 2.0 + 0.24 * n;
        }
        -200.0 + 1.6 * n + 0.00115 * n * n
    }

    fn fill(&self, run: &mut Run<'_>) {
        let mut scratch = Vec::new();
        while let Some(slot) = run.next_slot() {
            if slot.n <= LAST_IN_U128 {
                store_u128(walk(slot.n).0, slot.out);
            } else {
                walk_far(slot.n, slot.out, &mut scratch);
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

/// Writes F(n) for n above 186. The loop continues with limbs and adds the two numbers to each
/// other in turn. It begins with the number that makes the last addition end in `out`.
fn walk_far(n: u64, out: &mut [u64], scratch: &mut Vec<u64>) {
    let (a, b) = walk(LAST_IN_U128 - 1); // F(185), F(186)
    scratch.clear();
    scratch.resize(out.len(), 0);
    out.fill(0);
    let additions = n - LAST_IN_U128;
    let mut len = 2; // limbs in use, in each of the two numbers
    let (mut lower, mut upper) =
        if additions % 2 == 1 { (out, &mut scratch[..]) } else { (&mut scratch[..], out) };
    store_u128(a, &mut lower[..len]);
    store_u128(b, &mut upper[..len]);
    for _ in 0..additions {
        if limbs::add(&mut lower[..len], &upper[..len]) {
            lower[len] = 1;
            len += 1;
        }
        (lower, upper) = (upper, lower);
    }
}

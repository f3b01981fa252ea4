//! Fast doubling.

use crate::kernel::{Kernel, Run};
use crate::size;
use num_bigint::BigUint;

/// Computes each index from scratch by fast doubling: two squarings lead from (F(k-1), F(k)) to the
/// pair at 2k. The last step takes one product, because it needs only one number.
///
/// F(2k-1) = F(k)^2 + F(k-1)^2 and F(2k+1) = 4 F(k)^2 - F(k-1)^2 + 2(-1)^k, both from
/// F(m+n) = F(m) F(n+1) + F(m-1) F(n) and Cassini's identity (Graham, Knuth and Patashnik,
/// Concrete Mathematics, 6.6).
#[derive(Clone, Copy, Debug, Default)]
pub struct Doubling;

impl Kernel for Doubling {
    fn name(&self) -> &'static str {
        "doubling"
    }

    fn scratch_bytes(&self, n: u64) -> u128 {
        scratch_bytes(n)
    }

    fn cost(&self, n: u64, _previous: Option<u64>) -> f64 {
        cost(n)
    }

    fn fill(&self, run: &mut Run<'_>) {
        while let Some(slot) = run.next_slot() {
            store(&fibonacci(slot.n), slot.out);
        }
    }
}

/// The memory of the numbers of the last step and of their multiplication by Toom-3: 9 to 11 times the
/// size of F(n), by the peaks of `fib calc 10000000 -f hex` and `fib calc 50000000 -f hex`.
pub(super) fn scratch_bytes(n: u64) -> u128 {
    11 * 8 * size::limbs(n) as u128
}

/// Predicted nanoseconds of F(n), fitted to `cargo run --release -p fib-bench --example kernels`.
/// The first term counts one step for each bit beyond the table, the second term multiplications by
/// Toom-3.
pub(super) fn cost(n: u64) -> f64 {
    if n < TABLE.len() as u64 {
        return 5.0;
    }
    let n = n as f64;
    40.0 * (n / 47.0).log2() + 0.0075 * n.powf(1.46)
}

/// Every Fibonacci number of one limb: F(0) to F(93).
const TABLE: [u64; 94] = {
    let mut table = [0; 94];
    table[1] = 1;
    let mut n = 2;
    while n < table.len() {
        table[n] = table[n - 1] + table[n - 2];
        n += 1;
    }
    table
};

fn fibonacci(n: u64) -> BigUint {
    if let Some(&f) = TABLE.get(n as usize) {
        return f.into();
    }
    let k = n / 2;
    let (previous, current) = pair(k);
    if n.is_multiple_of(2) {
        return (&current + (previous << 1u32)) * current; // F(2k) = F(k) (F(k) + 2 F(k-1))
    }
    // F(2k+1), with 4 F(k)^2 - F(k-1)^2 as sum times difference
    let twice = current << 1u32;
    let product = (&twice + &previous) * (twice - previous);
    if k.is_multiple_of(2) { product + 2u32 } else { product - 2u32 }
}

/// (F(n-1), F(n)), where F(-1) = 1.
pub fn pair(n: u64) -> (BigUint, BigUint) {
    if n == 0 {
        return (1u32.into(), BigUint::ZERO);
    }
    // Start with the leading bits of n that the table covers, then double once for each further
    // bit.
    let mut bits_left = (64 - n.leading_zeros()).saturating_sub(6);
    if bits_left > 0 && n >> (bits_left - 1) < TABLE.len() as u64 {
        bits_left -= 1;
    }
    let mut k = n >> bits_left;
    let mut previous = BigUint::from(TABLE[k as usize - 1]);
    let mut current = BigUint::from(TABLE[k as usize]);
    for bit in (0..bits_left).rev() {
        let (previous_square, current_square) = (&previous * &previous, &current * &current);
        let lower = &current_square + &previous_square; // F(2k-1)
        let mut upper = (current_square << 2u32) - previous_square; // F(2k+1) without 2(-1)^k
        if k.is_multiple_of(2) {
            upper += 2u32
        } else {
            upper -= 2u32
        }
        let middle = &upper - &lower;
        k = n >> bit;
        (previous, current) = if k % 2 == 1 { (middle, upper) } else { (lower, middle) };
    }
    (previous, current)
}

/// Writes `number` to `out`, which has exactly the limbs of `number`.
pub(super) fn store(number: &BigUint, out: &mut [u64]) {
    for (limb, digit) in out.iter_mut().zip(number.iter_u64_digits()) {
        *limb = digit;
    }
}

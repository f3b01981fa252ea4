//! A kernel of your own: `cargo run -p fib --example 05-your-own-kernel`.
//!
//! This kernel computes the last 64 bits of F(n), for any n. A kernel decides what a slot holds and how
//! long the slot is; backends run the kernel without knowing.

use fib::{Kernel, Options, Run, Settings, compute, default_backend};
use std::io::{Write, stdout};
use std::sync::Arc;

/// F(n) modulo 2^64, by fast doubling in wrapping arithmetic.
struct Tail;

impl Kernel for Tail {
    fn name(&self) -> &'static str {
        "tail"
    }

    fn limbs(&self, _n: u64) -> usize {
        1
    }

    fn cost(&self, n: u64, _previous: Option<u64>) -> f64 {
        f64::from(u64::BITS - n.leading_zeros()) // one step for each bit of n
    }

    fn fill(&self, run: &mut Run<'_>) {
        while let Some(slot) = run.next_slot() {
            slot.out[0] = tail(slot.n);
        }
    }
}

/// From (F(k), F(k+1)) to (F(2k), F(2k+1)) for each bit of n.
fn tail(n: u64) -> u64 {
    let (mut a, mut b) = (0u64, 1u64);
    for bit in (0..u64::BITS - n.leading_zeros()).rev() {
        let twice = a.wrapping_mul(b.wrapping_mul(2).wrapping_sub(a));
        let next = a.wrapping_mul(a).wrapping_add(b.wrapping_mul(b));
        (a, b) = if n >> bit & 1 == 1 { (next, twice.wrapping_add(next)) } else { (twice, next) };
    }
    a
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let backend = default_backend().build(Settings::default())?;
    let kernel: Arc<dyn Kernel> = Arc::new(Tail);
    let wanted = [93, 94, 1_000_000, 1_000_000_000_000];
    let table = compute(&*backend, &kernel, &wanted, &Options::default())?;
    for (i, n) in wanted.into_iter().enumerate() {
        let tail = table.limbs(i).map_or(0, |limbs| limbs[0]);
        writeln!(stdout(), "F({n}) mod 2^64 = {tail}")?;
    }
    Ok(())
}

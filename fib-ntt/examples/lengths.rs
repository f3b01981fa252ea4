//! How long a square takes, for lengths between two powers of two: the curve has small steps.
//!
//! ```sh
//! cargo run --release -p fib-ntt --example lengths
//! ```
//!
//! The lengths take turns in each round, and the median of the rounds is printed.
#![expect(clippy::expect_used, reason = "an example shows what it is about")]
#![expect(clippy::print_stdout, reason = "this is a program")]

use fib_ntt::{Base, OneThread, Transforms};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 201;

fn main() {
    let lengths: Vec<usize> = (16..=32).map(|i| i << 11).collect();
    let numbers: Vec<Vec<u64>> = lengths.iter().map(|&limbs| vec![u64::MAX; limbs / 2]).collect();
    let mut out = vec![0; 1 << 16];
    let mut transforms = Transforms::new();
    let mut times = vec![vec![]; lengths.len()];
    for _ in 0..ROUNDS {
        for (number, times) in numbers.iter().zip(&mut times) {
            let start = Instant::now();
            transforms.square(&mut out, number, Base::Binary, &OneThread).expect("it fits");
            times.push(start.elapsed().as_secs_f64());
            black_box(&out);
        }
    }
    println!("limbs of the square   microseconds   nanoseconds for each limb");
    for (limbs, times) in lengths.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        let seconds = times[ROUNDS / 2];
        let (micros, nanos) = (seconds * 1e6, seconds * 1e9 / *limbs as f64);
        println!("{limbs:19} {micros:14.1} {nanos:27.2}");
    }
}

//! The measurements behind the predicted costs of the kernels:
//! `cargo run --release -p fib-bench --example kernels`.
//!
//! The two sides of a ratio take turns in the same rounds. The spread is the middle half of the
//! rounds.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "this program prints numbers for a developer and is not part of the product"
)]

use fib::kernels::{doubling, iterative, pair, stepping};
use fib::{Kernel, Layout, MemoryLimit, Options, Sequential, Table, execute};
use fib_bench::order::RoundOrders;
use fib_engine::{repeats, time};
use num_bigint::BigUint;
use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

fn main() {
    println!("ratio                                                        median  middle half");
    for last in [5_000, 20_000] {
        stepping_against_copying(last);
    }
    print_ratio(
        "iterative / stepping, F(0..5000)",
        21,
        &mut run(iterative(), 0..5000),
        &mut run(stepping(), 0..5000),
    );
    doubling_against_plain(1_000_000);
    println!("\npredicted over measured cost");
    for n in [10, 100, 187, 500, 1000, 5000, 20_000] {
        predicted(&iterative(), n);
    }
    for n in [10, 100, 1000, 10_000, 100_000, 1_000_000] {
        predicted(&doubling(), n);
    }
    for n in [1000, 10_000, 100_000] {
        predicted_walk(n);
    }
}

/// Runs a kernel on indices, as one chunk, in a warm arena.
fn run(kernel: Arc<dyn Kernel>, indices: impl Iterator<Item = u64>) -> impl FnMut() {
    let indices: Vec<u64> = indices.collect();
    let layout = Layout::new(kernel, &indices, MemoryLimit::default()).expect("it fits");
    let mut table = Table::new(layout).expect("there is memory");
    let options =
        Options { chunking: "per-worker:1".parse().expect("valid"), ..Options::default() };
    move || {
        execute(&Sequential, &mut table, &options).expect("it succeeds");
    }
}

/// Compares `stepping` with a copy of its output. The arena and the target of the copy are both
/// warm.
fn stepping_against_copying(last: u64) {
    let indices: Vec<u64> = (0..=last).collect();
    let layout = Layout::new(stepping(), &indices, MemoryLimit::default()).expect("it fits");
    let source = vec![1u64; layout.limbs()];
    let mut target = vec![0u64; layout.limbs()];
    let mut copy = || {
        target.copy_from_slice(black_box(&source));
        black_box(&mut target);
    };
    let name = format!("stepping / memcpy of its output, F(0..={last})");
    print_ratio(&name, 201, &mut run(stepping(), 0..=last), &mut copy);
}

/// Compares `doubling` with the textbook form, which takes three products for each step: F(2k) =
/// F(k) (2 F(k+1) - F(k)), F(2k+1) = F(k)^2 + F(k+1)^2.
fn doubling_against_plain(n: u64) {
    let plain = || {
        let (mut a, mut b) = (BigUint::ZERO, BigUint::from(1u32));
        for bit in (0..64 - n.leading_zeros()).rev() {
            let even = &a * ((&b << 1u32) - &a);
            let odd = &a * &a + &b * &b;
            (a, b) = if n >> bit & 1 == 1 { (odd.clone(), even + odd) } else { (even, odd) };
        }
        a
    };
    let hex = |number: &BigUint| drop(black_box(format!("{number:#x}")));
    let indices = [n];
    let layout = || Layout::new(doubling(), &indices, MemoryLimit::default()).expect("it fits");
    let mut run_ours = || {
        let mut table = Table::new(layout()).expect("there is memory");
        execute(&Sequential, &mut table, &Options::default()).expect("it succeeds");
        hex(&table.to_biguint(0).expect("computed"));
    };
    let name = format!("doubling / plain fast doubling, F({n}) in hex");
    print_ratio(&name, 41, &mut run_ours, &mut || hex(&plain()));
}

/// Prints the time of `a` over the time of `b`, measured in `rounds` rounds.
fn print_ratio(name: &str, rounds: usize, a: &mut dyn FnMut(), b: &mut dyn FnMut()) {
    let mut ratios = interleaved(rounds, a, b);
    ratios.sort_by(f64::total_cmp);
    let quarter = rounds / 4;
    println!(
        "{name:60} {:6.3}  {:.3} to {:.3}",
        ratios[rounds / 2],
        ratios[quarter],
        ratios[rounds - 1 - quarter]
    );
}

/// The time of `a` over the time of `b` in each round.
fn interleaved(rounds: usize, a: &mut dyn FnMut(), b: &mut dyn FnMut()) -> Vec<f64> {
    let mut sides: [&mut dyn FnMut(); 2] = [a, b];
    let counts = [0, 1].map(|i| {
        repeats(Duration::from_micros(200), || time(1, || ok(&mut *sides[i]))).expect("infallible")
    });
    let mut order = RoundOrders::new(2, 1);
    let round = |_| {
        let mut seconds = [0.0; 2];
        for i in order.next_order() {
            let wall = time(counts[i], || ok(&mut *sides[i])).expect("infallible");
            seconds[i] = wall.as_secs_f64() / f64::from(counts[i]);
        }
        seconds[0] / seconds[1]
    };
    (0..rounds).map(round).collect()
}

fn ok(work: &mut dyn FnMut()) -> Result<(), Infallible> {
    work();
    Ok(())
}

/// The nanoseconds of the fastest of many runs of `work`. This is good enough to choose constants,
/// and for nothing else.
fn nanoseconds(mut work: impl FnMut()) -> f64 {
    let count =
        repeats(Duration::from_millis(2), || time(1, || ok(&mut work))).expect("infallible");
    let sample =
        |_| time(count, || ok(&mut work)).expect("infallible").as_nanos() as f64 / f64::from(count);
    (0..15).map(sample).fold(f64::INFINITY, f64::min)
}

/// Prints the predicted cost of F(n) over its measured time.
fn predicted(kernel: &Arc<dyn Kernel>, n: u64) {
    let copies = (200_000 / n.max(100)).max(1);
    let measured = nanoseconds(run(Arc::clone(kernel), (0..copies).map(|_| n))) / copies as f64;
    println!(
        "{} F({n}): {:.2} of {measured:.0} ns",
        kernel.name(),
        kernel.cost(n, None) / measured
    );
}

/// Prints the predicted cost of a step of a walk over its measured time, and the time of a seek.
/// `stepping` chooses between the two by their predicted costs.
fn predicted_walk(n: u64) {
    let gap = 20;
    let steps = 50;
    let seek = nanoseconds(|| drop(black_box(pair(n))));
    let walk = nanoseconds(run(stepping(), (0..=steps).map(|i| n + gap * i)));
    let measured = (walk - seek) / (steps * gap) as f64;
    let predicted = stepping().cost(n + gap, Some(n)) / gap as f64;
    println!(
        "stepping from F({n}): {:.2} of {measured:.1} ns for each step, seek {seek:.0} ns",
        predicted / measured
    );
}

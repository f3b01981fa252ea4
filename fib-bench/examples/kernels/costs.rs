//! Prints predicted cost / measured time for each kernel. A constant is good if its ratio is near 1. The
//! measured time is the fastest of many runs, which is good enough to choose constants and for nothing else.

use crate::rounds::ok;
use crate::run;
use fib::kernels::{doubling, in_text, iterative, pair, recursive, stepping};
use fib::{Kernel, Sequential};
use fib_engine::{repeats, time};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn print_all() {
    println!("predicted over measured cost");
    for (form, of) in [("in binary", None), ("in text", Some(in_text as fn(&_) -> _))] {
        println!("\n{form}");
        let in_form = |kernel: Arc<dyn Kernel>| of.map_or(Arc::clone(&kernel), |of| of(&kernel));
        for n in [10, 100, 187, 500, 1000, 5000, 20_000] {
            predicted(&in_form(iterative()), n);
        }
        for n in [10, 100, 200, 500, 1000, 10_000, 100_000, 1_000_000] {
            predicted(&in_form(doubling()), n);
        }
        for n in [10, 15, 20, 25, 30] {
            predicted(&in_form(recursive()), n);
        }
        for n in [1000, 10_000, 100_000] {
            for gap in [1, 2, 6, 7, 90, 180] {
                predicted_walk(&in_form(stepping()), n, gap);
            }
        }
    }
}

/// Prints the predicted cost of F(n) over its measured time.
fn predicted(kernel: &Arc<dyn Kernel>, n: u64) {
    let copies = (200_000 / n.max(100)).max(1);
    let indices = (0..copies).map(|_| n);
    let measured = nanoseconds(run(&Sequential, Arc::clone(kernel), indices)) / copies as f64;
    let ratio = kernel.cost(n, None) / measured;
    println!("{} F({n}): {ratio:.2} of {measured:.0} ns", kernel.name());
}

/// Prints the predicted cost of a walk from F(n) to F(n + gap) over its measured time, and the time of a
/// seek. `stepping` chooses between the two by their predicted costs.
fn predicted_walk(kernel: &Arc<dyn Kernel>, n: u64, gap: u64) {
    let steps = 50;
    let walk = |kernel: &Arc<dyn Kernel>, steps| {
        nanoseconds(run(&Sequential, Arc::clone(kernel), (0..=steps).map(|i| n + gap * i)))
    };
    let measured = (walk(kernel, steps) - walk(kernel, 0)) / steps as f64;
    let ratio = kernel.cost(n + gap, Some(n)) / measured;
    let seek = nanoseconds(|| drop(black_box(pair(n))));
    println!("from F({n}) by {gap}: {ratio:.2} of {measured:.1} ns, seek in binary {seek:.0} ns");
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

//! Compares `doubling` with GMP in the same rounds. On Debian, install `libgmp-dev` first, then run
//! `cargo run --release --manifest-path fib-bench/gmp/Cargo.toml`.

mod gmp;
#[path = "../../examples/kernels/rounds.rs"]
mod rounds;

use fib::kernels::{doubling, in_text};
use fib::{Kernel, Layout, MemoryLimit, Options, Sequential, Table, execute};
use gmp::Integer;
use rounds::print_ratio;
use std::hint::black_box;
use std::sync::Arc;

fn main() {
    println!("{:66} median  middle half", "ratio");
    for n in [100, 1000, 10_000, 100_000, 1_000_000] {
        let mut number = Integer::new();
        let mut gmp = || number.set_to_fibonacci(black_box(n));
        let (mut ours, copies) = run(doubling(), n);
        let mut gmp = || (0..copies).for_each(|_| gmp());
        print_ratio(&format!("doubling / GMP, F({n})"), 101, &mut ours, &mut gmp);
    }
    for n in [1000, 10_000, 100_000, 1_000_000] {
        let mut number = Integer::new();
        let mut gmp = || {
            number.set_to_fibonacci(black_box(n));
            black_box(number.digits());
        };
        let (mut ours, copies) = run(in_text(&doubling()), n);
        let mut gmp = || (0..copies).for_each(|_| gmp());
        print_ratio(&format!("doubling in text / GMP, F({n})"), 41, &mut ours, &mut gmp);
    }
}

/// Computes F(n) up to 1000 times in one chunk of a warm arena, so that the fixed cost of a batch is small
/// beside the work.
fn run(kernel: Arc<dyn Kernel>, n: u64) -> (impl FnMut(), u64) {
    let copies = (100_000 / n).max(1);
    let indices = vec![n; copies as usize];
    let layout = Layout::new(kernel, &indices, MemoryLimit::default()).expect("it fits");
    let mut table = Table::new(layout).expect("there is memory");
    let options =
        Options { chunking: "per-worker:1".parse().expect("valid"), ..Options::default() };
    let run = move || {
        execute(&Sequential, &mut table, &options).expect("it succeeds");
    };
    (run, copies)
}

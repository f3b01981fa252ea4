//! How far the kernels are from the speed of memory, and from other libraries:
//! `cargo run --release -p fib-bench --example kernels`.
//!
//! The two sides of a ratio take turns in the same rounds. The spread is the middle half of the
//! rounds. With the argument `costs` the program prints the measurements behind the predicted costs of the
//! kernels instead.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "this program prints numbers for a developer and is not part of the product"
)]

mod costs;
mod rounds;

use fib::kernels::{doubling, in_text, iterative, pair, stepping};
use fib::{FibBackend, Kernel, Layout, MemoryLimit, Options, Sequential, Settings, Table};
use fib::{Modulus, ResidueMethod, SimdLevel, default_backend, execute, residues, stream};
use num_bigint::BigUint;
use rounds::{interleaved, print_ratio, print_ratios};
use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::{self, BufWriter, Write};
use std::process::Command;
use std::sync::Arc;
use std::thread;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("costs") => return costs::print_all(),
        Some(FIRST_CALLS) => return RANGES.into_iter().for_each(first_call_against_first_writes),
        _ => println!("{:66} median  middle half", "ratio"),
    }
    for last in RANGES {
        stepping_against_copying(last);
        two_workers_against_two_copies(last);
    }
    measure_first_calls();
    range_as_text(20_000);
    number_as_text(1_000_000);
    for (count, n) in [(10_000, 100), (1_000_000, 1000), (100_000, 123_456_789)] {
        plain_residues_against_lanes(count, n);
        scalar_against_lanes("2^64", count, n);
        scalar_against_lanes("1000000007", count, n);
    }
    print_ratio(
        "iterative / stepping, F(0..5000)",
        21,
        &mut run(&Sequential, iterative(), 0..5000),
        &mut run(&Sequential, stepping(), 0..5000),
    );
    doubling_against_plain(1_000_000);
}

/// The ranges begin at F(0), and these are their last indices.
const RANGES: [u64; 2] = [5_000, 20_000];

/// The argument that has this program measure first calls only.
const FIRST_CALLS: &str = "first-calls";

/// Measures first calls in a process of their own. There the allocator (of glibc) gives memory of more than
/// 128 KB back to the system at once, so every call and every write gets new pages. Otherwise it would
/// keep the memory, and nothing but the first of a hundred calls would be a first call.
fn measure_first_calls() {
    let this = std::env::current_exe().expect("this program has a path");
    let threshold = ("MALLOC_MMAP_THRESHOLD_", "131072");
    let status = Command::new(this).arg(FIRST_CALLS).envs([threshold]).status();
    assert!(status.is_ok_and(|status| status.success()), "the process of first calls failed");
}

/// Runs a kernel on indices in a warm arena, with one chunk for each worker.
fn run(
    backend: &dyn FibBackend,
    kernel: Arc<dyn Kernel>,
    indices: impl Iterator<Item = u64>,
) -> impl FnMut() {
    let indices: Vec<u64> = indices.collect();
    let mut table = table(kernel, &indices);
    let options = Options { chunking: "balanced:1".parse().expect("valid"), ..Options::default() };
    move || {
        execute(backend, &mut table, &options).expect("it succeeds");
    }
}

fn table(kernel: Arc<dyn Kernel>, indices: &[u64]) -> Table {
    let layout = Layout::new(kernel, indices, MemoryLimit::default()).expect("it fits");
    Table::new(layout).expect("there is memory")
}

/// The limbs of F(0) to F(last).
fn limbs(last: u64) -> usize {
    table(stepping(), &(0..=last).collect::<Vec<_>>()).arena().len()
}

/// Copies this many limbs. Both the source and the target are warm.
fn copy(limbs: usize) -> impl FnMut() {
    let source = vec![1u64; limbs];
    let mut target = vec![0u64; limbs];
    move || {
        target.copy_from_slice(black_box(&source));
        black_box(&mut target);
    }
}

fn stepping_against_copying(last: u64) {
    let name = format!("stepping / memcpy of its output, F(0..={last}), one core");
    let mut copy = copy(limbs(last));
    print_ratio(&name, 201, &mut run(&Sequential, stepping(), 0..=last), &mut copy);
}

/// What the second worker brings to `stepping`, over what a second thread brings to copies of the same
/// length: the speedup over what memory allows.
fn two_workers_against_two_copies(last: u64) {
    let backend = default_backend().build(Settings::workers(2.try_into().expect("not zero")));
    let backend = backend.expect("two threads");
    let (mut one, mut two) =
        (run(&Sequential, stepping(), 0..=last), run(&*backend, stepping(), 0..=last));
    let (mut whole, mut first, mut second) =
        (copy(limbs(last)), copy(limbs(last)), copy(limbs(last)));
    let mut both = || {
        thread::scope(|scope| {
            scope.spawn(&mut first);
            second();
        });
    };
    let seconds = interleaved(101, [&mut one, &mut two, &mut whole, &mut both]);
    let speedup = |[one, two, whole, both]: [f64; 4]| (one / two) / (2.0 * whole / both);
    let name = format!("speedup with two workers / that of two memcpys, F(0..={last})");
    print_ratios(&name, seconds.into_iter().map(speedup).collect());
}

/// A batch in new memory, page faults included, against a first write to as much new memory.
fn first_call_against_first_writes(last: u64) {
    let indices: Vec<u64> = (0..=last).collect();
    let limbs = limbs(last);
    let mut call = || {
        let mut table = table(stepping(), &indices);
        execute(&Sequential, &mut table, &Options::default()).expect("it succeeds");
        black_box(&table);
    };
    let mut write = || {
        let mut memory = vec![0u64; limbs];
        black_box(&mut memory).fill(1);
        black_box(&memory);
    };
    let name = format!("first call / first writes to as many pages, F(0..={last})");
    print_ratio(&name, 101, &mut call, &mut write);
}

fn null() -> BufWriter<File> {
    let null = OpenOptions::new().write(true).open("/dev/null").expect("there is /dev/null");
    BufWriter::with_capacity(64 << 10, null)
}

/// F(0) to F(last - 1) as lines of text, written to /dev/null.
fn range_as_text(last: u64) {
    let mut ours = || {
        let kernel = in_text(&stepping());
        let mut out = null();
        let line = |n, text: &[u64]| {
            write!(out, "{n}\t")?;
            out.write_all(fib::text::characters(text))?;
            out.write_all(b"\n")
        };
        stream(&Sequential, &kernel, 0..last, &Options::default(), line).expect("it succeeds");
    };
    let mut theirs = || {
        let mut out = null();
        add_and_display(last, &mut out).expect("it succeeds");
    };
    let name = format!("add + Display of num-bigint / stepping in text, F(0..{last})");
    print_ratio(&name, 11, &mut theirs, &mut ours);
}

fn add_and_display(last: u64, out: &mut impl Write) -> io::Result<()> {
    let (mut a, mut b) = (BigUint::ZERO, BigUint::from(1u32));
    for n in 0..last {
        writeln!(out, "{n}\t{a}")?;
        a += &b;
        std::mem::swap(&mut a, &mut b);
    }
    out.flush()
}

/// F(n) computed as text, against nothing but the conversion of the same number by num-bigint.
fn number_as_text(n: u64) {
    let (_, number) = pair(n);
    let mut convert = || drop(black_box(number.to_string()));
    let name = format!("F({n}) in text / conversion by num-bigint");
    let mut ours = run(&Sequential, in_text(&doubling()), [n].into_iter());
    print_ratio(&name, 21, &mut ours, &mut convert);
}

/// Copies of F(n) modulo 2^64: the textbook's fast doubling, one after another, against `lanes`.
fn plain_residues_against_lanes(count: usize, n: u64) {
    let plain = |n: u64| {
        let (mut a, mut b) = (0u64, 1u64);
        for bit in (0..64 - n.leading_zeros()).rev() {
            let even = a.wrapping_mul(b.wrapping_mul(2).wrapping_sub(a));
            let odd = a.wrapping_mul(a).wrapping_add(b.wrapping_mul(b));
            (a, b) = if n >> bit & 1 == 1 { (odd, even.wrapping_add(odd)) } else { (even, odd) };
        }
        a
    };
    let indices = vec![n; count];
    let mut out = vec![0; count];
    let mut plain = || {
        out.iter_mut().zip(black_box(&indices)).for_each(|(out, &n)| *out = plain(n));
        black_box(&mut out);
    };
    let kernel = residues(Modulus::WORD, ResidueMethod::Lanes);
    let mut lanes = run(&Sequential, kernel, std::iter::repeat_n(n, count));
    let name =
        format!("fast doubling / lanes ({}), modulo 2^64, {count}xF{n}", SimdLevel::in_use());
    print_ratio(&name, 41, &mut plain, &mut lanes);
}

/// Copies of F(n) modulo m, one after another and side by side, on one core.
fn scalar_against_lanes(modulus: &str, count: usize, n: u64) {
    let run = |method| {
        let kernel = residues(modulus.parse().expect("a modulus"), method);
        run(&Sequential, kernel, std::iter::repeat_n(n, count))
    };
    let level = SimdLevel::in_use();
    let name = format!("scalar / lanes ({level}), modulo {modulus}, {count}xF{n}");
    print_ratio(&name, 41, &mut run(ResidueMethod::Scalar), &mut run(ResidueMethod::Lanes));
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
    let name = format!("doubling / plain fast doubling with num-bigint, F({n})");
    let mut ours = run(&Sequential, doubling(), [n].into_iter());
    print_ratio(&name, 41, &mut ours, &mut || drop(black_box(plain())));
}

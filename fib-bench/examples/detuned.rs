//! An engine with two backends, one of them slower by a known share. It shows whether a comparison
//! finds that difference: `cargo run --release -p fib-bench --example detuned`. `scripts/aa-check`
//! uses it.

use fib::{Descriptor, Error, FibBackend, Job, Scheduling, Sequential, kernels};
use fib_engine::{Offer, serve_stdio};
use std::num::NonZeroUsize;
use std::time::Instant;

/// Computes sequentially, then spins for this share of the time that the computation took.
struct Detuned(f64);

impl FibBackend for Detuned {
    fn workers(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        let start = Instant::now();
        Sequential.run(job)?;
        let end = start.elapsed().mul_f64(1.0 + self.0);
        while start.elapsed() < end {
            std::hint::spin_loop();
        }
        Ok(())
    }
}

fn main() -> std::io::Result<()> {
    let plain = Descriptor {
        name: "plain",
        summary: "sequential, and reads the clock",
        scheduling: Scheduling::Serial,
        build: |_| Ok(Box::new(Detuned(0.0))),
    };
    let slower = Descriptor {
        name: "slower",
        summary: "5 % slower than plain",
        scheduling: Scheduling::Serial,
        build: |_| Ok(Box::new(Detuned(0.05))),
    };
    serve_stdio(Offer { name: "detuned", backends: &[&plain, &slower], kernels: kernels::KERNELS })
}

//! An engine whose backends have known faults, to see whether a comparison finds them. `scripts/aa-check` uses
//! it: `cargo run --release -p fib-bench --example detuned plain slower` offers these two backends.

use fib::{Descriptor, Error, FibBackend, Forking, Job, Scheduling, Sequential, kernels};
use fib_engine::{Offer, serve_stdio};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// Computes sequentially, then spins for this share of the time that the computation took.
struct Detuned(f64);

impl FibBackend for Detuned {
    fn workers(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        let start = Instant::now();
        Sequential.run(job)?;
        spin_until(start + start.elapsed().mul_f64(1.0 + self.0));
        Ok(())
    }
}

/// Computes sequentially. Afterwards a thread for each CPU spins for 50 ms, as the workers of some thread
/// pools do.
struct Spinning;

impl FibBackend for Spinning {
    fn workers(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        Sequential.run(job)?;
        let end = Instant::now() + Duration::from_millis(50);
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        for _ in 0..threads {
            std::thread::spawn(move || spin_until(end)); // nobody waits for it
        }
        Ok(())
    }
}

fn spin_until(end: Instant) {
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}

const BACKENDS: [Descriptor; 4] = [
    Descriptor {
        name: "plain",
        summary: "sequential, and reads the clock",
        scheduling: Scheduling::Serial,
        forking: Forking::Sequential,
        build: |_| Ok(Box::new(Detuned(0.0))),
    },
    Descriptor {
        name: "slower",
        summary: "5 % slower than plain",
        scheduling: Scheduling::Serial,
        forking: Forking::Sequential,
        build: |_| Ok(Box::new(Detuned(0.05))),
    },
    Descriptor {
        name: "little-slower",
        summary: "2 % slower than plain",
        scheduling: Scheduling::Serial,
        forking: Forking::Sequential,
        build: |_| Ok(Box::new(Detuned(0.02))),
    },
    Descriptor {
        name: "spinning",
        summary: "sequential, and uses all CPUs afterwards",
        scheduling: Scheduling::Serial,
        forking: Forking::Sequential,
        build: |_| Ok(Box::new(Spinning)),
    },
];

fn main() -> std::io::Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |backend: &&Descriptor| wanted.iter().any(|name| name == backend.name);
    let backends: Vec<&Descriptor> = BACKENDS.iter().filter(is_wanted).collect();
    serve_stdio(Offer { name: "detuned", backends: &backends, kernels: kernels::KERNELS })
}

//! An engine that computes trees of forks with other schedulers, each as its documentation says: chili and rayon.
//! `fib sweep forks --engine "engines/joins/target/release/fib-joins"` measures them in the same rounds as
//! the backends of `fib`. The difference between `rayon` here and the backend `rayon` is what `Fork` costs.
//!
//! A backend of this engine computes the numbers itself, because chili gives each half a worker, and the
//! kernels of `fib` know none. It knows only the kernel `recursive` and its cutoffs.
#![forbid(unsafe_code)]

mod trees;

use fib_core::kernels::{CUTOFFS, KernelEntry, RECURSIVE_CUTOFF, recursive};
use fib_core::{
    Descriptor, Error, FibBackend, Forking, Job, SEQUENTIAL, Scheduling, Sequential, Settings,
};
use fib_engine::{Offer, serve_stdio};
use std::num::NonZeroUsize;
use trees::{Chili, Rayon, Trees};

/// Computes batches of trees on a scheduler.
struct Native<T> {
    trees: T,
    workers: NonZeroUsize,
}

impl<T: Trees> FibBackend for Native<T> {
    fn workers(&self) -> NonZeroUsize {
        self.workers
    }

    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        if !job.forks() {
            return Sequential.run(job); // the kernels of residues, which every engine of Rust offers
        }
        let name = job.layout().kernel().name();
        let special = CUTOFFS.iter().find(|(_, entry)| entry.name == name);
        let cutoff = special.map_or(RECURSIVE_CUTOFF, |(cutoff, _)| *cutoff);
        for chunk in job.into_chunks() {
            let mut pending = chunk.into_pending();
            let indices = pending.indices().to_vec();
            let numbers = self.trees.compute(cutoff, &indices);
            for (i, number) in numbers.into_iter().enumerate() {
                pending.part_mut(i..i + 1).1.fill(number); // one limb, or none for F(0)
            }
            pending.conclude(indices.len(), vec![], None);
        }
        Ok(())
    }
}

fn build<T: Trees + 'static>(settings: Settings) -> Result<Box<dyn FibBackend>, Error> {
    let workers = settings.workers;
    Ok(Box::new(Native { trees: T::new(workers), workers }))
}

const fn scheduler(
    name: &'static str,
    summary: &'static str,
    build: fn(Settings) -> Result<Box<dyn FibBackend>, Error>,
) -> Descriptor {
    let (scheduling, forking) = (Scheduling::Dynamic, Forking::Parallel);
    Descriptor { name, summary, scheduling, forking, build }
}

const CHILI: Descriptor = scheduler("chili", "heartbeats share the oldest half", build::<Chili>);
const RAYON: Descriptor = scheduler("rayon", "work stealing, called directly", build::<Rayon>);

fn main() -> std::io::Result<()> {
    let backends = [&SEQUENTIAL, &CHILI, &RAYON];
    let default = KernelEntry { name: "recursive", summary: "the tree", get: recursive };
    let kernels: Vec<_> = CUTOFFS.iter().map(|(_, entry)| *entry).chain([default]).collect();
    serve_stdio(Offer { name: "joins", backends: &backends, kernels: &kernels })
}

//! Backends and a kernel whose behaviour is known.

use fib::kernels::{self, KernelEntry};
use fib::{Descriptor, Error, FibBackend, Forking, Job, Kernel, Run, Scheduling, Sequential};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{Builder, current, scope};
use std::time::Duration;

/// Computes like `iterative`, but starts from a wrong number on a thread with the name "liar".
struct Moody;

impl Kernel for Moody {
    fn name(&self) -> &'static str {
        "moody"
    }
    fn cost(&self, n: u64, previous: Option<u64>) -> f64 {
        kernels::iterative().cost(n, previous)
    }
    fn fill(&self, run: &mut Run<'_>) {
        let lie = u64::from(current().name() == Some("liar"));
        while let Some(slot) = run.next_slot() {
            let (mut a, mut b) = (lie, 1u64);
            (0..slot.n).for_each(|_| (a, b) = (b, b.wrapping_add(a)));
            slot.out.iter_mut().for_each(|limb| *limb = a);
        }
    }
}

macro_rules! backend {
    ($name:ident, |$job:ident| $run:expr) => {
        struct $name;
        impl FibBackend for $name {
            fn workers(&self) -> NonZeroUsize {
                NonZeroUsize::MIN
            }
            fn run(&self, $job: Job<'_>) -> Result<(), Error> {
                $run
            }
        }
    };
}

backend!(Lying, |job| scope(|s| {
    let run = || Sequential.run(job);
    Builder::new().name("liar".into()).spawn_scoped(s, run).unwrap().join().unwrap()
}));
backend!(Forgetful, |job| {
    job.into_chunks().into_iter().skip(1).for_each(|chunk| chunk.run(0));
    Ok(())
});

pub(crate) const HONEST: Descriptor = Descriptor {
    name: "honest",
    summary: "",
    scheduling: Scheduling::Serial,
    forking: Forking::Sequential,
    build: |_| Ok(Box::new(Sequential)),
};
pub(crate) const LYING: Descriptor = Descriptor {
    name: "lying",
    summary: "",
    scheduling: Scheduling::Serial,
    forking: Forking::Sequential,
    build: |_| Ok(Box::new(Lying)),
};
pub(crate) const FORGETFUL: Descriptor = Descriptor {
    name: "forgetful",
    summary: "",
    scheduling: Scheduling::Serial,
    forking: Forking::Sequential,
    build: |_| Ok(Box::new(Forgetful)),
};
pub(crate) const UNBUILT: Descriptor = Descriptor {
    name: "unbuilt",
    summary: "",
    scheduling: Scheduling::Serial,
    forking: Forking::Sequential,
    build: |_| Err(Error::Backend { backend: "unbuilt", reason: "out of threads".into() }),
};

backend!(Aborting, |_job| std::process::abort());
backend!(Sleeping, |_job| loop {
    std::thread::sleep(Duration::from_secs(3600));
});
backend!(Talking, |job| {
    io::stdout().write_all(b"I am a backend and say so\n").unwrap();
    Sequential.run(job)
});
pub(crate) const ABORTING: Descriptor = Descriptor {
    name: "aborting",
    summary: "",
    scheduling: Scheduling::Serial,
    forking: Forking::Sequential,
    build: |_| Ok(Box::new(Aborting)),
};
pub(crate) const SLEEPING: Descriptor = Descriptor {
    name: "sleeping",
    summary: "",
    scheduling: Scheduling::Serial,
    forking: Forking::Sequential,
    build: |_| Ok(Box::new(Sleeping)),
};
pub(crate) const TALKING: Descriptor = Descriptor {
    name: "talking",
    summary: "",
    scheduling: Scheduling::Serial,
    forking: Forking::Sequential,
    build: |_| Ok(Box::new(Talking)),
};

pub(crate) const MOODY: KernelEntry =
    KernelEntry { name: "moody", summary: "", get: || -> Arc<dyn Kernel> { Arc::new(Moody) } };

//! The baseline passes the suite, and the suite finds the defects of four broken backends.

use fib_conformance::{SUITE, check};
use fib_core::{Descriptor, Error, FibBackend, Forking, Job, SEQUENTIAL, Scheduling};
use std::num::NonZeroUsize;
use std::panic::catch_unwind;
use std::thread::scope;

#[test]
fn sequential() {
    check(&SEQUENTIAL);
}

/// The properties that a backend violates.
fn violated(backend: Descriptor) -> Vec<&'static str> {
    let holds = |check: fn(&Descriptor)| catch_unwind(|| check(&backend)).is_ok();
    SUITE.iter().filter(|(_, check)| !holds(*check)).map(|(name, _)| *name).collect()
}

macro_rules! defective {
    ($name:ident, |$job:ident| $run:expr) => {
        struct $name;
        impl FibBackend for $name {
            fn workers(&self) -> NonZeroUsize {
                NonZeroUsize::MIN
            }
            fn run(&self, $job: Job<'_>) -> Result<(), Error> {
                $run;
                Ok(())
            }
        }
        impl $name {
            const ENTRY: Descriptor = Descriptor {
                name: stringify!($name),
                summary: "a defect",
                scheduling: Scheduling::Serial,
                forking: Forking::Sequential,
                build: |_| Ok(Box::new($name)),
            };
        }
    };
}

defective!(Forgetful, |job| job.into_chunks().into_iter().skip(1).for_each(|chunk| chunk.run(0)));
defective!(Misnaming, |job| job.into_chunks().into_iter().for_each(|chunk| chunk.run(7)));
defective!(Overcrowded, |job| scope(|s| {
    for chunk in job.into_chunks() {
        s.spawn(|| chunk.run(0));
    }
}));
defective!(Swapping, |job| {
    let halves: Vec<_> = job.into_chunks().into_iter().map(|chunk| chunk.detach()).collect();
    let (tasks, pending): (Vec<_>, Vec<_>) = halves.into_iter().unzip();
    let replies = tasks.into_iter().rev().map(|task| task.run(0));
    pending.into_iter().zip(replies).for_each(|(half, reply)| half.finish(reply));
});

/// Says that it has two workers.
struct Two;

impl FibBackend for Two {
    fn workers(&self) -> NonZeroUsize {
        NonZeroUsize::new(2).unwrap()
    }
    fn run(&self, job: Job<'_>) -> Result<(), Error> {
        job.into_chunks().into_iter().for_each(|chunk| chunk.run(0));
        Ok(())
    }
}

#[test]
fn defects_are_found() {
    assert!(violated(Forgetful::ENTRY).len() > 8);
    assert_eq!(
        violated(Misnaming::ENTRY),
        [
            "the timeline names workers that run one chunk at a time",
            "at most `workers` halves at once, and they are on the timeline"
        ]
    );
    let found = violated(Overcrowded::ENTRY);
    assert!(found.contains(&"at most `workers` kernels at once"), "{found:?}");
    let boasting = Descriptor { forking: Forking::Parallel, ..SEQUENTIAL };
    let halves = "the halves of a fork run at once, or say that they do not";
    // With one worker nothing can run at once, so the suite tries several.
    let boasting = Descriptor { build: |_| Ok(Box::new(Two)), ..boasting };
    assert_eq!(violated(boasting), [halves]);
    assert!(violated(Swapping::ENTRY).contains(&"values agree with addition"));
}

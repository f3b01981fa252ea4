//! What every backend must do, as one suite: `fib_core::conformance::check(&BACKEND)` in a test.
//!
//! Values are judged by additions of `num-bigint`, which share no code with the kernels. A property
//! that does not hold panics with its name.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // this is test code: a panic is a finding

mod behaviour;
mod oracle;
mod probes;
mod values;

pub use oracle::fibonacci_upto;
pub use probes::kernel;

use crate::{Descriptor, FibBackend, Settings};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

type Property = fn(&Descriptor);

/// Name and check of every property.
pub const SUITE: &[(&str, Property)] = &[
    ("values agree with addition", values::agree),
    ("few indices, around the number of workers", values::short_batches),
    ("any batch, cut any way", values::any_batch),
    ("each index exactly once", behaviour::each_index_once),
    ("at most `workers` kernels at once", behaviour::no_more_than_workers),
    ("the timeline names workers that run one chunk at a time", behaviour::timeline),
    ("progress ends at the number of indices", behaviour::progress),
    ("cancelled before the start", behaviour::cancel_before),
    ("cancelled midway", behaviour::cancel_midway),
    ("a panic loses its index only, and the backend works again", behaviour::panic_then_again),
    ("several callers at once", behaviour::concurrent_callers),
    ("use inside a task of its own", behaviour::nested_in_itself),
    ("use inside another backend's task", behaviour::nested_in_another),
    ("pinned workers", behaviour::pinned),
];

/// Checks every property of [`SUITE`].
///
/// # Panics
/// If one does not hold.
pub fn check(descriptor: &Descriptor) {
    for (property, check) in SUITE {
        if let Err(panic) = catch_unwind(|| check(descriptor)) {
            log::error!("{}: {property}", descriptor.name);
            eprint_finding(descriptor.name, property);
            resume_unwind(panic);
        }
    }
}

#[allow(clippy::print_stderr)] // beside the panic message, in the test's own output
fn eprint_finding(backend: &str, property: &str) {
    eprintln!("{backend} does not hold: {property}");
}

/// Checks that a task of `outer` can compute through `inner`.
///
/// # Panics
/// If it gets wrong results or none.
pub fn check_nested(outer: &Descriptor, inner: &Descriptor) {
    behaviour::assert_nested(&*build(outer, 2), Arc::from(build(inner, 2)));
}

fn settings(workers: usize) -> Settings {
    Settings::workers(NonZeroUsize::new(workers).expect("at least one worker"))
}

fn build(descriptor: &Descriptor, workers: usize) -> Box<dyn FibBackend> {
    descriptor.build(settings(workers)).expect("the backend can be built")
}

/// Runs `check` with 1, 2, 3 and 5 workers: one, as many as many machines have, an odd number, and
/// more than this machine may have.
fn with_each_worker_count(descriptor: &Descriptor, check: impl Fn(&dyn FibBackend)) {
    for workers in [1, 2, 3, 5] {
        let backend = build(descriptor, workers);
        let caught = catch_unwind(AssertUnwindSafe(|| check(&*backend)));
        if let Err(panic) = caught {
            eprint_finding(descriptor.name, &format!("what follows, with {workers} workers"));
            resume_unwind(panic);
        }
    }
}

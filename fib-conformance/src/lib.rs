//! The test suite that every backend must pass. A backend crate calls it in a test:
//!
//! ```no_run
//! # const MY_BACKEND: fib_core::Descriptor = fib_core::SEQUENTIAL;
//! #[test]
//! fn my_backend() {
//!     fib_conformance::check(&MY_BACKEND);
//! }
//! ```
//!
//! Results are compared with additions of `num-bigint`, which share no code with the kernels. If a
//! property does not hold, the suite prints its name and panics.
#![forbid(unsafe_code)]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // this is test code: a panic is a finding

mod behaviour;
mod forks;
mod oracle;
mod probes;
mod values;

pub use oracle::fibonacci_upto;
pub use probes::kernel;

use fib_core::{Descriptor, FibBackend, Settings};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

type Property = fn(&Descriptor);

/// The name and the check of every property.
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
    ("values of a kernel that forks", forks::values),
    ("the halves of a fork run at once, or say that they do not", forks::at_once),
    ("at most `workers` halves at once, and they are on the timeline", forks::no_more_than_workers),
    ("a panic in a half loses its index only", forks::panics),
    ("cancelled inside a half", forks::cancelled),
    ("use inside a half", forks::nested),
];

/// Checks every property of [`SUITE`].
///
/// # Panics
/// If a property does not hold.
pub fn check(descriptor: &Descriptor) {
    for (property, check) in SUITE {
        if let Err(panic) = catch_unwind(|| check(descriptor)) {
            eprint_finding(descriptor.name, property);
            resume_unwind(panic);
        }
    }
}

#[allow(clippy::print_stderr)] // beside the panic message, in the test's own output
fn eprint_finding(backend: &str, property: &str) {
    eprintln!("{backend} does not have the property: {property}");
}

/// Checks that a task on `outer` can compute a batch on `inner`.
///
/// # Panics
/// If the task gets wrong results or none.
pub fn check_nested(outer: &Descriptor, inner: &Descriptor) {
    behaviour::assert_nested(&*build(outer, 2), Arc::from(build(inner, 2)));
}

fn settings(workers: usize) -> Settings {
    Settings::workers(NonZeroUsize::new(workers).expect("at least one worker"))
}

fn build(descriptor: &Descriptor, workers: usize) -> Box<dyn FibBackend> {
    descriptor.build(settings(workers)).expect("the backend can be built")
}

/// Runs `check` with 1, 2, 3 and 5 workers: one worker, a usual number, an odd number, and more workers
/// than this machine may have CPUs.
fn with_each_worker_count(descriptor: &Descriptor, check: impl Fn(&dyn FibBackend)) {
    for workers in [1, 2, 3, 5] {
        let backend = build(descriptor, workers);
        let caught = catch_unwind(AssertUnwindSafe(|| check(&*backend)));
        if let Err(panic) = caught {
            eprint_finding(descriptor.name, &format!("the property below, with {workers} workers"));
            resume_unwind(panic);
        }
    }
}

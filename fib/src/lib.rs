//! Many exact Fibonacci numbers at once, on a parallel backend that a cargo feature chooses.
//!
//! This program computes on rayon, on channels, on threads or on the calling thread alone. Only its
//! features decide which (`rayon`, `crossbeam`, `threads`, all on by default); no line of it changes.
//! The feature `process` adds worker processes, which are chosen by name, after [`init`].
//!
//! ```
//! use fib::{Options, Settings, compute, default_backend, kernels};
//!
//! let backend = default_backend().build(Settings::default())?;
//! let wanted: Vec<u64> = (0..1000).collect();
//! let table = compute(&*backend, &kernels::stepping(), &wanted, &Options::default())?;
//! for (n, f) in table.iter().step_by(100) {
//!     println!("F({n}) has {} bits", f.bits());
//! }
//! # assert_eq!(table.to_biguint(100).unwrap().to_string(), "354224848179261915075");
//! # Ok::<(), fib::Error>(())
//! ```
//!
//! # Which kernel
//!
//! - [`kernels::stepping`] for a range, or for any batch with many near or repeated indices: one
//!   addition, O(n) bit operations, for each number after the first;
//! - [`kernels::doubling`] for one number, or for few distant indices: O(log n) multiplications, of
//!   which the last ones dominate (here O(n^1.46));
//! - [`kernels::iterative`] only to measure: n additions, O(n^2) bit operations.
//!
//! # Which backend
//!
//! [`default_backend`] for a batch that takes milliseconds or more. For one number, or for a batch
//! of microseconds, [`Sequential`] is faster than any pool. The crate `fib-predict` has a backend
//! that decides for each batch. `fib compare` measures all of them on your machine.
//!
//! Everything in [`fib_core`] is available here: layouts, chunks, kernels, tables, cancellation and
//! progress ([`Control`]). Numbers come as [`BigUint`] of the crate `num-bigint`, or as limbs.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

// In thread models, the crate `shuttle` runs the threads.
#[cfg(shuttle)]
extern crate fib_shuttle as std;

mod stream;
mod windows;

pub use fib_core::*;
use std::ffi::OsString;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
pub use stream::{Sink, StreamError, stream};

/// Every backend that is compiled in. The baseline comes first; then the backends follow in the order
/// of how much they decide while they run. `gil`, which is there to be slow, comes last.
///
/// This file is the only one that asks which features are on.
pub const REGISTRY: &[Descriptor] = &[
    SEQUENTIAL,
    #[cfg(feature = "threads")]
    fib_threads::STATIC,
    #[cfg(feature = "threads")]
    fib_threads::QUEUE,
    #[cfg(feature = "threads")]
    fib_threads::POOL,
    #[cfg(feature = "crossbeam")]
    fib_crossbeam::SCOPED,
    #[cfg(feature = "crossbeam")]
    fib_crossbeam::CHANNELS,
    #[cfg(feature = "rayon")]
    fib_rayon::RAYON,
    #[cfg(all(feature = "process", unix))]
    fib_process::PIPES,
    #[cfg(all(feature = "process", unix))]
    fib_process::SHARED,
    #[cfg(feature = "threads")]
    fib_threads::GIL,
];

/// Makes this program fit for worker processes: call it first in `main`. A worker process is this very
/// executable, started again; in a worker process this function does not return. Without the feature
/// `process` it does nothing.
pub fn init() {
    init_with(|_| None);
}

/// Like [`init`], for a program with its own kernels. A worker process receives the name of a kernel and
/// looks it up with `kernel` first, then in [`kernels`].
pub fn init_with(kernel: fn(&str) -> Option<Arc<dyn Kernel>>) {
    #[cfg(all(feature = "process", unix))]
    fib_process::init_with(fib_process::Hooks { kernel, ..Default::default() });
    #[cfg(not(all(feature = "process", unix)))]
    let _ = kernel;
}

/// Sets the command that starts the worker processes of all pools that this program builds by name from now
/// on, for programs that cannot run as a worker themselves, such as a Python interpreter. The command must
/// start a program that calls [`init`], and the pool appends two arguments to it. Without the feature `process` it does
/// nothing.
pub fn set_worker_command(command: Vec<OsString>) {
    #[cfg(all(feature = "process", unix))]
    fib_process::set_default_program(command);
    #[cfg(not(all(feature = "process", unix)))]
    let _ = command;
}

/// Sets the limits of worker processes for all pools that this program builds by name from now on.
/// `None` keeps the default. Without the feature `process` it does nothing.
///
/// - `tasks_per_worker`: replace a worker after this many chunks (default: never);
/// - `stall_limit`: kill and replace a worker that owes a reply and has not used the CPU for this long
///   (default: 10 s);
/// - `reply_limit`: kill and replace a worker that has not replied for this long (default: never);
/// - `respawn_limit`: give a batch up after more than this many lost workers in a row (default: 24).
pub fn set_worker_limits(
    tasks_per_worker: Option<NonZeroU32>,
    stall_limit: Option<Duration>,
    reply_limit: Option<Duration>,
    respawn_limit: Option<u32>,
) {
    #[cfg(all(feature = "process", unix))]
    {
        let default = fib_process::Supervision::default();
        let supervision = fib_process::Supervision {
            tasks_per_worker,
            stall_limit: stall_limit.unwrap_or(default.stall_limit),
            reply_limit,
            respawn_limit: respawn_limit.unwrap_or(default.respawn_limit),
        };
        supervision.set_default();
    }
    #[cfg(not(all(feature = "process", unix)))]
    let _ = (tasks_per_worker, stall_limit, reply_limit, respawn_limit);
}

/// The order of preference of [`default_backend`].
const PREFERENCE: [&str; 4] = ["rayon", "crossbeam", "threads-pool", "sequential"];

/// The backend with this name, if it is compiled in.
pub fn by_name(name: &str) -> Option<&'static Descriptor> {
    REGISTRY.iter().find(|descriptor| descriptor.name == name)
}

/// The first backend that is compiled in, in the order rayon, crossbeam, threads-pool, sequential.
pub fn default_backend() -> &'static Descriptor {
    PREFERENCE.into_iter().find_map(by_name).unwrap_or(&SEQUENTIAL)
}

/// The Rust block of README compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

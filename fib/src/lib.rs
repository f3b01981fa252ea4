//! Many exact Fibonacci numbers at once, on the parallel backend that a cargo feature chooses.
//!
//! This program computes on rayon, on channels, on threads or on the calling thread alone, and no
//! line of it changes: only the features it is built with (`rayon`, `crossbeam`, `threads`; all are
//! on by default, and so is `process`, whose backends are chosen by name, after [`init`]).
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
//! What a batch is, how it is cut, cancelled and observed is told in [`fib_core`], all of which is
//! available here.
#![forbid(unsafe_code)]

pub use fib_core::*;
use std::sync::Arc;

/// Every backend that is compiled in: the baseline first, then from the most decided beforehand to
/// the most decided while running, with `gil`, which is there to be slow, at the end.
///
/// This file is the only one that asks which features are on.
pub const REGISTRY: &[Descriptor] = &[
    SEQUENTIAL,
    #[cfg(feature = "threads")]
    fib_threads::STATIC,
    #[cfg(feature = "threads")]
    fib_threads::QUEUE,
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

/// What some backends need: to be called first in `main`. Worker processes are this very executable,
/// started again, and in one of them this does not return. Where no backend needs it, it does
/// nothing.
pub fn init() {
    init_with(|_| None);
}

/// As [`init`], for a program with kernels of its own: a worker process gets a kernel's name, and
/// finds it with this function if it is none of [`kernels`].
pub fn init_with(kernel: fn(&str) -> Option<Arc<dyn Kernel>>) {
    #[cfg(all(feature = "process", unix))]
    fib_process::init_with(fib_process::Hooks { kernel, ..Default::default() });
    #[cfg(not(all(feature = "process", unix)))]
    let _ = kernel;
}

/// Best first, for a program that does not want to choose.
const PREFERENCE: [&str; 4] = ["rayon", "crossbeam", "threads-queue", "sequential"];

/// The backend of this name, if it is compiled in.
pub fn by_name(name: &str) -> Option<&'static Descriptor> {
    REGISTRY.iter().find(|descriptor| descriptor.name == name)
}

/// The first backend that is compiled in, in the order rayon, crossbeam, threads-queue, sequential.
pub fn default_backend() -> &'static Descriptor {
    PREFERENCE.into_iter().find_map(by_name).unwrap_or(&SEQUENTIAL)
}

//! A pool of worker processes that computes Fibonacci batches, like Python's `ProcessPoolExecutor`.
//!
//! Two backends differ in how results come back. [`PIPES`] sends results through pipes, and
//! [`SHARED`] writes them to memory that the pool and a worker share. Both backends keep the
//! promises of an executor:
//!
//! - The pool replaces a worker that dies (from any signal, with any exit code), that closes its
//!   connection, or that sends anything except the frame that is due. The pool then tries again
//!   what the worker was computing. A request that has cost three workers is split into single
//!   indices, and an index that costs three workers by itself fails.
//! - If workers are lost one after another, with no result in between, the pool makes growing
//!   pauses and finally gives up the batch with [`Error::Backend`].
//! - No worker outlives this process, even if this process is killed. Nothing with a name, such as
//!   a file, is left behind.
//!
//! # How workers start
//!
//! A worker is this executable, started again. So `main` must begin with [`init`], which never
//! returns in a worker:
//!
//! ```no_run
//! use fib_process::{Builder, Error, FibBackend};
//!
//! fn main() -> Result<(), Error> {
//!     fib_process::init();
//!     let pool = Builder::new(std::num::NonZero::new(2).unwrap()).build()?;
//!     assert_eq!(pool.workers().get(), 2);
//!     Ok(())
//! }
//! ```
//!
//! If the `main` of a program cannot begin with [`init`], [`Builder::program`] names another
//! program as the worker.
//!
//! The pool sends the name of a kernel to a worker, not the code of the kernel. The worker finds
//! the kernel in its own process: [`Hooks::kernel`] is asked first, then
//! [`fib_core::kernels::by_name`].
//!
//! # Where this crate works
//!
//! This crate works on Unix; on other systems it is empty. Shared memory needs Linux; on other Unix
//! systems [`SHARED`] warns and sends its results through pipes. The pool recognises a stalled
//! worker by its CPU time, which it reads from `/proc`. On systems without `/proc`, only the
//! [`reply_limit`] ends a stalled worker.
//!
//! [`reply_limit`]: Builder::reply_limit
//!
//! # Unsafe code
//!
//! Rust cannot check accesses to memory that another process writes to, so shared memory needs
//! unsafe code. All of it is in the private module `segment`, and the header of that module says
//! why it is sound.
#![cfg(unix)]
#![deny(unsafe_code)]
#![warn(missing_docs)]

mod clock;
mod crew;
#[cfg(feature = "fault-injection")]
mod fault;
#[doc(hidden)] // public only for the fuzzer and for tests
pub mod frame;
mod ledger;
#[doc(hidden)]
pub mod message;
mod orphan;
mod policy;
mod pool;
mod process;
mod segment;
mod serve;
mod spawn;
mod statistics;
mod wire;
mod worker;

use fib_core::Scheduling;
pub use fib_core::{Descriptor, Error, FibBackend, Forking, Kernel, Settings};
pub use policy::{Builder, Supervision, set_default_program};
pub use pool::ProcessPool;
pub use statistics::WorkerStatistics;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The registry entry of a pool that sends results through pipes.
pub const PIPES: Descriptor = Descriptor {
    name: "process",
    summary: "worker processes, like Python's ProcessPoolExecutor; results come back through pipes",
    scheduling: Scheduling::Dynamic,
    forking: Forking::Sequential,
    build: |settings| Ok(Box::new(Builder::from_settings(settings).build()?)),
};

/// The registry entry of a pool that sends results through shared memory.
pub const SHARED: Descriptor = Descriptor {
    name: "process-shm",
    summary: "worker processes that write their results to shared memory",
    scheduling: Scheduling::Dynamic,
    forking: Forking::Sequential,
    build: |settings| Ok(Box::new(Builder::from_settings(settings).shared_memory(true).build()?)),
};

/// Functions of the program that every worker calls.
#[derive(Clone, Copy, Debug)]
pub struct Hooks {
    /// Runs in every worker before the worker is ready. If this function fails, the pool cannot be
    /// built.
    pub initializer: fn() -> Result<(), String>,
    /// Finds a kernel by its name. It is asked before [`fib_core::kernels`], and returns `None` for
    /// names that it does not know.
    pub kernel: fn(&str) -> Option<Arc<dyn Kernel>>,
}

impl Default for Hooks {
    /// Hooks that do nothing and know no kernel.
    fn default() -> Self {
        Hooks { initializer: || Ok(()), kernel: |_| None }
    }
}

static INITIALISED: AtomicBool = AtomicBool::new(false);

/// Lets the pool start this executable as a worker. Call this function first in `main`. In a worker
/// it never returns; in any other process it returns at once.
pub fn init() {
    init_with(Hooks::default());
}

/// Does the same as [`init`], and gives the workers functions of the program.
pub fn init_with(hooks: Hooks) {
    if let Some(parent) = spawn::parent_of_this_worker() {
        serve::serve(parent, hooks);
    }
    INITIALISED.store(true, Relaxed);
}

/// Whether [`init`] was called. Without this call, a worker would run all of `main` and start a
/// pool of its own.
fn can_start_itself() -> bool {
    INITIALISED.load(Relaxed)
}

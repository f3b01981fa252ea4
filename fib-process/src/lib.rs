//! A pool of worker processes: Fibonacci batches as Python's `ProcessPoolExecutor` would run them.
//!
//! Two backends differ in how results come back: [`PIPES`] through a pipe, [`SHARED`]
//! through memory that pool and worker share. Both keep what an executor promises:
//!
//! - A worker that dies (any signal, any exit code), hangs up, or sends anything but the frame that
//!   is due is replaced, and what it was computing is tried again. A request that took three
//!   workers with it is split into single indices, and only an index that does so again fails.
//! - If workers are lost one after another with no result in between, the batch is given up with
//!   [`Error::Backend`], after growing pauses.
//! - No worker outlives this process, even if it is killed, and nothing named is left behind.
//!
//! # How workers start
//!
//! A worker is this very executable, started again. So `main` begins with [`init`], which does not
//! return in a worker:
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
//! A program that cannot begin so gives another program as worker: [`Builder::program`].
//!
//! A worker gets a kernel's name, not its code: it computes with what [`Hooks::kernel`] or
//! [`fib_core::kernels::by_name`] finds under that name in its own process.
//!
//! # Where it runs
//!
//! On Unix. Elsewhere this crate is empty. Shared memory is there on Linux; on other systems
//! [`SHARED`] warns and sends its results through pipes. A worker that stalls is recognised by
//! its CPU time, which is known where `/proc` is; elsewhere only an [`answer_limit`] ends it.
//!
//! [`answer_limit`]: Builder::answer_limit
//!
//! # Unsafe code
//!
//! Memory that another process writes to cannot be had without. All of it is in the private module
//! `segment`, whose header says why it is sound.
#![cfg(unix)]
#![deny(unsafe_code)]

mod batch;
mod clock;
mod crew;
#[cfg(feature = "fault-injection")]
mod fault;
#[doc(hidden)] // for the fuzzer
pub mod frame;
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
pub use fib_core::{Descriptor, Error, FibBackend, Kernel, Settings, Supervision};
pub use policy::Builder;
pub use pool::ProcessPool;
pub use statistics::WorkerStatistics;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Registry entry of a pool whose results come through pipes.
pub const PIPES: Descriptor = Descriptor {
    name: "process",
    summary: "worker processes, as Python's ProcessPoolExecutor: results come back through pipes",
    scheduling: Scheduling::Dynamic,
    build: |settings| Ok(Box::new(Builder::with(settings).build()?)),
};

/// Registry entry of a pool whose results come through shared memory.
pub const SHARED: Descriptor = Descriptor {
    name: "process-shm",
    summary: "worker processes that write their results to memory shared with this one",
    scheduling: Scheduling::Dynamic,
    build: |settings| Ok(Box::new(Builder::with(settings).shared_memory(true).build()?)),
};

/// What a worker does of the program's own.
#[derive(Clone, Copy, Debug)]
pub struct Hooks {
    /// Runs in every worker before it is ready. If it fails, the pool cannot be built.
    pub initializer: fn() -> Result<(), String>,
    /// Finds kernels by name that [`fib_core::kernels`] does not know.
    pub kernel: fn(&str) -> Option<Arc<dyn Kernel>>,
}

impl Default for Hooks {
    /// Nothing.
    fn default() -> Self {
        Hooks { initializer: || Ok(()), kernel: |_| None }
    }
}

static INITIALISED: AtomicBool = AtomicBool::new(false);

/// Lets this executable be its own worker: to be called first in `main`. In a worker it does not
/// return; anywhere else it returns at once.
pub fn init() {
    init_with(Hooks::default());
}

/// As [`init`], with work of the program's own in each worker.
pub fn init_with(hooks: Hooks) {
    if let Some(parent) = spawn::parent_of_this_worker() {
        serve::serve(parent, hooks);
    }
    INITIALISED.store(true, Relaxed);
}

/// Whether [`init`] was called: otherwise a worker would run `main`, pool and all.
fn can_start_itself() -> bool {
    INITIALISED.load(Relaxed)
}

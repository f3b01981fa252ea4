//! Predicts how long a backend takes for a batch, by simulating its schedule. All functions are
//! pure.
//!
//! ```text
//! layout, factors or pieces --> Costs -------\
//! copies of the baseline -----> Inflation ----> Simulation -> time, speedup
//! timelines of real runs -----> Overheads ---/
//! layout, chunking -----------> Schedule ---/
//! ```
//!
//! [`Simulation`] is the only way to a prediction: `fib model`, `fib advise` and the backend `auto`
//! all use it, or [`makespan`] below it. [`Costs`] holds the time that each chunk takes,
//! [`Inflation`] how much longer work takes while several workers compute, and [`Overheads`] the
//! time that a backend adds to the work. None of them names a backend: a schedule is one of the
//! four kinds of [`fib_core::Scheduling`], and [`Scheduling::computing_workers`] says which of them
//! let only one worker compute at a time.
//!
//! Memory is assumed to be as fast for many workers as it was for the largest number of workers
//! that was measured. Every worker has a CPU, unless [`Inflation::with_cpus`] says how many CPUs
//! the workers share.
//!
//! [`Scheduling::computing_workers`]: fib_core::Scheduling::computing_workers
#![forbid(unsafe_code)]

mod costs;
mod inflation;
mod median;
mod overheads;
mod schedule;
mod simulation;
mod trace;

pub use costs::{ChunkCost, Costs, Factors, KernelFactors, travelling_bytes};
pub use inflation::Inflation;
pub use median::{ValuesOfUnits, median};
pub use overheads::{Overheads, Timelines};
pub use schedule::makespan;
pub use simulation::{Schedule, Simulation};
pub use trace::{ChunkTrace, PauseTrace, RunTrace, WorkerTrace, worker_traces};

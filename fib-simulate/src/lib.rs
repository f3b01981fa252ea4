//! Predicts how long a backend takes for a batch, by simulating its schedule. All functions are
//! pure.
//!
//! ```text
//! layout, factors ----------> Costs -> chunks --\
//! timelines of real runs ---> Overheads ---------> makespan
//! ```
//!
//! [`makespan`] simulates a schedule for any number of workers. [`Costs`] holds the time that each
//! chunk takes. [`Overheads`] holds the time that a backend adds to the work. Neither names a
//! backend: a schedule is one of the four kinds of [`fib_core::Scheduling`].
//!
//! The simulation assumes that every worker has its own CPU. It also assumes that memory is as fast
//! for many workers as it was for the largest number of workers that was measured.
#![forbid(unsafe_code)]

mod costs;
mod overheads;
mod schedule;
mod trace;

pub use costs::{ChunkCost, Costs, Factors, KernelFactors, travelling_bytes};
pub use overheads::{Overheads, median};
pub use schedule::makespan;
pub use trace::{RunTrace, WorkerTrace, worker_traces};

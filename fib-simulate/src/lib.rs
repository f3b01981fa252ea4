//! Predicts how long a backend takes for a batch, by playing its schedule through. Pure functions.
//!
//! ```text
//! layout, factors ----------> Costs -> chunks --\
//! timelines of real runs ---> Overheads ---------> makespan
//! ```
//!
//! [`makespan`] simulates a schedule for any number of workers. [`Costs`] say how long each chunk takes,
//! [`Overheads`] how long a backend takes besides the work. Neither names a backend: a schedule is one
//! of the four kinds of [`fib_core::Scheduling`].
//!
//! The simulation assumes that every worker has its own CPU, and that memory is as fast for many
//! workers as it was for as many as could be measured.
#![forbid(unsafe_code)]

mod costs;
mod overheads;
mod schedule;
mod trace;

pub use costs::{ChunkCost, Costs, Factors, KernelFactors, travelling_bytes};
pub use overheads::{Overheads, median};
pub use schedule::makespan;
pub use trace::{RunTrace, WorkerTrace, worker_traces};

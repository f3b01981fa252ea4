//! What a batch will take on each backend, before it runs.
//!
//! ```text
//! layout -> costs -> chunks -> makespan      (pure: a simulation of the schedule)
//! calibration -> overheads, factors          (a moment of measuring, kept in the user's cache)
//! both -> advice, auto
//! ```
//!
//! [`makespan`] plays a schedule through for any number of workers; [`Overheads`] are what it is
//! told of a backend, read from the timelines of real runs. [`advise`] plays it for every candidate,
//! and [`AUTO`] is a backend that decides so, batch by batch, whether to be parallel.
//!
//! The assumption throughout: a worker has a CPU of its own, and memory is as fast for many as it
//! was for as many as could be measured.
#![forbid(unsafe_code)]

mod advice;
mod auto;
mod cache;
mod calibration;
mod clock;
mod costs;
mod overheads;
mod simulation;

pub use advice::{Advice, Candidate, Measurement, advise, check};
pub use auto::AUTO;
pub use cache::{Source, calibration, recalibrate};
pub use calibration::Calibration;
pub use costs::{Costs, Piece};
pub use overheads::{Lane, Observed, Overheads};
pub use simulation::makespan;

/// Whatever there is to choose from: every backend, and [`AUTO`].
pub fn choices() -> impl Iterator<Item = &'static fib::Descriptor> {
    fib::REGISTRY.iter().chain([&AUTO])
}

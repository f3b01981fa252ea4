//! Predicts how long a batch takes on each backend of this machine, and chooses by the prediction.
//!
//! ```text
//! calibration (measured once, cached) -> factors, overheads --\
//! layout -> costs -> chunks -----------------------------------> makespan -> advice, auto
//! ```
//!
//! [`advise`] simulates the schedule of every candidate. [`AUTO`] is a backend that decides for
//! each batch whether to run it in parallel. Both use a [`Calibration`], whose samples are taken
//! with [`fib_engine::Trial`], like those of runners.
#![forbid(unsafe_code)]

mod advice;
mod auto;
mod cache;
mod calibration;
mod sound;

pub use advice::{Advice, Candidate, Measurement, advise, check};
pub use auto::{AUTO, Auto};
pub use cache::{Source, calibration, recalibrate};
pub use calibration::Calibration;
